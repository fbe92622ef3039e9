"""The report as one self-contained HTML page: no network, readable on a phone and on paper.

Everything that came from logs, names or error messages passes through Jinja's autoescape; only our
own style sheet, our own script and the figures (escaped by their writer) are inserted as they are.
A content security policy allows that one script by its hash and nothing else. What the script reads
(`results/page_data.py`) is base64, and becomes text on the page, never markup.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results import studies as study_tables
from results.assessment import Assessment
from results.drawing import Drawn, svg
from results.entries import Entry
from results.figures import confusion_counts
from results.grid import Column, Raw, Row, Table
from results.page_data import pack, verdicts_of
from results.page_facts import cards, facts, headline, pair, provenance, standing
from results.tables import label_of

if TYPE_CHECKING:
    from jinja2 import Template

    from results.run import Run

_FOLDER = Path(__file__).parent
_SHOWN_ITEMS = 24
_ALWAYS = ("table2", "quality", "classes", "costs", "duplicates")
_IN_SECTIONS = (
    *_ALWAYS, "table1", "table1-classes", "coverage", "detection", "measures",
    *(f"compression{number}" for number in range(1, 5)),
)  # fmt: skip
_OF_NETWORKS = ("table1", "coverage", "curves-", "char-lm-", "adaptation-")
_SCRIPTS = ("page.js", "compare.js", "compare_parts.js", "compare_view.js")
_MAX_SQUARES = 20_000  # of all confusion matrices that are written out
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def render(
    run: "Run", results: Assessment, tables: Sequence[Table], figures: Sequence[Drawn]
) -> str:
    """Write the page.

    Args:
        run: the run, for its cards and provenance.
        results: the run judged.
        tables: in the order in which they are shown.
        figures: drawn for this run; confusion matrices are shown as tables instead.
    """
    from markupsafe import Markup

    template = _template()
    template.globals["cell_row"] = _cell_rows(results)
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    code = "".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    drawings = {
        drawn.name: (drawn.caption, Markup(svg(drawn)))
        for drawn in figures
        if not drawn.name.startswith("confusion-")
    }
    shown = {table.name: table for table in tables if table.rows or table.name in _ALWAYS}
    of_studies = [study_tables.name_of(study) for study in results.studies]
    elsewhere = {*_IN_SECTIONS, *of_studies, *(f"detection-{name}" for name in of_studies)}
    drawn_out, num_left_out = matrices(results)
    text = template.render(
        results=results,
        facts=facts(run, results),
        headline=headline(results),
        standing=standing(results),
        tables=shown,
        others=[name for name in shown if name not in elsewhere],
        figures=drawings,
        matrices=drawn_out,
        num_left_out=num_left_out,
        broken=[record for record in run.records if record.cell is None],
        has_networks=any(name.startswith(_OF_NETWORKS) for name in (*drawings, *shown)),
        studies=of_studies,
        cards=cards(run),
        provenance=provenance(run, results),
        data=pack(run, results, pair(results)) if verdicts_of(results) else "",
        style=Markup(style),
        script=Markup(code),
        script_hash=base64.b64encode(hashlib.sha256(code.encode()).digest()).decode(),
    )
    return storable(text).rstrip() + "\n"


def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["items_of"] = items_of
    environment.globals["headings"] = headings
    return environment.get_template("page.html.jinja")


def storable(text: str) -> str:
    """Replace what a page cannot hold: half characters, and controls by pictures of them."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROLS.sub(lambda control: chr(0x2400 + ord(control[0])), whole)


def _cell_rows(results: Assessment) -> Callable[[Table, Row], str]:
    """Make what gives the row of a cell its id and name: attributes of a `<tr>`, or nothing."""
    from markupsafe import Markup

    places = {one.record.name: place for place, one in enumerate(verdicts_of(results))}

    def attributes(table: Table, row: Row) -> str:
        if table.name != "quality":
            return ""
        name = "/".join(str(_raw(table, row, part)) for part in ("model", "classifier", "seed"))
        if name not in places:
            return ""
        return Markup(' id="cell-{}" data-cell="{}"').format(places[name], name)

    return attributes


def _raw(table: Table, row: Row, field: str) -> Raw:
    """Return what a row holds in a field of the CSV; `None` where it has none."""
    for column, value in zip(table.columns, row.values, strict=False):
        if field in column.fields:
            return value.raw[column.fields.index(field)]
    return None


def matrices(results: Assessment) -> tuple[list[dict[str, Any]], int]:
    """Lay out the confusion matrices, one per model first, and count those left to the script."""
    entries = [entry for entry in results.entries if entry.cells]
    chosen = results.chosen
    entries.sort(key=lambda entry: entry not in chosen)
    kept: list[dict[str, Any]] = []
    room = _MAX_SQUARES
    for entry in entries:
        room -= len(entry.cells[0].classes) ** 2
        if room >= 0 or not kept:
            kept.append(matrix(entry, results, is_open=entry in chosen))
    return kept, len(entries) - len(kept)


def matrix(entry: Entry, results: Assessment, *, is_open: bool) -> dict[str, Any]:
    """Lay out an entry's confusion matrix: rows of (class, [(count, share of the row), ...])."""
    counts = confusion_counts(entry)
    names = entry.cells[0].classes
    rows = [
        (name, [(int(n), float(n / max(row.sum(), 1))) for n in row])
        for name, row in zip(names, counts, strict=True)
    ]
    return {
        "label": label_of(entry),
        "names": names,
        "rows": rows,
        "seeds": len(entry.cells),
        "marks": [mark for mark in entry.marks if mark not in results.marks],
        "open": is_open,
    }


def headings(columns: Sequence[Column]) -> list[tuple[str, int]]:
    """Fold neighbouring columns of one group: (group heading or empty, how many columns)."""
    folded: list[tuple[str, int]] = []
    for column in columns:
        if column.group and folded and folded[-1][0] == column.group:
            folded[-1] = (column.group, folded[-1][1] + 1)
        else:
            folded.append((column.group, 1))
    return folded


def items_of(values: Sequence[Any]) -> str:
    """Write a list of plain values on one line, a long one (a histogram) as its length."""
    if len(values) > _SHOWN_ITEMS:
        return f"{len(values)} values"
    return ", ".join(str(value) for value in values) or "none"
