"""Whatever a run holds, its report is well formed: LaTeX compiles, the page parses, CSV is read.

`LOGMARK_EXAMPLES=200 LOGMARK_SEED=7` draws more runs, and other ones; a failure names the run by
its number and shows its shape, which `invented_runs.write` puts on disk again.
"""

import io
import logging
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
from effort import EXAMPLES, SEED
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from invented_runs import InventedRun, runs, write
from page_reader import Reader, one_line, read, seen

import results
from results import bundling, report
from results.records import Record
from results.run import Run
from results.scores import public_reason

WITH_FIGURES = max(1, EXAMPLES // 12)
ALWAYS = {
    "report.html", "provenance.json", "report.tex", "numbers.tex", "quality.md", "costs.md",
    *(f"{name}.tex" for name in ("table1", "table2", "quality", "classes", "studies", "costs")),
    *(f"{name}.csv" for name in ("table1", "quality", "classes", "studies", "costs")),
}  # fmt: skip
TIMES = re.compile(
    r"costs\.|compression[234]\.|report\.html|provenance\.json|figures/(accuracy-cost|compression-use)"
)
UNTOLD = re.compile(r"(?<![A-Za-z])(nan|NaN|inf|Infinity|None|NaT)(?![A-Za-z])")


@dataclass(frozen=True)
class Example:
    """One invented run and its report."""

    name: str
    shape: InventedRun
    run: Run
    out: Path

    def text(self, name: str) -> str:
        return (self.out / name).read_bytes().decode()  # a lone carriage return stays one

    @property
    def files(self) -> list[str]:
        paths = (path for path in self.out.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.out).as_posix() for path in paths)


def drawn(strategy: SearchStrategy[InventedRun], number: int) -> list[InventedRun]:
    """Draw as many shapes of runs, the same ones each time; of neighbours, who are alike, one."""
    found: list[InventedRun] = []

    @seed(SEED)
    @settings(
        max_examples=8 * number,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(run: InventedRun) -> None:
        found.append(run)

    collect()
    return found[7::8]


CORNERS = ((4, 3), (1, 1), (30, 20), (30, 1), (2, 20))
"""Numbers of classes and of models that are reported always."""


def shapes() -> list[InventedRun]:
    corners = [runs(num_classes=classes, num_models=models) for classes, models in CORNERS]
    fixed = [shape for corner in corners for shape in drawn(corner, 1)]
    return [*fixed, *drawn(runs(), EXAMPLES)]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """Reports of some runs, those of the first with figures: they take most of the time."""
    folder, found = tmp_path_factory.mktemp("any"), []
    for number, shape in enumerate(shapes()):
        here = folder / f"{number}"
        with explained(f"example {number}", shape):
            run = Run.open(write(shape, here))
            report_of(run, here / "out", figures=number < WITH_FIGURES)
        found.append(Example(str(number), shape, run, here / "out"))
    return found


@contextmanager
def explained(example: str, shape: InventedRun) -> Iterator[None]:
    """Say which run a failure is about."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"{example}: {shape!r}")
        raise


def each(examples: list[Example]) -> Iterator[Example]:
    """Go through the examples; a failure inside the loop names the last one in the log."""
    for example in examples:
        logging.info("example %s: %r", example.name, example.shape)
        yield example


def test_every_file_is_written_and_nothing_else_is_left(examples) -> None:
    for example in each(examples):
        assert set(example.files) >= ALWAYS
        assert {path.name for path in example.out.parent.iterdir()} == {"out", "run", "store"}


def test_nothing_a_reader_sees_is_a_number_that_is_none(examples) -> None:
    for example in each(examples):
        for name in example.files:
            if name.endswith((".csv", ".md")):
                assert not UNTOLD.search(example.text(name)), name
            if name.endswith(".tex"):
                printed = re.sub(r"(?<!\\)%.*", "", example.text(name))
                assert not UNTOLD.search(printed), name
        assert not UNTOLD.search(read(example.text("report.html")).words)


def test_the_page_parses_and_shows_every_cell(examples) -> None:
    for example in each(examples):
        reader = read(example.text("report.html"))
        assert reader.tags.count("script") == 1 + example.text("report.html").count("octet-stream")
        assert len(set(reader.ids)) == len(reader.ids)
        for record in example.run.records:
            assert_shown(reader, record)


def assert_shown(reader: Reader, record: Record) -> None:
    reason = "" if record.cell else seen(record.reason or "no reason recorded")
    assert reason in reader.words
    if record.study is not None:
        assert seen(record.study.row) in reader.words
        return
    name = [seen(record.model), seen(record.classifier), str(record.seed)]
    rows = [row for row in reader.rows["quality-caption"] if [*map(one_line, row[:3])] == name]
    assert rows, f"{record.name!r} has no row"
    score = f"{100 * record.cell.scores.accuracy:.1f} [" if record.cell else record.status
    assert any(score in " ".join(row) for row in rows)


def test_every_point_of_a_study_has_its_row(examples) -> None:
    for example in each(examples):
        reader = read(example.text("report.html"))
        points = {(r.study.name, r.classifier) for r in example.run.records if r.study}
        rows = [row for name, some in reader.rows.items() if name.startswith("study-")
                for row in some[1:] if len(row) > 1]  # fmt: skip
        assert len(rows) == len(points)


def test_csv_read_by_pandas_equals_the_records(examples) -> None:
    for example in each(examples):
        for name in (name for name in example.files if name.endswith(".csv")):
            frame = read_csv(example.text(name))
            assert frame.columns.is_unique, name
        cells = [record for record in example.run.records if record.study is None]
        frame = read_csv(example.text("quality.csv"))
        frame = frame[~frame["seed"].str.startswith("mean")]
        assert len(frame) == len(cells)
        for record in cells:
            assert_told(frame, record)


def read_csv(text: str) -> pd.DataFrame:
    frame = pd.read_csv(io.StringIO(text, newline=""), dtype=str, keep_default_na=False)
    assert not frame.columns.str.startswith("Unnamed").any()
    return frame


def assert_told(frame: pd.DataFrame, record: Record) -> None:
    keys = {"section": record.section, "model": record.model, "classifier": record.classifier,
            "seed": str(record.seed)}  # fmt: skip
    rows = frame[(frame[list(keys)] == list(keys.values())).all(axis=1)]
    assert len(rows) == 1, f"{record.name}: {len(rows)} rows"
    row = rows.iloc[0]
    assert row["status"] == record.status and row["marks"] == "; ".join(record.marks)
    if record.cell is None:
        assert row["accuracy"] == row["macro_f1"] == "" and row["reason"] == public_reason(record)
        return
    for name in ("accuracy", "macro_f1", "weighted_f1"):
        assert float(row[name]) == round(getattr(record.cell.scores, name), 6)
    assert int(row["n_test"]) == record.cell.test_documents
    assert float(row["accuracy_low"]) <= float(row["accuracy"]) <= float(row["accuracy_high"])


def test_markdown_tables_have_as_many_columns_in_each_row(examples) -> None:
    for example in each(examples):
        for name in ("quality.md", "costs.md"):
            width = 0
            for line in example.text(name).split("\n"):
                bars = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) if line.startswith("|") else 0
                assert bars == width or not bars or not width, line
                width = bars


def test_quality_files_know_no_time_or_host(examples, tmp_path) -> None:
    for example in each(examples[:: max(1, len(examples) // 4)]):
        again = Run.open(example.run.run_dir)
        again.records = [elsewhere(record) for record in again.records]
        assert_same_quality(example, again, tmp_path / example.name)


def assert_same_quality(example: Example, run: Run, out: Path) -> None:
    """Write the report of `run`: it has the example's quality files to the byte."""
    report_of(run, out, figures=any(name.startswith("figures/") for name in example.files))
    for name in example.files:
        if not TIMES.match(name):
            assert (out / name).read_bytes() == (example.out / name).read_bytes(), name


def report_of(run: Run, out: Path, *, figures: bool) -> None:
    """Write a report, with or without figures."""
    with pytest.MonkeyPatch.context() as patch:
        if not figures:
            patch.setattr(report, "make_figures", lambda *_: [])
        report.write(run, out)


def test_frames_hold_what_the_records_hold(examples) -> None:
    for example in each(examples):
        loaded = results.load(example.run.run_dir)
        cells = loaded.cells.set_index("name")
        assert list(cells.index) == [record.name for record in example.run.records]
        for record in example.run.records:
            row = cells.loc[record.name]
            assert (row["section"], row["status"]) == (record.section, record.status)
            if record.cell is None:
                assert pd.isna(row["accuracy"]) and pd.isna(row["n_test"])
                continue
            scores = record.cell.scores
            assert (row["accuracy"], row["macro_f1"]) == (scores.accuracy, scores.macro_f1)
            assert loaded.confusion(record.name).to_numpy().tolist() == scores.confusion
        known = sum(len(r.cell.scores.per_class) for r in example.run.records if r.cell)
        assert loaded.classes["f1"].notna().sum() == known
        with_reason = loaded.comparisons["gain"].notna() | loaded.comparisons["reason"].notna()
        assert with_reason.all()


def test_the_report_of_a_bundle_is_the_runs_own(examples, tmp_path) -> None:
    for example in each(examples[:: max(1, len(examples) // 4)]):
        here = tmp_path / example.name
        plain = replace(example.shape, reason="no memory")  # what is quoted does not go along
        run = Run.open(write(plain, here))
        report_of(run, here / "own", figures=False)
        bundling.write(run, here / "bundle.zip")
        own = replace(example, run=run, out=here / "own")
        assert_same_quality(own, Run.open(here / "bundle.zip"), here / "of the bundle")


def elsewhere(record: Record) -> Record:
    """The same results of another machine at another time."""
    where = {"hardware": "other", "started_utc": "2031-01-01", "command": "/x/y", "versions": {}}
    costs = {k: c.model_copy(update={"wall_s": 2 * c.wall_s + 1}) for k, c in record.costs.items()}
    return record.model_copy(
        update={"provenance": record.provenance.model_copy(update=where), "costs": costs}
    )


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(examples, tmp_path) -> None:
    log = compiled(examples, tmp_path / "all")
    if log is not None:
        broken = [e for e in examples if compiled([e], tmp_path / e.name) is not None]
        shapes = "\n".join(f"example {e.name}: {e.shape!r}" for e in broken)
        pytest.fail(f"{log}\n{shapes}", pytrace=False)


def compiled(examples: list[Example], folder: Path) -> str | None:
    """Compile some reports as one document; the end of the log where that fails."""
    folder.mkdir()
    head, lines = "", []
    for example in examples:
        (folder / example.name).symlink_to(example.out)
        head, body = example.text("report.tex").split(r"\begin{document}")
        body = body.replace(r"\end{document}", "").replace(
            "{figures/", f"{{{example.name}/figures/"
        )
        body = re.sub(r"\\input\{(\w+\.tex)\}", rf"\\input{{{example.name}/\1}}", body)
        macros = re.findall(r"\\newcommand\{(\\[A-Za-z]+)\}", example.text("numbers.tex"))
        uses = "".join(f"{name}{{}} " for name in macros)
        lines.append(f"{{\\input{{{example.name}/numbers.tex}}\n{uses}\n\n{body}\\clearpage}}\n")
    text = f"{head}\\begin{{document}}\n{''.join(lines)}\\end{{document}}\n"
    assert text.isascii()
    (folder / "all.tex").write_text(text, encoding="ascii")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"], cwd=folder,
        capture_output=True, check=False, timeout=200,
    )  # fmt: skip
    log = done.stdout.decode("latin-1")
    return None if done.returncode == 0 and "Missing character" not in log else log[-3000:]
