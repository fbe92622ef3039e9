"""Training from the top of a model downwards: gradual unfreezing with discriminative rates.

Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018: first
the head learns, then the layers below it join group by group; lower groups learn slower. Each
*stage* is a training of the one engine in a folder of its own, with its own cycle of the rate and
a fresh optimizer; a resumed training takes what finished stages left and goes on in the next one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adapters.blocks import Sides
from adapters.layer_groups import Group, layer_groups, thaw
from adapters.masked_batches import Collator, Hiding
from adapters.masked_sentences import MaskedSentences
from adapters.mlm_model import MaskedModel
from adapters.objective import Request
from adapters.training import TrainingResult, TrainingSettings, train
from adapters.training_checkpoints import keep_last
from results.records import Curve


@dataclass(frozen=True)
class Stage:
    """One of the trainings.

    Attributes:
        number: counted from 1.
        groups: how many of the top groups are trained.
        epochs: of this stage.
        before: epochs of the stages before it.
    """

    number: int
    groups: int
    epochs: int
    before: int


def stages(settings: MaskedSentences, groups: int) -> list[Stage]:
    """List the trainings for a model of so many groups; in the last one all are trained."""
    made: list[Stage] = []
    for count in range(1, groups + 1):
        epochs = settings.epochs if count == groups else settings.stage_epochs
        if epochs:
            before = sum(stage.epochs for stage in made)
            made.append(Stage(len(made) + 1, count, epochs, before))
    return made


def learn_gradually(
    module: MaskedModel,
    sides: Sides[Any],
    hiding: Hiding[Any],
    settings: MaskedSentences,
    request: Request,
) -> tuple[TrainingResult, list[Stage]]:
    """Train stage by stage; the result tells of all stages as of one training."""
    groups = layer_groups(module.model, settings.layer_groups)
    rates = _rates(groups, settings.rate_factor)
    plan = stages(settings, len(groups))
    total = plan[-1].before + plan[-1].epochs
    results = []
    for stage in plan:
        thaw(module.model, groups, stage.groups)
        workdir = request.scratch / f"stage-{stage.number}"
        result = train(
            module,
            train_data=sides.train,
            valid_data=sides.valid,
            collate=Collator(hiding, before=stage.before),
            settings=_training(settings, request, stage, rates),
            workdir=workdir,
            progress=_reported(request.progress, stage, total),
        )
        keep_last(workdir, workers=request.workers)
        results.append(result)
    return _joined(results, plan), plan


def _rates(groups: list[Group], factor: float) -> tuple[tuple[str, float], ...]:
    """Give each group's weights, as the training names them, their factor of the rate."""
    return tuple(
        (f"model.{start}", factor**-number)
        for number, group in enumerate(groups)
        for start in group
    )


def _training(
    settings: MaskedSentences,
    request: Request,
    stage: Stage,
    rates: tuple[tuple[str, float], ...],
) -> TrainingSettings:
    """Settings of a stage; its seed is its own, so that it repeats no other's order."""
    return TrainingSettings(
        epochs=stage.epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        betas=settings.betas,
        eps=settings.eps,
        rates=rates,
        weight_decay=settings.weight_decay,
        warmup_share=settings.warmup_share,
        schedule="one_cycle",
        seed=int(np.random.SeedSequence([settings.seed, stage.number]).generate_state(1)[0]),
        precision=request.precision,
        workers=request.workers,
    )


def _reported(
    progress: Callable[[float], None] | None, stage: Stage, total: int
) -> Callable[[float], None] | None:
    """Report a stage's share of the whole; nothing where it was done before, unless all was."""
    if progress is None:
        return None
    started = False

    def report(share: float) -> None:
        nonlocal started
        if started or share < 1.0 or stage.before + stage.epochs == total:
            progress((stage.before + share * stage.epochs) / total)
        started = True

    return report


def _joined(results: list[TrainingResult], plan: list[Stage]) -> TrainingResult:
    """Put the stages' curves one behind the other; what a stage began with ended the one before."""
    curves = []
    for together in zip(*(result.curves for result in results), strict=True):
        points = [
            (stage.before + at, value)
            for stage, curve in zip(plan, together, strict=True)
            for at, value in zip(curve.at, curve.values, strict=True)
            if at > 0 or stage.number == 1
        ]
        first = together[0]
        at, values = [p[0] for p in points], [p[1] for p in points]
        curves.append(Curve(name=first.name, unit=first.unit, at=at, values=values))
    return TrainingResult(
        curves=curves,
        steps=sum(result.steps for result in results),
        epochs=sum(result.epochs for result in results),
        best_epoch=None,
    )
