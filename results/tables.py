"""The one place that turns results into table data; the renderers only draw what stands here.

In goes an `Assessment`, out come `Table`s. The quality tables here hold no times, hosts or paths,
so that equal results give equal bytes; costs have their own table in `results/costs.py`.
"""

from collections.abc import Sequence

from results.assessment import Assessment
from results.entries import Entry, Verdict
from results.grid import DASH, Block, Column, Piece, Row, Table, Value, shown
from results.scores import (
    partly,
    public_reason,
    reasons_of,
    rounded,
    status_of,
    with_interval,
)

SECTIONS = {
    "matrix": "Models and classifiers",
    "compress": "Pruned models",
    "anomaly": "Anomaly detectors",
    "reference": "Reference networks",
    "trivial": "Trivial rows",
}
TITLES = {
    "random_forest": "Random forest",
    "decision_tree": "Decision tree",
    "xgboost": "XGBoost",
    "logistic_regression": "Logistic regression",
    "linear_svc": "Linear SVC",
    "embedding_cnn": "CNN",
    "finetuned": "Fine-tuned",
}


def title_of(classifier: str) -> str:
    """Return a classifier's name as it is printed, without its `-tuned`."""
    base = classifier.removesuffix("-tuned")
    return TITLES.get(base, base.replace("_", " "))


def label_of(entry: Entry) -> str:
    """Name an entry in one short text."""
    if entry.section == "reference" or entry.model == entry.classifier:
        return entry.classifier
    tuned = ", tuned" if entry.classifier.endswith("-tuned") else ""
    return f"{entry.model} + {title_of(entry.classifier)}{tuned}"


def quality(results: Assessment) -> Table:
    """Accuracy and macro-F1, models by classifiers, in the shape of the seed paper's Table II."""
    matrix = results.section("matrix")
    classifiers = list(dict.fromkeys(entry.classifier for entry in matrix))
    places = {(entry.model, entry.classifier): entry for entry in matrix}
    best = {name: _best([e for e in matrix if e.classifier == name]) for name in classifiers}
    rows = []
    for model in dict.fromkeys(entry.model for entry in matrix):
        entries = [places.get((model, name)) for name in classifiers]
        shared = _shared_marks([e for e in entries if e], results.marks)
        cells = [
            _score(entry, best[name], results.marks + shared)
            for name, entry in zip(classifiers, entries, strict=True)
        ]
        rows.append(Row((shown(model, notes=shared), *cells)))
    blocks = [Block(SECTIONS["matrix"], tuple(rows))] if rows else []
    for section in (name for name in SECTIONS if name != "matrix"):
        alone = [
            Row((shown(label_of(e)), _score(e, (None, None), results.marks)), spans=True)
            for e in results.section(section)
        ]
        blocks += [Block(SECTIONS[section], tuple(alone))] if alone else []
    seeds = len(results.seeds)
    over = f", mean over {seeds} seeds" if seeds > 1 else ""
    return Table(
        name="table2",
        caption=f"Accuracy in percent (macro-F1) on the test documents of {results.suite}{over}. "
        "Bold: best of its column.",
        columns=(Column("Model", number=False), *_classifier_columns(classifiers)),
        blocks=tuple(blocks),
        marks=results.marks,
    )


def _classifier_columns(classifiers: Sequence[str]) -> list[Column]:
    if not classifiers:
        return [Column("Accuracy (macro-F1)")]
    columns = []
    for name in classifiers:
        base = name.removesuffix("-tuned")
        if base in classifiers and f"{base}-tuned" in classifiers:
            columns.append(Column("tuned" if name != base else "default", group=title_of(base)))
        else:
            columns.append(Column(title_of(base) + (", tuned" if name != base else "")))
    return columns


def _best(entries: Sequence[Entry]) -> tuple[float | None, float | None]:
    """Return the best accuracy and macro-F1 of a column; nothing where there is no contest."""
    accuracies = [entry.accuracy.mean for entry in entries if entry.accuracy]
    scores = [entry.macro_f1.mean for entry in entries if entry.macro_f1]
    return (max(accuracies), max(scores)) if len(scores) > 1 else (None, None)


def _shared_marks(entries: Sequence[Entry], known: tuple[str, ...]) -> tuple[str, ...]:
    first = entries[0].marks
    return tuple(
        mark for mark in first if mark not in known and all(mark in e.marks for e in entries)
    )


def _score(
    entry: Entry | None, best: tuple[float | None, float | None], known: tuple[str, ...]
) -> Value:
    """Show `accuracy (macro-F1)`, each bold where it is the best of its column."""
    if entry is None:
        return shown(DASH, None, notes=["not part of the suite's plan"])
    marks = [mark for mark in entry.marks if mark not in known]
    if entry.accuracy is None or entry.macro_f1 is None:
        return shown(status_of(entry), None, notes=[*marks, *reasons_of(entry)])
    marks += partly(entry)
    accuracy, macro_f1 = entry.accuracy.mean, entry.macro_f1.mean
    return Value(
        pieces=(
            Piece(f"{100 * accuracy:.1f}", bold=accuracy == best[0]),
            Piece(" ("),
            Piece(f"{macro_f1:.3f}", bold=macro_f1 == best[1]),
            Piece(")"),
        ),
        notes=tuple(marks),
    )


_INTERVAL_COLUMNS = (
    Column("Model", ("model",), number=False),
    Column("Classifier", ("classifier",), number=False),
    Column("Seed", ("seed",)),
    Column("", ("section", "text", "status", "reason", "marks")),
    Column("", ("n_train",)),
    Column("Test", ("n_test",)),
    Column("Accuracy, % [95 %]", ("accuracy", "accuracy_low", "accuracy_high", "accuracy_sd")),
    Column("Macro-F1 [95 %]", ("macro_f1", "macro_f1_low", "macro_f1_high", "macro_f1_sd")),
    Column("", ("weighted_f1", "cv_macro_f1", "cv_reason")),
    Column("Macro-F1 gain [95 %]", ("gain", "gain_low", "gain_high"), group="Against the baseline"),
    Column("won : lost", ("only_cell", "only_baseline"), group="Against the baseline"),
    Column("p (Holm)", ("p_holm", "p_mcnemar", "unpaired"), group="Against the baseline"),
)


def intervals(results: Assessment) -> Table:
    """One row per cell with intervals and comparison; with several seeds, one more for the mean."""
    blocks = []
    for section, title in SECTIONS.items():
        rows = []
        for entry in results.section(section):
            rows += [_interval_row(verdict, results.marks) for verdict in entry.verdicts]
            rows += [_mean_row(entry, results.marks)] if len(entry.cells) > 1 else []
        blocks += [Block(title, tuple(rows))] if rows else []
    return Table(
        name="quality",
        caption=_interval_caption(results),
        columns=_INTERVAL_COLUMNS,
        blocks=tuple(blocks),
        marks=results.marks,
        labels=3,
    )


def _interval_caption(results: Assessment) -> str:
    unit = "groups of documents" if results.grouped else "documents within each class"
    caption = f"Every cell of {results.suite} with 95 % percentile bootstrap intervals over {unit}"
    if len(results.seeds) > 1:
        caption += "; rows 'mean' give the standard deviation over seeds instead"
    caption += "."
    if results.baseline is None:
        return f"{caption} No baseline: {results.baseline_reason}."
    caption += (
        f" Baseline: {' + '.join(results.baseline)} ({results.baseline_reason}). Won : lost counts "
        "the documents that one of the two alone got right; p is exact McNemar, Holm over all rows."
    )
    if results.grouped:
        caption += " Documents of one group are not independent: p is too small, trust the gain."
    return caption


def _interval_row(verdict: Verdict, known: tuple[str, ...]) -> Row:
    record, cell = verdict.record, verdict.record.cell
    reason = None if record.status == "ok" else public_reason(record)
    notes = [mark for mark in record.marks if mark not in known]
    facts = Value((), (record.section, record.text, record.status, reason, "; ".join(record.marks)))
    name = (shown(record.model, notes=notes), shown(record.classifier), shown(str(record.seed)))
    if cell is None or verdict.accuracy is None or verdict.macro_f1 is None:
        lost = shown(record.status, None, None, None, None, notes=[f"{record.status}: {reason}"])
        empty = shown(DASH, None)
        dashes = [shown(DASH, *[None] * width) for width in (4, 3, 3, 2)]
        versus = shown(DASH, None, None, verdict.unpaired)
        return Row((*name, facts, empty, empty, lost, *dashes, versus))
    scores = cell.scores
    return Row(
        (
            *name,
            facts,
            shown(str(cell.train_documents), cell.train_documents),
            shown(str(cell.test_documents), cell.test_documents),
            with_interval(scores.accuracy, verdict.accuracy, scale=100, form=".1f"),
            with_interval(scores.macro_f1, verdict.macro_f1, scale=1, form=".3f"),
            Value((), (rounded(scores.weighted_f1), rounded(cell.cv_macro_f1), cell.cv_reason)),
            *_paired_values(verdict),
        )
    )


def _paired_values(verdict: Verdict) -> tuple[Value, Value, Value]:
    paired = verdict.paired
    if paired is None or verdict.p_holm is None:
        dashes = shown(DASH, None, None, None), shown(DASH, None, None)
        return *dashes, shown(DASH, None, None, verdict.unpaired)
    low, high = paired.gain_interval.low, paired.gain_interval.high
    return (
        shown(
            f"{_signed(paired.gain)} [{_signed(low)}, {_signed(high)}]",
            rounded(paired.gain),
            rounded(low),
            rounded(high),
        ),
        shown(
            f"{paired.only_cell} : {paired.only_baseline}", paired.only_cell, paired.only_baseline
        ),
        shown(_p(verdict.p_holm), rounded(verdict.p_holm), rounded(paired.p), None),
    )


def _mean_row(entry: Entry, known: tuple[str, ...]) -> Row:
    assert entry.accuracy is not None and entry.macro_f1 is not None
    accuracy, macro_f1 = entry.accuracy, entry.macro_f1
    record = entry.verdicts[0].record
    facts = Value((), (record.section, record.text, "ok", None, "; ".join(entry.marks)))
    empty = shown("", None)
    wide = Value((), (None, rounded(entry.cv_macro_f1), None))
    seeds = f"mean of {accuracy.n}"
    return Row(
        (
            shown(record.model, notes=[mark for mark in entry.marks if mark not in known]),
            shown(record.classifier),
            shown(seeds),
            facts,
            empty,
            empty,
            shown(
                f"{100 * accuracy.mean:.1f} ± {100 * (accuracy.sd or 0):.1f}",
                rounded(accuracy.mean),
                None,
                None,
                rounded(accuracy.sd),
            ),
            shown(
                f"{macro_f1.mean:.3f} ± {macro_f1.sd or 0:.3f}",
                rounded(macro_f1.mean),
                None,
                None,
                rounded(macro_f1.sd),
            ),
            wide,
            *(shown("", *[None] * width) for width in (3, 2, 3)),
        )
    )


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
