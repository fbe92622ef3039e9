"""`classify`: one cell of the matrix; vectors, labels and a split in, predictions out."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue
from threadpoolctl import threadpool_limits

from classifiers import fitting
from classifiers.registry import CLASSIFIERS
from corpora.splitting import Fold, folds
from embedders import vectors
from jobs.cells import Outcome, Sides, positions, read_sides, spread, write_cell
from jobs.efficiency import Figures, Training, latency, pickled_bytes
from jobs.job import Context, Params
from results.errors import InputError
from results.registry import build

_LATENCY_S = 0.25  # a suite has many such cells, and they are fast


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Fit on the train vectors, predict the test vectors, score.

    Args:
        params: `classifier`, `settings`, `tune`, `folds` (0 for no cross-validation), `seed`.
        inputs: `vectors`, `labels`, `split`.
        out: receives `cell.json` and `predictions.parquet`.
        context: unused but for its progress.

    Returns:
        What the classifier costs to train and to use, from vector to class; see `jobs.efficiency`.

    Raises:
        InputError: a tuned cell with too few documents of a class for its folds.
    """
    sides = read_sides(inputs)
    found = vectors.load(inputs["vectors"])
    train = found.matrix[positions(found.ids, sides.train_ids)]
    test = found.matrix[positions(found.ids, sides.test_ids)]
    divisions, why_not = _folds(params, sides)
    with Training() as training:
        fitted = fitting.fit(
            build("classifier", params["classifier"], CLASSIFIERS, params["settings"]),
            train,
            sides.train_labels,
            folds=divisions,
            tune=params["tune"],
            seed=params["seed"],
            threads=1,
            groups=sides.train_groups,
        )
    predictions = fitting.predict(fitted, test)
    outcome = Outcome(
        predicted=predictions.labels,
        scores=spread(predictions.scores, predictions.classes, sides.classes),
        best_params=fitted.best_params,
        cv_macro_f1=fitted.cv_macro_f1,
        cv_reason=why_not or fitted.cv_reason,
        parameters=getattr(fitted.estimator, "parameters_", None),
        curves=getattr(fitted.estimator, "curves_", ()),
    )
    write_cell(inputs, out, sides, outcome)
    return {
        **training.figures(outcome.curves),
        **pickled_bytes(fitted.estimator),
        **_latency(fitted, test),
    }


def _latency(fitted: fitting.Fitted, test: fitting.Vectors) -> Figures:
    """Time the way from vector to class; limiting threads anew for each call would take longer."""
    with threadpool_limits(1):
        return latency(
            lambda rows: fitted.estimator.predict(test[rows]),
            range(test.shape[0]),
            budget_s=_LATENCY_S,
        )


def _folds(params: Params, sides: Sides) -> tuple[list[Fold], str | None]:
    """Divide train for cross-validation; without a search, a class too small is only a reason."""
    if not params["folds"]:
        return [], "not cross-validated"
    try:
        return folds(sides.train_labels, sides.train_groups, params["folds"], params["seed"]), None
    except InputError as error:
        if params["tune"]:
            raise
        return [], str(error)
