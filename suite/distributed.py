"""One job shared by several processes through Ray Train, each of which runs the job's function.

The coordinator is an ordinary task of the scheduler's that needs no CPU itself. Of its workers, the
first one executes the job as a single process would: it holds the scratch folder, reports, measures
and publishes. The others assist it and publish nothing.
"""

import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from jobs.execute import Tell, assist, execute
from jobs.task import JobError, Task
from results.store import Commit
from suite import house
from suite.asking import Ask

_ENVIRONMENT = {  # what Ray Train reads when it is imported or starts
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",  # the job's output goes to its own log
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(7 * 24 * 3600),  # jobs before it may hold CPUs
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}


def run(task: Task, ask: Ask, tell: Tell) -> Commit:
    """Run a job in `task.workers` processes; called in a Ray task.

    Args:
        task: what to run.
        ask: what each of its processes is granted.
        tell: is told how far the job is.

    Raises:
        JobError: the job's own failure.
        RuntimeError: a worker or Ray Train itself failed.
    """
    os.environ.update(_ENVIRONMENT)
    import ray.train.torch

    train: Any = ray.train  # its annotations are those of its first version
    folder = task.store.root / task.kind / task.key / f"ray-{uuid.uuid4().hex}"  # nothing is kept
    trainer = train.torch.TorchTrainer(
        _share,
        train_loop_config={"task": task, "tell": tell},
        scaling_config=train.ScalingConfig(
            num_workers=task.workers,
            use_gpu=ask.amount("GPU") > 0,
            resources_per_worker=dict(ask.resources),
            accelerator_type=ask.accelerator,
            label_selector=dict(ask.labels) or None,
        ),
        run_config=train.RunConfig(
            name=task.key,
            storage_path=str(folder),
            failure_config=train.FailureConfig(  # the scheduler decides what is tried again
                max_failures=0, max_preemption_failures=0, controller_failure_limit=0
            ),
        ),
    )
    try:
        commit: Commit = trainer.fit().return_value
    except train.TrainingFailedError as error:
        failures = getattr(error, "worker_failures", {})
        raise blame(failures, str(error)) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return commit


def blame(failures: dict[int, Exception], message: str) -> Exception:
    """Choose the failure that explains the others: workers fail when one that they wait for does.

    Args:
        failures: worker -> how it failed.
        message: what is said where no worker told of its failure.

    Returns:
        The user's fault before a loss of a worker before a fault of the code.
    """
    told = [failures[rank] for rank in sorted(failures) if isinstance(failures[rank], JobError)]
    for error in told:
        if isinstance(error, JobError) and error.fault == "input":
            return error
    if told and len(told) == len(failures):
        return told[0]
    lost = [error for error in failures.values() if not isinstance(error, JobError)]
    return RuntimeError(f"{type(lost[0]).__name__}: {lost[0]}" if lost else message)


def _share(config: dict[str, Any]) -> Commit | None:
    """Run in each worker."""
    from ray.train import get_context

    if (fault := house.fault()) is not None:
        raise RuntimeError(fault)
    task: Task = config["task"]
    if get_context().get_world_rank() == 0:
        return execute(task, tell=config["tell"], started=_told)
    scratch = _told(None)
    assert scratch is not None
    assist(task, scratch)
    return None


def _told(scratch: Path | None) -> Path | None:
    """Pass the first worker's scratch folder to the others."""
    from torch import distributed

    box: list[Any] = [scratch]
    distributed.broadcast_object_list(box, src=0)
    heard: Path | None = box[0]
    return heard
