"""The page in a real headless Chromium: sorted, filtered, compared, on a phone, in the dark."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import MISSING, Browser, chromium
from scipy.stats import binomtest

from corpora.storage import DOCUMENTS, DocumentWriter
from results import page
from results.assessment import Assessment, assess
from results.table_files import make_tables

pytestmark = pytest.mark.skipif(MISSING, reason="chromium is not installed")

HOSTILE = [
    "</script><script>window.ran = 1</script>",
    "<!--<script>",
    "<img src=x onerror='window.ran = 1'>",
    "line\u2028separator\u2029and\nnewline",
    "\u202eright to left\u202c \u05d0\u05d1",
    "bell\x07 escape\x1b[31m",
    "emoji \N{FIRE}\N{ZERO WIDTH JOINER}" + "x" * 200,
    "javascript:window.ran=1",
    "\"quoted\" 'id' &amp; a/b#c?d=e&f",
    "50% {{ 7 * 7 }} ${window.ran = 1}",
]
ROWS = "[...document.querySelectorAll('table.choosing tbody tr:not(.block)')]"
PACKED = "opened(await unpack(document.getElementById('packed').textContent.trim()))"


@pytest.fixture(scope="module")
def told(invent, tmp_path_factory: pytest.TempPathFactory):
    """Two seeds, hostile ids, classes and texts, a failed cell and a blocked one."""
    run = invent(seeds=(1, 2))
    names = {f"doc-{i:04d}": name for i, name in enumerate(HOSTILE)}
    for name, frame in run.frames.items():
        run.frames[name] = frame.assign(id=frame["id"].replace(names))
    folder = tmp_path_factory.mktemp("corpus")
    with DocumentWriter(folder / DOCUMENTS) as writer:
        for i, name in enumerate(sorted(run.frames["minilm/xgboost/1"]["id"])):
            writer.add(name, [f"{HOSTILE[i % len(HOSTILE)]}\n\n  text  of {name} ", "part 2"], None)
    run.folders["corpus"] = folder
    return run


@pytest.fixture(scope="module")
def judged(told) -> Assessment:
    return assess(told)


def written(run, results: Assessment, path: Path) -> Path:
    path.write_text(page.render(run, results, make_tables(run, results).shown, []), "utf-8")
    return path


@pytest.fixture(scope="module")
def at(told, judged, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(told, judged, tmp_path_factory.mktemp("page") / "report #1.html")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(started: Browser) -> Iterator[Browser]:
    """The browser on a wide screen; nothing may complain on its console."""
    started.size(1280)
    started.media()
    yield started
    assert started.complaints == []
    assert started.run("window.ran") is None


def show(browser: Browser, at: Path, fragment: str = "") -> None:
    browser.open(at, fragment)
    browser.until("document.getElementById('verdict').textContent !== ''")


def pair(a: str, b: str, **more: object) -> str:
    return "#" + "&".join(f"{key}={value}" for key, value in {"a": a, "b": b, **more}.items())


def column(browser: Browser, name: str) -> list:
    """Return the sorting values of a column, top to bottom, as numbers where they are some."""
    return browser.run(
        f"(() => {{ const at = [...document.querySelectorAll('table.choosing thead th')]"
        f".find((one) => one.textContent.startsWith({json.dumps(name)})).cellIndex;"
        f"return {ROWS}.map((row) => row.cells[at].dataset.sort === undefined ? null"
        " : Number(row.cells[at].dataset.sort)); })()"
    )


def tab_to(browser: Browser, words: str) -> None:
    for _ in range(40):
        browser.press("Tab")
        if browser.run("document.activeElement.innerText?.trim()") == words:
            return
    raise AssertionError(f"no stop says {words!r}")


def sorting(browser: Browser) -> str | None:
    return browser.run("document.querySelector('[aria-sort]')?.getAttribute('aria-sort') ?? null")


def test_keys_alone_sort_by_value_and_back(browser: Browser, at: Path) -> None:
    show(browser, at)
    as_written = column(browser, "Macro-F1 [")
    browser.run("document.getElementById('quality-filter').focus()")
    tab_to(browser, "Macro-F1 [95 %]")
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Enter")
    assert sorting(browser) == "descending"
    values = column(browser, "Macro-F1 [")
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True) and len(known) == 11 * 3
    assert values[len(known) :] == [None] * 4, "what is missing stands last"
    browser.press(" ")
    values = column(browser, "Macro-F1 [")
    assert sorting(browser) == "ascending" and values[: len(known)] == sorted(known)
    assert values[len(known) :] == [None] * 4
    browser.press("Enter")
    assert sorting(browser) is None and column(browser, "Macro-F1 [") == as_written
    assert "TRIVIAL ROWS" in browser.text("table.choosing").upper()


def test_words_filter_rows(browser: Browser, at: Path) -> None:
    show(browser, at)
    browser.run("document.getElementById('quality-filter').focus()")
    browser.type("Trivial tfidf mean")
    left = browser.run(f"{ROWS}.filter((row) => !row.hidden).map((row) => row.innerText)")
    assert len(left) == 2 and all("tfidf" in row and "mean" in row for row in left)
    assert browser.text("#quality-tools output") == "2 of 37 rows"


def test_pairs_are_compared_as_in_python(browser: Browser, at: Path, judged) -> None:
    verdicts = [v for entry in judged.entries for v in entry.verdicts if v.paired]
    pairs = [(v.record.name, f"tfidf-word/linear_svc/{v.record.seed}") for v in verdicts]
    show(browser, at)
    found = browser.run(
        f"(async () => {{ const data = {PACKED};"
        f"return {json.dumps(pairs)}.map((names) => compareCells(data,"
        "...names.map((name) => data.cells.findIndex((cell) => cell.name === name)))); })()"
    )
    assert len(found) == 20
    for one, verdict in zip(found, verdicts, strict=True):
        cell, paired = verdict.record.cell, verdict.paired
        assert (one["onlyA"], one["onlyB"]) == (paired.only_cell, paired.only_baseline)
        assert one["p"] == pytest.approx(paired.p, rel=1e-9)
        assert one["accuracy"][0] == pytest.approx(cell.scores.accuracy, abs=1e-12)
        assert one["macroF1"][0] - one["macroF1"][1] == pytest.approx(paired.gain, abs=1e-12)
        documents = one["both"] + one["onlyA"] + one["onlyB"] + one["neither"]
        assert documents == cell.test_documents


def test_the_numbers_of_a_pair_are_shown(browser: Browser, at: Path, judged) -> None:
    verdict = judged.entries[0].verdicts[0]
    paired, scores = verdict.paired, verdict.record.cell.scores
    show(browser, at, pair(verdict.record.name, "tfidf-word/linear_svc/1"))
    assert f"p = {paired.p:.3f}" in browser.text("#verdict")
    assert float(browser.run("document.getElementById('p').value")) == pytest.approx(paired.p)
    table = browser.text("#comparison [aria-label=Scores]")
    assert f"{100 * scores.accuracy:.1f} %" in table and f"{scores.macro_f1:.3f}" in table
    assert f"{paired.gain:+.3f}".replace("-", "\N{MINUS SIGN}") in table
    counts = browser.text("#comparison [aria-label=Documents]").split()
    assert str(paired.only_cell) in counts and str(paired.only_baseline) in counts


def test_the_exact_test_equals_scipys(browser: Browser, at: Path) -> None:
    show(browser, at)
    rng = np.random.default_rng(1)
    pairs = [(a, b) for a in range(12) for b in range(12)]
    pairs += [(0, 1000), (3, 900), (4000, 4300), (5000, 5000), (4999, 5001), (1, 1_000_000)]
    pairs += [tuple(map(int, rng.integers(0, 600, 2))) for _ in range(200)]
    pairs += [(49_000, 50_500), (480, 10_000)]
    ours = browser.run(f"{json.dumps(pairs)}.map(([a, b]) => mcnemar(a, b))")
    for (a, b), p in zip(pairs, ours, strict=True):
        expected = binomtest(a, a + b).pvalue if a + b else 1.0
        assert p == pytest.approx(expected, rel=1e-9), (a, b)


def test_every_cell_is_drawn_from_the_predictions_on_the_page(browser, at: Path, told) -> None:
    show(browser, at)
    found = browser.run(
        f"(async () => {{ const data = {PACKED}; return data.cells.map((cell, i) => {{"
        "const counts = confusion(cell, data.sets[cell.set].labels, data.said(i));"
        "return [cell.name, counts, macroF1(counts)]; }); })()"
    )
    scores = {r.name: r.cell.scores for r in told.records if r.cell}
    assert [name for name, _, _ in found] == [r.name for r in told.records if r.cell]
    for name, counts, macro_f1 in found:
        assert counts == scores[name].confusion
        assert macro_f1 == pytest.approx(scores[name].macro_f1, abs=1e-12)


def differing(told, a: str, b: str):
    one, other = (told.frames[name].sort_values("id", kind="stable") for name in (a, b))
    assert list(one["id"]) == list(other["id"])
    rows = one.assign(other=other["predicted"].to_numpy())
    return rows[rows["predicted"] != rows["other"]]


def test_documents_on_which_they_differ_are_listed_with_text(browser, at: Path, told) -> None:
    a, b = "minilm/decision_tree/1", "length/decision_tree/1"
    rows = differing(told, a, b)
    listed = []
    for number in range(1, -(-len(rows) // 25) + 1):
        show(browser, at, pair(a, b, page=number))
        listed += browser.run(
            "[...document.querySelectorAll('.documents li')].map((one) =>"
            "[...one.querySelectorAll('bdi')].map((part) => part.textContent)"
            ".concat(one.querySelector('.text').textContent))"
        )
    assert len(listed) == len(rows)
    for (name, label, said, other, text), row in zip(listed, rows.itertuples(), strict=True):
        assert (name, label, said, other) == (row.id, row.label, row.predicted, row.other)
        ending = " ".join(f"text of {name}".split())
        assert text.endswith(ending) or (text.endswith("…") and len(text) <= 300)
    assert {name for name, *_ in listed} & set(HOSTILE)
    assert browser.run("document.querySelectorAll('.documents :is(img, script)').length") == 0


def test_kinds_and_pages_are_turned_by_keys(browser: Browser, at: Path, told) -> None:
    a, b = "minilm/decision_tree/1", "length/decision_tree/1"
    rows = differing(told, a, b)
    only_a = int((rows["predicted"] == rows["label"]).sum())
    assert only_a > 50
    show(browser, at, pair(a, b))
    browser.run("document.getElementById('kind').focus()")
    browser.press("ArrowDown")
    assert browser.run("document.activeElement.id") == "kind"
    status = "#disputed [role=status]"
    assert browser.text(status) == f"Documents 1 to 25 of {only_a}"
    tab_to(browser, "Next")
    browser.press("Enter")
    assert browser.text(status) == f"Documents 26 to 50 of {only_a}"
    assert browser.run("document.activeElement.innerText") == "Next"
    assert browser.run("location.hash") == f"#a={a}&b={b}&show=a&page=2"
    assert browser.run("document.querySelectorAll('.documents .wrong').length") == 25


def test_an_address_shares_what_was_chosen(browser: Browser, at: Path) -> None:
    show(browser, at)
    browser.run(
        f"{ROWS}.find((row) => row.dataset.cell === 'minilm-adapted/xgboost/2')"
        ".querySelector('[data-side=a]').click()"
    )
    browser.run(
        "(() => { const b = document.getElementById('cell-b');"
        "b.value = 'minilm/random_forest/2'; b.dispatchEvent(new Event('change')); })()"
    )
    words, hash_ = browser.text("#verdict"), browser.run("location.hash")
    assert hash_ == "#a=minilm-adapted/xgboost/2&b=minilm/random_forest/2"
    show(browser, at, hash_)
    assert browser.text("#verdict") == words
    browser.until("Math.abs(document.getElementById('compare').getBoundingClientRect().top) < 50")
    assert browser.run("document.querySelectorAll('[aria-pressed=true]').length") == 2


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        (pair("nobody", "minilm/xgboost/1"), "no predictions of a cell “nobody”"),
        (pair("minilm/xgboost/1", "minilm/xgboost/2"), "not tested on the same documents"),
        (pair("minilm/xgboost/1", "minilm/xgboost/1"), "Choose two different cells"),
        ("#a=%E0%A4%A&b=<script>window.ran=1</script>", "no predictions of a cell"),
    ],
)
def test_what_cannot_be_compared_is_said(browser, at: Path, fragment: str, words: str) -> None:
    show(browser, at, fragment)
    assert words in browser.text("#verdict")
    assert browser.text("#disputed") == ""


def test_a_comparison_leads_back_to_its_row(browser: Browser, at: Path) -> None:
    show(browser, at)
    browser.run("document.getElementById('quality-filter').focus()")
    browser.type("nothing of the kind")
    browser.run("document.querySelector('#comparison h3 a').click()")
    browser.until("document.querySelector('tr:target')?.hidden === false")
    assert browser.run("document.querySelector('tr:target').dataset.cell").startswith("minilm")


def test_a_phone_scrolls_tables_and_not_the_page(browser: Browser, at: Path) -> None:
    browser.size(390, 800)
    for fragment in ("", pair("minilm/decision_tree/1", "length/decision_tree/1")):
        show(browser, at, fragment)
        assert browser.run("document.documentElement.scrollWidth") <= 390
        outside = (
            "[...document.querySelectorAll('main table')].filter((one) => !one.closest('.scroll'))"
        )
        assert browser.run(f"{outside}.length") == 0
    small = browser.run(
        "[...document.querySelectorAll('.choose button, #pick select, #swap')].filter((one) =>"
        "Math.min(one.offsetWidth, one.offsetHeight) < 24).length"
    )
    assert small == 0, "everything is large enough to be touched (WCAG 2.5.8: 24 pixels)"


CONTRASTS = """(() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const over = (colour, below) => {
    context.globalCompositeOperation = "copy";
    context.fillStyle = `rgb(${below.join(" ")})`; context.fillRect(0, 0, 1, 1);
    context.globalCompositeOperation = "source-over";
    context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const behind = (element) => {
    const below = element.parentElement ? behind(element.parentElement) : [255, 255, 255];
    return over(getComputedStyle(element).backgroundColor, below);
  };
  const light = (rgb) => rgb.map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((total, v, i) => total + v * [0.2126, 0.7152, 0.0722][i], 0);
  const texts = [...document.querySelectorAll("body *")].filter((one) =>
    one.checkVisibility() && !one.closest(":disabled, svg, .skip") &&
    [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  return texts.map((one) => {
    const below = behind(one);
    const [a, b] = [light(over(getComputedStyle(one).color, below)), light(below)].sort();
    return [(b + 0.05) / (a + 0.05), one.outerHTML.slice(0, 120)];
  }).filter(([ratio]) => ratio < 4.5);
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(browser: Browser, at: Path, scheme: str) -> None:
    browser.media(prefers_color_scheme=scheme)
    show(browser, at)
    assert browser.run(CONTRASTS) == []


def test_what_can_be_used_has_a_name_and_headings_are_in_order(browser, at: Path) -> None:
    show(browser, at)
    browser.send("Accessibility.enable")
    nodes = browser.send("Accessibility.getFullAXTree")["nodes"]
    browser.send("Accessibility.disable")
    used = ("button", "combobox", "searchbox", "link", "table", "region", "figure", "navigation")
    nameless = [
        node for node in nodes
        if not node["ignored"] and node["role"].get("value") in used
        and not node.get("name", {}).get("value", "").strip()
    ]  # fmt: skip
    assert nameless == []
    levels = browser.run(
        "[...document.querySelectorAll('h1, h2, h3, h4')].filter((one) => one.checkVisibility())"
        ".map((one) => Number(one.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))


def test_motion_can_be_done_without(browser: Browser, at: Path) -> None:
    browser.media(prefers_reduced_motion="reduce")
    show(browser, at)
    assert browser.run("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_without_scripts_the_page_is_read_as_it_is(browser: Browser, at: Path) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(at)
        text = browser.text("body")
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert "Without JavaScript" in text and "minilm-adapted" in text
    assert "Swap A and B" not in text and "Rows with the words" not in text


def test_an_old_browser_says_what_it_cannot_do(browser: Browser, at: Path) -> None:
    old = browser.send(
        "Page.addScriptToEvaluateOnNewDocument", source="delete window.DecompressionStream"
    )
    try:
        show(browser, at)
    finally:
        browser.send("Page.removeScriptToEvaluateOnNewDocument", identifier=old["identifier"])
    assert "too old" in browser.text("#verdict")
    assert not browser.run("document.getElementById('pick').checkVisibility()")
    assert browser.run("document.querySelectorAll('table.sortable thead button').length") > 0
