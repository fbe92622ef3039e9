"""From a finished board to records: every planned cell, its costs and where it came from."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from jobs.process import hardware, versions
from results.hashing import hash_json
from results.records import ArtifactRef, Cell, Costs, Provenance, Record
from results.store import Commit, Store
from suite.board import Board, Outcome
from suite.node import CellPlan, Node
from suite.spec import Suite

_TEXTS = TypeAdapter(dict[str, str])


def suite_hash(suite: Suite) -> str:
    """Hash what the suite says; where its files lie on this machine does not count."""
    content = suite.model_dump(mode="json")
    content["corpus"].pop("path", None)
    corpus = content["corpus"]
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
    commit, dirty = _code_state()
    shared = Provenance(
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
    nodes = [node for node in board.nodes.values() if node.cell]
    order = {"matrix": 0, "compress": 1, "anomaly": 2, "trivial": 3, "reference": 4, "study": 5}
    nodes.sort(key=lambda node: order[node.cell.section] if node.cell else 0)
    return [_record(suite, node, board, store, shared) for node in nodes]


def _record(suite: Suite, node: Node, board: Board, store: Store, shared: Provenance) -> Record:
    plan = node.cell
    assert plan is not None
    outcome = board.outcomes.get(node.id, Outcome(status="blocked", reason="not run yet"))
    commits = _commits(plan, node, board)
    own = commits.get("cell")
    audit = _audit(commits, store)
    return Record(
        suite=suite.name,
        section=plan.section,
        model=plan.model,
        classifier=plan.classifier,
        seed=plan.seed,
        text=plan.text,
        status="ok" if own else ("blocked" if outcome.status == "blocked" else "failed"),
        reason=outcome.reason,
        cell=_cell(own, store) if own else None,
        marks=[*plan.marks, *_random_weights(audit)],
        audit=audit,
        artifacts={role: _reference(commit) for role, commit in commits.items()},
        costs={role: Costs.model_validate(c.notes["costs"]) for role, c in commits.items()},
        provenance=_provenance(shared, commits, store),
        study=plan.study,
    )


def _commits(plan: CellPlan, node: Node, board: Board) -> dict[str, Commit]:
    """The artifacts behind a cell that exist, by role."""
    found = {}
    for role, name in {**plan.roles, "cell": node.id}.items():
        outcome = board.outcomes.get(name)
        if outcome is not None and outcome.commit is not None:
            found[role] = outcome.commit
    return found


def _cell(commit: Commit, store: Store) -> Cell:
    return Cell.model_validate_json((store.folder(commit) / "cell.json").read_bytes())


def _card(commit: Commit, store: Store) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((store.folder(commit) / "card.json").read_bytes())
    return card


def _audit(commits: dict[str, Commit], store: Store) -> dict[str, Any] | None:
    """What is known of the model behind a cell: of its vectors, or of the cell's own model."""
    for role in ("vectors", "cell"):
        if role in commits and (store.folder(commits[role]) / "card.json").is_file():
            audit: dict[str, Any] | None = _card(commits[role], store).get("audit")
            if audit is not None:
                return audit
    return None


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


def _provenance(shared: Provenance, commits: dict[str, Commit], store: Store) -> Provenance:
    """What held where the cell was computed: a cached cell keeps its own machine and versions."""
    changes: dict[str, object] = {
        "split_hash": str(_card(commits["split"], store)["hash"]) if "split" in commits else None,
        "corpus_digest": commits["corpus"].digest if "corpus" in commits else None,
    }
    if "cell" in commits:
        notes = commits["cell"].notes
        changes["versions"] = _TEXTS.validate_python(notes["versions"])
        changes["hardware"] = notes["hardware"]
        changes["started_utc"] = notes["started_utc"]
    return shared.model_copy(update=changes)


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
