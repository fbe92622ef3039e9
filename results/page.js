"use strict";
// Tables: sorts by a heading (highest first, lowest first, as written), filters rows by words.

const WORDS = new Intl.Collator("en", { numeric: true });

function makeSortable(table) {
  const headings = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const written = [...table.tBodies].map((body) => [body, [...body.rows]]);
  for (const heading of headings) {
    const button = make("button", { type: "button" });
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(table, written, headings, heading));
  }
}

function sortBy(table, written, headings, chosen) {
  const next = { descending: "ascending", ascending: null }[chosen.getAttribute("aria-sort")];
  const order = next === undefined ? "descending" : next;
  for (const heading of headings) heading.removeAttribute("aria-sort");
  table.classList.toggle("sorted", order !== null);
  for (const [body, rows] of written) body.append(...rows);
  if (order === null) return;
  chosen.setAttribute("aria-sort", order);
  const isNumber = chosen.classList.contains("number");
  const rows = written.flatMap(([, all]) => all.filter((row) => !row.classList.contains("block")));
  const keyed = rows.map((row) => [keyOf(row.cells[chosen.cellIndex], isNumber), row]);
  keyed.sort(([a], [b]) => compareKeys(a, b, order === "ascending" ? 1 : -1));
  table.tBodies[0].append(...keyed.map(([, row]) => row));
}

function keyOf(cell, isNumber) {
  if (!isNumber) return cell.textContent.trim();
  const text = cell.dataset.sort ?? "";
  return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
}

// What is missing stands last, whichever way the rest is sorted.
function compareKeys(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "number" ? a - b : WORDS.compare(a, b));
}

function makeFilter(table) {
  const tools = document.getElementById(`${table.dataset.name}-tools`);
  const input = tools.querySelector("input");
  const told = tools.querySelector("output");
  const rows = [...table.tBodies].flatMap((body) => {
    const [blocks, others] = [true, false].map((is) => [...body.rows].filter((row) => row.classList.contains("block") === is));
    const title = blocks.map((row) => row.textContent).join(" ");
    return others.map((row) => [row, `${row.textContent} ${title}`.toLowerCase()]);
  });
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const [row, text] of rows) row.hidden = !words.every((word) => text.includes(word));
    const left = rows.filter(([row]) => !row.hidden).length;
    told.value = words.length ? `${counted(left)} of ${counted(rows.length)} rows` : `${counted(rows.length)} rows`;
    table.classList.toggle("filtered", words.length > 0);
  };
  input.addEventListener("input", apply);
  table.addEventListener("unfilter", () => { input.value = ""; apply(); });
  tools.hidden = false;
  apply();
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function counted(number) {
  return number.toLocaleString("en");
}

// A link to a row that a filter hides shows it.
function showTarget() {
  const row = document.querySelector("tr[hidden]:target");
  if (!row) return;
  row.closest("table").dispatchEvent(new Event("unfilter"));
  row.scrollIntoView();
}

for (const table of document.querySelectorAll("table.sortable")) {
  makeSortable(table);
  makeFilter(table);
}
addEventListener("hashchange", showTarget);
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
