"""The suite file: what a YAML file may say, checked once at the door (DESIGN §3).

`read` turns a file into a `Suite`; every mistake in it is one `InputError` line that names the
file, the key and the way out. Past this door components take plain keyword arguments.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from adapters.registry import OBJECTIVES, known
from classifiers.registry import CLASSIFIERS, REFERENCES
from corpora.registry import LOADERS
from embedders.batching import PADDING, SHARD_TOKENS
from results.errors import InputError, nearest

TRIVIAL_MODELS = ("majority", "length", "tfidf-char", "tfidf-word")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"

Name = Annotated[str, Field(pattern=_NAME, max_length=80)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Open(BaseModel):
    """A section whose remaining keys are the settings of the registered thing it names."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, JsonValue]

    @property
    def settings(self) -> dict[str, Any]:
        """The keys that belong to the registered thing, as they were written."""
        return dict(self.model_extra or {})


class Relabel(_Section):
    """Rename or drop labels; `map` first, then drop classes with fewer than `min_documents`."""

    map: dict[str, str | None] = {}
    min_documents: int = Field(1, ge=1)


class Clean(_Section):
    """Cleaning rules, each off unless asked for (seed paper's PPU; DESIGN §4)."""

    max_word_chars: int | None = Field(None, ge=1)
    max_line_chars: int | None = Field(None, ge=1)
    tukey: bool = False
    max_bytes: int | None = Field(None, ge=1)
    empty: Literal["refuse", "drop"] = "refuse"
    drop_numbers: bool = False


class Corpus(_Open):
    """Where the documents come from; further keys are the loader's (`path`, `text`, ...)."""

    loader: str
    label: str = "label"
    group: str | None = None
    time: str | None = None
    split_column: str | None = None
    where: dict[str, JsonValue] = {}
    relabel: Relabel = Relabel()
    clean: Clean = Clean()

    @field_validator("loader")
    @classmethod
    def _known(cls, name: str) -> str:
        return _registered("loader", name, LOADERS)


class Split(_Section):
    """Train and test; `seed: null` follows the run's seed, a number fixes one test set for all."""

    by: Literal["auto", "stratified", "group", "time", "column", "random"] = "auto"
    test_share: float = Field(0.3, gt=0, lt=1)
    seed: int | None = None
    leaks: Literal["count", "refuse"] = "count"


class Adapt(_Open):
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


class Finetune(_Open):
    """End-to-end fine-tuning; the keys are those of `classifiers.sequence.Finetune`."""

    @model_validator(mode="after")
    def _no_seed(self) -> "Finetune":
        if "seed" in self.settings:
            raise ValueError("seed: fine-tuning follows the suite's seeds; leave it out")
        return self


class Model(_Open):
    """One row of the matrix; further keys are the adapter's (`checkpoint`, `context`, ...).

    With `finetune` the row is the model itself, trained end to end, instead of its embedding read
    by the classifiers. With `precision_check: N` the first N documents are embedded again in a
    higher precision (of 4 bits bf16, of bf16 fp32), and the card says how near the vectors are.
    """

    name: Name
    adapter: str = "huggingface"
    overlap: int | None = Field(None, ge=0)
    text: Literal["auto", "cleaned", "masked"] = "auto"
    adapt: Adapt | None = None
    adapt_on: Literal["train", "all"] = "train"
    finetune: Finetune | None = None
    precision_check: int = Field(0, ge=0)

    @field_validator("adapt", "finetune", mode="before")
    @classmethod
    def _true_means_defaults(cls, value: Any) -> Any:
        return {} if value is True else (None if value is False else value)

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name in TRIVIAL_MODELS or name == "reference":
            raise ValueError(f"{name!r} names a row that is always printed; choose another name")
        return name

    @property
    def view(self) -> Literal["cleaned", "masked"]:
        """The text this model reads: adapted models read masked text unless told otherwise."""
        if self.text != "auto":
            return self.text
        return "masked" if self.adapt else "cleaned"


class Classifier(_Open):
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


class Reference(_Open):
    """A reference network beside the matrix; further keys are its settings."""

    name: Name
    reference: str = ""

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known(self) -> "Reference":
        _registered("reference", self.kind, REFERENCES)
        return self

    @property
    def kind(self) -> str:
        """The registered reference this row is one of."""
        return self.reference or self.name


class Compute(_Section):
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


class Report(_Section):
    """The report; `baseline: model/classifier` is what every other cell is tested against."""

    baseline: str | None = None


class Suite(_Section):
    """A whole experiment."""

    name: Name
    seeds: list[Annotated[int, Field(ge=0)]] = Field([0], min_length=1)
    corpus: Corpus
    split: Split = Split()
    models: list[Model] = []
    classifiers: list[Classifier] = []
    references: list[Reference] = []
    compute: Compute = Compute()
    report: Report = Report()

    @field_validator("name")
    @classmethod
    def _not_the_store(cls, name: str) -> str:
        if name == "store":
            raise ValueError("'store' is the folder of the artifacts; choose another name")
        return name

    @model_validator(mode="after")
    def _no_name_twice(self) -> "Suite":
        for key, names in (
            ("models", [model.name for model in self.models]),
            ("classifiers", [classifier.name for classifier in self.classifiers]),
            ("references", [reference.name for reference in self.references]),
            ("seeds", [str(seed) for seed in self.seeds]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{key}: {twice[0]!r} stands there twice")
        return self


def _registered(kind: str, name: str, registry: dict[str, str]) -> str:
    if name not in registry:
        raise ValueError(f"unknown {kind} {name!r}: {nearest(name, registry)}")
    return name


def read(path: Path) -> Suite:
    """Read and check a suite file; paths in it are made absolute, relative to the file's folder.

    Raises:
        InputError: anything wrong with the file or with what it says.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; name a suite file") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 text at byte {error.start}; save it as UTF-8"
        ) from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: a suite file holds keys such as name and corpus, not one value")
    try:
        suite = Suite.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {_first_fault(error)}") from error
    return _with_paths(suite, path)


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, with two differences.

    A key that stands twice in one mapping is refused, and only `true` and `false` are truth values
    (YAML 1.2): a class named `no` or `on` stays a name.
    """

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        key = key_node.value
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} stands twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _first_fault(error: ValidationError) -> str:
    # A misspelt key also leaves the right one missing: the misspelling is the fault to name.
    fault = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")[0]
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        key = str(fault["loc"][-1])
        return f"{where}: unknown key; {nearest(key, _keys_at(fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{where}: this key is missing"
    text = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {text}" if where else text


def _keys_at(loc: tuple[int | str, ...]) -> list[str]:
    """The keys allowed in the section that `loc` leads to."""
    model: Any = Suite
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            model = _section_of(model.model_fields[part].annotation)
    return list(model.model_fields)


def _section_of(annotation: Any) -> Any:
    """Find the section class inside `list[Model]`, `Adapt | None` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_section_of(argument) for argument in getattr(annotation, "__args__", ())]
    return next((section for section in found if section is not None), None)


_VARIABLE = re.compile(r"\$\{(\w+)\}")


def _with_paths(suite: Suite, file: Path) -> Suite:
    """Expand environment variables in paths, make the paths absolute, and check the adapters."""
    content = suite.model_dump()
    if isinstance(content["corpus"].get("path"), str):
        content["corpus"]["path"] = str(expand_path(content["corpus"]["path"], file, "corpus.path"))
    for index, model in enumerate(content["models"]):
        checkpoint = model.get("checkpoint")
        if isinstance(checkpoint, str) and _is_local(checkpoint):
            key = f"models.{index}.checkpoint"
            model["checkpoint"] = str(expand_path(checkpoint, file, key))
        model["adapter"] = _adapter(model["adapter"], file, f"models.{index}.adapter")
    return Suite.model_validate(content)


def _adapter(name: str, file: Path, key: str) -> str:
    """Check an adapter's name; one that is a class in a file gets the file's absolute path."""
    path, colon, cls = name.rpartition(":")
    if colon and path.endswith(".py"):
        return f"{expand_path(path, file, key)}:{cls}"
    try:
        return known(name)
    except InputError as error:
        raise InputError(f"{file}: {key}: {error}") from error


def _is_local(checkpoint: str) -> bool:
    return checkpoint.startswith((".", "/", "~", "$"))


def expand_path(text: str, file: Path, key: str) -> Path:
    """Expand `${NAME}` and `~`, relative to the folder of the suite file.

    Raises:
        InputError: a variable that is not set, or a NUL character.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise InputError(
                f"{file}: {key}: environment variable {match[1]} is not set; export it"
            )
        return os.environ[match[1]]

    if "\0" in text:
        raise InputError(f"{file}: {key}: a path cannot hold a NUL character")
    return (file.parent / Path(_VARIABLE.sub(value, text)).expanduser()).absolute()
