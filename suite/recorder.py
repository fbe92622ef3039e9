"""Keeps the records of a run folder up to date, and registers the run in its store."""

import json
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from results.keeping import keep
from results.leases import new_owner
from results.run import Run
from results.store import Store
from suite.board import Board, Outcome
from suite.node import Node
from suite.recording import Records
from suite.spec import Suite

_TEXTS = TypeAdapter(dict[str, str])
_PAUSE_S, _SHARE = 10.0, 0.02  # between two writings of a run that goes on; of its time, at most


class Recorder:
    """Keeps `run.json` and `records.jsonl` of a run folder, and the run's entry in the store.

    They tell of the whole suite, whatever part of it a run is about: cells of the rest that are in
    the store are shown, the others are not run.

    Attributes:
        suite: the suite that is run.
        command: the command line.
        run_dir: where the files lie.
        owner: names this run among those that share the store (`results.leases`).
    """

    def __init__(
        self, suite: Suite, nodes: Sequence[Node], store: Store, run_dir: Path, command: str
    ) -> None:
        """Take all jobs of the suite, not only those of this run."""
        self.suite, self.command, self.run_dir = suite, command, run_dir
        self.owner = new_owner()
        self._nodes, self._store = nodes, store
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._records = Records(suite, store, command, self._started)
        self._before = statuses_of(run_dir)
        self._rest: Mapping[str, Outcome] | None = None
        self._due = 0.0

    def begin(self, board: Board) -> None:
        """Register the run, and leave something to read where nothing was run before."""
        self._keep(board, {}, is_over=False)
        if not (self.run_dir / "run.json").is_file():
            self._write(self._outcomes(board))

    def now_and_then(self, board: Board) -> None:
        """Write how far the run has come, at a small share of its time; see `write`."""
        began = time.monotonic()
        if began >= self._due:
            outcomes = self._outcomes(board)
            self._write(outcomes)
            self._keep(board, outcomes, is_over=False)
            took_s = time.monotonic() - began
            self._due = began + max(_PAUSE_S, took_s / _SHARE)

    def write(self, board: Board) -> None:
        """Write the records as they are at the end, those of the rest of the suite too.

        Raises:
            OSError: the disk is full.
        """
        self._rest = None  # this run may have made what jobs of the rest were waiting for
        outcomes = self._outcomes(board)
        self._write(outcomes)
        self._keep(board, outcomes, is_over=True)

    def _outcomes(self, board: Board) -> Mapping[str, Outcome]:
        """How all jobs of the suite ended; those that this run leaves out as the store has them."""
        if len(board.nodes) == len(self._nodes):
            return board.outcomes
        if self._rest is None:
            whole = Board(self._nodes, self._store, self.run_dir / "logs")
            whole.advance()
            self._rest = whole.outcomes
        return {**self._rest, **board.outcomes}

    def _keep(self, board: Board, outcomes: Mapping[str, Outcome], *, is_over: bool) -> None:
        """Tell the store what the run needs; what it needed before stays until all is known."""
        known = is_over and all(outcome.commit for outcome in outcomes.values())
        known = known and len(outcomes) == len(self._nodes)
        commits = (outcome.commit for outcome in outcomes.values() if outcome.commit)
        try:
            keep(
                self._store,
                self.suite.name,
                {"run_dir": str(self.run_dir), "host": socket.gethostname()},
                ((commit.kind, commit.key) for commit in commits),
                driver=None if known else self.owner,
            )
        except OSError as error:  # only read, full, out of reach: the jobs will tell if it matters
            board.say(
                f"{self._store.uri}: the run could not be registered there ({error}); "
                "`logmark store gc` does not know what it needs"
            )

    def _write(self, outcomes: Mapping[str, Outcome]) -> None:
        statuses = self._before | {name: one.status for name, one in outcomes.items()}
        meta = {
            "suite": self.suite.name,
            "suite_hash": self._records.shared.suite_hash,
            "resolved": self.suite.model_dump(mode="json"),
            "store": self._store.uri,
            "command": self.command,
            "started_utc": self._started,
            "recorded_utc": datetime.now(UTC).isoformat(timespec="seconds"),
            "jobs": {x.id: statuses[x.id] for x in self._nodes if x.id in statuses},
            "report": self.suite.report.model_dump(),
        }
        Run.write(self.run_dir, meta, self._records.of(self._nodes, outcomes))


def statuses_of(run_dir: Path) -> dict[str, str]:
    """Return job id -> how it ended when the suite was last run here; empty where it never was."""
    try:
        meta = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
        return _TEXTS.validate_python(meta["jobs"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
