"""`finetune`: a pretrained model trained end to end, as one cell beside the matrix.

What is trained and what predicts are two things under low-rank updates: they are saved by
themselves, and the test documents, the size and the latency are those of the merged fp32 model.
Where there is no room for that, `merge: false` has the model predict as it was trained.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from pydantic import JsonValue

from adapters.checkpoints import adapted_tokens
from adapters.registry import of_job
from classifiers.registry import FINETUNE
from classifiers.sequence import Coverage, Finetune, FittedSequence, Source
from corpora.masking import TextView
from corpora.splitting import holdout
from jobs.cells import Sides, network_outcome, read_sides, read_texts, write_cell
from jobs.efficiency import Figures, Training, fp32_bytes, latency
from jobs.embed import refuse_other_tokens
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Train a model and its head on the train documents, predict the test documents, score.

    Args:
        params: `adapter`, `settings`, `identity`, `code`, `view`, `finetune`, `seed`, `device`,
            `precision`, `attention`, `threads`.
        inputs: `corpus`, `labels`, `split`; `adapted` for an adapted checkpoint.
        out: receives `cell.json`, `predictions.parquet`, `checkpoint/` and `card.json` (audit of
            the weights, what was read of the documents).
        context: `local` may hold `checkpoint`, `revision` and `adapter` (code from outside);
            progress and scratch for the trainer's checkpoints.

    Returns:
        What the model costs to train and to use, see `jobs.efficiency`.

    Raises:
        InputError: a model that cannot be fine-tuned, or a training that diverged.
    """
    given = read(params, inputs, context)
    training = Training(lambda share: context.progress(share, "of the training"))
    with training:
        fitted = given.fit(given.settings, given.source, context.scratch, training)
    fitted.save(out)
    judged = fitted.whole() if given.settings.merge else fitted
    figures = judge(judged, given, inputs, out)
    return {**training.figures(fitted.curves), **figures}


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a fine-tuning learns from and is judged on.

    Attributes:
        settings: how to train.
        source: the model to start from.
        sides: the split.
        train: documents as parts, in the order of `sides.train_ids`.
        valid: those of them that decide when to stop.
        test: documents as parts, in the order of `sides.test_ids`.
        seed: of the run.
    """

    settings: Finetune
    source: Source
    sides: Sides
    train: Sequence[Sequence[str]]
    valid: Bool[np.ndarray, " n"]
    test: Sequence[Sequence[str]]
    seed: int

    def fit(
        self, settings: Finetune, source: Source, workdir: Path, training: Training
    ) -> FittedSequence:
        """Train on the train documents.

        Raises:
            InputError: see `Finetune.fit`.
        """
        return settings.fit(
            self.train,
            self.sides.train_labels.tolist(),
            self.valid,
            source=source,
            seed=self.seed,
            workdir=workdir,
            progress=training.progress,
        )


def read(params: Params, inputs: Mapping[str, Path], context: Context) -> Given:
    """Read the split and the documents, and settle what is trained.

    Raises:
        InputError: an unknown adapter or setting, or an adaptation with other special tokens than
            the view puts in.
    """
    adapter = of_job(params, context.local)
    settings = build("finetune", "finetune", FINETUNE, params["finetune"])
    adapted = inputs["adapted"] / "checkpoint" if "adapted" in inputs else None
    sides, view = read_sides(inputs), TextView(**params["view"])
    refuse_other_tokens(adapted_tokens(adapted or adapter.folder()), view)
    texts = read_texts(inputs, sides, view)
    share, seed = settings.validation_share, params["seed"]
    return Given(
        settings=settings,
        source=Source(
            adapter=adapter,
            adapted=adapted,
            attention=params["attention"],
            precision=params["precision"],
        ),
        sides=sides,
        train=[texts[name] for name in sides.train_ids],
        valid=holdout(sides.train_labels, sides.train_groups, share, seed),
        test=[texts[name] for name in sides.test_ids],
        seed=seed,
    )


def judge(
    fitted: FittedSequence,
    given: Given,
    inputs: Mapping[str, Path],
    out: Path,
    **more: JsonValue,
) -> Figures:
    """Predict the test documents; write the card and the cell.

    Args:
        fitted: what predicts.
        given: what it learnt from.
        inputs: of the job; the test labels are read from there, at the very end.
        out: receives `card.json`, `cell.json` and `predictions.parquet`.
        more: for the card.

    Returns:
        What the model costs to use.
    """
    predictions, coverage = fitted.predict(given.test)
    write_card(fitted, out, coverage={"test": _told(coverage)}, **more)
    write_cell(inputs, out, given.sides, network_outcome(fitted, predictions, given.sides))
    return {"model_bytes": fp32_bytes(fitted.weights), **latency(fitted.predict, given.test)}


def write_card(
    fitted: FittedSequence, out: Path, *, coverage: Mapping[str, JsonValue], **more: JsonValue
) -> None:
    """Write `card.json`: what was trained, how the weights were held, what was read."""
    read_of = {"train": _told(fitted.coverage), **coverage}
    card = {**fitted.card(), "method": fitted.settings.method, "coverage": read_of, **more}
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _told(coverage: Coverage) -> dict[str, JsonValue]:
    return {**asdict(coverage), "share": coverage.share}
