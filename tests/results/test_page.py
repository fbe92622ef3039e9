import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from results import page, report
from results.assessment import assess

VOID = {"meta", "br", "link", "hr", "img", "input"}


class Reader(HTMLParser):
    """Checks nesting and collects tags, text and links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.stack.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data) -> None:
        if self.stack and self.stack[-1] == "script":
            self.scripts.append(data)
        else:
            self.text.append(data)


def write(run) -> str:
    results = assess(run)
    shown = report.make_tables(run, results).shown
    return page.render(run, results, shown, report.make_figures(run, results))


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.stack == []
    return reader


@pytest.fixture(scope="module")
def text(run) -> str:
    return write(run)


@pytest.fixture(scope="module")
def reader(text) -> Reader:
    return read(text)


def words_of(reader: Reader) -> str:
    return re.sub(r"\s+", " ", " ".join(reader.text))


def test_nothing_but_our_own_script_can_run(text, reader) -> None:
    assert len(reader.scripts) == 1
    digest = base64.b64encode(hashlib.sha256(reader.scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "default-src 'none'" in text
    assert "<script>alert" not in text
    assert not [name for name, _ in reader.attributes if name.startswith("on")]


def test_nothing_is_fetched(reader) -> None:
    assert not {"img", "link", "iframe", "object"} & set(reader.tags)
    for name, value in reader.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value.startswith("#")


def test_links_lead_somewhere_and_ids_are_unique(reader) -> None:
    targets = {v[1:] for n, v in reader.attributes if n in ("href", "xlink:href")}
    assert targets <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))


def test_every_cell_is_shown(run, reader) -> None:
    words = words_of(reader)
    for record in (record for record in run.records if not record.study):
        assert f"{record.model}" in words and record.classifier in words
        if record.cell:
            assert f"{100 * record.cell.scores.accuracy:.1f} [" in words


def test_failed_cells_are_shown_with_their_full_reasons(run, reader) -> None:
    words = words_of(reader)
    for record in run.records:
        if record.status != "ok":
            assert record.name in words
            assert record.reason in words


def test_synthetic_data_stand_above_everything(text) -> None:
    assert 0 < text.index('class="banner"') < text.index("<main>")
    assert "<strong>synthetic data</strong>" in text


def test_odd_names_read_as_they_are(reader) -> None:
    words = words_of(reader)
    for name in ("<script>alert(1)</script>", "A&B", "50%", r"\input{x}", r"odd_$name^{\x}"):
        assert name in words
    assert "<script>alert('card')</script>" in words
    assert "Imaginary CPU <b>x</b>" in words


def test_headline_is_chosen_on_train_and_carries_its_marks(text) -> None:
    line = re.search(r'<p class="headline">(.*?)</p>', text, re.DOTALL).group(1)
    assert "minilm-adapted + XGBoost" in line and "transductive adaptation" in line
    assert "Baseline tfidf-word + Linear SVC" in line
    assert "over 3 seeds" in line and "significant in" in line


def test_page_is_usable_by_keyboard_and_reader(text, reader) -> None:
    assert '<html lang="en">' in text
    assert "@media print" in text and "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    scrolling = re.findall(r'<div class="scroll"[^>]*>', text)
    assert scrolling and all('tabindex="0"' in one and "aria-label" in one for one in scrolling)


def test_a_run_without_success_makes_a_page(invent, sketch) -> None:
    run = invent((sketch("matrix", "m", "xgboost", reason="no <b>memory</b>"),))
    reader = read(write(run))
    words = words_of(reader)
    assert "No model and no reference network succeeded" in words
    assert "no <b>memory</b>" in words


def test_one_seed_shows_its_interval_in_the_headline(small) -> None:
    line = re.search(r'<p class="headline">(.*?)</p>', write(small), re.DOTALL).group(1)
    assert re.search(r"accuracy \d+\.\d % \[\d+\.\d, \d+\.\d\], macro-F1", line)


def test_studies_and_networks_have_their_sections(text, judged) -> None:
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', text, re.DOTALL))
    assert sections["studies"].count("<figure>") == len(judged.studies)
    assert sections["studies"].count("<table") == len(judged.studies)
    assert "failed: no memory for context 50,000" in sections["studies"]
    for part in ("790,000", "3.16", "95.5%", "micro-averaged F1 equals the accuracy"):
        assert part in sections["networks"]
    assert sections["data"].count("Vectors of 200 test documents") >= 2
    assert 'href="#studies"' in text and 'href="#networks"' in text


def test_small_models_and_anomalies_have_their_sections(compressed, text) -> None:
    page_text = write(compressed)
    read(page_text)
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', page_text, re.DOTALL))
    assert sections["compression"].count("<table") == 4
    assert sections["compression"].count("<figure>") == 2
    assert sections["detection"].count("<table") == 1
    assert 'href="#compression"' in page_text and 'href="#detection"' in page_text
    assert 'id="compression"' not in text and 'id="detection"' not in text


def test_points_of_studies_are_counted_apart(reader) -> None:
    words = words_of(reader)
    assert "Cells 33 ok, 3 failed, 3 blocked" in words
    assert "Points of studies 45 ok, 3 failed" in words


def test_without_studies_and_networks_there_are_no_such_sections(small) -> None:
    text = write(small)
    assert 'id="studies"' not in text and 'id="networks"' not in text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_browser_runs_the_script_and_refuses_nothing(text, tmp_path) -> None:
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path}/profile", "--dump-dom", f"file://{tmp_path}/page.html",
        ],
        capture_output=True, check=True, timeout=120, text=True,
    )  # fmt: skip
    assert "<button" in done.stdout  # headings that sort
    told = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert told == []
