"""The sections of a suite file, each with the rules that can be checked within it.

Here is what all of them share, and those of the data, the machine and the report; rows and studies
are in `suite.row_sections` and `suite.study_section`. A section is closed, or open: the further
keys of an open one are the settings of the registered thing it names, and the plan checks them
against that thing. The text below a key is what there is to say of it; `suite.schema` hands it to
editors.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    field_validator,
)

from corpora.registry import LOADERS
from embedders.batching import PADDING, SHARD_TOKENS
from results.errors import nearest

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"

Text = Literal["cleaned", "masked", "templates"]


def _named(name: str) -> str:
    if not re.search(_NAME, name):
        raise ValueError(
            f"{name!r} cannot name files: take letters, digits and . _ + -, a letter or digit first"
        )
    return name


Name = Annotated[
    str,
    Field(max_length=80, json_schema_extra={"pattern": _NAME}),
    AfterValidator(_named),
]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
"""What NumPy and scikit-learn take as a seed."""


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

    map: dict[str, Annotated[str, Field(min_length=1)] | None] = {}
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
        return registered("loader", name, LOADERS)

    @field_validator("where")
    @classmethod
    def _values(cls, where: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for key, value in where.items():
            values = value if isinstance(value, list) else [value]
            if any(isinstance(one, list | dict) for one in values):
                raise ValueError(f"{key}: name a value, or a list of values")
        return where


class Split(Section):
    """Train side and test side."""

    by: Literal["auto", "stratified", "group", "time", "column", "random"] = "auto"
    """What divides the documents; `auto`: `split_column` or else `group` of the corpus, where it
    names one, else by chance with each class's share kept (`stratified`)."""
    test_share: float = Field(0.3, gt=0, lt=1)
    """Share of the documents on the test side."""
    seed: Seed | None = None
    """Fixes one test set for all seeds; left out, each seed has its own."""
    leaks: Literal["count", "refuse"] = "count"
    """Whether a test document with a twin on the train side is counted, or an error."""


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


def registered(kind: str, name: str, registry: dict[str, str]) -> str:
    """Return a registered name.

    Raises:
        ValueError: it is not registered.
    """
    if name not in registry:
        raise ValueError(f"unknown {kind} {name!r}: {nearest(name, registry)}")
    return name
