"""The batch that is disturbed: a suite with every stage that matters, and what came of it."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from faults.nodes import watched
from helpers import run_in_process, write_logs

from adapters.tiny import TinySize, build_tiny

SUITE: dict[str, Any] = {
    "name": "batch",
    "seeds": [0],
    "corpus": {"loader": "folder", "path": "logs"},
    "models": [
        {"name": "plain"},
        {
            "name": "adapted",
            "adapt": {"epochs": 2, "batch_size": 4, "block": 32, "max_blocks": 12},
        },
    ],
    "classifiers": ["decision_tree"],
    "references": [{"name": "cnn", "context": 200, "epochs": 3, "patience": 2}],
    "compute": {"threads": 1, "precision": "fp32", "embed_workers": 2, "shard_tokens": 1000},
}
MODEL = {"adapter": "./marking.py:Marking", "checkpoint": "./checkpoint", "context": 32}
LIMITED, LIMIT_S = ("labels", "split"), 15
"""Kinds of jobs whose time `limited.yaml` limits, and the seconds that they have in it."""

PARTS = ("windows", "memory")
"""Kinds of artifacts that are made within a job."""

_TIMED = (
    "costs", "compression2", "compression3", "compression4", "report.", "provenance.",
    "accuracy-cost",
)  # fmt: skip
_TOTALS = re.compile(r"computed (\d+), cached (\d+), failed (\d+)")
_BEGUN = re.compile(r"^--- \S+ attempt (\S+) ", re.MULTILINE)
_LIMIT_S = 600.0


def prepare(folder: Path, suite: Mapping[str, Any] = SUITE) -> Path:
    """Write logs, a tiny random checkpoint, an adapter from outside and `suite.yaml`.

    `limited.yaml` is the same suite; in it jobs that take a moment have little time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_logs(folder / "logs")
    texts = [path.read_text() for path in sorted((folder / "logs").rglob("*.log"))]
    build_tiny(folder / "checkpoint", texts, size=TinySize(context=32), mlm_head=True)
    shutil.copy(Path(__file__).parent / "marking.py", folder)
    models = [{**MODEL, **model, "tag": model["name"]} for model in suite["models"]]
    suite = {**suite, "models": models}
    limited = {**suite, "resources": {kind: {"time_limit": f"{LIMIT_S} s"} for kind in LIMITED}}
    for name, content in (("suite.yaml", suite), ("limited.yaml", limited)):
        (folder / name).write_text(json.dumps(content, indent=1))
    return folder


class Base(NamedTuple):
    """The batch and its undisturbed results.

    Attributes:
        folder: holds `suite.yaml` and what it names.
        store: every artifact of the batch.
        results: see `results`.
        artifacts: job id -> kind and key of what it makes.
        seconds: job id -> how long it took.
    """

    folder: Path
    store: Path
    results: dict[str, bytes]
    artifacts: dict[str, tuple[str, str]]
    seconds: dict[str, float]


def make_base(folder: Path) -> Base:
    """Run the batch undisturbed: its jobs in this process without Ray, its report by `logmark`."""
    prepare(folder)
    inline = run_in_process(folder, (folder / "suite.yaml").read_text())
    assert set(inline.reasons.values()) == {"ok"}, inline.reasons
    done = Driver(Place(folder, folder)).wait()
    assert done.status == 0 and done.computed == 0, done.output
    commits = [one for one in read_commits(folder / "store") if one["kind"] not in PARTS]
    return Base(
        folder=folder,
        store=folder / "store",
        results=results(folder / "runs" / "batch"),
        artifacts={one["notes"]["job"]: (one["kind"], one["key"]) for one in commits},
        seconds={one["notes"]["job"]: one["notes"]["costs"]["wall_s"] for one in commits},
    )


def without(base: Base, own: Path, lost: Collection[str]) -> "Place":
    """Make a store that lacks the artifacts of some jobs."""
    place = Place(base.folder, own)
    shutil.copytree(base.store, place.store, dirs_exist_ok=True)
    for job in lost:
        kind, key = base.artifacts[job]
        shutil.rmtree(place.store / kind / key, ignore_errors=True)  # two jobs may share it
    return place


class Place(NamedTuple):
    """Where a run happens: the folder of the batch, and one of its own for store and runs."""

    batch: Path
    own: Path

    @property
    def store(self) -> Path:
        return self.own / "store"

    @property
    def run_dir(self) -> Path:
        return self.own / "runs" / "batch"


class Ended(NamedTuple):
    """How a run ended."""

    status: int
    output: str

    @property
    def computed(self) -> int:
        found = _TOTALS.findall(self.output)
        return int(found[-1][0]) if found else -1


class Driver:
    """`logmark run` as its user starts it, in a process of its own."""

    def __init__(
        self,
        place: Place,
        *words: str,
        address: str | None = None,
        store: str | None = None,
        runs: str = "runs",
        suite: str = "suite.yaml",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        place.own.mkdir(parents=True, exist_ok=True)
        self._log = place.own / f"{runs}-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "suite.cli", "run", str(place.batch / suite)]
        command += ["--workdir", str(place.own / runs), "--store", store or str(place.store)]
        command += [*(["--address", address] if address else []), *words]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=place.own,
                stdout=log,
                stderr=log,
                env=watched() if environment is None else dict(environment),
                start_new_session=True,
            )

    def wait(self, limit_s: float = _LIMIT_S) -> Ended:
        """Wait for its end; one that hangs is killed and has the status -9."""
        try:
            status = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return Ended(status, self.output)

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def is_over(self) -> bool:
        return self.process.poll() is not None


def results(run_dir: Path) -> dict[str, bytes]:
    """Read every quality table and figure of a report, and the records without what tells times."""
    report = run_dir / "report"
    files = {
        path.relative_to(report).as_posix(): path.read_bytes()
        for path in sorted(report.rglob("*"))
        if path.is_file() and not path.name.startswith((*_TIMED, "."))
    }
    assert {"quality.csv", "classes.csv", "table2.tex"} <= set(files)
    lines = (run_dir / "records.jsonl").read_text().splitlines()
    records = [_timeless(json.loads(line)) for line in lines]
    return {**files, "records": json.dumps(records, sort_keys=True).encode()}


def _timeless(record: dict[str, Any]) -> dict[str, Any]:
    artifacts = record["artifacts"].items()
    digests = {role: (one["kind"], one["key"], one["digest"]) for role, one in artifacts}
    hashes = {name: record["provenance"][name] for name in ("suite_hash", "split_hash")}
    kept = {key: value for key, value in record.items() if key not in ("costs", "provenance")}
    return {**kept, "artifacts": digests, **hashes}


def read_commits(store: Path) -> Iterator[dict[str, Any]]:
    """Read every commit of a store; one that is no commit (damaged on purpose) is left out."""
    for path in sorted(store.glob("*/*/COMMIT.*.json")):
        try:
            yield json.loads(path.read_text())
        except ValueError:
            continue


def committed(store: Path) -> set[tuple[str, str]]:
    """List kind and key of every artifact of a store."""
    return {(path.parts[-3], path.parts[-2]) for path in store.glob("*/*/COMMIT.*.json")}


class Attempt(NamedTuple):
    """An attempt at an artifact, as `watch` has seen it begin."""

    kind: str
    key: str
    attempt: str
    pid: int
    commits: int


def attempts(own: Path) -> list[Attempt]:
    """Read the attempts beside a store, each once, in the order in which they began."""
    path = own / "attempts.jsonl"
    if not path.is_file():
        return []
    notes = [Attempt(**json.loads(line)) for line in path.read_text().splitlines()]
    return list({note.attempt: note for note in reversed(notes)}.values())[::-1]


def loads(base: Base) -> list[str]:
    """List whose weights were loaded, in order: the tags that the adapter has noted."""
    path = base.folder / "loads"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.is_file() else []


def logged(run_dir: Path) -> set[str]:
    """List the attempts that the jobs' own logs tell of."""
    logs = (run_dir / "logs").glob("*.log")
    return {one for log in logs for one in _BEGUN.findall(log.read_text(errors="replace"))}


def repeated(begun: Sequence[Attempt], but: frozenset[tuple[str, str]] = frozenset()) -> list[str]:
    """Name the attempts at what was finished already; `but` are artifacts that were damaged."""
    return [
        f"{one.kind}/{one.key[:8]} begun again by process {one.pid}"
        for one in begun
        if one.commits > 0 and (one.kind, one.key) not in but and one.kind != "memory"
    ]
