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

from adapters.masked_sentences import MaskedSentences
from adapters.mlm import Mlm
from adapters.seq2seq import Seq2Seq
from adapters.tiny import build_tiny, build_twin
from corpora.masking import mask
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
        store=Store(root),
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
    folder = task.store.folder(undisturbed)
    card = json.loads((folder / "card.json").read_text())
    assert card["train_documents"] + card["valid_documents"] == 6, "train documents alone"
    assert card["heldout_loss_after"] < card["heldout_loss_before"]
    told = json.loads((folder / "checkpoint" / "logmark.json").read_text())
    assert told["objective"] == "mlm" and "<endsample>" in told["special_tokens"]
    costs: Any = undisturbed.notes["costs"]
    assert costs["extra"].keys() == {"train_rss_bytes", "train_s"}


def test_a_killed_adaptation_goes_on_where_it_was_killed(task: Task, undisturbed: Commit) -> None:
    killed = other(task, "killed")
    path = task.store.root / "task.pickle"
    path.write_bytes(pickle.dumps(killed))
    code = (
        "import pickle, sys, pathlib; from jobs.execute import execute; "
        "execute(pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()))"
    )
    scratch = task.store.scratch("adapt", "killed") / "files"
    with subprocess.Popen([sys.executable, "-c", code, str(path)]) as process:
        deadline = time.monotonic() + 120
        while not list(scratch.glob("checkpoint-*/complete.json")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = max(int(x.parent.name.split("-")[1]) for x in scratch.glob("*/complete.json"))
    folder = task.store.root / "adapt" / "killed"
    assert not list(folder.glob("COMMIT.*")) and len(list((folder / "attempts").iterdir())) == 1

    commit = execute(killed)
    costs: Any = commit.notes["costs"]
    card = json.loads((task.store.folder(commit) / "card.json").read_text())
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


def with_labels(task: Task, *, by: str = "stratified") -> Task:
    """The task with labels: of the six train documents d0, d2, ... the third one is an anomaly."""
    root = task.store.root
    names = [f"d{number}" for number in range(12)]
    with _publishing(root, f"labels-{by}") as (folder, labels):
        kinds = ["bad" if number in {4, 5} else "good" for number in range(12)]
        groups = [f"g{number // 4}" for number in range(12)]
        frame = pd.DataFrame({"id": names, "label": kinds, "group": groups})
        frame.to_parquet(folder / "labels.parquet")
    with _publishing(root, f"split-{by}") as (folder, split):
        sides = ["train" if number % 2 == 0 else "test" for number in range(12)]
        pd.DataFrame({"id": names, "side": sides}).to_parquet(folder / "split.parquet")
        (folder / "card.json").write_text(json.dumps({"by": by}))
    inputs = {**task.inputs, "labels": labels[0], "split": split[0]}
    return replace(task, inputs=inputs)


def only(task: Task, key: str, **changed: Any) -> Task:
    """The same task, learning from normal documents alone, by masked sentences."""
    settings = MaskedSentences(epochs=1, stage_epochs=0, batch_size=4, block=32)
    params = {
        **task.params,
        "objective": "masked_sentences",
        "objective_settings": asdict(settings),
        "only": {"normal": "good", "validation_share": 0.2, **changed},
    }
    return replace(task, key=key, params=params, log=task.log.with_name(f"{key}.log"))


def texts_read(task: Task, monkeypatch: pytest.MonkeyPatch) -> tuple[list[list[str]], Commit]:
    """What the objective is given to learn from."""
    read: list[list[str]] = []
    adapt = MaskedSentences.adapt

    def noted(self: Any, adapter: Any, texts: Any, **rest: Any) -> Any:
        read.extend(texts)
        return adapt(self, adapter, read, **rest)

    monkeypatch.setattr(MaskedSentences, "adapt", noted)
    return read, execute(task)


@pytest.mark.parametrize("by", ["stratified", "group"])
def test_only_normal_train_documents_are_learnt_from(
    task: Task, documents: list[str], monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    labelled = with_labels(task, by=by)
    read, commit = texts_read(only(labelled, f"only-{by}"), monkeypatch)
    masked = [mask(text) for text in documents]
    numbers = [masked.index("".join(parts)) for parts in read]
    assert set(numbers) < {0, 2, 6, 8, 10} and len(numbers) < 5, "some are held out"
    if by == "group":
        assert not {0, 2} & set(numbers) or {0, 2} <= set(numbers)
        assert not {8, 10} & set(numbers) or {8, 10} <= set(numbers)
    card = json.loads((task.store.folder(commit) / "card.json").read_text())
    assert card["train_documents"] + card["valid_documents"] == len(numbers)


def test_without_only_labels_are_not_read(task: Task, undisturbed: Commit) -> None:
    """`only: null` says what leaving it out says."""
    null = replace(other(task, "null"), params={**task.params, "only": None})
    assert execute(null).digest == undisturbed.digest


@pytest.mark.parametrize("lacking", ["labels", "split"])
def test_only_without_what_tells_anomalies_is_refused(task: Task, lacking: str) -> None:
    labelled = with_labels(task)
    inputs = {name: commit for name, commit in labelled.inputs.items() if name != lacking}
    lacks = replace(only(labelled, f"lacks-{lacking}"), inputs=inputs)
    with pytest.raises(JobError, match=f"without `{lacking}` anomalies cannot be told") as caught:
        execute(lacks)
    assert caught.value.fault == "input"


def test_a_class_that_is_none_is_the_users_fault(task: Task) -> None:
    with pytest.raises(JobError, match="`normal: god` is no class") as caught:
        execute(only(with_labels(task), "none", normal="god"))
    assert caught.value.fault == "input"


def test_a_setting_that_cannot_be_is_the_users_fault(task: Task) -> None:
    with pytest.raises(JobError, match="epochs must be at least 1") as caught:
        execute(other(task, "bad", epochs=0))
    assert caught.value.fault == "input"
