"use strict";
// Sorts tables by a click or Enter on a heading, within each block of rows; opens everything for print.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = table.tHead.rows[table.tHead.rows.length - 1].cells;
  [...headings].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, headings, heading, column));
  });
}

function sort(table, headings, heading, column) {
  const up = heading.getAttribute("aria-sort") === "descending";
  for (const other of headings) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("block"));
    rows.sort((a, b) => compare(a.cells[column], b.cells[column], up ? 1 : -1));
    body.append(...rows);
  }
}

function compare(a, b, sign) {
  const [x, y] = [key(a), key(b)];
  if (x === null || y === null) return (x === null) - (y === null);
  return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
}

function key(cell) {
  if (!cell) return null;
  const text = cell.dataset.sort ?? (cell.tagName === "TH" ? cell.textContent : "");
  if (text === "") return null;
  return Number.isNaN(Number(text)) ? text : Number(text);
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
