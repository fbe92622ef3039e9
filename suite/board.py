"""The state of a run: which node is done, ready, waiting, failed or blocked.

The scheduler asks `advance` for the jobs that can run now and tells the board how each ended. A
node's key needs the digests of its inputs, so it is computed when the last of them is done, and the
store is asked then: what is committed already is not run again. Only nodes to which something has
happened are looked at, so a step costs the same in a plan of any size.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from jobs.job import key_of
from jobs.registry import KINDS
from jobs.task import Fault, Task
from results.hashing import hash_json
from results.store import Commit, Store
from suite.node import Node

Status = Literal["computed", "cached", "failed", "blocked"]

# Seconds of a job of which nothing is known but its kind. The order of starting depends on them,
# and the time that is said to be left; no result does.
_WEIGHT_S = {
    **dict.fromkeys(("adapt", "char_lm", "compress", "finetune", "reference"), 300),
    "embed": 120,
    **dict.fromkeys(("anomaly", "corpus"), 30),
    **dict.fromkeys(("labels", "split"), 5),
}
_DEFAULT_WEIGHT_S = 3
_LOG_CHARS = 100
_MENDS = 2  # computations of one input anew for one job, before the job is given up


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
    fault: Fault | None = None
    log: Path | None = None


class Board:
    """Bookkeeping of one run.

    Attributes:
        nodes: id -> node, in the order of the plan.
        store: where the artifacts lie.
        outcomes: node id -> how it ended, filled as the run goes on.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        store: Store,
        logs: Path,
        say: Callable[[str], None] = lambda text: None,
        forced: frozenset[str] = frozenset(),
    ) -> None:
        """Hold the plan.

        Args:
            nodes: in an order that has a node's inputs before it.
            store: is asked for what is there already.
            logs: folder of the jobs' logs.
            say: takes a line that the user should see.
            forced: ids of the nodes to compute although the store has them.
        """
        self.nodes = {node.id: node for node in nodes}
        self.outcomes: dict[str, Outcome] = {}
        self.say = say
        self.store = store
        self._logs = logs
        self._forced = set(forced)
        self._handed_out: dict[str, Task] = {}
        self._makers: dict[tuple[str, str], str] = {}  # kind and key -> the node handed out for it
        self._twins: dict[str, list[str]] = {}  # maker -> the nodes that wait for the same artifact
        self._dependents: dict[str, list[str]] = {node.id: [] for node in nodes}
        for node in nodes:
            for need in set(node.needs.values()):
                self._dependents[need].append(node.id)
        self._touched = deque(node.id for node in nodes if not node.needs)
        self._mended: dict[tuple[str, str], int] = {}
        self._ranks = _ranks(nodes)

    @property
    def finished(self) -> bool:
        """Whether every node has an outcome."""
        return len(self.outcomes) == len(self.nodes)

    def rank(self, name: str) -> float:
        """Return the longest path from a node to the end of the plan, in rule-of-thumb seconds."""
        return self._ranks[name]

    def advance(self) -> list[Task]:
        """Settle what is cached or blocked; return the tasks that became ready, longest first."""
        ready: list[Task] = []
        while self._touched:
            node = self.nodes[self._touched.popleft()]
            if node.id in self.outcomes or node.id in self._handed_out:
                continue
            task = self._examine(node)
            if task is not None:
                self._handed_out[node.id] = task
                self._makers[task.kind, task.key] = node.id
                ready.append(task)
        return sorted(ready, key=lambda task: -self._ranks[task.id])

    def _examine(self, node: Node) -> Task | None:
        """Settle one node if its inputs allow it; return its task if it has to run now."""
        inputs = [self.outcomes.get(need) for need in node.needs.values()]
        bad = [
            need
            for need, outcome in zip(node.needs.values(), inputs, strict=True)
            if outcome is not None and outcome.commit is None
        ]
        if bad:
            reason = f"blocked by {self._cause(bad[0])}"
            self._settle(node.id, Outcome(status="blocked", reason=reason))
            return None
        if any(outcome is None for outcome in inputs):
            return None
        task = self._task(node)
        if self._follows_twin(node, task):
            return None
        found = self.store.find(task.kind, task.key)
        if found.commit is not None and node.id not in self._forced:
            self._settle(node.id, Outcome(status="cached", commit=found.commit))
            return None
        if found.damage is not None:
            self.say(
                f"{node.id}: the stored artifact is damaged ({found.damage}); computing it again"
            )
        return replace(task, n=found.n)

    def _follows_twin(self, node: Node, task: Task) -> bool:
        """Whether another node makes the same artifact; then this one waits for it, or failed."""
        maker = self._makers.get((task.kind, task.key))
        if maker is None:
            return False
        made = self.outcomes.get(maker)
        if made is None:
            self._twins.setdefault(maker, []).append(node.id)
            return True
        if made.commit is None:  # it could not be made, and would not be now
            self._settle(node.id, made)
            return True
        self._forced.discard(node.id)  # its maker has just computed it
        return False

    def _task(self, node: Node) -> Task:
        commits = {name: self.commit(need) for name, need in node.needs.items()}
        digests = {name: commit.digest for name, commit in commits.items()}
        return Task(
            id=node.id,
            kind=node.kind,
            key=key_of(KINDS[node.kind], node.params, digests),
            params=node.params,
            store=self.store,
            log=self._logs / f"{_file_name(node.id)}.log",
            threads=node.cpus,
            inputs=commits,
            local=node.local,
            workers=node.workers,
            embed_workers=node.embed_workers,
            time_limit_s=node.grant.time_limit_s,
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

    def _settle(self, name: str, outcome: Outcome) -> None:
        """Note how a node ended; what waits for it is looked at by the next `advance`."""
        self.outcomes[name] = outcome
        self._touched.extend(self._dependents[name])
        self._touched.extend(self._twins.pop(name, ()))

    def finish(self, name: str, commit: Commit) -> None:
        """Note that a node's artifact has been committed."""
        self._settle(name, Outcome(status="computed", commit=commit))

    def adopt(self, name: str, commit: Commit) -> None:
        """Note that another run has committed a node's artifact meanwhile."""
        self._settle(name, Outcome(status="cached", commit=commit))

    def fail(self, name: str, reason: str, fault: Fault) -> None:
        """Note that a node failed for good; what needs it will be blocked."""
        log = self._handed_out[name].log
        self._settle(name, Outcome(status="failed", reason=reason, fault=fault, log=log))

    def mend(self, name: str, dependency: str) -> bool:
        """Let a handed-out job wait until an input found damaged has been computed again.

        Args:
            name: the job that found it.
            dependency: which of its inputs.

        Returns:
            False where that has been tried, and the job should be given up.
        """
        need = self.nodes[name].needs[dependency]
        tries = self._mended.get((name, need), 0)
        if tries == _MENDS:
            return False
        self._mended[name, need] = tries + 1
        self._take_back(name)
        if need in self.outcomes:
            if tries:  # the store found nothing wrong with it
                self._forced.add(need)
            self.say(f"{name}: its input {need} is damaged in the store; looking at it again")
            self._take_back(need)
            del self.outcomes[need]
            self._touched.append(need)
        return True

    def _take_back(self, name: str) -> None:
        """Forget that a node was handed out."""
        task = self._handed_out.pop(name, None)
        if task is not None and self._makers.get((task.kind, task.key)) == name:
            del self._makers[task.kind, task.key]
            self._touched.extend(self._twins.pop(name, ()))

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
        own = node.expected_s or _WEIGHT_S.get(node.kind, _DEFAULT_WEIGHT_S)
        ranks[node.id] = ranks.get(node.id, 0.0) + own
        for need in node.needs.values():
            ranks[need] = max(ranks.get(need, 0.0), ranks[node.id])
    return ranks


def _file_name(name: str) -> str:
    """Name a log; the values of a study's point may be long, or differ in signs alone."""
    safe = "".join(char if char.isalnum() or char in "-._" else "_" for char in name)
    return f"{safe[:_LOG_CHARS]}-{hash_json(name)[:8]}" if "@" in name else safe
