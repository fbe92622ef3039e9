"""Table II: models by classifiers, in the shape of the seed paper's; and how entries are named.

In goes an `Assessment`, out comes a `Table`; the renderers only draw what stands here. Tables of
quality hold no times, hosts or paths, so that equal results give equal bytes; costs have their own
in `results/costs.py`.
"""

from collections.abc import Sequence
from dataclasses import replace

from results.assessment import Assessment
from results.entries import Entry
from results.grid import DASH, Block, Column, Piece, Row, Table, Value, shown
from results.scores import cautions, reasons_of, status_of

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


def full_title_of(classifier: str) -> str:
    """Return a classifier's name as it is printed, with what tells the tuned one apart."""
    return title_of(classifier) + (", tuned" if classifier.endswith("-tuned") else "")


def label_of(entry: Entry) -> str:
    """Name an entry in one short text."""
    if entry.section == "reference" or entry.model == entry.classifier:
        return entry.classifier
    return f"{entry.model} + {full_title_of(entry.classifier)}"


def headline_entry(results: Assessment) -> Entry | None:
    """Choose what a run is summed up by: the best by cross-validation on train, never by test.

    Returns:
        A model or a reference; `None` where none succeeded, or several did and nothing but the test
        could tell which is best.
    """
    candidates = [entry for entry in results.chosen if entry.section != "trivial"]
    judged = [entry for entry in candidates if entry.cv_macro_f1 is not None]
    if judged:
        return max(judged, key=lambda entry: entry.cv_macro_f1 or 0.0)
    return candidates[0] if len(candidates) == 1 else None


def quality(results: Assessment) -> Table:
    """Accuracy and macro-F1, models by classifiers, in the shape of the seed paper's Table II."""
    matrix = results.section("matrix")
    classifiers = list(dict.fromkeys(entry.classifier for entry in matrix))
    places = {(entry.model, entry.classifier): entry for entry in matrix}
    best = [
        best_names(results, [e for e in matrix if e.classifier == name]) for name in classifiers
    ]
    rows: list[Row] = []
    for model in dict.fromkeys(entry.model for entry in matrix):
        entries = [places.get((model, name)) for name in classifiers]
        rows += _model_rows(results, model, entries, best)
    blocks = [Block(SECTIONS["matrix"], tuple(rows))] if rows else []
    for section in (name for name in SECTIONS if name != "matrix"):
        alone = [_row_alone(results, entry) for entry in results.section(section)]
        blocks += [Block(SECTIONS[section], tuple(alone))] if alone else []
    return Table(
        name="table2",
        caption=_quality_caption(results),
        columns=(Column("Model", number=False), *_classifier_columns(classifiers)),
        blocks=tuple(blocks),
        marks=results.marks,
    )


def _quality_caption(results: Assessment) -> str:
    seeds = len(results.seeds)
    over = f", mean over {seeds} seeds" if seeds > 1 else ""
    doubt = (
        f"standard deviation over the {seeds} seeds"
        if seeds > 1
        else f"half the width of the 95 % bootstrap interval over {unit_of(results)}"
    )
    return (
        f"Accuracy in percent (macro-F1) on the test documents of {results.suite}{over}. "
        f"\N{PLUS-MINUS SIGN}: {doubt}. Bold: the best of its column and all that cannot be "
        "separated from it (paired 95 % bootstrap interval of the difference)."
    )


def unit_of(results: Assessment) -> str:
    """Say what a bootstrap sample draws."""
    return "groups of documents" if results.grouped else "documents within each class"


Best = tuple[frozenset[str], frozenset[str]]
"""Names of the entries that are bold in accuracy, and in macro-F1."""


def best_names(results: Assessment, entries: Sequence[Entry]) -> Best:
    """Find what is bold among some entries: the best, and what cannot be separated from it."""
    return results.best_of(entries, "accuracy"), results.best_of(entries, "macro_f1")


def _model_rows(
    results: Assessment, model: str, entries: Sequence[Entry | None], best: Sequence[Best]
) -> list[Row]:
    """Show a model's scores and, below them, their doubt."""
    shared = _shared_marks([e for e in entries if e], results.marks)
    known = results.marks + shared
    scores = [_score(one, names, known) for one, names in zip(entries, best, strict=True)]
    rows = [Row((shown(model, notes=shared), *scores))]
    doubts = [_doubt(one) if one else None for one in entries]
    if any(doubts):
        under = shown("\N{PLUS-MINUS SIGN} sd" if len(results.seeds) > 1 else "\N{PLUS-MINUS SIGN}")
        texts = (_both(*one) if one else "" for one in doubts)
        rows.append(Row((under, *map(shown, texts)), follows=True))
    return rows


def _row_alone(results: Assessment, entry: Entry) -> Row:
    """Show what is no part of the matrix in a row of its own."""
    value = _score(entry, (frozenset(), frozenset()), results.marks)
    if (doubt := _doubt(entry)) is not None:
        value = replace(value, pieces=(*value.pieces, Piece(f" {_both(*doubt)}")))
    return Row((shown(label_of(entry)), value), spans=True)


def _both(accuracy: float, macro_f1: float) -> str:
    sign = "\N{PLUS-MINUS SIGN}"
    return f"{sign}{100 * accuracy:.1f} ({sign}{macro_f1:.3f})"


def _doubt(entry: Entry) -> tuple[float, float] | None:
    """Return the deviations over seeds, or half the intervals of the only seed."""
    if entry.accuracy is None or entry.macro_f1 is None:
        return None
    if entry.accuracy.sd is not None and entry.macro_f1.sd is not None:
        return entry.accuracy.sd, entry.macro_f1.sd
    verdict = entry.verdicts[0]
    if len(entry.verdicts) > 1 or verdict.accuracy is None or verdict.macro_f1 is None:
        return None
    accuracy, macro_f1 = verdict.accuracy, verdict.macro_f1
    return (accuracy.high - accuracy.low) / 2, (macro_f1.high - macro_f1.low) / 2


def _classifier_columns(classifiers: Sequence[str]) -> list[Column]:
    if not classifiers:
        return [Column("Accuracy (macro-F1)")]
    columns = []
    for name in classifiers:
        base = name.removesuffix("-tuned")
        if base in classifiers and f"{base}-tuned" in classifiers:
            columns.append(Column("tuned" if name != base else "default", group=title_of(base)))
        else:
            columns.append(Column(full_title_of(name)))
    return columns


def _shared_marks(entries: Sequence[Entry], known: tuple[str, ...]) -> tuple[str, ...]:
    first = entries[0].marks
    return tuple(
        mark for mark in first if mark not in known and all(mark in e.marks for e in entries)
    )


def _score(entry: Entry | None, best: Best, known: tuple[str, ...]) -> Value:
    """Show `accuracy (macro-F1)`, each bold where it is among the best of its column."""
    if entry is None:
        return shown(DASH, None, notes=["not part of the suite's plan"])
    marks = [mark for mark in entry.marks if mark not in known]
    if entry.accuracy is None or entry.macro_f1 is None:
        return shown(status_of(entry), None, notes=[*marks, *reasons_of(entry)])
    return Value(
        pieces=(
            Piece(f"{100 * entry.accuracy.mean:.1f}", bold=entry.name in best[0]),
            Piece(" ("),
            Piece(f"{entry.macro_f1.mean:.3f}", bold=entry.name in best[1]),
            Piece(")"),
        ),
        notes=(*marks, *cautions(entry)),
    )
