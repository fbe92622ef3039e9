"""The schema of the suite file says what the parser says, and describes every key."""

import argparse
import copy
import dataclasses
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from adapters.registry import ADAPTERS, OBJECTIVES
from classifiers.registry import CHAR_LM, CLASSIFIERS, DETECTORS, FINETUNE, PRUNING, REFERENCES
from corpora.registry import LOADERS
from results.errors import InputError
from results.hashing import hash_file
from results.registry import find
from suite import schema_command
from suite.plan import make_plan
from suite.schema import attributes, schema
from suite.spec import Suite, read
from suite.yaml_file import Loader

ROOT = Path(__file__).parents[2]
SCHEMA = schema()
HASH = functools.cache(hash_file)

SMALL: dict[str, Any] = {
    "name": "small",
    "corpus": {"loader": "tm500", "num_documents": 60, "clean": {"tukey": True}},
    "split": {"test_share": 0.2},
    "models": [
        {"name": "a", "adapter": "minilm", "context": 64, "adapt": {"objective": "mlm"}},
        {"name": "b", "adapter": "tfidf", "analyzer": "word"},
        {"name": "c", "adapter": "minilm", "finetune": {"epochs": 1}, "prune": {"levels": [0.5]}},
    ],
    "classifiers": ["majority", {"name": "random_forest", "trees": 3}],
    "references": ["cnn", {"name": "d", "reference": "cnn", "char_lm": {"units": 8}}],
    "anomaly": {"normal": "Pass", "detectors": [{"name": "e", "detector": "line_count"}]},
    "studies": [{"name": "f", "rows": ["cnn"], "vary": {"context": [1], "train_share": [1]}}],
    "compute": {"threads": 1},
    "resources": {"embed": {"gpus": 0}, "models": {"a": {"memory": "1 GiB"}}},
    "report": {"text": False},
}


def _faults(content: Any, **changes: Any) -> list[str]:
    validator = Draft202012Validator({**SCHEMA, **changes})
    return [fault.message for fault in validator.iter_errors(content)]


def _descriptions(part: Any, path: str = "") -> Iterator[tuple[str, str | None]]:
    """Every key that the schema describes, by where it stands, with what is said of it."""
    if isinstance(part, list):
        for item in part:
            yield from _descriptions(item, path)
    if not isinstance(part, dict):
        return
    for name, item in part.items():
        if name == "properties":
            for key, rule in item.items():
                if rule is not True and set(rule) not in ({"enum"}, {"type"}):  # of a condition
                    yield f"{path}.{key}", rule.get("description")
        yield from _descriptions(item, f"{path}.{name}")


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


def test_every_key_has_a_description() -> None:
    found = dict(_descriptions(SCHEMA))
    assert len(found) > 200
    assert not [where for where, text in found.items() if not text]
    assert set(SCHEMA["properties"]) == set(Suite.model_fields)


@pytest.mark.parametrize("path", sorted((ROOT / "suites").glob("*.yaml")), ids=lambda p: p.name)
def test_every_suite_that_ships_fits(path: Path) -> None:
    assert _faults(yaml.load(path.read_text(encoding="utf-8"), Loader)) == []


def test_every_example_in_the_documents_fits() -> None:
    seen = 0
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
            content = yaml.load(block, Loader)
            if isinstance(content, dict) and set(content) <= set(SCHEMA["properties"]):
                assert _faults(content, required=[]) == [], f"{page.name}: {block}"
                seen += 1
    assert seen >= 8


REGISTERED = [
    *(("corpus", "loader", name, LOADERS) for name in LOADERS),
    *(("models", "adapter", name, ADAPTERS) for name in ADAPTERS),
    *(("adapt", "objective", name, OBJECTIVES) for name in OBJECTIVES),
    *(("classifiers", "name", name, CLASSIFIERS) for name in CLASSIFIERS),
    *(("references", "reference", name, REFERENCES) for name in REFERENCES),
    *(("detectors", "detector", name, DETECTORS) for name in DETECTORS),
    ("char_lm", "", "char_lm", CHAR_LM),
    ("finetune", "", "finetune", FINETUNE),
    ("prune", "", "prune", PRUNING),
]


def _with(place: str, row: dict[str, Any]) -> dict[str, Any]:
    """The small suite with one section of it replaced."""
    content = copy.deepcopy(SMALL)
    named = {"name": "x", **row}
    match place:
        case "corpus":
            content["corpus"] = row
        case "models" | "classifiers" | "references":
            content[place] = [named]
        case "detectors":
            content["anomaly"]["detectors"] = [named]
        case "char_lm":
            content["references"] = [{"name": "cnn", "char_lm": row}]
        case _:
            content["models"] = [{"name": "x", "adapter": "minilm", place: row}]
    return content


@pytest.mark.parametrize(("place", "key", "name", "registry"), REGISTERED)
def test_all_settings_of_a_registered_thing_fit_and_no_other_does(
    place: str, key: str, name: str, registry: dict[str, str]
) -> None:
    cls = find("thing", name, registry)
    row: dict[str, Any] = {key: name} if key else {}
    for field in dataclasses.fields(cls):
        if field.init and (field.name != "seed" or place == "corpus"):
            row[field.name] = "x" if field.default is dataclasses.MISSING else field.default
    row = json.loads(json.dumps(row))  # lists, as YAML has them
    assert _faults(_with(place, row)) == []
    assert _faults(_with(place, {**row, "no_such_key": 1}))
    if place in ("adapt", "finetune", "char_lm"):
        assert _faults(_with(place, {**row, "seed": 1}))


@pytest.mark.parametrize(
    "change",
    [
        "nme: x", "corpus.clean.tukei: true", "corpus.num_docs: 3", "corpus.loader: tm50",
        "corpus.mining: {dept: 4}", "split.by: grup", "split.test_share: 1", "split.seeds: 1",
        "models.0.contxt: 3", "models.0.adapter: minilmm", "models.0.adapt.epoch: 3",
        "models.0.adapt.objective: mlmm", "models.0.adapt: {epoch: 3}", "models.0.text: mask",
        "models.1.analyser: word", "models.1.analyzer: chars", "models.1.name: a b",
        "models.2.finetune.patence: 1", "models.2.prune.level: [0.5]", "classifiers.0: majorty",
        "classifiers.1.tres: 3", "classifiers.1.variants: [tune]", "references.0: cnm",
        "references.1.contxt: 3", "references.1.reference: cnm", "references.1.char_lm.unit: 8",
        "anomaly.normals: ok", "anomaly.detectors.0.detector: line_cout", "studies.0.row: [cnn]",
        "anomaly.detectors.0.passes: 3", "studies.0.vary.train_share: [0]",
        "studies.0.vary.char_lm: [3]", "compute.thread: 2", "compute.device: gpu",
        "resources.embd: {}", "resources.embed.gpu: 1", "report.texts: true", "report.text: [1]",
        "seeds: []", "name: null",
    ],
)  # fmt: skip
def test_what_the_parser_refuses_the_schema_refuses(change: str, tmp_path: Path) -> None:
    (path, value), content = next(iter(yaml.safe_load(change).items())), copy.deepcopy(SMALL)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = content
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(InputError):
        _plan(content, tmp_path)
    assert _faults(content)


def test_what_the_parser_accepts_the_schema_accepts(tmp_path: Path) -> None:
    _plan(SMALL, tmp_path)
    assert _faults(SMALL) == []


def _plan(content: dict[str, Any], folder: Path) -> None:
    (folder / "suite.yaml").write_text(yaml.safe_dump(content))
    make_plan(read(folder / "suite.yaml"), HASH, weights="optional")


def test_a_class_in_a_file_takes_any_settings() -> None:
    assert _faults(_with("models", {"adapter": "./my_adapter.py:Mine", "knob": 3})) == []


def test_attributes_are_read_over_lines_and_from_parents() -> None:
    class Parent:
        """A parent.

        Attributes:
            a: what it is,
                on two lines: both.
            b: of the parent.

        More text:
            c: is no attribute.
        """

    class Child(Parent):
        """A child.

        Attributes:
            b: of the child.
        """

    found = {name: " ".join(text.split()) for name, text in attributes(Child).items()}
    assert found == {"a": "what it is, on two lines: both.", "b": "of the child."}


def test_the_command_prints_it() -> None:
    parser, said = argparse.ArgumentParser(), []
    schema_command.register(parser.add_subparsers(), said.append)
    options = parser.parse_args(["schema"])
    assert options.command(options) == 0
    assert json.loads(said[0]) == json.loads(json.dumps(SCHEMA))
