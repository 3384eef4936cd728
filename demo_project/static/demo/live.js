"use strict";

// A page that follows the log, for an element with these attributes:
//   data-feed   where its facts come from; each becomes an event "fact" of the element, in the order of the log;
//   data-after  the position that the page knows already;
//   data-parts  where its parts come from, as HTML: an element with data-part there takes the place of the one
//               here. They are asked for after facts, and again while one of them says data-goes-on.
// What is in data-live says whether it works. A form with data-stay is sent without leaving the page, which says
// that meanwhile.

const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

class Follower {
  #root;
  #after;
  #feed = null;
  #doubt = null;

  constructor(root) {
    this.#root = root;
    this.#after = Number(root.dataset.after);
    // A hidden page needs no connection: it catches up when it is looked at.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.leave() : this.follow()));
    addEventListener("pagehide", () => this.leave());
    addEventListener("pageshow", () => this.follow());
  }

  follow() {
    if (this.#feed !== null || document.hidden) return;
    const address = new URL(this.#root.dataset.feed, document.baseURI);
    address.searchParams.set("after", this.#after);
    this.#feed = new EventSource(address);
    this.#feed.onopen = () => this.#tell("now");
    this.#feed.onmessage = ({ data }) => this.#take(JSON.parse(data));
    this.#feed.onerror = () => this.#wait();
  }

  leave() {
    clearTimeout(this.#doubt);
    this.#feed?.close();
    this.#feed = null;
  }

  #take(fact) {
    if (fact.position <= this.#after) return;
    this.#after = fact.position;
    this.#root.dispatchEvent(new CustomEvent("fact", { detail: fact }));
  }

  // The feed ends now and then, and a browser asks again by itself, unless it was refused.
  #wait() {
    clearTimeout(this.#doubt);
    this.#doubt = setTimeout(() => {
      this.#tell("lost");
      if (this.#feed?.readyState === EventSource.CLOSED) {
        this.leave();
        this.follow();
      }
    }, 4000);
  }

  #tell(what) {
    if (what === "now") clearTimeout(this.#doubt);
    for (const element of this.#root.querySelectorAll("[data-live]")) {
      if (element.textContent !== element.dataset[what]) element.textContent = element.dataset[what];
    }
  }
}

class Parts {
  static #SOON = 300;
  static #LATE = 15000;

  #root;
  #pause = Parts.#SOON;
  #timer = null;
  #due = Infinity;
  #isAsking = false;
  #isAskedAgain = false;

  constructor(root) {
    this.#root = root;
  }

  // Ask soon; while an answer is awaited, once more after it.
  ask() {
    this.#pause = Parts.#SOON;
    if (this.#isAsking) this.#isAskedAgain = true;
    else this.#askIn(this.#pause);
  }

  // What goes on is looked at again, less and less often as long as nothing changes.
  goOn() {
    if (document.querySelector("[data-part][data-goes-on]") === null) return;
    this.#pause = Math.min(this.#pause * 2, Parts.#LATE);
    this.#askIn(this.#pause);
  }

  #askIn(pause) {
    const due = performance.now() + pause;
    if (this.#due <= due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#askNow(), pause);
  }

  async #askNow() {
    this.#due = Infinity;
    this.#isAsking = true;
    this.#isAskedAgain = false;
    const isNew = await this.#refresh();
    this.#isAsking = false;
    if (isNew) this.#pause = Parts.#SOON;
    if (this.#isAskedAgain) this.ask();
    else this.goOn();
  }

  async #refresh() {
    try {
      const answer = await fetch(this.#root.dataset.parts);
      return answer.ok && this.#swap(parsed(await answer.text()));
    } catch {
      return false; // the server is away, or the page is being left
    }
  }

  #swap(page) {
    let isNew = false;
    for (const part of document.querySelectorAll("[data-part]")) {
      const other = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (other === null) continue;
      const open = [...part.querySelectorAll("details")].map((each) => each.open);
      other.querySelectorAll("details").forEach((each, n) => (each.open = open[n] ?? false));
      if (part.outerHTML === other.outerHTML) continue;
      if (part.contains(document.activeElement)) {
        // Whoever is in it is not to lose their place.
        part.addEventListener("focusout", () => this.ask(), { once: true });
        continue;
      }
      part.replaceWith(document.importNode(other, true));
      isNew = true;
    }
    return isNew;
  }
}

async function send(form) {
  form.setAttribute("aria-busy", "true");
  if (form.dataset.stay) tell(form.dataset.stay);
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const told = answer.ok && parsed(await answer.text()).getElementById("told");
    if (told) document.getElementById("told").replaceChildren(...told.childNodes);
    else tell(`The server answers ${answer.status}. Reload the page.`);
  } catch {
    tell("No answer came. Reload the page to see what was done.");
  } finally {
    form.removeAttribute("aria-busy");
  }
}

function tell(text) {
  const list = document.createElement("ul");
  list.className = "messages";
  list.append(document.createElement("li"));
  list.firstChild.textContent = text;
  document.getElementById("told").replaceChildren(list);
}

for (const root of document.querySelectorAll("[data-feed]")) {
  const parts = new Parts(root);
  root.addEventListener("fact", () => parts.ask());
  new Follower(root).follow();
  parts.goOn();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-stay]")) return;
  event.preventDefault();
  if (!form.hasAttribute("aria-busy")) send(form);
});
