"""What fixtures of several scopes are made of: a small corpus, and the command line."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from adapters.mlm import Mlm
from corpora.storage import DocumentWriter
from jobs.execute import execute
from jobs.task import JobError
from results.hashing import hash_file
from results.records import Record
from results.store import Store
from suite.board import Board
from suite.node import Node
from suite.plan import make_plan
from suite.recording import make_records
from suite.spec import read

_SIGNS = {"disk": "sector 0x{n:x} unreadable", "net": "link 10.0.0.{n} down", "ok": "job {n} done"}


def write_logs(root: Path) -> Path:
    """Write 14 logs for each of three classes; one line in each log tells its class."""
    for label, sign in _SIGNS.items():
        (root / label).mkdir(parents=True)
        for number in range(14):
            lines = [f"I: step {step} of {number} took {step * 7} ms" for step in range(6)]
            lines.insert(number % 6, f"C: {sign.format(n=number + 1)}")
            (root / label / f"{number}.log").write_text("\n".join(lines) + "\n")
    return root


def run_logmark(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "suite.cli", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@contextmanager
def ray_head(env: Mapping[str, str] | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start a Ray head of its own on this machine; gives its address, before it answers there."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1] % 8000 + 2000  # below the ports that Ray gives to workers
    temporary = Path(tempfile.mkdtemp(prefix="r-", dir="/tmp"))
    command = [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
        *(f"--port={port}", "--num-cpus=2", "--include-dashboard=false"),
        f"--temp-dir={temporary}",
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=env, **quiet) as head:
        try:
            yield f"127.0.0.1:{port}", head
        finally:
            head.terminate()
            head.wait(timeout=60)
            shutil.rmtree(temporary, ignore_errors=True)


def mlm_params(settings: Mlm) -> dict[str, Any]:
    """Parameters of an `adapt` job: a BERT checkpoint, masked language modelling, one thread."""
    return {
        "adapter": "bert",
        "settings": {"context": None},
        "identity": {},
        "code": {},
        "view": {"text": "masked", "drop_numbers": False},
        "objective": "mlm",
        "objective_settings": asdict(settings),
        "device": "cpu",
        "precision": "fp32",
        "threads": 1,
        "workers": 1,
    }


class Inline(NamedTuple):
    """A run without Ray: job id -> "ok" or the reason, the records, and where the artifacts lie."""

    reasons: dict[str, str]
    records: list[Record]
    store: Store


def run_in_process(folder: Path, text: str) -> Inline:
    """Run a suite's jobs in this process; the artifacts lie in `folder/store`."""
    (folder / "suite.yaml").write_text(text)
    suite, store = read(folder / "suite.yaml"), Store(folder / "store")
    board = compute(make_plan(suite, hash_file), store, folder / "inline-logs")
    records = make_records(suite, board, store, command="logmark run", started_utc="2026-01-01")
    reasons = {name: outcome.reason or "ok" for name, outcome in board.outcomes.items()}
    return Inline(reasons, records, store)


def compute(nodes: Sequence[Node], store: Store, logs: Path) -> Board:
    """Run a plan's jobs one after the other in this process, those that the store lacks."""
    board = Board(nodes, store, logs)
    ready = board.advance()
    while ready:
        task = ready.pop(0)
        try:
            board.finish(task.id, execute(task))
        except JobError as error:
            board.fail(task.id, error.message, error.fault)
        ready += board.advance()
    return board


def cell_inputs(folder: Path, frame: pd.DataFrame, sides: Sequence[str]) -> dict[str, Path]:
    """Write the artifacts `corpus`, `labels` and `split` that a cell's job reads.

    Args:
        folder: receives one folder for each.
        frame: documents with `id`, `label` and `text`; each is stored as two parts.
        sides: `train` or `test`, one for each document.
    """
    folders = {name: folder / name for name in ("corpus", "labels", "split")}
    for one in folders.values():
        one.mkdir()
    with DocumentWriter(folders["corpus"] / "documents.parquet") as writer:
        for row in frame.itertuples():
            writer.add(row.id, [row.text[:30], row.text[30:]], None)
    nothing = pd.Series([None] * len(frame), dtype="str")
    labels = frame[["id", "label"]].assign(group=nothing, time=nothing, given=nothing)
    labels.to_parquet(folders["labels"] / "labels.parquet")
    split = pd.DataFrame({"id": frame["id"], "side": sides})
    split.to_parquet(folders["split"] / "split.parquet")
    (folders["split"] / "card.json").write_text(json.dumps({"by": "stratified"}))
    return folders
