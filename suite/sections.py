"""The sections of a suite file, each with the rules that can be checked within it.

A section is closed, or open: the further keys of an open one are the settings of the registered
thing it names, and the plan checks them against that thing.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from adapters.registry import OBJECTIVES
from classifiers.registry import CLASSIFIERS, DETECTORS, REFERENCES
from corpora.registry import LOADERS
from embedders.batching import PADDING, SHARD_TOKENS
from results.errors import nearest

CHAR_LM_KEY, TRAIN_SHARE_KEY, ALTERED_KEY = "char_lm", "train_share", "altered_lines"
"""Keys of a study that are no settings of its rows."""

_CHAR_LM_SEED = "seed: char_lm follows the suite's seeds; leave it out"

TRIVIAL_MODELS = ("majority", "length", "tfidf-char", "tfidf-word")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"

TEXT_MODEL = "text"
"""What stands for a model where a detector reads the text itself."""

Text = Literal["cleaned", "masked", "templates"]

Name = Annotated[str, Field(pattern=_NAME, max_length=80)]


class Section(BaseModel):
    """A section with these keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Open(BaseModel):
    """A section whose remaining keys are the settings of the registered thing it names."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, JsonValue]

    @property
    def settings(self) -> dict[str, Any]:
        """The keys that belong to the registered thing, as they were written."""
        return dict(self.model_extra or {})


class Relabel(Section):
    """Rename or drop labels; `map` first, then drop classes with fewer than `min_documents`."""

    map: dict[str, str | None] = {}
    min_documents: int = Field(1, ge=1)


class Clean(Section):
    """Cleaning rules, each off unless asked for (seed paper's PPU; DESIGN §4)."""

    max_word_chars: int | None = Field(None, ge=1)
    max_line_chars: int | None = Field(None, ge=1)
    tukey: bool = False
    max_bytes: int | None = Field(None, ge=1)
    empty: Literal["refuse", "drop"] = "refuse"
    duplicates: Literal["keep", "exact", "masked", "numbers"] = "keep"
    drop_numbers: bool = False


class Corpus(Open):
    """Where the documents come from; further keys are the loader's (`path`, `text`, ...).

    `sample` keeps a share of the documents, chosen by their ids; `mining` holds the settings of
    template mining (`corpora.templates.Templates`) for what reads `text: templates`.
    """

    loader: str
    label: str = "label"
    group: str | None = None
    time: str | None = None
    split_column: str | None = None
    where: dict[str, JsonValue] = {}
    sample: float = Field(1.0, gt=0, le=1)
    mining: dict[str, JsonValue] = {}
    relabel: Relabel = Relabel()
    clean: Clean = Clean()

    @field_validator("loader")
    @classmethod
    def _known(cls, name: str) -> str:
        return _registered("loader", name, LOADERS)


class Split(Section):
    """Train and test; `seed: null` follows the run's seed, a number fixes one test set for all."""

    by: Literal["auto", "stratified", "group", "time", "column", "random"] = "auto"
    test_share: float = Field(0.3, gt=0, lt=1)
    seed: int | None = None
    leaks: Literal["count", "refuse"] = "count"


class Adapt(Open):
    """Domain adaptation; further keys are the objective's (`epochs`, `batch_size`, ...).

    `objective` left out is the family's: `mlm`, `seq2seq` or `causal`.
    """

    objective: str | None = None

    @field_validator("objective")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        return None if name is None else _registered("objective", name, OBJECTIVES)

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
    """One row of the matrix; further keys are the adapter's (`checkpoint`, `context`, ...).

    With `finetune` the row is the model itself, trained end to end, instead of its embedding read
    by the classifiers; with `prune` it is then pruned step by step, and has a row for each level.
    Adapted on `normal`, it has learnt from no anomaly (`anomaly`). With `precision_check: N` the
    first N documents are embedded again in a higher precision (of 4 bits bf16, of bf16 fp32), and
    the card says how near the vectors are.
    """

    name: Name
    adapter: str = "huggingface"
    overlap: int | None = Field(None, ge=0)
    text: Literal["auto"] | Text = "auto"
    adapt: Adapt | None = None
    adapt_on: Literal["train", "all", "normal"] = "train"
    finetune: Finetune | None = None
    prune: Prune | None = None
    precision_check: int = Field(0, ge=0)

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
    def _pruned_when_finetuned(self) -> "Model":
        if self.prune and not self.finetune:
            raise ValueError("prune: only a fine-tuned model is pruned; add `finetune`")
        return self

    @property
    def view(self) -> Text:
        """The text this model reads: adapted models read masked text unless told otherwise."""
        if self.text != "auto":
            return self.text
        return "masked" if self.adapt else "cleaned"


class Detector(Open):
    """A row of anomaly detection; further keys are the detector's settings.

    `model` names one of the suite's models, where the detector reads one or its vectors; what
    reads the text itself may say which one in `text`.
    """

    name: Name
    detector: str = ""
    model: str | None = None
    text: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known(self) -> "Detector":
        _registered("detector", self.kind, DETECTORS)
        return self

    @property
    def kind(self) -> str:
        """The registered detector this row is one of."""
        return self.detector or self.name


class Anomaly(Section):
    """Anomaly detection: which class is normal, and what tells the others from it.

    Detectors learn from normal train documents alone; `validation_share` of those are held out
    and, with the train side's anomalies, decide k and thresholds.
    """

    normal: str
    validation_share: float = Field(0.3, gt=0, lt=1)
    detectors: list[Detector] = []


class CharLm(Open):
    """Character embeddings learnt first; the keys are those of `classifiers.char_lm.CharLm`."""

    @model_validator(mode="after")
    def _no_seed(self) -> "CharLm":
        if "seed" in self.settings:
            raise ValueError(_CHAR_LM_SEED)
        return self


class Classifier(Open):
    """One column of the matrix; further keys are the classifier's settings."""

    name: str
    variants: list[Literal["default", "tuned"]] = Field(["default"], min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return _registered("classifier", name, CLASSIFIERS)


class Reference(Open):
    """A reference network beside the matrix; further keys are its settings.

    With `char_lm` its embedding starts from one that a language model of characters has learnt.
    """

    name: Name
    reference: str = ""
    char_lm: CharLm | None = None

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
        _registered("reference", self.kind, REFERENCES)
        return self

    @property
    def kind(self) -> str:
        """The registered reference this row is one of."""
        return self.reference or self.name


class Study(Section):
    """Rows of the suite again, with some of their settings varied over a grid.

    `vary` holds values for each key; the first key is the x axis, the others make the lines. A key
    is a setting of the row (of a reference; of a model's adapter, its classifier or its
    fine-tuning; of a detector), `char_lm` of a reference, `train_share`: how much of the train side
    is learnt from, or `altered_lines`: what share of the test documents' lines is altered.
    A study runs over the suite's seeds unless it has its own.
    """

    name: Name
    rows: list[str] = Field(min_length=1)
    vary: dict[str, Annotated[list[JsonValue], Field(min_length=1)]] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0)]] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _nothing_twice(self) -> "Study":
        lists: dict[str, Sequence[Any]] = {"rows": self.rows, "seeds": self.seeds or []}
        lists |= {f"vary.{key}": values for key, values in self.vary.items()}
        for key, values in lists.items():
            texts = [_text(value) for value in values]
            for value, text in zip(values, texts, strict=True):
                if texts.count(text) > 1:
                    raise ValueError(f"{key}: {value!r} stands there twice")
        return self

    @model_validator(mode="after")
    def _special_keys(self) -> "Study":
        for share in self.vary.get(TRAIN_SHARE_KEY, []):
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
                raise ValueError(
                    f"vary.{TRAIN_SHARE_KEY}: a share lies above 0 and is at most 1, not {share!r}"
                )
        for share in self.vary.get(ALTERED_KEY, []):
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise ValueError(
                    f"vary.{ALTERED_KEY}: a share of lines lies between 0 and 1, not {share!r}"
                )
        for value in self.vary.get(CHAR_LM_KEY, []):
            if not isinstance(value, bool | dict):
                raise ValueError(
                    f"vary.{CHAR_LM_KEY}: true, false or settings of char_lm, not {value!r}"
                )
            if isinstance(value, dict) and "seed" in value:
                raise ValueError(f"vary.{CHAR_LM_KEY}: {_CHAR_LM_SEED}")
        return self


class Compute(Section):
    """What networks run on; all of it changes bytes and enters the keys.

    `threads` are those of one process, `workers` the processes that share one domain adaptation,
    `embed_workers` those that may share one embedding, which changes no bytes: `auto` is one for
    every GPU of the cluster, or for every `threads` of its CPUs, at most 8. A batch holds
    `batch_tokens`, which `auto` leaves to the device; windows are batched within a shard, and
    `padding` is the largest share of one that may be padding.
    """

    threads: int = Field(2, ge=1)
    workers: int = Field(1, ge=1)
    embed_workers: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    attention: Literal["auto", "flash_attention_2", "sdpa", "eager"] = "auto"
    batch_tokens: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    padding: float = Field(PADDING, ge=0, le=1)
    shard_tokens: int = Field(SHARD_TOKENS, ge=1)


class Report(Section):
    """The report; `baseline: model/classifier` is what every other cell is tested against."""

    baseline: str | None = None


def _defaults_if_true(value: Any) -> Any:
    return {} if value is True else (None if value is False else value)


def _text(value: Any) -> str:
    """Write what looks equal alike: 1.0 is 1 and also "1", but `true` is neither."""
    if isinstance(value, str):
        return value
    whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if whole else value, sort_keys=True, allow_nan=False)


def _registered(kind: str, name: str, registry: dict[str, str]) -> str:
    if name not in registry:
        raise ValueError(f"unknown {kind} {name!r}: {nearest(name, registry)}")
    return name
