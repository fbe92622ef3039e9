"""The sections of a suite file that make rows: models, classifiers, references, detectors."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from adapters.registry import OBJECTIVES
from classifiers.registry import CLASSIFIERS, DETECTORS, REFERENCES
from suite.sections import Name, Open, Section, Text, registered

CHAR_LM_SEED = "seed: char_lm follows the suite's seeds; leave it out"

TRIVIAL_MODELS = ("majority", "length", "tfidf-char", "tfidf-word")

TEXT_MODEL = "text"
"""What stands for a model where a detector reads the text itself."""


class Adapt(Open):
    """Domain adaptation; further keys are the objective's (`epochs`, `batch_size`, ...)."""

    objective: str | None = None
    """What is learnt; left out, the family's own: `mlm`, `seq2seq` or `causal`."""

    @field_validator("objective")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        return None if name is None else registered("objective", name, OBJECTIVES)

    @model_validator(mode="after")
    def _no_seed(self) -> "Adapt":
        if "seed" in self.settings:
            raise ValueError("seed: an adaptation follows the suite's seeds; leave it out")
        return self


class Finetune(Open):
    """End-to-end fine-tuning; the keys are those of `classifiers.sequence.Finetune`."""

    @model_validator(mode="after")
    def _no_seed(self) -> "Finetune":
        if "seed" in self.settings:
            raise ValueError("seed: fine-tuning follows the suite's seeds; leave it out")
        return self


class Prune(Open):
    """Iterative pruning; the keys are those of `classifiers.pruning.Pruning`."""


class Model(Open):
    """One row of the matrix; further keys are the adapter's (`checkpoint`, `context`, ...)."""

    name: Name
    """What the results call it."""
    adapter: str = "huggingface"
    """A family, a named model (`logmark adapters list`), or `FILE.py:CLASS` of your own."""
    overlap: int | None = Field(None, ge=0)
    """Tokens that neighbouring windows share; left out, half the context (Eq. 4)."""
    text: Literal["auto"] | Text = "auto"
    """The text it reads; `auto`: masked where it is adapted, else cleaned."""
    adapt: Adapt | None = None
    """Adapt it to the logs first, with these settings; `true` for the defaults."""
    adapt_on: Literal["train", "all", "normal"] = "train"
    """What it is adapted on: the train side; all documents, which is marked as transductive; or
    the normal ones of train that detectors may learn from (`anomaly`)."""
    finetune: Finetune | None = None
    """Train it end to end on the classes: its row is then itself (`finetuned`), instead of its
    embedding read by the classifiers; `true` for the defaults."""
    prune: Prune | None = None
    """Prune it step by step once it is fine-tuned, with a row for each level; `true` for the
    defaults."""
    precision_check: int = Field(0, ge=0)
    """Embed so many documents again in a higher precision (of 4 bits bf16, of bf16 fp32); the card
    says how near the vectors are."""

    @field_validator("adapt", "finetune", "prune", mode="before")
    @classmethod
    def _true_means_defaults(cls, value: Any) -> Any:
        return _defaults_if_true(value)

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name in (*TRIVIAL_MODELS, "reference", TEXT_MODEL):
            raise ValueError(f"{name!r} names a row that is always printed; choose another name")
        return name

    @model_validator(mode="after")
    def _each_with_what_it_is_of(self) -> "Model":
        if self.prune and not self.finetune:
            raise ValueError("prune: only a fine-tuned model is pruned; add `finetune`")
        if self.adapt_on != "train" and not self.adapt:
            raise ValueError(f"adapt_on: {self.adapt_on}: nothing is adapted; add `adapt: true`")
        return self

    @model_validator(mode="after")
    def _windows_go_forward(self) -> "Model":
        context = self.settings.get("context")
        if isinstance(context, int) and context <= (self.overlap or 0):
            raise ValueError(
                f"context: {context} must be above the overlap of neighbouring windows "
                f"({self.overlap or 0})"
            )
        return self

    @property
    def view(self) -> Text:
        """The text this model reads: adapted models read masked text unless told otherwise."""
        if self.text != "auto":
            return self.text
        return "masked" if self.adapt else "cleaned"


class Detector(Open):
    """A row of anomaly detection; further keys are the detector's settings."""

    name: Name
    """What the results call it."""
    detector: str = ""
    """Which one; left out, the one of that name."""
    model: str | None = None
    """One of the suite's models, where the detector reads one or its vectors."""
    text: Text | None = None
    """The text that is read, where the detector reads the text itself."""

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known(self) -> "Detector":
        registered("detector", self.kind, DETECTORS)
        return self

    @property
    def kind(self) -> str:
        """The registered detector this row is one of."""
        return self.detector or self.name


class Anomaly(Section):
    """Anomaly detection: which class is normal, and what tells the others from it.

    Detectors learn from normal train documents alone; those that are held out decide, with the
    train side's anomalies, k and thresholds.
    """

    normal: str
    """The class that is normal; every other one is an anomaly."""
    validation_share: float = Field(0.3, gt=0, lt=1)
    """Share of the normal train documents that is held out to choose k and thresholds on."""
    detectors: list[Detector] = []
    """The rows; `line_count` and `unseen_templates` are always among them."""


class CharLm(Open):
    """Character embeddings learnt first; the keys are those of `classifiers.char_lm.CharLm`."""

    @model_validator(mode="after")
    def _no_seed(self) -> "CharLm":
        if "seed" in self.settings:
            raise ValueError(CHAR_LM_SEED)
        return self


class Classifier(Open):
    """One column of the matrix; further keys are the classifier's settings."""

    name: str
    """Which one."""
    variants: list[Literal["default", "tuned"]] = Field(["default"], min_length=1)
    """As it is, or the best of a 5-fold grid search on train, or a row for each."""

    @field_validator("variants")
    @classmethod
    def _none_twice(cls, variants: list[str]) -> list[str]:
        if len(set(variants)) < len(variants):
            raise ValueError(f"{variants[0]!r} stands there twice")
        return variants

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return registered("classifier", name, CLASSIFIERS)


class Reference(Open):
    """A reference network beside the matrix; further keys are its settings."""

    name: Name
    """What the results call it."""
    reference: str = ""
    """Which network; left out, the one of that name."""
    char_lm: CharLm | None = None
    """Start from character embeddings that a language model of characters has learnt on train, with
    these settings; `true` for the defaults."""

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("char_lm", mode="before")
    @classmethod
    def _true_means_defaults(cls, value: Any) -> Any:
        return _defaults_if_true(value)

    @model_validator(mode="after")
    def _known(self) -> "Reference":
        registered("reference", self.kind, REFERENCES)
        return self

    @property
    def kind(self) -> str:
        """The registered reference this row is one of."""
        return self.reference or self.name


def _defaults_if_true(value: Any) -> Any:
    return {} if value is True else (None if value is False else value)
