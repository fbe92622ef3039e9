"""How often each class of failure is tried again."""

from pathlib import Path
from typing import get_args

import pytest

from jobs.failures import failure
from jobs.task import Task
from results.store import Store
from suite.retries import LIMITS, Class, Tries, class_of, reason

TASK = Task(
    id="embed:x", kind="embed", key="k", params={}, store=Store("s"), log=Path("l"), threads=1
)


class NodeDiedError(Exception):
    """Named like Ray's."""


@pytest.mark.parametrize("kind", get_args(Class))
def test_a_class_is_tried_again_as_often_as_its_limit_says(kind: Class) -> None:
    tries = Tries()
    assert sum(tries.failed(kind) for _ in range(20)) == LIMITS[kind]


def test_classes_do_not_use_up_each_others_tries() -> None:
    tries = Tries()
    assert all(tries.failed("node lost") for _ in range(5))
    assert tries.failed("worker crashed") and tries.failed("out of memory")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NodeDiedError(), "node lost"),
        (RuntimeError(), "lost"),
        (failure(MemoryError()), "out of memory"),
        (failure(OSError(28, "No space left on device")), "none"),
        (failure(ZeroDivisionError()), "none"),
    ],
)
def test_failures_are_sorted_by_what_broke(error: Exception, kind: str) -> None:
    assert class_of(error) == kind


def test_a_reason_says_how_often_and_what_to_raise() -> None:
    said = reason("out of memory", failure(MemoryError("of 9 GiB")), 3, TASK)
    assert said == (
        "out of memory (MemoryError: of 9 GiB), 3 times; "
        "raise resources.embed.memory in the suite file"
    )
    assert reason("node lost", NodeDiedError("gone\nmore"), 6, TASK) == (
        "node lost (NodeDiedError: gone), 6 times"
    )
