"""The jobs that are ready, and which of them Ray is given next.

Ray knows no priorities: what it has been given runs in its own order. So it is given only what
could start soon, the longest remaining path first: of each shape of job (equal demands, one kind
where the kind is limited) twice what the cluster holds, and in all twice its CPUs. A fast stage
cannot flood it, and a shape that has to wait holds up no other.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from jobs.task import Task
from suite.asking import Ask

_AHEAD = 2


@dataclass(frozen=True)
class Shape:
    """What makes jobs compete for the same places.

    Attributes:
        ask: what each process of a job asks for.
        workers: processes of a job.
        kind: kind of job, where only so many of them may run at a time.
        at_once: how many.
    """

    ask: Ask
    workers: int = 1
    kind: str | None = None
    at_once: int | None = None

    @property
    def cpus(self) -> float:
        """CPUs of one such job."""
        return self.ask.amount("CPU") * self.workers


PlacesOf = Callable[[Shape], int]


class Queue:
    """Ready jobs by shape, each shape's longest remaining path first."""

    def __init__(self) -> None:
        """Start empty."""
        self._waiting: dict[Shape, list[tuple[float, int, Task]]] = {}
        self._under_way: Counter[Shape] = Counter()
        self._places: dict[Shape, int] = {}
        self._cpus = 0.0
        self._number = itertools.count()

    def __len__(self) -> int:
        """Count the jobs that wait."""
        return sum(map(len, self._waiting.values()))

    def resize(self, cpus: float) -> None:
        """Note that the cluster has changed: it has so many CPUs now."""
        self._cpus = cpus
        self._places.clear()

    def add(self, task: Task, shape: Shape, rank: float) -> None:
        """Let a job wait; `rank` is the length of its path to the end of the plan."""
        heapq.heappush(self._waiting.setdefault(shape, []), (-rank, next(self._number), task))

    def pop(self, places: PlacesOf) -> tuple[Task, Shape] | None:
        """Take the job that should be given to Ray now; None where none should.

        Args:
            places: how many jobs of a shape the cluster holds at a time.
        """
        load = sum(shape.cpus * number for shape, number in self._under_way.items())
        if load >= _AHEAD * self._cpus and self._under_way.total():
            return None
        open_ = [
            (line[0], shape)
            for shape, line in self._waiting.items()
            if line and self._under_way[shape] < self._most(shape, places)
        ]
        if not open_:
            return None
        _, shape = min(open_, key=lambda pair: pair[0][:2])
        self._under_way[shape] += 1
        return heapq.heappop(self._waiting[shape])[2], shape

    def _most(self, shape: Shape, places: PlacesOf) -> int:
        """How many jobs of a shape may be with Ray at a time."""
        if shape not in self._places:
            self._places[shape] = places(shape)
        most = max(1, _AHEAD * self._places[shape])
        return most if shape.at_once is None else min(most, shape.at_once)

    def shapes(self) -> list[Shape]:
        """List the shapes of the jobs that wait."""
        return [shape for shape, line in self._waiting.items() if line]

    def drop(self, shape: Shape) -> list[Task]:
        """Take all jobs of a shape out, to be given up."""
        return [task for _, _, task in self._waiting.pop(shape, [])]

    def submitted(self, shape: Shape) -> None:
        """Note that a job is with Ray that did not wait here: one that is tried again."""
        self._under_way[shape] += 1

    def landed(self, shape: Shape) -> None:
        """Note that a job of a shape is no longer with Ray."""
        self._under_way[shape] -= 1
