"""The report as one self-contained HTML page: no network, readable on a phone and on paper.

Everything that came from logs, names or error messages passes through Jinja's autoescape; only our
own style sheet, our own script and the figures (escaped by their writer) are inserted as they are.
A content security policy allows that one script by its hash and nothing else.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results import studies as study_tables
from results.assessment import Assessment
from results.drawing import Drawn, svg
from results.entries import Entry
from results.figures import confusion_counts
from results.grid import Column, Table
from results.records import Record
from results.tables import label_of

if TYPE_CHECKING:
    from results.run import Run

_FOLDER = Path(__file__).parent
_SHOWN_ITEMS = 24
_ALWAYS = ("table2", "quality", "classes", "costs", "duplicates")
_OF_NETWORKS = ("table1", "coverage", "curves-", "char-lm-", "adaptation-")
_STATES = ("ok", "failed", "blocked")


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
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["items_of"] = items_of
    environment.globals["headings"] = headings
    style, script = (_FOLDER / name for name in ("page.css", "page.js"))
    code = script.read_text(encoding="utf-8")
    drawings = {
        drawn.name: (drawn.caption, Markup(svg(drawn)))
        for drawn in figures
        if not drawn.name.startswith("confusion-")
    }
    shown = {table.name: table for table in tables if table.rows or table.name in _ALWAYS}
    text = environment.get_template("page.html.jinja").render(
        results=results,
        facts=facts(run, results),
        headline=headline(results),
        tables=shown,
        figures=drawings,
        matrices=sorted(
            (matrix(entry, results) for entry in results.entries if entry.cells),
            key=lambda one: not one["open"],
        ),
        broken=[record for record in run.records if record.cell is None],
        has_networks=any(name.startswith(_OF_NETWORKS) for name in (*drawings, *shown)),
        studies=[study_tables.name_of(study) for study in results.studies],
        cards=cards(run),
        provenance=provenance(run, results),
        style=Markup(style.read_text(encoding="utf-8")),
        script=Markup(code),
        script_hash=base64.b64encode(hashlib.sha256(code.encode()).digest()).decode(),
    )
    return text.rstrip() + "\n"


def headline(results: Assessment) -> dict[str, Any] | None:
    """Say in words how the best model or reference does, and the baseline beside it.

    The best is chosen by cross-validation on train where that exists, never by a glance at test
    scores alone.

    Returns:
        Texts for the template; `None` where neither a model nor a reference succeeded.
    """
    candidates = [entry for entry in results.chosen if entry.section != "trivial"]
    if not candidates:
        return None
    judged = [entry for entry in candidates if entry.cv_macro_f1 is not None]
    best = max(judged, key=lambda entry: entry.cv_macro_f1 or 0.0) if judged else candidates[0]
    named = (e for e in results.entries if (e.model, e.classifier) == results.baseline and e.cells)
    baseline = next(named, None)
    baseline = None if baseline is best else baseline
    return {
        "label": label_of(best),
        "marks": [mark for mark in best.marks if mark not in results.marks],
        "score": _in_words(best),
        "baseline_label": label_of(baseline) if baseline else None,
        "baseline_score": _in_words(baseline) if baseline else None,
        "versus": _versus(best),
    }


def _in_words(entry: Entry) -> str:
    assert entry.accuracy is not None and entry.macro_f1 is not None
    text = f"accuracy {100 * entry.accuracy.mean:.1f}"
    interval = entry.verdicts[0].accuracy
    if entry.accuracy.sd is not None:
        seeds = f"over {entry.accuracy.n} seeds"
        text += f" \N{PLUS-MINUS SIGN} {100 * entry.accuracy.sd:.1f} % {seeds}"
    elif interval is not None:
        text += f" % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
    return f"{text}, macro-F1 {entry.macro_f1.mean:.3f}"


def _versus(entry: Entry) -> str:
    p_values = [v.p_holm for v in entry.verdicts if v.p_holm is not None]
    if not p_values:
        return ""
    clear = sum(p < 0.05 for p in p_values)
    where = f" in {clear} of {len(p_values)} seeds" if len(p_values) > 1 else ""
    verdict = "is" if clear or where else "is not"
    return f"The difference in accuracy {verdict} significant{where} (McNemar, Holm, 5 %)."


def facts(run: "Run", results: Assessment) -> dict[str, str]:
    """Name what was run on what, in short lines."""
    ok = [record for record in run.records if record.cell]
    cell = ok[0].cell if ok else None
    states = [record.status for record in run.records if record.study is None]
    points = [record.status for record in run.records if record.study is not None]
    split = (run.card(ok[0], "split") if ok else None) or {}
    hashes = list(dict.fromkeys(r.provenance.split_hash for r in ok if r.provenance.split_hash))
    lines = {
        "Cells": _counted(states),
        "Points of studies": _counted(points),
        "Seeds": ", ".join(map(str, results.seeds)),
        "Classes": str(len(results.classes)),
    }
    if cell:
        lines["Documents"] = f"{cell.train_documents:,} train, {cell.test_documents:,} test"
    if "by" in split:
        lines["Split by"] = str(split["by"])
    lines["Split hash"] = ", ".join(value[:12] for value in hashes)
    lines["Results"] = results.digest[:12]
    return {name: value for name, value in lines.items() if value}


def _counted(states: Sequence[str]) -> str:
    return ", ".join(f"{states.count(one)} {one}" for one in _STATES if one in states)


def matrix(entry: Entry, results: Assessment) -> dict[str, Any]:
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
        "open": entry in results.chosen,
    }


def cards(run: "Run") -> list[tuple[str, Mapping[str, Any]]]:
    """Collect the cards worth reading: the corpus, its labels, each model trained on text."""
    found: dict[str, Mapping[str, Any]] = {}
    seen: set[str] = set()
    for record in (record for record in run.records if record.study is None):
        titles = {
            "corpus": "Corpus",
            "labels": "Labels",
            "adapted": f"Adaptation of {record.model}, seed {record.seed}",
            "char_lm": f"Character model for {record.classifier}, seed {record.seed}",
        }
        for role, title in titles.items():
            artifact = record.artifacts.get(role)
            if artifact and artifact.key not in seen and (card := run.card(record, role)):
                seen.add(artifact.key)
                found.setdefault(title, card)
    return sorted(found.items(), key=lambda item: item[0] not in ("Corpus", "Labels"))


def provenance(run: "Run", results: Assessment) -> dict[str, str]:
    """List what would have to be the same for the numbers to come out again."""
    records = run.records
    if not records:
        return {}
    versions = sorted({f"{k} {v}" for r in records for k, v in r.provenance.versions.items()})
    return {
        "Command": _each(r.provenance.command for r in records),
        "Suite hash": _each(r.provenance.suite_hash for r in records),
        "Split hash": _each(r.provenance.split_hash or "" for r in records),
        "Corpus digest": _each(r.provenance.corpus_digest or "" for r in records),
        "Results digest": results.digest,
        "Git commit": _each(_commit(r) for r in records),
        "Hardware": _each(r.provenance.hardware for r in records),
        "Started": min(r.provenance.started_utc for r in records),
        "Versions": ", ".join(versions),
    }


def _each(values: Any) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


def _commit(record: Record) -> str:
    commit = record.provenance.git_commit
    return (
        f"{commit} (with uncommitted changes)"
        if commit and record.provenance.git_dirty
        else commit or ""
    )


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
