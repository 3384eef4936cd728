"use strict";

// The form of the explorer without a request for each item: the buttons work without this, too.
(() => {
  const items = () => document.getElementById("factos-items");

  const next = () => {
    const numbers = [...items().children].map((item) => Number(item.id.replace("factos-item-", "")));
    return Math.max(0, ...numbers) + 1;
  };

  const add = () => {
    const empty = document.getElementById("factos-empty-item");
    items().insertAdjacentHTML("beforeend", empty.innerHTML.replaceAll("{number}", next()));
    items().lastElementChild.querySelector("input").focus();
  };

  const remove = (item) => {
    const other = item.nextElementSibling || item.previousElementSibling;
    item.remove();
    if (other) {
      other.querySelector("input").focus();
    } else {
      add();
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=add_item], button[name=remove_item]");
    if (!button) {
      return;
    }
    event.preventDefault();
    if (button.name === "add_item") {
      add();
    } else {
      remove(button.closest(".factos-item"));
    }
  });

  // As soon as the last tag of an item is written, there is room for one more.
  document.addEventListener("input", (event) => {
    const input = event.target.closest(".factos-texts input");
    const inputs = input ? [...input.parentElement.querySelectorAll("input")] : [];
    if (!input?.value || input !== inputs.at(-1)) {
      return;
    }
    const more = input.cloneNode();
    more.value = "";
    more.removeAttribute("value");
    input.after(" ", more);
  });
})();
