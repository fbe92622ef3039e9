"""What the files of the model families differ in; a family is one such description, in one file."""

from dataclasses import dataclass
from typing import Literal

Pooling = Literal["mean", "last", "first"]
"""How a window's states become its vector: Eq. 5's mean, the last token's state or the first's."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """One model family.

    Attributes:
        model_types: values of `model_type` in a checkpoint's configuration that belong to it; empty
            for any.
        objective: the domain adaptation that `adapt: true` stands for.
        pooling: how its windows are pooled unless the suite says otherwise.
        architecture: the class of transformers that gives the bare encoder.
    """

    model_types: tuple[str, ...] = ()
    objective: str = "mlm"
    pooling: Pooling = "mean"
    architecture: Literal["AutoModel", "AutoModelForTextEncoding"] = "AutoModel"
