"""In which worker a job runs: a new process of its own, or one that has done others before.

A new process costs 0.2 s, and up to 2 s of imports; what imports torch, holds a GPU or much memory
has one nevertheless (`Kind.isolation`): memory of the device is freed for sure when it ends, and
torch's threads are set when it begins. Light jobs follow one another in shared workers. How many
threads OpenBLAS and OpenMP start is decided when they are imported, so workers are shared only
among jobs of one thread count, which Ray sets in the environment before the process starts.
"""

from typing import Any

from jobs.job import Isolation
from jobs.registry import KINDS
from jobs.task import Task
from suite.asking import Ask
from suite.work import Errand, work

_MOST_JOBS = 200  # of one shared worker: what leaks, leaks for so long
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def isolation_of(task: Task) -> Isolation:
    """Say what a job runs in."""
    return "process" if task.workers > 1 else KINDS[task.kind].isolation(task.params)


class Workers:
    """Submits errands to the workers they belong in."""

    def __init__(self, ray: Any) -> None:
        """Declare what runs in a process of its own."""
        self._ray = ray
        self._alone = ray.remote(max_calls=1, max_retries=0)(work)
        self._shared: dict[int, Any] = {}  # by number of threads

    def submit(self, errand: Errand) -> Any:
        """Hand an errand to Ray; returns the reference of its `Return`."""
        task = errand.task
        alone = isolation_of(task) == "process"
        function = self._alone if alone else self._of_threads(task.threads)
        granted = errand.ask if task.workers == 1 else Ask(())  # else its workers ask themselves
        return function.options(**granted.options(), name=task.id).remote(errand)

    def _of_threads(self, threads: int) -> Any:
        if threads not in self._shared:
            variables = dict.fromkeys(_THREAD_VARIABLES, str(threads))
            self._shared[threads] = self._ray.remote(
                max_calls=_MOST_JOBS,
                max_retries=0,
                runtime_env={"env_vars": {**variables, "TOKENIZERS_PARALLELISM": "false"}},
            )(work)
        return self._shared[threads]
