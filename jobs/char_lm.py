"""`char_lm`: character embeddings from the train documents' text, for the reference network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from classifiers.registry import CHAR_LM
from corpora.masking import TextView
from corpora.storage import read_documents
from jobs.job import Context, Params
from results.registry import build


def run(
    params: Params, inputs: Mapping[str, Path], out: Path, context: Context
) -> dict[str, JsonValue]:
    """Learn to guess the next character of the train documents; no label is read.

    Args:
        params: `settings`, `view`, `seed`, `precision`, `device`, `threads`.
        inputs: `corpus`, `split`.
        out: receives `embeddings.safetensors`, `characters.json` and `card.json`.
        context: progress and scratch for the trainer's checkpoints.

    Returns:
        ``resumed_at``: share of the training that an earlier attempt had done, so that it is no
        part of this one's costs; only where there was one.
    """
    settings = build("char_lm", "char_lm", CHAR_LM, params["settings"])
    shares: list[float] = []

    def progress(share: float) -> None:
        shares.append(share)
        context.progress(share, "of the training")

    fitted = settings.fit(
        TrainTexts(inputs, TextView(**params["view"])),
        seed=params["seed"],
        precision=params["precision"],
        workdir=context.scratch,
        progress=progress,
    )
    fitted.save(out)
    return {"resumed_at": shares[0]} if shares[0] > 0.0 else {}


@dataclass(frozen=True)
class TrainTexts:
    """The train documents as parts, read from the corpus anew each time they are gone through."""

    inputs: Mapping[str, Path]
    view: TextView

    def __iter__(self) -> Iterator[list[str]]:
        """Yield one document after the other."""
        split = pd.read_parquet(self.inputs["split"] / "split.parquet")
        train = set(split.loc[split["side"] == "train", "id"])
        for document in read_documents(self.inputs["corpus"] / "documents.parquet", train):
            yield [self.view.apply(part) for part in document.parts]
