// The reader's choice of two cells, shown; it stands in the address: #a=CELL&b=CELL&show=a&page=2

const AT = Object.fromEntries(
  ["cell-a", "cell-b", "swap", "pick", "verdict", "comparison", "disputed", "chosen"].map((id) => [id, document.getElementById(id)]),
);

// What the address asks for; null where it is about something else.
function asked() {
  const words = new URLSearchParams(location.hash.slice(1));
  if (!words.has("a") && !words.has("b")) return null;
  const page = Number(words.get("page") ?? 1);
  return { a: words.get("a"), b: words.get("b"), show: words.get("show") in KINDS ? words.get("show") : "all", page: page >= 1 ? Math.floor(page) : 1 };
}

function address(choice) {
  const words = new URLSearchParams({ a: choice.a, b: choice.b });
  if (choice.show !== "all") words.set("show", choice.show);
  if (choice.page > 1) words.set("page", choice.page);
  return `#${words.toString().replaceAll("%2F", "/")}`;
}

class Comparison {
  constructor(data) {
    this.data = data;
    this.places = new Map(data.cells.map((cell, i) => [cell.name, i]));
    for (const side of ["a", "b"]) {
      AT[`cell-${side}`].append(...options(data.cells));
      AT[`cell-${side}`].addEventListener("change", (event) => this.choose({ [side]: event.target.value }));
    }
    AT.swap.addEventListener("click", () => this.choose({ a: this.choice.b, b: this.choice.a, show: { a: "b", b: "a" }[this.choice.show] ?? this.choice.show }));
    addEventListener("hashchange", () => this.follow());
    for (const table of document.querySelectorAll("table.choosing")) this.addColumn(table);
    this.choice = { a: data.pair[0], b: data.pair[1], show: "all", page: 1 };
    AT.pick.hidden = AT.comparison.hidden = AT.chosen.hidden = false;
    if (!this.follow()) this.show();
  }

  // Show what the address asks for, and go there.
  follow() {
    const choice = asked();
    if (!choice) return false;
    this.choice = { ...choice, a: choice.a ?? this.choice.a, b: choice.b ?? this.choice.b };
    this.show();
    document.getElementById("compare").scrollIntoView();
    return true;
  }

  choose(change) {
    this.choice = { ...this.choice, page: 1, ...change };
    try {
      history.replaceState(null, "", address(this.choice));
    } catch { /* a page inside a frame may not have an address */ }
    this.show();
  }

  // A column in front, with two buttons for each cell that has predictions.
  addColumn(table) {
    const heads = [...table.tHead.rows];
    heads.forEach((row, i) => row.prepend(i === heads.length - 1 ? make("th", { scope: "col", class: "choose" }, "Compare") : make("td", { class: "choose" })));
    for (const row of [...table.tBodies].flatMap((body) => [...body.rows])) {
      if (row.classList.contains("block")) row.cells[0].colSpan++;
      else row.prepend(make("td", { class: "choose" }, ...(row.dataset.cell ? this.buttons(row.dataset.cell) : [])));
    }
  }

  buttons(name) {
    return ["a", "b"].map((side) => {
      const letter = side.toUpperCase();
      const button = make("button", { type: "button", "data-side": side, "aria-label": `Compare ${name} as ${letter}` }, letter);
      button.addEventListener("click", () => this.choose({ [side]: name }));
      return button;
    });
  }

  show() {
    const { a, b } = this.choice;
    for (const side of ["a", "b"]) AT[`cell-${side}`].value = this.choice[side];
    for (const button of document.querySelectorAll(".choose button")) {
      button.setAttribute("aria-pressed", this.choice[button.dataset.side] === button.closest("tr").dataset.cell);
    }
    AT.chosen.querySelector("a").href = address(this.choice);
    AT.chosen.querySelector("span").replaceChildren("A: ", isolated(a), ", B: ", isolated(b));
    const unknown = [a, b].find((name) => !this.places.has(name));
    const fault = unknown === undefined ? this.fault() : `This page has no predictions of a cell \u201c${unknown}\u201d.`;
    if (fault) return this.refuse(fault, unknown === undefined);
    const [i, j] = [a, b].map((name) => this.places.get(name));
    this.found = compareCells(this.data, i, j);
    AT.verdict.replaceChildren(...verdict(this.found));
    AT.comparison.replaceChildren(...summary(this.data, this.found, i, j));
    this.list();
  }

  fault() {
    const [i, j] = [this.choice.a, this.choice.b].map((name) => this.data.cells[this.places.get(name)]);
    if (i === j) return "Choose two different cells.";
    if (i.set === j.set && String(i.classes) === String(j.classes)) return "";
    return "These two were not tested on the same documents and classes (another seed, another corpus), so they are not compared document by document.";
  }

  // What cannot be compared still has its confusion matrices.
  refuse(fault, areKnown) {
    AT.verdict.replaceChildren(fault);
    AT.disputed.replaceChildren();
    const cells = areKnown ? [...new Set([this.choice.a, this.choice.b])].map((name) => this.places.get(name)) : [];
    const drawn = cells.map((i) => {
      const cell = this.data.cells[i];
      return matrix(this.data, cell, confusion(cell, this.data.sets[cell.set].labels, this.data.said(i)), "");
    });
    AT.comparison.replaceChildren(make("div", { class: "matrices" }, ...drawn));
  }

  // The documents of the kind asked for, a page of them.
  list() {
    const { differ } = this.found;
    if (!differ.all.length) return AT.disputed.replaceChildren(make("p", {}, "There is no document on which they differ."));
    const places = differ[this.choice.show];
    const last = Math.max(1, Math.ceil(places.length / PAGE_SIZE));
    const page = Math.min(this.choice.page, last);
    const from = (page - 1) * PAGE_SIZE;
    const shown = places.slice(from, from + PAGE_SIZE);
    const items = shown.map((place) => item(this.data, this.found, this.set(), place));
    AT.disputed.replaceChildren(
      make("h3", {}, "Documents on which they differ"),
      make("p", { class: "caption" }, this.data.note),
      this.kinds(),
      make("ol", { class: "documents", start: from + 1 }, ...items),
      this.pager(page, last, places.length, from, shown.length),
    );
  }

  set() {
    return this.data.sets[this.data.cells[this.places.get(this.choice.a)].set];
  }

  kinds() {
    const choices = Object.entries(KINDS).map(([kind, words]) => {
      const label = `${words} (${counted(this.found.differ[kind].length)})`;
      return make("option", { value: kind }, label[0].toUpperCase() + label.slice(1));
    });
    const select = make("select", { id: "kind" }, ...choices);
    select.value = this.choice.show;
    select.addEventListener("change", () => { this.choose({ show: select.value }); document.getElementById("kind").focus(); });
    return make("p", { class: "tools" }, make("label", { for: "kind" }, "Show"), " ", select);
  }

  pager(page, last, total, from, shown) {
    const words = total ? `Documents ${counted(from + 1)} to ${counted(from + shown)} of ${counted(total)}` : "No document of this kind";
    const turn = (name, to) => {
      const button = make("button", { type: "button", "data-turn": name }, name);
      button.disabled = to < 1 || to > last;
      button.addEventListener("click", () => this.turn(to, name));
      return button;
    };
    return make("p", { class: "tools" }, turn("Previous", page - 1), turn("Next", page + 1), " ", make("span", { role: "status" }, words));
  }

  turn(page, name) {
    this.choose({ page });
    const [same, other] = [name, name === "Next" ? "Previous" : "Next"].map((one) => AT.disputed.querySelector(`[data-turn=${one}]`));
    (same.disabled ? other : same).focus();
  }
}

async function start() {
  const packed = document.getElementById("packed");
  if (!packed) return;
  if (typeof DecompressionStream === "undefined") {
    AT.verdict.textContent = "This browser is too old to unpack the predictions (it has no DecompressionStream): one of 2023 or later compares cells. All else on this page is complete.";
    return;
  }
  new Comparison(opened(await unpack(packed.textContent.trim())));
}

start().catch((error) => {
  AT.verdict.textContent = `The predictions could not be read: ${error}`;
});
