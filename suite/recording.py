"""From a finished board to records: every planned cell, its costs and where it came from."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from jobs.process import hardware, versions
from results.hashing import hash_json
from results.pairing import NOT_RUN
from results.records import ArtifactRef, Cell, Costs, Provenance, Record
from results.store import Commit, Store
from suite.board import Board, Outcome
from suite.node import CellPlan, Node
from suite.spec import Suite

_TEXTS = TypeAdapter(dict[str, str])
_NOT_RUN = Outcome(status="blocked", reason=NOT_RUN)


def suite_hash(suite: Suite) -> str:
    """Hash what the suite says; where its files lie on this machine does not count."""
    content = suite.model_dump(mode="json")
    content.pop("resources", None)  # what jobs are granted decides nothing of what they make
    content["report"].pop("text", None)  # what is shown is nothing that is made
    corpus = content["corpus"]
    corpus.pop("path", None)
    for part, key, default in (  # what says nothing changes no hash
        (content, "studies", []),
        (content, "anomaly", None),
        (corpus, "sample", 1.0),
        (corpus, "mining", {}),
        (corpus["clean"], "duplicates", "keep"),
    ):
        if part[key] == default:
            del part[key]
    for reference in content["references"]:
        if reference["char_lm"] is None:
            del reference["char_lm"]
    for model in content["models"]:
        if model["prune"] is None:
            del model["prune"]
        if Path(str(model.get("checkpoint", ""))).is_absolute():
            del model["checkpoint"]
        model["adapter"] = Path(model["adapter"]).name
    return hash_json(content)


def make_records(
    suite: Suite, board: Board, store: Store, *, command: str, started_utc: str
) -> list[Record]:
    """Build one record per planned cell: matrix by model, trivial and reference rows, studies.

    Args:
        suite: the suite that was run.
        board: the run's board, finished or interrupted.
        store: where the artifacts lie.
        command: the command line, for the provenance.
        started_utc: when the run started; a cached cell keeps the time of its own job.
    """
    return Records(suite, store, command, started_utc).of(board.nodes.values(), board.outcomes)


class Records:
    """Builds records; a cell whose artifacts are all there is looked at once."""

    def __init__(self, suite: Suite, store: Store, command: str, started_utc: str) -> None:
        """Take what holds for all of a run's records; see `make_records`."""
        commit, dirty = _code_state()
        self.suite, self.store = suite, store
        self.shared = Provenance(
            suite_hash=suite_hash(suite),
            split_hash=None,
            corpus_digest=None,
            versions=versions(),
            git_commit=commit,
            git_dirty=dirty,
            hardware=hardware(),
            started_utc=started_utc,
            command=command,
        )
        self._cards: dict[str, dict[str, Any] | None] = {}
        self._costs: dict[str, Costs] = {}  # by attempt, as cards are
        self._done: dict[str, Record] = {}

    def of(self, nodes: Iterable[Node], outcomes: Mapping[str, Outcome]) -> list[Record]:
        """Build the records of a plan, as far as it has come."""
        cells = [(node, node.cell) for node in nodes if node.cell]
        order = {"matrix": 0, "compress": 1, "anomaly": 2, "trivial": 3, "reference": 4, "study": 5}
        cells.sort(key=lambda pair: order[pair[1].section])
        return [
            self._done.get(node.id) or self._record(node, plan, outcomes) for node, plan in cells
        ]

    def _record(self, node: Node, plan: CellPlan, outcomes: Mapping[str, Outcome]) -> Record:
        outcome = outcomes.get(node.id, _NOT_RUN)
        commits = _commits(plan, node, outcomes)
        own = commits.get("cell")
        audit = self._audit(commits)
        record = Record(
            suite=self.suite.name,
            section=plan.section,
            model=plan.model,
            classifier=plan.classifier,
            seed=plan.seed,
            text=plan.text,
            status="ok" if own else ("blocked" if outcome.status == "blocked" else "failed"),
            reason=outcome.reason,
            cell=self._cell(own) if own else None,
            marks=[*plan.marks, *_random_weights(audit)],
            audit=audit,
            artifacts={role: _reference(commit) for role, commit in commits.items()},
            costs={role: self._cost(commit) for role, commit in commits.items()},
            provenance=self._provenance(commits),
            study=plan.study,
        )
        if own:
            self._done[node.id] = record
        return record

    def _cell(self, commit: Commit) -> Cell:
        return Cell.model_validate_json((self.store.folder(commit) / "cell.json").read_bytes())

    def _card(self, commit: Commit) -> dict[str, Any] | None:
        """An artifact's `card.json`; `None` where it has none."""
        if commit.attempt not in self._cards:
            named = any(file.path == "card.json" for file in commit.files)
            self._cards[commit.attempt] = self._read_card(commit) if named else None
        return self._cards[commit.attempt]

    def _read_card(self, commit: Commit) -> dict[str, Any]:
        card: dict[str, Any] = json.loads((self.store.folder(commit) / "card.json").read_bytes())
        return card

    def _cost(self, commit: Commit) -> Costs:
        if commit.attempt not in self._costs:
            self._costs[commit.attempt] = Costs.model_validate(commit.notes["costs"])
        return self._costs[commit.attempt]

    def _audit(self, commits: Mapping[str, Commit]) -> dict[str, Any] | None:
        """What is known of the model behind a cell: of its vectors, or of the cell's own model."""
        for role in ("vectors", "cell"):
            card = self._card(commits[role]) if role in commits else None
            if card is not None and card.get("audit") is not None:
                audit: dict[str, Any] = card["audit"]
                return audit
        return None

    def _provenance(self, commits: Mapping[str, Commit]) -> Provenance:
        """What held where the cell was computed: a cached cell keeps its machine and versions."""
        changes: dict[str, object] = {"split_hash": None, "corpus_digest": None}
        if "split" in commits:
            changes["split_hash"] = str((self._card(commits["split"]) or {})["hash"])
        if "corpus" in commits:
            changes["corpus_digest"] = commits["corpus"].digest
        if "cell" in commits:
            notes = commits["cell"].notes
            changes["versions"] = _TEXTS.validate_python(notes["versions"])
            changes["hardware"] = notes["hardware"]
            changes["started_utc"] = notes["started_utc"]
        return self.shared.model_copy(update=changes)


def _commits(plan: CellPlan, node: Node, outcomes: Mapping[str, Outcome]) -> dict[str, Commit]:
    """The artifacts behind a cell that exist, by role."""
    found = {}
    for role, name in {**plan.roles, "cell": node.id}.items():
        outcome = outcomes.get(name)
        if outcome is not None and outcome.commit is not None:
            found[role] = outcome.commit
    return found


def _random_weights(audit: dict[str, Any] | None) -> list[str]:
    """Mark a number that came out of an untrained model (DESIGN §6.5)."""
    return ["random weights"] if (audit or {}).get("random_weights") else []


def _reference(commit: Commit) -> ArtifactRef:
    return ArtifactRef(
        kind=commit.kind,
        key=commit.key,
        digest=commit.digest,
        path=f"{commit.kind}/{commit.key}/attempts/{commit.attempt}",
    )


def _code_state() -> tuple[str | None, bool | None]:
    """Return commit and dirty flag of our checkout; `None` where the code lies in none of its own.

    An installed copy may lie inside somebody else's checkout, whose commit says nothing of ours.
    """
    root = Path(__file__).parents[1]
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top) != root:
        return None, None
    return _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain"))


def _git(*words: str) -> str | None:
    """Ask git about the folder our code lies in; `None` where it has no answer."""
    folder = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def count(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Count how the planned jobs ended; blocked ones count as failed."""
    totals = {"computed": 0, "cached": 0, "failed": 0}
    for outcome in outcomes:
        totals[outcome.status if outcome.status in totals else "failed"] += 1
    return totals
