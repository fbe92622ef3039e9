"""`write`: everything an author takes from a run, into one folder.

Files of quality (`numbers.tex`, most figures, every table but those that `results/table_files.py`
says to tell times) are the same bytes for equal results; `costs.*`, `compression2.*` to `4.*`,
`report.html`, `provenance.json` and the figures `accuracy-cost` and `compression-use` tell times.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from results import breakdowns, drawing, figures, latex, numbers, page, plain
from results.assessment import Assessment, assess
from results.hashing import hash_file
from results.page_facts import provenance
from results.rewriting import made_of, note, written
from results.steps import Step, counted, untold
from results.table_files import make_tables

if TYPE_CHECKING:
    from results.run import Run


def write(
    run: "Run", out: Path, *, unless_written: bool = False, step: Step = untold
) -> list[Path]:
    """Write the report of a run; a failed cell is shown as failed, the rest is printed.

    All files are first made in a folder beside `out` and then moved over one by one, so that a
    report that fails half-way leaves the old one as it was.

    Args:
        run: the opened run.
        out: the folder to write into; made if missing, other files in it are left alone.
        unless_written: leave a report that was made of the same by the same code, and lies there
            as it was written.
        step: is told how far this is.

    Returns:
        The report's files, `report.html` first.

    Raises:
        InputError: the suite's baseline is unknown, or an artifact is missing from the store.
    """
    source = made_of(run) if unless_written else None
    if source is not None and (there := written(out, source)):
        return there
    results = assess(run, step)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        names = [*_fill(run, results, draft, step)]
        names.append(_told(run, results, draft, names))
        for name in names:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).replace(out / name)
    finally:
        shutil.rmtree(draft)
    if source is not None:
        note(out, source, names)
    return [out / name for name in names]


def make_figures(run: "Run", results: Assessment) -> list[drawing.Drawn]:
    """Draw every figure of a report."""
    corpus = next((card for r in run.records if (card := run.card(r, "corpus"))), None)
    return figures.collect(run, results, corpus, next(iter(breakdowns.splits(run).values()), None))


def _fill(run: "Run", results: Assessment, folder: Path, step: Step) -> Iterator[Path]:
    """Write every file into a folder, yielding their names relative to it."""
    step("making tables", 0, None)
    made = make_tables(run, results)
    step("reading what figures show", 0, None)
    drawn = make_figures(run, results)
    suite = plain.escape(results.suite)
    step("writing the page and the tables", 0, None)
    texts = {
        "report.html": page.render(run, results, made.shown, drawn),
        "quality.md": made.markdown(f"# {suite}\n\nResults `{results.digest[:12]}`\n", times=False),
        "costs.md": made.markdown(f"# Costs of {suite}\n", times=True),
        **made.csv(),
        **made.latex(results.digest),
        "numbers.tex": numbers.to_tex(results),
        "report.tex": latex.standalone(
            results.suite, results.marks, [one.name for one in made.printed], drawn
        ),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
        yield Path(name)
    for one in counted(drawn, "drawing figures", step):
        subject = f"{results.suite}: results {results.digest}"
        for path in drawing.save(one, folder / "figures", subject=subject):
            yield path.relative_to(folder)


def _told(run: "Run", results: Assessment, folder: Path, names: Sequence[Path]) -> Path:
    """Write `provenance.json`: what the numbers come from, and which files hold them."""
    content = {
        "suite": results.suite,
        **{key.lower().replace(" ", "_"): text for key, text in provenance(run, results).items()},
        "files": {name.as_posix(): hash_file(folder / name) for name in sorted(names)},
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / "provenance.json").write_text(text, encoding="utf-8", errors="backslashreplace")
    return Path("provenance.json")
