"""Networks that keep their weights, on new documents: reference networks, fine-tuned, pruned."""

import json
from collections.abc import Iterator

from adapters.registry import of_job
from classifiers.registry import FINETUNE
from classifiers.sequence import Coverage, FittedSequence, Source
from jobs.cells import spread
from jobs.predict import Answer, Made, Ready
from jobs.predict_text import NewText
from results.records import Cell
from results.registry import build


def reference(made: Made, cell: Cell, embed: Made | None) -> Ready:
    """Read a reference network.

    Raises:
        InputError: a file of it is missing.
    """
    from classifiers.residual_cnn import load

    fitted = load(made.folders["cell"])
    end = {"head": "first", "tail": "last"}[fitted.settings.keep]

    def answers(text: NewText) -> Iterator[Answer]:
        for _, parts in text:
            document, predictions = fitted.encode(parts), fitted.predict([parts])
            scores = spread(predictions.scores, predictions.classes, cell.classes)
            yield Answer(
                label=str(predictions.labels[0]),
                scores=None if scores is None else scores[0],
                read=len(document.ids),
                cut=end if sum(map(len, parts)) > len(document.ids) else "",
                unknown=document.unknown,
            )

    return Ready(answers=answers)


def sequence(made: Made, cell: Cell, embed: Made | None) -> Ready:
    """Read a fine-tuned or pruned model.

    Raises:
        InputError: weights that updates were trained over are missing or other ones.
    """
    fitted = _sequence(made)

    def answers(text: NewText) -> Iterator[Answer]:
        for _, parts in text:
            predictions, coverage = fitted.predict([parts])
            scores = spread(predictions.scores, predictions.classes, cell.classes)
            yield Answer(
                label=str(predictions.labels[0]),
                scores=None if scores is None else scores[0],
                read=None if coverage.cut else sum(map(len, parts)),
                cut=f"{coverage.share:.0%} of its tokens" if coverage.cut else "",
            )

    return Ready(answers=answers)


def _sequence(made: Made) -> FittedSequence:
    """Load what predicted the test documents: the merged model, unless it was not to be merged."""
    from adapters.training_saving import load_trained
    from classifiers.sequence_loading import TOLD, load
    from classifiers.sequence_merging import load_merged

    params, folder = made.params, made.folders["cell"] / "checkpoint"
    source = Source(
        adapter=of_job(params, made.local),
        adapted=made.folders["adapted"] / "checkpoint" if "adapted" in made.folders else None,
        attention=params["attention"],
        precision=params["precision"],
    )
    told = json.loads((folder / TOLD).read_text(encoding="utf-8"))
    settings = build("finetune", "finetune", FINETUNE, told["settings"])
    is_whole = told["whole"] or settings.merge
    if is_whole:
        loaded = load_merged(folder, source)
    else:
        loaded = load(settings, source, told["classes"], seed=0)
        load_trained(loaded.model, folder)
        loaded.model.eval()
    return FittedSequence(
        settings=settings,
        loaded=loaded,
        classes=told["classes"],
        precision=params["precision"],
        coverage=Coverage(),
        curves=[],
        best_epoch=None,
        parameters=0,
        is_whole=is_whole,
    )
