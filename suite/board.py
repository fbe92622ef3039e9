"""The state of a run, without Ray: which jobs are done, ready, waiting, failed or blocked.

The scheduler asks `advance` for the jobs that can run now and tells the board how each ended. A
node's key needs the digests of its inputs, so it is computed when the last of them is done, and the
store is asked then: what is committed already is not run again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from jobs.job import key_of
from jobs.registry import KINDS
from jobs.task import Task
from results.hashing import hash_json
from results.store import Commit, Store
from suite.node import Node

Status = Literal["computed", "cached", "failed", "blocked"]

# Seconds a kind of job takes as a rule of thumb: only the order of starting depends on it.
_WEIGHT_S = {
    **dict.fromkeys(("adapt", "char_lm", "finetune", "reference"), 300),
    "embed": 120,
    "corpus": 30,
    **dict.fromkeys(("labels", "split"), 5),
}
_DEFAULT_WEIGHT_S = 3
_LOG_CHARS = 100


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a node ended.

    Attributes:
        commit: the artifact, for `computed` and `cached`.
        reason: one line, for `failed` and `blocked`.
        fault: `input` where the user can mend it, `code` or `system` otherwise.
    """

    status: Status
    commit: Commit | None = None
    reason: str | None = None
    fault: Literal["input", "code", "system"] | None = None
    log: Path | None = None


class Board:
    """Bookkeeping of one run.

    Attributes:
        outcomes: node id -> how it ended, filled as the run goes on.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        store: Store,
        logs: Path,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Hold the plan; `say` takes a line that the user should see."""
        self.nodes = {node.id: node for node in nodes}
        self.outcomes: dict[str, Outcome] = {}
        self._store = store
        self._logs = logs
        self._say = say
        self._handed_out: dict[str, Task] = {}
        self._makers: dict[tuple[str, str], str] = {}  # kind and key -> the node handed out for it
        self._rank = _ranks(nodes)

    @property
    def finished(self) -> bool:
        """Whether every node has an outcome."""
        return len(self.outcomes) == len(self.nodes)

    def advance(self) -> list[Task]:
        """Settle what is cached or blocked; return the tasks that became ready, longest first."""
        ready: list[Task] = []
        for node in self.nodes.values():  # in plan order: a node's inputs are settled before it
            if node.id in self.outcomes or node.id in self._handed_out:
                continue
            task = self._examine(node)
            if task is not None:
                self._handed_out[node.id] = task
                self._makers[task.kind, task.key] = node.id
                ready.append(task)
        return sorted(ready, key=lambda task: -self._rank[task.id])

    def _examine(self, node: Node) -> Task | None:
        """Settle one node if its inputs allow it; return its task if it has to run now."""
        inputs = [self.outcomes.get(need) for need in node.needs.values()]
        bad = [
            need
            for need, outcome in zip(node.needs.values(), inputs, strict=True)
            if outcome is not None and outcome.commit is None
        ]
        if bad:
            root = self._cause(bad[0])
            self.outcomes[node.id] = Outcome(status="blocked", reason=f"blocked by {root}")
            return None
        if any(outcome is None for outcome in inputs):
            return None
        task = self._task(node)
        if (maker := self._makers.get((task.kind, task.key))) is not None:
            made = self.outcomes.get(maker)
            if made is None:
                return None  # the same artifact is being made; it will be found in the store
            if made.commit is None:
                self.outcomes[node.id] = made  # it could not be made, and would not be now
                return None
        found = self._store.find(task.kind, task.key)
        if found.commit is not None:
            self.outcomes[node.id] = Outcome(status="cached", commit=found.commit)
            return None
        if found.damage is not None:
            self._say(
                f"{node.id}: the stored artifact is damaged ({found.damage}); computing it again"
            )
        return replace(task, n=found.n)

    def _task(self, node: Node) -> Task:
        commits = {name: self.commit(need) for name, need in node.needs.items()}
        digests = {name: commit.digest for name, commit in commits.items()}
        return Task(
            id=node.id,
            kind=node.kind,
            key=key_of(KINDS[node.kind], node.params, digests),
            params=node.params,
            store=self._store,
            log=self._logs / f"{_file_name(node.id)}.log",
            threads=node.cpus,
            inputs=commits,
            local=node.local,
            workers=node.workers,
            embed_workers=node.embed_workers,
        )

    def commit(self, name: str) -> Commit:
        """Return the artifact of a node that is done."""
        commit = self.outcomes[name].commit
        assert commit is not None
        return commit

    def _cause(self, name: str) -> str:
        """Follow blocked nodes back to the one that failed."""
        while self.outcomes[name].status == "blocked":
            needs = self.nodes[name].needs.values()
            name = next(n for n in needs if n in self.outcomes and not self.outcomes[n].commit)
        return name

    def finish(self, name: str, commit: Commit) -> None:
        """Note that a node's artifact has been committed."""
        self.outcomes[name] = Outcome(status="computed", commit=commit)

    def fail(self, name: str, reason: str, fault: Literal["input", "code", "system"]) -> None:
        """Note that a node failed for good; what needs it will be blocked."""
        log = self._handed_out[name].log
        self.outcomes[name] = Outcome(status="failed", reason=reason, fault=fault, log=log)

    def states(self) -> dict[str, str]:
        """Say of every node whether it is cached, ready to run or waiting for its inputs."""
        self.advance()
        known = {name: outcome.status for name, outcome in self.outcomes.items()}
        handed_out = dict.fromkeys(self._handed_out, "ready")
        return dict.fromkeys(self.nodes, "waiting") | handed_out | known


def _ranks(nodes: Sequence[Node]) -> dict[str, float]:
    """Longest path from each node to the end of the plan, in rule-of-thumb seconds."""
    ranks: dict[str, float] = {}
    for node in reversed(nodes):
        own = _WEIGHT_S.get(node.kind, _DEFAULT_WEIGHT_S)
        ranks[node.id] = ranks.get(node.id, 0.0) + own
        for need in node.needs.values():
            ranks[need] = max(ranks.get(need, 0.0), ranks[node.id])
    return ranks


def _file_name(name: str) -> str:
    """Name a log; the values of a study's point may be long, or differ in signs alone."""
    safe = "".join(char if char.isalnum() or char in "-._" else "_" for char in name)
    return f"{safe[:_LOG_CHARS]}-{hash_json(name)[:8]}" if "@" in name else safe
