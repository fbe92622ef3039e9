"""What two suites say differently."""

from pathlib import Path
from typing import Any

import pytest

from results.differences import Change, changes, differences
from results.run import Run


def _run(resolved: dict[str, Any]) -> Run:
    return Run(Path("nowhere"), {"suite": "s", "resolved": resolved}, [])


def test_settings_are_named_by_their_place() -> None:
    before = {"corpus": {"clean": {"tukey": False, "max_bytes": None}}, "seeds": [0]}
    after = {"corpus": {"clean": {"tukey": True, "max_bytes": None}}, "seeds": [0, 1]}
    assert list(changes(before, after)) == [
        Change("corpus.clean.tukey", False, True),
        Change("seeds", [0], [0, 1]),
    ]


def test_named_things_are_matched_by_name_and_may_move() -> None:
    one, two = {"name": "one", "context": 512}, {"name": "two", "context": 512}
    assert not list(changes({"models": [one, two]}, {"models": [two, one]}))
    found = list(changes({"models": [one, two]}, {"models": [{**two, "context": 256}]}))
    assert found == [
        Change("models.one", one, None, "first"),
        Change("models.two.context", 512, 256),
    ]
    assert list(changes({"models": []}, {"models": [one]})) == [
        Change("models.one", None, one, "second")
    ]


def test_null_is_a_value_and_absent_is_none() -> None:
    assert list(changes({"a": None}, {"a": 1})) == [Change("a", None, 1)]
    assert list(changes({}, {"a": None})) == [Change("a", None, None, "second")]


@pytest.mark.parametrize(("before", "after", "same"), [(1, 1.0, True), (True, 1, False)])
def test_numbers_are_compared_as_numbers(before: Any, after: Any, same: bool) -> None:
    assert bool(list(changes({"a": before}, {"a": after}))) is not same


def test_what_lies_elsewhere_is_told_apart_from_what_is_set() -> None:
    before = {"corpus": {"path": "/a/logs"}, "resources": {"cpus": 2},
              "models": [{"name": "m", "checkpoint": "/a/bert", "context": 1}]}  # fmt: skip
    after = {"corpus": {"path": "logs"}, "resources": {"cpus": 4},
             "models": [{"name": "m", "checkpoint": "bert", "context": 2}]}  # fmt: skip
    found = differences(_run(before), _run(after))
    assert [change.key for change in found.settings] == ["models.m.context"]
    assert [change.key for change in found.places] == [
        "corpus.path", "resources.cpus", "models.m.checkpoint"
    ]  # fmt: skip
