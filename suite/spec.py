"""The suite file: what a YAML file may say, checked once at the door (DESIGN §3).

`read` turns a file into a `Suite`; every mistake in it is one `InputError` line that names the
file, the key and the way out. Past this door components take plain keyword arguments.
"""

import os
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from adapters.registry import known
from results.errors import InputError, nearest
from results.faults import told
from suite.resources import Resources
from suite.row_sections import Anomaly, Classifier, Model, Reference
from suite.rows import detectors, rows_of
from suite.sections import Compute, Corpus, Name, Report, Section, Seed, Split
from suite.study_section import CHAR_LM_KEY, Study
from suite.terminal import printable
from suite.yaml_file import load


class Suite(Section):
    """A whole experiment."""

    name: Name
    """Names the run folder, `WORKDIR/NAME`."""
    seeds: list[Seed] = Field([0], min_length=1)
    """Each seed makes its own split, adaptation and fits; embeddings are shared."""
    corpus: Corpus
    """Where the documents come from, and how they are cleaned."""
    split: Split = Split()
    """Which documents are learnt from, and which are tested on."""
    models: list[Model] = []
    """Language models and other ways to turn a document into a vector."""
    classifiers: list[Classifier] = []
    """What reads the vectors of each model."""
    references: list[Reference] = []
    """Networks that read characters."""
    anomaly: Anomaly | None = None
    """Detection of what is not normal."""
    studies: list[Study] = []
    """Rows of this suite again, over grids of settings."""
    compute: Compute = Compute()
    """What networks run on."""
    resources: Resources = Resources()
    """What jobs ask of a cluster's nodes; it enters no key."""
    report: Report = Report()
    """What the report shows."""

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
            ("studies", [study.name for study in self.studies]),
            ("seeds", [str(seed) for seed in self.seeds]),
            ("anomaly.detectors", [detector.name for detector in detectors(self.anomaly)]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{key}: {twice[0]!r} stands there twice")
        return self

    @model_validator(mode="after")
    def _detectors_read_models_of_this_suite(self) -> "Suite":
        models = {model.name: model for model in self.models}
        for model in self.models:
            if model.adapt_on == "normal" and self.anomaly is None:
                raise ValueError(
                    f"models: {model.name!r}: adapt_on: normal needs `anomaly: {{normal: CLASS}}`, "
                    "which says which class is normal"
                )
        for detector in self.anomaly.detectors if self.anomaly else []:
            where = f"anomaly.detectors: {detector.name!r}"
            if detector.model is None:
                continue
            if detector.model not in models:
                raise ValueError(
                    f"{where}: unknown model {detector.model!r}: {nearest(detector.model, models)}"
                )
            model = models[detector.model]
            if model.finetune:
                raise ValueError(f"{where}: {model.name!r} is fine-tuned on labels: name another")
            if model.adapt and model.adapt_on != "normal":
                raise ValueError(
                    f"{where}: {model.name!r} is adapted on anomalies, too, and a detector may "
                    "learn from normal documents only: give the model `adapt_on: normal`"
                )
        return self

    @model_validator(mode="after")
    def _classifiers_have_something_to_read(self) -> "Suite":
        if self.classifiers and not self.models:
            raise ValueError(
                "classifiers: there is no model to read; name one under `models`, or leave them "
                "out (the trivial rows have their own)"
            )
        return self

    @model_validator(mode="after")
    def _resources_of_models_of_this_suite(self) -> "Suite":
        models = [model.name for model in self.models]
        for name in self.resources.models:
            if name not in models:
                raise ValueError(
                    f"resources.models: unknown model {name!r}: {nearest(name, models)}"
                )
        return self

    @model_validator(mode="after")
    def _rows_are_of_this_suite(self) -> "Suite":
        rows = rows_of(self.models, self.classifiers, self.references, self.anomaly)
        if (cell := self.report.baseline) is not None and cell not in rows:
            raise ValueError(f"report.baseline: unknown row {cell!r}: {nearest(cell, rows)}")
        for number, study in enumerate(self.studies):
            for name in study.rows:
                where = f"studies.{number}"
                if name not in rows:
                    raise ValueError(f"{where}.rows: unknown row {name!r}: {nearest(name, rows)}")
                if CHAR_LM_KEY in study.vary and rows[name].reference is None:
                    raise ValueError(
                        f"{where}.vary.{CHAR_LM_KEY}: {name!r} is no reference; only references "
                        f"learn from character embeddings"
                    )
        return self


def read(path: Path) -> Suite:
    """Read and check a suite file; paths in it are made absolute, relative to the file's folder.

    Raises:
        InputError: anything wrong with the file or with what it says.
    """
    content = load(path, "suite file")
    if not isinstance(content, dict):
        raise InputError(f"{path}: a suite file holds keys such as name and corpus, not one value")
    try:
        suite = Suite.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {_first_fault(error, content)}") from error
    return _with_paths(suite, path)


def _first_fault(error: ValidationError, content: Any) -> str:
    # A misspelt key also leaves the right one missing: the misspelling is the fault to name.
    faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    place = _place(faults[0], content)
    where = ".".join(map(printable, map(str, place)))
    if faults[0]["type"] == "extra_forbidden":
        return f"{where}: unknown key; {nearest(str(place[-1]), _keys_at(place[:-1]))}"
    text = told([fault for fault in faults if _place(fault, content) == place])
    return f"{where}: {text}" if where else text


def _place(fault: ErrorDetails, content: Any) -> tuple[int | str, ...]:
    """Find the value in the file that a fault is of: no alternative of its type, no default."""
    found, here = [], content
    for part in fault["loc"]:
        if not isinstance(here, dict | list) or (isinstance(here, dict) and part not in here):
            break
        if isinstance(here, list) and not isinstance(part, int):
            break
        here = here[part]  # type: ignore[index]  # an index of a list, a key of a mapping
        found.append(part)
    return (*found, fault["loc"][-1]) if fault["type"] == "missing" else tuple(found)


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
        InputError: a variable that is not set, an unknown user, or a NUL character.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise InputError(
                f"{file}: {key}: environment variable {match[1]} is not set; export it"
            )
        return os.environ[match[1]]

    if "\0" in text:
        raise InputError(f"{file}: {key}: a path cannot hold a NUL character")
    expanded = _VARIABLE.sub(value, text)
    try:  # Path("./~") is Path("~")
        place = Path(expanded).expanduser() if expanded.startswith("~") else Path(expanded)
    except RuntimeError as error:
        raise InputError(f"{file}: {key}: {text!r}: no such user; write the folder out") from error
    return (file.parent / place).absolute()
