"""What the suite file's parser promises whatever a file says, for property tests and the fuzzer.

Any bytes: a suite comes out, or one line of `InputError` that names the file. A suite can be
planned, or one line says why not; everything in its plan can be hashed. Never another exception.
"""

import copy
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jsonschema import Draft202012Validator

from results.errors import InputError
from results.hashing import hash_file, hash_json
from suite.plan import make_plan
from suite.recording import suite_hash
from suite.schema import schema
from suite.spec import Suite, read
from suite.yaml_file import load

SUITES = Path(__file__).parents[2] / "suites"
DATA = "LOGMARK_SHARED"
HASH = functools.cache(hash_file)


class Outcome(NamedTuple):
    """What became of a suite file: a suite, a plan, or the line that refuses it."""

    suite: Suite | None
    jobs: int
    refusal: str | None


def check_text(content: bytes, folder: Path, *, briefly: bool = False) -> Outcome:
    """Hold a suite file to the promises.

    Args:
        content: what it holds.
        folder: receives it.
        briefly: plan nothing.
    """
    file = folder / "suite.yaml"
    file.write_bytes(content)
    try:
        suite = read(file)
    except InputError as error:
        check_line(str(error))
        assert str(error).startswith(str(file)), error
        return Outcome(None, 0, str(error))
    assert Suite.model_validate(suite.model_dump()) == suite
    return Outcome(suite, 0, None) if briefly else check_plan(suite)


def check_plan(suite: Suite) -> Outcome:
    """Plan a suite, whatever is at hand: jobs that can be hashed, or one line."""
    try:
        nodes = make_plan(suite, HASH, weights="optional")
    except InputError as error:
        check_line(str(error))
        return Outcome(suite, 0, str(error))
    ids = set()
    for node in nodes:
        assert node.id not in ids and set(node.needs.values()) <= ids, node.id
        ids.add(node.id)
        hash_json([node.kind, node.params])
    assert len(suite_hash(suite)) > 8
    return Outcome(suite, len(nodes), None)


def check_line(message: str) -> None:
    """Hold a refusal to its form: one line, and not endless."""
    assert message and len(message.splitlines()) == 1, repr(message)
    assert len(message) < 4000, message


@functools.cache
def validator() -> Draft202012Validator:
    """The schema of `logmark schema`."""
    return Draft202012Validator(schema())


def faults(content: Any) -> list[str]:
    """What the schema has against the content of a suite file."""
    return [fault.message for fault in validator().iter_errors(content)]


EVERYTHING: dict[str, Any] = {
    "name": "everything",
    "seeds": [0, 1],
    "corpus": {
        "loader": "blocks", "num_documents": 60, "anomaly_share": 0.3, "form": "lines", "seed": 1,
        "label": "label", "group": "kind", "time": "time", "where": {"synthetic": True},
        "sample": 0.5, "mining": {"depth": 4}, "relabel": {"map": {"x": None}, "min_documents": 2},
        "clean": {"max_word_chars": 50, "max_line_chars": 500, "tukey": True, "max_bytes": 10000,
                  "empty": "drop", "duplicates": "exact", "drop_numbers": True},
    },
    "split": {"by": "group", "test_share": 0.2, "seed": 3, "leaks": "count"},
    "models": [
        {"name": "a", "adapter": "minilm", "context": 64, "overlap": 8, "text": "masked",
         "adapt": {"objective": "mlm", "epochs": 1}, "adapt_on": "normal", "precision_check": 2},
        {"name": "b", "adapter": "tfidf", "analyzer": "word", "ngram": [1, 2]},
        {"name": "c", "adapter": "minilm", "finetune": {"epochs": 1}, "prune": {"levels": [0.5]}},
    ],
    "classifiers": ["majority", {"name": "random_forest", "trees": 3, "variants": ["tuned"]}],
    "references": ["cnn", {"name": "d", "reference": "cnn", "char_lm": {"units": 8}}],
    "anomaly": {"normal": "normal", "validation_share": 0.2, "detectors": [
        {"name": "e", "detector": "line_count"}, {"name": "f", "detector": "top_k", "model": "a"}]},
    "studies": [
        {"name": "f", "rows": ["cnn"], "seeds": [2],
         "vary": {"context": [1, 2], "train_share": [1], "char_lm": [True, False]}},
        {"name": "g", "rows": ["b/majority"], "vary": {"altered_lines": [0, 0.5]}},
    ],
    "compute": {"threads": 1, "workers": 1, "embed_workers": "auto", "device": "cpu",
                "precision": "auto", "padding": 0.1, "shard_tokens": 1000},
    "resources": {"embed": {"gpus": 0.5, "memory": "1 GiB", "time_limit": "1 h", "at_once": 2},
                  "models": {"a": {"accelerator": "A100", "labels": {"x": "y"}}}},
    "report": {"baseline": "b/majority", "text": False},
}  # fmt: skip
"""A suite in which nearly every key stands."""

ELSEWHERE: list[dict[str, Any]] = [
    {"name": "x", "corpus": {"loader": "folder", "path": "logs", "pattern": "*"}},
    {"name": "x", "corpus": {"loader": "table", "path": "~/t.csv", "text": "a", "id": "b"}},
    {"name": "x", "corpus": {"loader": "hdfs", "path": "${HOME}/x.zip", "max_unmatched": 0.5}},
    {"name": "x", "corpus": {"loader": "events", "path": "e.jsonl", "templates": "t.json"}},
    {
        "name": "x",
        "corpus": {"loader": "tm500"},
        "models": [
            {"name": "d", "adapter": "./mine.py:Mine", "knob": 1},
            {"name": "e", "adapter": "bert", "checkpoint": "./folder", "quantize": "nf4"},
        ],
    },
]
"""Suites that name what is not there."""


def shipped() -> Iterator[dict[str, Any]]:
    """The suites that ship, reading generated documents where theirs are not at hand."""
    for path in sorted(SUITES.glob("*.yaml")):
        content = load(path, "suite file")
        if DATA in str(content["corpus"].get("path")):
            kept = {k: v for k, v in content["corpus"].items() if k in ("clean", "sample", "group")}
            content["corpus"] = {"loader": "tm500", "num_documents": 60, **kept}
        yield content


VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 3, 0.5, -0.5, 1.5, 1e-9, 10**6, 10**12, 10**30),
    *(float("nan"), float("inf"), "", " ", "x", "a b", "a\nb", "\x1b[31m", "é", "\u2028", "../x"),
    *("~no_such_user/x", "./~", "${NO_SUCH}", "x" * 300, "auto", "none", "true", "cnn", "bert"),
    *("minilm", "tfidf", "group", "normal"),
    *("tm500", "folder", "text", "templates", "label", "mlm", "1 GiB", "1 h", "cuda", "me.py:Me"),
    *([], {}, [[]], [None], [1, 1], ["x", "x"], {"x": 1}, {"name": "x"}, {"": None}, {"seed": 1}),
    *({1: 2}, ["cnn"], [0.1, 0.5], {"x": [1]}, ["minilm/xgboost"], ["text/line_count"]),
]
"""What a mutation puts somewhere."""


def mutated(content: Any, picks: list[tuple[int, int]]) -> Any:
    """Change the content of a suite file at some places, each picked by number.

    Args:
        content: of a suite file; it stays as it is.
        picks: of which place, and what to put there: one of `VALUES`, nothing, a second key of the
            same value, or what stands elsewhere in the suite.
    """
    content = copy.deepcopy(content)
    for place, value in picks:
        places = list(_places(content))
        if not places:
            return content
        owner, key = places[place % len(places)]
        match value % (len(VALUES) + 3):
            case n if n < len(VALUES):
                owner[key] = copy.deepcopy(VALUES[n])
            case n if n == len(VALUES):
                del owner[key]
            case n if n == len(VALUES) + 1 and isinstance(owner, dict):
                owner[f"{key}_"] = owner[key]
            case _:
                other, name = places[value % len(places)]
                owner[key] = copy.deepcopy(other[name])
    return content


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Walk over everything that has a key or an index."""
    keys = content if isinstance(content, dict) else range(len(content))
    for key in list(keys):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _places(content[key])


def written(content: Any) -> bytes:
    """Write the content of a suite file."""
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode()
