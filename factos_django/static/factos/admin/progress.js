"use strict";

// A rebuild or check that goes on: how far it is is asked for each second until it is over.
// The text changes each time; what a screen reader says, once in ten per cent and when it is over.
document.addEventListener("DOMContentLoaded", () => {
  const every = 1000;
  const patience = 5; // answers that may fail in succession

  function show(run, told) {
    run.querySelector("h2").textContent = told.heading;
    run.querySelector("[data-factos-text]").textContent = told.text;
    const error = run.querySelector("[data-factos-error]");
    error.textContent = told.error;
    error.hidden = !told.error;
    const bar = run.querySelector("progress");
    if (told.is_over) {
      bar.hidden = true;
    } else if (told.percent === null) {
      bar.removeAttribute("value");
    } else {
      bar.value = told.percent;
    }
  }

  function follow(run) {
    const spoken = run.querySelector("[data-factos-said]");
    let step = null;
    let failures = 0;

    function say(told) {
      const now = `${told.phase} ${Math.floor((told.percent ?? 0) / 10)}`;
      if (now !== step) {
        if (step !== null) {
          spoken.textContent = `${told.heading}. ${told.text}`;
        }
        step = now;
      }
    }

    async function ask() {
      if (document.hidden) {
        setTimeout(ask, every);
        return;
      }
      try {
        const answer = await fetch(run.dataset.factosProgress, { redirect: "error", cache: "no-store" });
        if (!answer.ok) {
          throw new Error(answer.statusText);
        }
        const told = await answer.json();
        failures = 0;
        show(run, told);
        say(told);
        if (!told.is_over) {
          setTimeout(ask, every);
        }
      } catch {
        failures += 1;
        if (failures < patience) {
          setTimeout(ask, every);
          return;
        }
        spoken.textContent = run.dataset.factosLost;
        run.querySelector("[data-factos-text]").textContent = run.dataset.factosLost;
      }
    }

    setTimeout(ask, every);
  }

  document.querySelectorAll("[data-factos-progress]").forEach(follow);
});
