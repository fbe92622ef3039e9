"""The adaptation job from inputs to artifact, and what is left of it after a kill."""

import json
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import mlm_params

from adapters.mlm import Mlm
from adapters.seq2seq import Seq2Seq
from adapters.tiny import build_tiny, build_twin
from corpora.storage import DocumentWriter
from jobs.execute import execute
from jobs.task import JobError, Task
from results.store import Commit, Store

SETTINGS = Mlm(epochs=40, batch_size=8, learning_rate=2e-3, block=32, validation_share=0.2)


@pytest.fixture(scope="module")
def documents() -> list[str]:
    generator = np.random.default_rng(0)
    units, verbs = ["radio", "cell", "port", "link"], ["started", "stopped", "failed"]
    return [
        "\n".join(
            f"{generator.choice(units)} {generator.choice(verbs)} at 0x{n:04x} code {n}"
            for n in generator.integers(0, 1000, 12)
        )
        for _ in range(12)
    ]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, documents: list[str]) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"), documents, mlm_head=True)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory, documents: list[str], checkpoint: Path) -> Task:
    """An adaptation of the documents with even numbers, in a store of its own."""
    root = tmp_path_factory.mktemp("store")
    names = [f"d{number}" for number in range(len(documents))]
    with (
        _publishing(root, "corpus") as (folder, commits),
        DocumentWriter(folder / "documents.parquet") as writer,
    ):
        for name, text in zip(names, documents, strict=True):
            writer.add(name, [text], None)
    with _publishing(root, "split") as (folder, commits_of_split):
        sides = ["train" if number % 2 == 0 else "test" for number in range(len(names))]
        pd.DataFrame({"id": names, "side": sides}).to_parquet(folder / "split.parquet")
    return Task(
        id="adapt:tiny/0",
        kind="adapt",
        key="k",
        params=mlm_params(SETTINGS),
        store=root,
        log=root / "logs" / "adapt.log",
        threads=1,
        inputs={"corpus": commits[0], "split": commits_of_split[0]},
        local={"checkpoint": str(checkpoint)},
    )


@contextmanager
def _publishing(root: Path, kind: str) -> Iterator[tuple[Path, list[Commit]]]:
    store, commits = Store(root), []
    folder = store.new_attempt(kind, "k")
    yield folder, commits
    commits.append(store.publish(kind, "k", folder, notes={}))


def other(task: Task, key: str, **settings: Any) -> Task:
    """The same task under another key, with other settings of its objective."""
    changed = {**task.params["objective_settings"], **settings}
    params = {**task.params, "objective_settings": changed}
    return replace(task, key=key, params=params, log=task.log.with_name(f"{key}.log"))


@pytest.fixture(scope="module")
def undisturbed(task: Task) -> Commit:
    return execute(other(task, "undisturbed"))


def test_the_artifact_holds_a_checkpoint_and_a_card(task: Task, undisturbed: Commit) -> None:
    folder = Store(task.store).folder(undisturbed)
    card = json.loads((folder / "card.json").read_text())
    assert card["train_documents"] + card["valid_documents"] == 6, "train documents alone"
    assert card["heldout_loss_after"] < card["heldout_loss_before"]
    told = json.loads((folder / "checkpoint" / "logmark.json").read_text())
    assert told["objective"] == "mlm" and "<endsample>" in told["special_tokens"]
    costs: Any = undisturbed.notes["costs"]
    assert costs["extra"] == {}


def test_a_killed_adaptation_goes_on_where_it_was_killed(task: Task, undisturbed: Commit) -> None:
    killed = other(task, "killed")
    path = task.store / "task.pickle"
    path.write_bytes(pickle.dumps(killed))
    code = (
        "import pickle, sys, pathlib; from jobs.execute import execute; "
        "execute(pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()))"
    )
    scratch = Store(task.store).scratch("adapt", "killed") / "files"
    with subprocess.Popen([sys.executable, "-c", code, str(path)]) as process:
        deadline = time.monotonic() + 120
        while not list(scratch.glob("checkpoint-*/complete.json")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = max(int(x.parent.name.split("-")[1]) for x in scratch.glob("*/complete.json"))
    folder = task.store / "adapt" / "killed"
    assert not list(folder.glob("COMMIT.*")) and len(list((folder / "attempts").iterdir())) == 1

    commit = execute(killed)
    costs: Any = commit.notes["costs"]
    card = json.loads((Store(task.store).folder(commit) / "card.json").read_text())
    assert costs["extra"]["resumed_at"] == done / card["steps"] > 0
    assert commit.digest == undisturbed.digest
    assert not (folder / "scratch").exists()


def test_low_rank_updates_are_adapted_by_the_same_job(
    task: Task, documents: list[str], tmp_path: Path
) -> None:
    settings = Seq2Seq(epochs=1, batch_size=4, block=32, validation_share=0.2)
    twin = build_twin(tmp_path / "t5", {"model_type": "t5"}, documents)
    params = {
        **task.params,
        "adapter": "t5",
        "objective": "seq2seq",
        "objective_settings": asdict(settings),
    }
    log = task.log.with_name("t5.log")
    commit = execute(
        replace(task, key="t5", params=params, log=log, local={"checkpoint": str(twin)})
    )
    names = {file.path for file in commit.files}
    assert {"card.json", "checkpoint/adapter_model.safetensors", "checkpoint/logmark.json"} <= names


def test_a_setting_that_cannot_be_is_the_users_fault(task: Task) -> None:
    with pytest.raises(JobError, match="epochs must be at least 1") as caught:
        execute(other(task, "bad", epochs=0))
    assert caught.value.fault == "input"
