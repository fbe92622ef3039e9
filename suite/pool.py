"""Hands on other processors: Ray actors that hold a model and do pieces of one job.

The job itself runs in a Ray task and hires them (`jobs/pieces.py`); Ray ends them with the task,
however it ends. An actor that dies costs the piece it had in hand, which another one does again.
"""

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from embedders.batching import BatchMemoryError
from jobs.failures import failure
from jobs.hand import Bench
from jobs.pieces import HandLostError, Order, Work
from jobs.process import captured, environment
from jobs.task import Task
from results.errors import InputError
from results.store import Commit
from suite import house
from suite.asking import Ask


class Elsewhere:
    """A hand that is an actor of its own, on whatever node has room for it."""

    def __init__(self, task: Task, ask: Ask) -> None:
        """Ask for an actor with what the job's own process was granted, memory included."""
        import ray

        self._ray: Any = ray  # its annotations know no methods of actors
        options = {**ask.options(), "max_restarts": 0, "max_task_retries": 0}
        self._actor: Any = self._ray.remote(**options)(_Actor).remote(task)

    def open(self, work: Work) -> Future[Any]:
        """Load what all pieces share, once there is room."""
        return self._answer(self._actor.open.remote(work))

    def do(self, order: Order) -> Future[Commit]:
        """Do a piece and publish it."""
        return self._answer(self._actor.do.remote(order))

    def close(self) -> None:
        """End the actor, whatever it does."""
        self._ray.kill(self._actor)

    def _answer(self, reference: Any) -> Future[Any]:
        """Turn Ray's failures into ours, and failures that came as values into failures."""
        answer: Future[Any] = Future()

        def arrived(told: Future[Any]) -> None:
            if (error := told.exception()) is not None:
                lost = isinstance(error, self._ray.exceptions.RayError)
                answer.set_exception(HandLostError(str(error)) if lost else error)
            elif isinstance(value := told.result(), Exception):
                answer.set_exception(value)
            else:
                answer.set_result(value)

        reference.future().add_done_callback(arrived)
        return answer


class _Actor:
    """Runs in a process of its own; a failure comes back as a value, since Ray would wrap it."""

    def __init__(self, task: Task) -> None:
        self._task = replace(task, log=task.log.with_suffix(f".{os.getpid()}.log"))
        self._conditions = contextlib.ExitStack()  # for as long as the process lives

    def open(self, work: Work) -> Commit | Exception | None:
        if (fault := house.fault()) is not None:
            return InputError(fault)
        self._conditions.enter_context(captured(self._task.log))
        self._conditions.enter_context(environment(self._task))
        self._bench = Bench(self._task)
        return self._tried(lambda: self._bench.open(work))

    def do(self, order: Order) -> Commit | Exception | None:
        return self._tried(lambda: self._bench.do(order))

    def _tried(self, verb: Callable[[], Commit | None]) -> Commit | Exception | None:
        try:
            return verb()
        except (InputError, BatchMemoryError) as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever a piece raises is reported, never lost
            return failure(error)
