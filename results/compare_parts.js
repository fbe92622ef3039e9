// What the comparison is made of; every text becomes a text node, none is read as markup.

const MINUS = "\u2212";

function options(cells) {
  const groups = new Map();
  for (const cell of cells) {
    if (!groups.has(cell.group)) groups.set(cell.group, make("optgroup", { label: cell.group }));
    groups.get(cell.group).append(make("option", { value: cell.name }, cell.name));
  }
  return [...groups.values()];
}

// Text from elsewhere keeps its direction to itself.
function isolated(text) {
  return make("bdi", {}, text);
}

// A number as it is shown, with all its digits beside it.
function exact(value, text, attributes = {}) {
  return make("data", { value, ...attributes }, text);
}

function verdict({ accuracy, macroF1, labels, both, onlyA, onlyB, p }) {
  const right = [onlyA, onlyB].map((only, i) => `${counted(both + only)} (${percent(accuracy[i])})`);
  return [
    `Of ${counted(labels.length)} documents A has ${right[0]} right and B ${right[1]}. `,
    `A ${MINUS} B: accuracy ${signed(100 * (accuracy[0] - accuracy[1]), 1)} points, macro-F1 ${signed(macroF1[0] - macroF1[1], 3)}. `,
    `Only A is right on ${counted(onlyA)}, only B on ${counted(onlyB)}: exact McNemar p `,
    exact(p, short(p), { id: "p" }), ".",
  ];
}

function summary(data, found, i, j) {
  const caution = ["p is of this pair alone: whoever looks at many pairs has to correct for it (Holm's method)."];
  if (data.grouped) caution.push(" Documents of one group are not independent: p is too small.");
  const matrices = [i, j].map((cell, k) => matrix(data, data.cells[cell], found.counts[k], "AB"[k]));
  return [
    make("p", { class: "caption" }, ...caution),
    make("div", { class: "pair tables" }, counts(found), scores(found)),
    make("div", { class: "matrices" }, ...matrices),
  ];
}

function counts({ both, onlyA, onlyB, neither, differ }) {
  const wrong = differ.wrong.length ? ` (${counted(differ.wrong.length)} each in its way)` : "";
  return grid("Documents", ["", "B right", "B wrong"], [
    ["A right", counted(both), counted(onlyA)],
    ["A wrong", counted(onlyB), `${counted(neither)}${wrong}`],
  ]);
}

function scores({ accuracy, macroF1 }) {
  const row = (name, [a, b], form, formOfGain) => [name, exact(a, form(a)), exact(b, form(b)), exact(a - b, formOfGain(a - b))];
  return grid("Scores", ["", "A", "B", `A ${MINUS} B`], [
    row("Accuracy", accuracy, percent, (gain) => `${signed(100 * gain, 1)} points`),
    row("Macro-F1", macroF1, (value) => value.toFixed(3), (gain) => signed(gain, 3)),
  ]);
}

// A table with its headings and its rows' names; the first item of each is no number.
function grid(caption, headings, rows) {
  const head = headings.map((text, i) => (text ? make("th", { scope: "col", class: i ? "number" : "" }, text) : make("td")));
  const body = rows.map(([name, ...values]) => make("tr", {}, make("th", { scope: "row" }, name), ...values.map((text) => make("td", { class: "number" }, text))));
  return scrolling(caption, make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)));
}

function scrolling(label, table) {
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
}

function matrix(data, cell, counts, letter) {
  const names = cell.classes.map((i) => data.classes[i]);
  const long = (name) => (name.length > 12 ? "long" : "");
  const head = names.map((name) => make("th", { scope: "col", class: long(name) }, name));
  const body = counts.map((row, i) => make("tr", {}, make("th", { scope: "row" }, names[i]), ...shaded(row)));
  const title = [letter && `${letter}: `, isolated(cell.name), ...cell.marks.flatMap((mark) => [" ", make("span", { class: "mark" }, mark)])];
  const place = document.querySelector(`tr[data-cell="${CSS.escape(cell.name)}"]`);
  if (place) title.push(" ", make("a", { href: `#${place.id}`, class: "aside" }, "its row"));
  const table = make("table", { class: "confusion", "aria-label": `Confusion matrix of ${cell.name}` }, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "true \\ predicted"), ...head)), make("tbody", {}, ...body));
  return make("div", {}, make("h3", {}, ...title), scrolling(`Confusion matrix of ${cell.name}`, table));
}

function shaded(row) {
  const all = Math.max(1, sum(row));
  return row.map((count) => {
    const square = make("td", { class: count / all > 0.65 ? "number strong" : "number" }, count ? counted(count) : "");
    square.style.setProperty("--share", (count / all).toFixed(3));
    return square;
  });
}

function item(data, { labels, said }, set, place) {
  const corpus = data.corpora[set.corpus];
  const number = set.documents[place];
  const text = corpus.texts[number];
  const calls = said.map((one, k) => {
    const word = one[place] === labels[place] ? "right" : "wrong";
    return make("span", { class: word }, `${"AB"[k]}: `, isolated(data.classes[one[place]]), ` (${word})`);
  });
  const truth = make("span", {}, "true class: ", make("strong", {}, isolated(data.classes[labels[place]])));
  const line = make("p", {}, make("bdi", { class: "id" }, corpus.ids[number]), truth, ...calls);
  return make("li", {}, line, ...(text ? [make("p", { class: "text", dir: "auto" }, text)] : []));
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function signed(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? MINUS : "+"}${text}`;
}

function short(p) {
  if (p === 0) return "< 1e\u2212300";
  return p < 0.001 ? `= ${p.toExponential(1).replace("-", MINUS)}` : `= ${p.toFixed(3)}`;
}
