"""`write`: everything an author takes from a run, into one folder.

Quality files (`quality.*`, `table2.tex`, `classes.*`, the confusion and data figures) are the same
bytes for equal results; `costs.*`, `report.html` and the accuracy-versus-cost figure tell times.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from results import breakdowns, costs, drawing, figures, latex, page, plain, tables
from results.assessment import Assessment, assess
from results.grid import Table

if TYPE_CHECKING:
    from results.run import Run


def write(run: "Run", out: Path) -> list[Path]:
    """Write the report of a run; a failed cell is shown as failed, the rest is printed.

    All files are first made in a folder beside `out` and then moved over one by one, so that a
    report that fails half-way leaves the old one as it was.

    Args:
        run: the opened run.
        out: the folder to write into; made if missing, other files in it are left alone.

    Returns:
        The files written, `report.html` first.

    Raises:
        InputError: the suite's baseline is unknown, or an artifact is missing from the store.
    """
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
    return [out / name for name in names]


@dataclass(frozen=True)
class _Tables:
    table2: Table
    quality: Table
    classes: Table
    class_rows: Table
    costs: Table
    duplicates: Table


def _fill(run: "Run", results: Assessment, folder: Path) -> Iterator[Path]:
    """Write every file into a folder, yielding their names relative to it."""
    splits = {r.seed: card for r in reversed(run.records) if (card := run.card(r, "split"))}
    splits = dict(sorted(splits.items()))
    made = _Tables(
        table2=tables.quality(results),
        quality=tables.intervals(results),
        classes=breakdowns.classes(results),
        class_rows=breakdowns.class_rows(results),
        costs=costs.costs(results),
        duplicates=breakdowns.duplicates(splits),
    )
    corpus = next((card for r in run.records if (card := run.card(r, "corpus"))), None)
    drawn = figures.collect(results, corpus, next(iter(splits.values()), None))
    shown = (made.table2, made.quality, made.classes, made.costs, made.duplicates)
    texts = {
        "report.html": page.render(run, results, shown, drawn),
        "quality.md": _quality_markdown(results, made),
        "quality.csv": plain.to_csv(made.quality),
        "table2.tex": latex.render(made.table2, digest=results.digest),
        "quality.tex": latex.render(made.quality, digest=results.digest),
        "classes.tex": latex.render(made.classes, digest=results.digest),
        "classes.csv": plain.to_csv(made.class_rows),
        "costs.md": f"# Costs of {plain.escape(results.suite)}\n\n{plain.to_markdown(made.costs)}",
        "costs.csv": plain.to_csv(made.costs),
        "costs.tex": latex.render(made.costs, digest=results.digest),
        "report.tex": latex.standalone(results.suite, results.marks, _INPUTS, drawn),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
        yield Path(name)
    for one in drawn:
        for path in drawing.save(one, folder / "figures"):
            yield path.relative_to(folder)


_INPUTS = ("table2", "quality", "classes", "costs")


def _quality_markdown(results: Assessment, made: _Tables) -> str:
    title = f"# {plain.escape(results.suite)}\n\nResults `{results.digest[:12]}`\n"
    parts = [made.table2, made.quality, *([made.duplicates] if made.duplicates.rows else [])]
    return "\n".join([title, *map(plain.to_markdown, parts)])
