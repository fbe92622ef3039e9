import base64
import dataclasses
import hashlib
import re

import pytest
from page_reader import Reader, read

from results import page, report
from results.assessment import assess


def write(run) -> str:
    results = assess(run)
    shown = report.make_tables(run, results).shown
    return page.render(run, results, shown, report.make_figures(run, results))


@pytest.fixture(scope="module")
def text(run) -> str:
    return write(run)


@pytest.fixture(scope="module")
def reader(text) -> Reader:
    return read(text)


def test_nothing_but_our_own_script_can_run(text, reader) -> None:
    data, script = reader.scripts
    assert f'<script type="application/octet-stream" id="packed">{data}</script>' in text
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", data), "nothing that a parser could take for markup"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
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
    words = reader.words
    for record in (record for record in run.records if not record.study):
        assert f"{record.model}" in words and record.classifier in words
        if record.cell:
            assert f"{100 * record.cell.scores.accuracy:.1f} [" in words


def test_every_table_that_has_rows_is_drawn(run, compressed, judged, text) -> None:
    for one, results, drawn in ((run, judged, text), (compressed, None, write(compressed))):
        tables = report.make_tables(one, results or assess(one)).shown
        names = [table.name for table in tables if table.rows]
        assert len(names) > 8
        assert [name for name in names if f'id="{name}-caption"' not in drawn] == []


def test_failed_cells_are_shown_with_their_full_reasons(run, reader) -> None:
    words = reader.words
    for record in run.records:
        if record.status != "ok":
            assert record.name in words
            assert record.reason in words


def test_synthetic_data_stand_above_everything(text) -> None:
    assert 0 < text.index('class="banner"') < text.index("<main>")
    assert "<strong>synthetic data</strong>" in text


def test_odd_names_read_as_they_are(reader) -> None:
    words = reader.words
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
    words = reader.words
    assert "No model and no reference network succeeded" in words
    assert "no <b>memory</b>" in words


def test_one_seed_shows_its_interval_in_the_headline(small) -> None:
    line = re.search(r'<p class="headline">(.*?)</p>', write(small), re.DOTALL).group(1)
    assert re.search(r"accuracy \d+\.\d % \[\d+\.\d, \d+\.\d\], macro-F1", line)


def test_where_no_row_is_put_in_front_all_stand_against_the_baseline(invent, sketch) -> None:
    some = [("matrix", "m", 0.95), ("matrix", "n", 0.3), ("trivial", "tfidf-char", 0.6)]
    sketches = tuple(
        sketch(where, model, "logistic_regression", skill) for where, model, skill in some
    )
    run = invent(sketches, seeds=(7,), classes=["good", "bad"])
    run = dataclasses.replace(run, records=[_without_cv(record) for record in run.records])
    line = re.search(r'<p class="headline">(.*?)</p>', write(run), re.DOTALL).group(1)
    rows = [entry for entry in assess(run).entries if entry.section != "trivial"]
    compared = [verdict for entry in rows for verdict in entry.verdicts]
    signs = [v.paired.accuracy_gain > 0 for v in compared if v.p_holm < 0.05]
    more, less = sum(signs), len(signs) - sum(signs)
    assert line.startswith("Baseline <strong>tfidf-char")
    assert f"{more or 'none'} of 2 rows; fewer: {less or 'none'}." in line and more + less
    assert "No model was cross-validated" in line


def _without_cv(record):
    cell = record.cell.model_copy(update={"cv_macro_f1": None})
    return record if record.section == "trivial" else record.model_copy(update={"cell": cell})


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
    words = reader.words
    assert "Cells 33 ok, 3 failed, 3 blocked" in words
    assert "Points of studies 45 ok, 3 failed" in words


def test_without_studies_and_networks_there_are_no_such_sections(small) -> None:
    text = write(small)
    assert 'id="studies"' not in text and 'id="networks"' not in text


def test_what_no_page_can_hold_is_replaced() -> None:
    assert page.storable("a\ud800b\x00c\x1b\t\r\n") == "a\N{REPLACEMENT CHARACTER}b␀c␛\t\r\n"
    assert page.storable("\ud83d\ude00 é") == "\N{GRINNING FACE} é"


def test_a_name_that_is_half_a_character_makes_a_page(small) -> None:
    odd = dataclasses.replace(small, suite="odd \ud800 \x00 name")
    assert "odd \N{REPLACEMENT CHARACTER} ␀ name" in write(odd)
    write(odd).encode("utf-8")


def test_rows_of_cells_lead_to_the_comparison(run, text) -> None:
    rows = re.findall(r'<tr id="cell-(\d+)" data-cell="([^"]+)">', text)
    cells = [record.name for record in run.records if record.cell and not record.study]
    assert sorted(name for _, name in rows) == sorted(cells)
    assert 'href="#compare"' in text


def test_many_large_matrices_are_left_to_the_script(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_MAX_SQUARES", 2 * 6**2)
    kept, num_left_out = page.matrices(assess(run))
    assert len(kept) == 2 and num_left_out == 9
    assert all(one["open"] for one in kept), "one for each model goes first"
