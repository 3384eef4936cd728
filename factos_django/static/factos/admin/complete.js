"use strict";

// An input with data-complete="ADDRESS" and list="ID" is offered what begins with the letters typed so far.
// The address answers ?prefix=... with {"tags": [...]}; nothing but these letters is sent to it.
(() => {
  const pause = 200; // milliseconds without another letter
  const waiting = new WeakMap(); // by input: the timer and the request that a further letter makes needless

  const offer = (input, values) => {
    const options = values.map((value) => {
      const option = document.createElement("option");
      option.value = value;
      return option;
    });
    document.getElementById(input.getAttribute("list"))?.replaceChildren(...options);
  };

  const ask = async (input, signal) => {
    const address = new URL(input.dataset.complete, document.baseURI);
    address.searchParams.set("prefix", input.value);
    try {
      const answer = await fetch(address, { signal, headers: { Accept: "application/json" } });
      const known = answer.ok ? await answer.json() : { tags: [] };
      if (!signal.aborted) {
        offer(input, known.tags);
      }
    } catch {
      // Aborted, or no answer: the input works without.
    }
  };

  document.addEventListener("input", (event) => {
    const input = event.target.closest("input[data-complete]");
    if (!input) {
      return;
    }
    const before = waiting.get(input);
    clearTimeout(before?.timer);
    before?.request.abort();
    const request = new AbortController();
    const timer = input.value ? setTimeout(() => ask(input, request.signal), pause) : undefined;
    waiting.set(input, { timer, request });
  });
})();
