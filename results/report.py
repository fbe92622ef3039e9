"""`write`: everything an author takes from a run, into one folder.

Quality files (`quality.*`, `table1.*`, `table2.tex`, `classes.*`, `studies.*`, `detection.*`,
`compression1.*` and most figures) are the same bytes for equal results; `costs.*`, `compression2.*`
to `4.*`, `report.html` and the figures `accuracy-cost` and `compression-use` tell times.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results import (
    anomalies,
    breakdowns,
    compression,
    costs,
    drawing,
    figures,
    latex,
    networks,
    page,
    plain,
    studies,
    tables,
)
from results.assessment import Assessment, assess
from results.grid import Table
from results.rewriting import made_of, note, written

if TYPE_CHECKING:
    from results.run import Run


def write(run: "Run", out: Path, *, unless_written: bool = False) -> list[Path]:
    """Write the report of a run; a failed cell is shown as failed, the rest is printed.

    All files are first made in a folder beside `out` and then moved over one by one, so that a
    report that fails half-way leaves the old one as it was.

    Args:
        run: the opened run.
        out: the folder to write into; made if missing, other files in it are left alone.
        unless_written: leave a report that was made of the same by the same code, and lies there
            as it was written.

    Returns:
        The report's files, `report.html` first.

    Raises:
        InputError: the suite's baseline is unknown, or an artifact is missing from the store.
    """
    source = made_of(run) if unless_written else None
    if source is not None and (there := written(out, source)):
        return there
    results = assess(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        names = list(_fill(run, results, draft))
        for name in names:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).replace(out / name)
    finally:
        shutil.rmtree(draft)
    if source is not None:
        note(out, source, names)
    return [out / name for name in names]


@dataclass(frozen=True)
class Tables:
    """Every table of a report.

    Attributes:
        class_rows: long form of `classes`, for the CSV.
        table1: Table I, in one or two parts.
        studies: one for each study.
        study_rows: long form of `studies`, for the CSV.
        cost_rows: `costs` with the points of studies, for the CSV.
        detection: how well anomalies are found.
        study_detection: the same at the points of each study that looks for anomalies.
        compression: Table I of fine-tuned and pruned models.
        compression_costs: Tables II to IV.
    """

    table1: list[Table]
    table2: Table
    quality: Table
    classes: Table
    class_rows: Table
    studies: list[Table]
    study_rows: Table
    costs: Table
    cost_rows: Table
    duplicates: Table
    coverage: Table
    detection: Table
    study_detection: list[Table]
    compression: Table
    compression_costs: list[Table]

    @property
    def shown(self) -> list[Table]:
        """What a page shows."""
        return [
            *self.table1, self.table2, self.quality, self.classes, *self.studies, self.costs,
            self.duplicates, self.coverage, self.detection, *self.study_detection,
            self.compression, *self.compression_costs,
        ]  # fmt: skip

    @property
    def of_some(self) -> dict[str, list[Table]]:
        """What only some runs have, by the files it is written to."""
        found = {
            "detection": [self.detection, *self.study_detection],
            **{table.name: [table] for table in (self.compression, *self.compression_costs)},
        }
        return {name: some for name, some in found.items() if any(table.rows for table in some)}


def make_tables(run: "Run", results: Assessment) -> Tables:
    """Build every table of a report."""
    return Tables(
        table1=networks.table_one(results),
        table2=tables.quality(results),
        quality=tables.intervals(results),
        classes=breakdowns.classes(results),
        class_rows=breakdowns.class_rows(results),
        studies=[studies.table(results, study) for study in results.studies],
        study_rows=studies.long_form(results),
        costs=costs.costs(results),
        cost_rows=costs.costs(results, studies=True),
        duplicates=breakdowns.duplicates(_splits(run)),
        coverage=networks.coverage(run, results),
        detection=anomalies.detection(run, results),
        study_detection=anomalies.study_detection(run, results),
        compression=compression.quality(run, results),
        compression_costs=[
            table(run, results)
            for table in (compression.training, compression.sizes, compression.edge)
        ],
    )


def make_figures(run: "Run", results: Assessment) -> list[drawing.Drawn]:
    """Draw every figure of a report."""
    corpus = next((card for r in run.records if (card := run.card(r, "corpus"))), None)
    return figures.collect(run, results, corpus, next(iter(_splits(run).values()), None))


def _splits(run: "Run") -> dict[int, dict[str, Any]]:
    """Read the card of each seed's split; a study may learn from a part of it only."""
    records = [record for record in reversed(run.records) if record.study is None]
    return dict(sorted((r.seed, card) for r in records if (card := run.card(r, "split"))))


def _fill(run: "Run", results: Assessment, folder: Path) -> Iterator[Path]:
    """Write every file into a folder, yielding their names relative to it."""
    made, drawn = make_tables(run, results), make_figures(run, results)
    texts = {
        "report.html": page.render(run, results, made.shown, drawn),
        "quality.md": _quality_markdown(results, made),
        "costs.md": _costs_markdown(results, made),
        **_csv(made),
        **_latex(results, made),
        "report.tex": latex.standalone(
            results.suite, results.marks, (*_INPUTS, *made.of_some), drawn
        ),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
        yield Path(name)
    for one in drawn:
        for path in drawing.save(one, folder / "figures"):
            yield path.relative_to(folder)


_INPUTS = ("table1", "table2", "quality", "classes", "studies", "costs")


def _csv(made: Tables) -> dict[str, str]:
    files = {
        "table1": made.table1[0],
        "quality": made.quality,
        "classes": made.class_rows,
        "studies": made.study_rows,
        "costs": made.cost_rows,
        **{name: some[0] for name, some in made.of_some.items()},
    }
    return {f"{name}.csv": plain.to_csv(table) for name, table in files.items()}


def _latex(results: Assessment, made: Tables) -> dict[str, str]:
    files = {
        "table1": made.table1,
        "table2": [made.table2],
        "quality": [made.quality],
        "classes": [made.classes],
        "studies": made.studies,
        "costs": [made.costs],
        **made.of_some,
    }
    return {
        f"{name}.tex": "".join(latex.render(one, digest=results.digest) for one in some)
        or f"% {name}: nothing to show\n"
        for name, some in files.items()
    }


def _quality_markdown(results: Assessment, made: Tables) -> str:
    title = f"# {plain.escape(results.suite)}\n\nResults `{results.digest[:12]}`\n"
    always = [made.table2, made.quality]
    others = [
        *made.table1, made.detection, made.compression, *made.studies, *made.study_detection,
        made.coverage, made.duplicates,
    ]  # fmt: skip
    parts = [*always, *(table for table in others if table.rows)]
    return "\n".join([title, *map(plain.to_markdown, parts)])


def _costs_markdown(results: Assessment, made: Tables) -> str:
    parts = [made.costs, *(table for table in made.compression_costs if table.rows)]
    title = f"# Costs of {plain.escape(results.suite)}\n"
    return "\n".join([title, *map(plain.to_markdown, parts)])
