"""What the page says of a run in words: its headline, its facts, its cards, its provenance."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from results.assessment import Assessment
from results.entries import Entry
from results.page_data import verdicts_of
from results.records import Record
from results.statistics import ALPHA
from results.tables import headline_entry, label_of

if TYPE_CHECKING:
    from results.run import Run

_STATES = ("ok", "failed", "blocked")


def pair(results: Assessment) -> tuple[str, str]:
    """Choose the two cells that are compared before a reader chooses: the best, and the baseline.

    Where there is no such pair on one seed, the first two cells.
    """
    best, baseline = headline_entry(results), baseline_of(results)
    for ours in best.verdicts if best else ():
        for theirs in baseline.verdicts if baseline else ():
            one, other = ours.record, theirs.record
            if one.cell and other.cell and one.seed == other.seed and one is not other:
                return one.name, other.name
    names = [verdict.record.name for verdict in verdicts_of(results)]
    return names[0], names[min(1, len(names) - 1)]


def baseline_of(results: Assessment) -> Entry | None:
    """Return the baseline's entry where it succeeded."""
    named = (e for e in results.entries if (e.model, e.classifier) == results.baseline and e.cells)
    return next(named, None)


def headline(results: Assessment) -> dict[str, Any] | None:
    """Say in words how the best model or reference does, and the baseline beside it.

    Returns:
        Texts for the template; `None` where neither a model nor a reference succeeded.
    """
    best = headline_entry(results)
    if best is None:
        return None
    baseline = baseline_of(results)
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
    clear = sum(p < ALPHA for p in p_values)
    where = f" in {clear} of {len(p_values)} seeds" if len(p_values) > 1 else ""
    verdict = "is" if clear or where else "is not"
    return f"The difference in accuracy {verdict} significant{where} (McNemar, Holm, 5 %)."


def standing(results: Assessment) -> dict[str, str] | None:
    """Say in words how all models and references stand against the baseline, none put in front.

    Returns:
        Texts for the template; `None` where nothing was compared.
    """
    baseline = baseline_of(results)
    rows = [entry for entry in results.entries if entry.section != "trivial"]
    rows = [entry for entry in rows if entry.verdicts[0].p_holm is not None]
    if baseline is None or not rows:
        return None
    more, less = (sum(_is_clear(entry, sign) for entry in rows) for sign in (1, -1))
    where = " in every seed" if len(baseline.verdicts) > 1 else ""
    return {
        "label": label_of(baseline),
        "score": _in_words(baseline),
        "versus": f"Significantly more documents right{where} (McNemar, Holm, 5 %): "
        f"{more or 'none'} of {len(rows)} rows; fewer: {less or 'none'}.",
    }


def _is_clear(entry: Entry, sign: int) -> bool:
    """Whether a row differs from the baseline in one direction, in all its seeds."""
    return all(
        v.paired is not None
        and v.p_holm is not None
        and v.p_holm < ALPHA
        and sign * v.paired.accuracy_gain > 0
        for v in entry.verdicts
    )


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
