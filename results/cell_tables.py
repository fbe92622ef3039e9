"""Every cell with its intervals and its comparison with the baseline, and what else is measured.

Shown is what can be read; the CSV of the first table holds all that was measured, each value with
its interval or the reason why there is none.
"""

from collections.abc import Mapping
from dataclasses import replace

from results.assessment import Assessment
from results.entries import Entry, Verdict
from results.grid import DASH, Block, Column, Raw, Row, Table, Value, shown
from results.measures import NAMES
from results.scores import (
    cautions,
    difference,
    measured,
    over_seeds,
    p_text,
    public_reason,
    reasons_of,
    rounded,
    status_of,
    with_deviation,
    with_interval,
)
from results.statistics import Measure, Paired, Spread
from results.tables import SECTIONS, full_title_of, unit_of

_FURTHER = tuple(name for name in NAMES if name not in ("accuracy", "macro_f1"))
_TITLES = {"weighted_f1": "Weighted F1", "mcc": "MCC", "roc_auc": "ROC-AUC", "pr_auc": "PR-AUC"}
_VERSUS = "Against the baseline"


def _ends(name: str) -> tuple[str, ...]:
    return (name, f"{name}_low", f"{name}_high")


_COLUMNS = (
    Column("Model", ("model",), number=False),
    Column("Classifier", ("classifier",), number=False),
    Column("Seed", ("seed",)),
    Column("", ("section", "text", "status", "reason", "marks", "differs")),
    Column("", ("n_train",)),
    Column("Test", ("n_test",)),
    Column("Accuracy, % [95 %]", (*_ends("accuracy"), "accuracy_sd")),
    Column("Macro-F1 [95 %]", (*_ends("macro_f1"), "macro_f1_sd")),
    Column("", tuple(x for name in _FURTHER for x in (*_ends(name), f"{name}_reason"))),
    Column("", ("cv_macro_f1", "cv_reason")),
    Column("Macro-F1 gain [95 %]", _ends("gain"), group=_VERSUS),
    Column("its p", ("gain_p_holm", "gain_p", "unresolvable"), group=_VERSUS),
    Column("won : lost", ("only_cell", "only_baseline"), group=_VERSUS),
    Column("McNemar p", ("p_holm", "p_mcnemar", "unpaired"), group=_VERSUS),
    Column("", _ends("accuracy_gain")),
)


def cells(results: Assessment) -> Table:
    """One row per cell; with several seeds, one more for their mean."""
    blocks = []
    for section, title in SECTIONS.items():
        rows = []
        for entry in results.section(section):
            rows += [_row(verdict, results.marks) for verdict in entry.verdicts]
            rows += [_mean_row(results, entry)] if len(entry.cells) > 1 else []
        blocks += [Block(title, tuple(rows))] if rows else []
    return Table(
        name="quality",
        caption=_caption(results),
        columns=_COLUMNS,
        blocks=tuple(blocks),
        marks=results.marks,
        labels=3,
    )


def _caption(results: Assessment) -> str:
    caption = (
        f"Every cell of {results.suite} with 95 % percentile bootstrap intervals over "
        f"{unit_of(results)}"
    )
    if len(results.seeds) > 1:
        caption += (
            "; rows 'mean' have the standard deviation over seeds and the interval of the mean, "
            "were other test documents drawn"
        )
    caption += "."
    if results.baseline is None:
        return f"{caption} No baseline: {results.baseline_reason}."
    caption += (
        f" Baseline: {' + '.join(results.baseline)} ({results.baseline_reason}). Won : lost counts "
        "the documents that one of the two alone got right; McNemar p is exact, the gain's p from "
        "the bootstrap, each after Holm over all rows."
    )
    if results.grouped:
        caption += (
            " Documents of one group are not independent: McNemar p is too small, trust the gain."
        )
    return caption


def _row(verdict: Verdict, known: tuple[str, ...]) -> Row:
    record, cell = verdict.record, verdict.record.cell
    reason = None if record.status == "ok" else public_reason(record)
    notes = [mark for mark in record.marks if mark not in known]
    marks = "; ".join(record.marks)
    facts = (record.section, record.text, record.status, reason, marks, verdict.differs)
    name = (shown(record.model, notes=notes), shown(record.classifier), shown(str(record.seed)))
    if cell is None:
        lost = shown(record.status, *[None] * 4, notes=[f"{record.status}: {reason}"])
        empty = shown(DASH, None)
        dashes = shown(DASH, *[None] * 4), _further({}), Value((), (None, None))
        values = (Value((), facts), empty, empty, lost, *dashes, *_paired_values(verdict))
        return Row((*name, *values))
    scores, differs = cell.scores, [verdict.differs] if verdict.differs else []
    return Row(
        (
            *name,
            Value((), facts),
            shown(str(cell.train_documents), cell.train_documents),
            shown(str(cell.test_documents), cell.test_documents, notes=differs),
            measured(Measure(scores.accuracy, verdict.accuracy), ".1f", scale=100),
            measured(Measure(scores.macro_f1, verdict.macro_f1), ".3f"),
            _further(verdict.measures),
            Value((), (rounded(cell.cv_macro_f1), cell.cv_reason)),
            *_paired_values(verdict),
        )
    )


def _further(found: Mapping[str, Measure]) -> Value:
    """Leave the measures that are not shown to the CSV, each with its interval or its reason."""
    raw: list[Raw] = []
    for name in _FURTHER:
        one = found.get(name, Measure())
        ends = (one.interval.low, one.interval.high) if one.interval else (None, None)
        raw += [rounded(one.value), *map(rounded, ends), one.reason or None]
    return Value((), tuple(raw))


def _paired_values(verdict: Verdict) -> tuple[Value, ...]:
    paired = verdict.paired
    if paired is None or verdict.p_holm is None:
        dashes = [shown(DASH, *[None] * width) for width in (3, 3, 2)]
        return *dashes, shown(DASH, None, None, verdict.unpaired), Value((), (None,) * 3)
    gain = paired.accuracy_interval
    return (
        difference(paired.gain, paired.gain_interval),
        _gain_p(verdict, paired),
        shown(
            f"{paired.only_cell} : {paired.only_baseline}", paired.only_cell, paired.only_baseline
        ),
        shown(p_text(verdict.p_holm), rounded(verdict.p_holm), rounded(paired.p), None),
        Value((), tuple(map(rounded, (paired.accuracy_gain, gain.low, gain.high)))),
    )


def _gain_p(verdict: Verdict, paired: Paired) -> Value:
    if verdict.gain_p_holm is None:
        notes = [verdict.unresolvable] if verdict.unresolvable else []
        return shown(DASH, None, None, verdict.unresolvable, notes=notes)
    return shown(
        p_text(verdict.gain_p_holm), rounded(verdict.gain_p_holm), rounded(paired.gain_p), None
    )


def _mean_row(results: Assessment, entry: Entry) -> Row:
    assert entry.accuracy is not None and entry.macro_f1 is not None
    record, overall = entry.verdicts[0].record, results.overall(entry)
    facts = (record.section, record.text, "ok", None, "; ".join(entry.marks), entry.differs)
    empty = shown("", None)
    notes = [mark for mark in entry.marks if mark not in results.marks]
    return Row(
        (
            shown(record.model, notes=notes),
            shown(record.classifier),
            shown(f"mean of {entry.accuracy.n}"),
            Value((), facts),
            empty,
            empty,
            _mean(entry.accuracy, overall.get("accuracy"), scale=100, form=".1f"),
            _mean(entry.macro_f1, overall.get("macro_f1"), scale=1, form=".3f"),
            _further({}),
            Value((), (rounded(entry.cv_macro_f1), None)),
            *(shown("", *[None] * width) for width in (3, 3, 2, 3)),
            Value((), (None,) * 3),
        )
    )


def _mean(found: Spread, overall: Measure | None, *, scale: float, form: str) -> Value:
    """Show a mean over seeds with its deviation and the interval of sampling, kept apart."""
    value = with_deviation(found, scale=scale, form=form)
    if overall is None or overall.interval is None:
        return value
    doubt = with_interval(found.mean, overall.interval, scale=scale, form=form)
    raw = (*doubt.raw[:3], value.raw[3])
    return replace(value, pieces=(*value.pieces, *doubt.pieces[1:]), raw=raw)


def further(results: Assessment) -> Table:
    """One row per entry with what else is measured of it, over its seeds."""
    blocks = []
    for section, title in SECTIONS.items():
        rows = tuple(_further_row(results, entry) for entry in results.section(section))
        blocks += [Block(title, rows)] if rows else []
    doubt = "mean and standard deviation over seeds"
    if len(results.seeds) == 1:
        doubt = f"95 % bootstrap intervals over {unit_of(results)}"
    return Table(
        name="measures",
        caption=f"Further measures of every entry of {results.suite} on the test documents "
        f"({doubt}): F1 weighted by the classes' documents, Matthews' correlation, and, where "
        "there are scores, the areas under the ROC and the precision-recall curve, each class "
        "against all others, mean over classes.",
        columns=(
            Column("Model", number=False),
            Column("Classifier", number=False),
            *(Column(_TITLES[name]) for name in _FURTHER),
        ),
        blocks=tuple(blocks),
        marks=results.marks,
        labels=2,
    )


def _further_row(results: Assessment, entry: Entry) -> Row:
    marks = [mark for mark in entry.marks if mark not in results.marks]
    name = (shown(entry.model, notes=marks), shown(full_title_of(entry.classifier)))
    found = [v.measures for v in entry.verdicts if v.measures]
    if not found:
        lost = shown(status_of(entry), *[None] * 4, notes=reasons_of(entry))
        return Row((*name, lost, *[shown(DASH)] * (len(_FURTHER) - 1)))
    notes = cautions(entry)
    return Row(
        (
            *name,
            *(over_seeds([one[x] for one in found], ".3f", notes) for x in _FURTHER),
        )
    )
