// Two cells side by side, from the predictions that the page carries (results/page_data.py).

const PAGE_SIZE = 25;
const KINDS = {
  all: "all on which they differ",
  a: "only A is right",
  b: "only B is right",
  wrong: "both are wrong, each in its way",
};

async function unpack(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
}

// Everything that was packed; `said(i)` is what cell i predicted, by places in `classes`.
function opened(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const data = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const kind = data.classes.length < 255 ? Uint8Array : Uint16Array;
  const numbers = new kind(buffer.slice(4 + length));
  let at = 0;
  const take = (count) => numbers.subarray(at, (at += count));
  for (const set of data.sets) set.labels = take(set.documents.length);
  const codes = data.cells.map((cell) => take(data.sets[cell.set].documents.length));
  data.said = (i) => {
    const labels = data.sets[data.cells[i].set].labels;
    return codes[i].map((code, place) => (code === 0 ? labels[place] : code - 1));
  };
  return data;
}

// Exact two-sided McNemar: twice the lower tail of a fair coin, C(n, k) halved as it grows.
function mcnemar(onlyA, onlyB) {
  const [n, k] = [onlyA + onlyB, Math.min(onlyA, onlyB)];
  if (2 * k === n) return 1;
  let [chance, halvings] = [1, n - 1];
  for (let i = 1; i <= k; i++) {
    chance *= (n - k + i) / i;
    for (; chance > 1 && halvings > 0; halvings--) chance /= 2;
  }
  let [tail, term] = [1, 1];
  for (let i = k; i > 0 && term > 1e-18; i--) tail += term *= i / (n - i + 1);
  return Math.min(1, chance * tail * 2 ** -halvings);
}

function confusion(cell, labels, said) {
  const place = new Map(cell.classes.map((name, i) => [name, i]));
  const counts = cell.classes.map(() => cell.classes.map(() => 0));
  labels.forEach((label, i) => counts[place.get(label)][place.get(said[i])]++);
  return counts;
}

// A class that nobody tested or predicted counts as zero (results/metrics.py).
function macroF1(counts) {
  const f1 = counts.map((row, i) => {
    const either = sum(row) + sum(counts.map((other) => other[i]));
    return either ? (2 * row[i]) / either : 0;
  });
  return sum(f1) / f1.length;
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

// What can be said about cells i and j; `differ` holds the places of documents by kind.
function compareCells(data, i, j) {
  const labels = data.sets[data.cells[i].set].labels;
  const [a, b] = [data.said(i), data.said(j)];
  const found = { both: 0, differ: { all: [], a: [], b: [], wrong: [] }, neither: 0 };
  labels.forEach((label, place) => {
    if (a[place] === label && b[place] === label) found.both++;
    if (a[place] !== label && b[place] !== label) found.neither++;
    if (a[place] === b[place]) return;
    found.differ.all.push(place);
    found.differ[a[place] === label ? "a" : b[place] === label ? "b" : "wrong"].push(place);
  });
  const counts = [[i, a], [j, b]].map(([cell, said]) => confusion(data.cells[cell], labels, said));
  const [onlyA, onlyB] = [found.differ.a.length, found.differ.b.length];
  const accuracy = [onlyA, onlyB].map((only) => (found.both + only) / labels.length);
  return { ...found, said: [a, b], labels, onlyA, onlyB, counts, accuracy, macroF1: counts.map(macroF1), p: mcnemar(onlyA, onlyB) };
}
