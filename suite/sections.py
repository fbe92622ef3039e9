"""The sections of a suite file, each with the rules that can be checked within it.

A section is closed, or open: the further keys of an open one are the settings of the registered
thing it names, and the plan checks them against that thing. The text below a key is what there is
to say of it; `suite.schema` hands it to editors.
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

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Open(BaseModel):
    """A section whose remaining keys are the settings of the registered thing it names."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)
    __pydantic_extra__: dict[str, JsonValue]

    @property
    def settings(self) -> dict[str, Any]:
        """The keys that belong to the registered thing, as they were written."""
        return dict(self.model_extra or {})


class Relabel(Section):
    """Classes renamed, joined or dropped."""

    map: dict[str, str | None] = {}
    """Class -> its new name; null drops its documents."""
    min_documents: int = Field(1, ge=1)
    """Classes with fewer documents are dropped, once they have been renamed."""


class Clean(Section):
    """Cleaning rules, each off unless asked for (seed paper's PPU; DESIGN §4)."""

    max_word_chars: int | None = Field(None, ge=1)
    """Longer words are dropped."""
    max_line_chars: int | None = Field(None, ge=1)
    """Longer lines are dropped, after the words."""
    tukey: bool = False
    """Drop documents of unusual length: below Q1 - 1.5 IQR or above Q3 + 1.5 IQR of all."""
    max_bytes: int | None = Field(None, ge=1)
    """Documents with more bytes are dropped."""
    empty: Literal["refuse", "drop"] = "refuse"
    """Whether a document without text is an error or dropped."""
    duplicates: Literal["keep", "exact", "masked", "numbers"] = "keep"
    """Of documents with equal text keep all, or the first; `masked` compares masked text, `numbers`
    all but the numbers, those within words too."""
    drop_numbers: bool = False
    """Models that read cleaned text do not see standalone numbers."""


class Corpus(Open):
    """Where the documents come from; further keys are the loader's (`path`, `text`, ...)."""

    loader: str
    """What reads the documents; `logmark corpora list` lists what there is."""
    label: str = "label"
    """The field that holds a document's class."""
    group: str | None = None
    """The field that says what belongs together: a group stays on one side of the split."""
    time: str | None = None
    """The field that says when, for `split: {by: time}`."""
    split_column: str | None = None
    """The field of a given division; it holds `train` or `test`."""
    where: dict[str, JsonValue] = {}
    """Field -> value, or a list of values: keep the documents that have them."""
    sample: float = Field(1.0, gt=0, le=1)
    """Keep this share of the documents, chosen by their ids."""
    mining: dict[str, JsonValue] = {}
    """Settings of the mining of templates (Drain3), for what reads `text: templates`."""
    relabel: Relabel = Relabel()
    """Rename, join or drop classes."""
    clean: Clean = Clean()
    """Rules for words, lines and documents; each is off unless named."""

    @field_validator("loader")
    @classmethod
    def _known(cls, name: str) -> str:
        return _registered("loader", name, LOADERS)


class Split(Section):
    """Train side and test side."""

    by: Literal["auto", "stratified", "group", "time", "column", "random"] = "auto"
    """What divides the documents; `auto`: `split_column` or else `group` of the corpus, where it
    names one, else by chance with each class's share kept (`stratified`)."""
    test_share: float = Field(0.3, gt=0, lt=1)
    """Share of the documents on the test side."""
    seed: int | None = None
    """Fixes one test set for all seeds; left out, each seed has its own."""
    leaks: Literal["count", "refuse"] = "count"
    """Whether a test document with a twin on the train side is counted, or an error."""


class Adapt(Open):
    """Domain adaptation; further keys are the objective's (`epochs`, `batch_size`, ...)."""

    objective: str | None = None
    """What is learnt; left out, the family's own: `mlm`, `seq2seq` or `causal`."""

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
        _registered("detector", self.kind, DETECTORS)
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
            raise ValueError(_CHAR_LM_SEED)
        return self


class Classifier(Open):
    """One column of the matrix; further keys are the classifier's settings."""

    name: str
    """Which one."""
    variants: list[Literal["default", "tuned"]] = Field(["default"], min_length=1)
    """As it is, or the best of a 5-fold grid search on train, or a row for each."""

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return _registered("classifier", name, CLASSIFIERS)


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
        _registered("reference", self.kind, REFERENCES)
        return self

    @property
    def kind(self) -> str:
        """The registered reference this row is one of."""
        return self.reference or self.name


class Study(Section):
    """Rows of the suite again, with some of their settings varied over a grid."""

    name: Name
    """What the results call it."""
    rows: list[str] = Field(min_length=1)
    """References by name, cells as `MODEL/CLASSIFIER`: `cnn`, `minilm/xgboost-tuned`."""
    vary: dict[str, Annotated[list[JsonValue], Field(min_length=1)]] = Field(min_length=1)
    """Values for each key; the first key is the x axis, the others make the lines. A key is a
    setting of the rows (of a reference; of a model's adapter, its classifier or its fine-tuning; of
    a detector), or one of those that are listed."""
    seeds: list[Annotated[int, Field(ge=0)]] | None = Field(None, min_length=1)
    """Seeds of its own; left out, the suite's."""

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
    """What networks run on; all but `embed_workers` changes bytes and enters the keys."""

    threads: int = Field(2, ge=1)
    """CPU threads of a network's process."""
    workers: int = Field(1, ge=1)
    """Processes that share one domain adaptation."""
    embed_workers: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """Processes that may share one embedding, which changes no bytes; `auto`: one for every GPU of
    the cluster, or for every `threads` of its CPUs, at most 8."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto`: a GPU where there is one."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto`: bf16 where the device computes in it."""
    attention: Literal["auto", "flash_attention_2", "sdpa", "eager"] = "auto"
    """`auto`: FlashAttention-2 on GPUs in bf16 where it is installed, else SDPA."""
    batch_tokens: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """Tokens of one forward pass; `auto`: 4,096 on a CPU, 65,536 on a GPU."""
    padding: float = Field(PADDING, ge=0, le=1)
    """Largest share of a window that may be padding in a batch."""
    shard_tokens: int = Field(SHARD_TOKENS, ge=1)
    """Tokens computed between two commits, about."""


class Report(Section):
    """What the report shows; it changes no result."""

    baseline: str | None = None
    """`MODEL/CLASSIFIER` that every other cell is tested against; left out, the better TF-IDF row
    by cross-validation on train."""
    text: bool = True
    """Whether the HTML page shows the first characters of documents."""


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
