"use strict";

// A button with data-copy="ID" copies the text of the element with that id, and says so beside itself: with the
// words of data-copied, or, where the page may not write to the clipboard, selects the text and says
// data-selected. It may be hidden, and is shown here: without this script it would do nothing.
(() => {
  const SELECTOR = "button[data-copy]";
  const SHOWN_FOR = 6000; // milliseconds
  const timers = new WeakMap();

  // What says it. It has to be there before it says something, or it is not read aloud.
  function voiceOf(button) {
    const next = button.nextElementSibling;
    if (next && next.classList.contains("factos-copied")) {
      return next;
    }
    const voice = document.createElement("span");
    voice.className = "factos-copied";
    voice.setAttribute("role", "status");
    voice.setAttribute("aria-live", "polite");
    button.after(voice);
    return voice;
  }

  function say(button, words) {
    const voice = voiceOf(button);
    voice.textContent = words || "";
    clearTimeout(timers.get(button));
    timers.set(button, setTimeout(() => { voice.textContent = ""; }, SHOWN_FOR));
  }

  function textOf(source) {
    return "value" in source ? source.value : source.textContent;
  }

  function select(source) {
    for (let around = source.closest("details"); around; around = around.parentElement.closest("details")) {
      around.open = true;
    }
    source.focus();
    if ("select" in source) {
      source.select();
    } else {
      getSelection().selectAllChildren(source);
    }
  }

  async function written(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false; // no clipboard where the connection is not secure, or the user forbids it
    }
  }

  function ready() {
    for (const button of document.querySelectorAll(SELECTOR)) {
      button.hidden = false;
      voiceOf(button);
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest(SELECTOR);
    const source = button && document.getElementById(button.dataset.copy);
    if (!source) {
      return;
    }
    if (await written(textOf(source))) {
      say(button, button.dataset.copied);
    } else {
      select(source);
      say(button, button.dataset.selected);
    }
  });

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", ready);
  } else {
    ready();
  }
})();
