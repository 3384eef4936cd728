"use strict";

// The ticket window: each ticket that live.js tells of is counted, and put on top of the list. Both know up to
// which position they are right already.

const counter = document.querySelector("[data-window]");
const list = document.querySelector("[data-tickets]");

function isNews(element, fact) {
  if (fact.position <= Number(element.dataset.position)) return false;
  element.dataset.position = fact.position;
  return true;
}

function count() {
  const left = counter.querySelector("[data-left]");
  left.textContent = Number(left.textContent) - 1;
  counter.querySelector("progress").value += 1;
}

function enlist(fact) {
  const row = document.querySelector("[data-ticket]").content.cloneNode(true);
  const time = row.querySelector("time");
  row.querySelector("td").textContent = `#${fact.position}`;
  row.querySelector("th").textContent = fact.data.buyer;
  time.dateTime = fact.recorded_at;
  time.textContent = `${fact.recorded_at.slice(0, 19).replace("T", " ")} UTC`;
  const rows = list.tBodies[0];
  rows.prepend(row);
  while (rows.rows.length > Number(list.dataset.most)) rows.deleteRow(-1);
  list.hidden = false;
  document.querySelector("[data-none]").hidden = true;
}

counter.closest("[data-feed]").addEventListener("fact", ({ detail: fact }) => {
  if (fact.type !== "TicketSold") return;
  if (isNews(counter, fact)) count();
  if (isNews(list, fact)) enlist(fact);
});
