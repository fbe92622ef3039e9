"""Which of the ready jobs Ray is given next, and how many of them."""

from pathlib import Path

from jobs.task import Task
from results.store import Store
from suite.asking import Ask
from suite.queue import Queue, Shape

SMALL = Shape(Ask((("CPU", 1.0),)))
BIG = Shape(Ask((("CPU", 2.0),)))
GPU = Shape(Ask((("CPU", 1.0), ("GPU", 1.0))))
PLACES = {SMALL: 2, BIG: 1, GPU: 1}


def _task(name: str) -> Task:
    return Task(
        id=name, kind="corpus", key=name, params={}, store=Store("s"), log=Path("l"), threads=1
    )


def _queue(*jobs: tuple[str, Shape, float]) -> Queue:
    queue = Queue()
    queue.resize(cpus=2)
    for name, shape, rank in jobs:
        queue.add(_task(name), shape, rank)
    return queue


def _given(queue: Queue) -> list[str]:
    """Take all that Ray would be given before one of them lands."""
    given = []
    while (popped := queue.pop(lambda shape: PLACES.get(shape, 2))) is not None:
        given.append(popped[0].id)
    return given


def test_the_longest_remaining_path_goes_first_whatever_its_shape() -> None:
    queue = _queue(("short", SMALL, 1.0), ("long", BIG, 9.0), ("middle", SMALL, 5.0))
    assert _given(queue) == ["long", "middle", "short"]


def test_a_fast_stage_cannot_flood_ray() -> None:
    queue = _queue(*((str(number), SMALL, 1.0) for number in range(100)))
    assert _given(queue) == ["0", "1", "2", "3"], "twice what two CPUs hold"
    assert _given(queue) == [] and len(queue) == 96
    queue.landed(SMALL)
    assert _given(queue) == ["4"]


def test_a_shape_that_has_to_wait_holds_up_no_other() -> None:
    queue = _queue(*((f"gpu{n}", GPU, 9.0) for n in range(5)), ("cpu", SMALL, 1.0))
    assert _given(queue) == ["gpu0", "gpu1", "cpu"]


def test_of_a_limited_kind_no_more_are_with_ray_than_may_run() -> None:
    shape = Shape(SMALL.ask, kind="embed", at_once=1)
    queue = _queue(("a", shape, 2.0), ("b", shape, 2.0), ("c", SMALL, 1.0))
    assert _given(queue) == ["a", "c"]


def test_a_job_larger_than_what_is_free_is_given_when_nothing_else_is_under_way() -> None:
    queue = _queue(("large", Shape(SMALL.ask, workers=9), 1.0))
    assert _given(queue) == ["large"]


def test_dropped_jobs_are_gone() -> None:
    queue = _queue(("a", BIG, 1.0), ("b", SMALL, 1.0))
    assert [task.id for task in queue.drop(BIG)] == ["a"]
    assert queue.shapes() == [SMALL] and _given(queue) == ["b"]
