"""A plan as the user sees it: lines for reading, or one JSON document for programs.

A reader gets a line per job, and one for all that a study needs of a row; a program gets all jobs.

The keys of the JSON are described in `docs/plan.md`; `version` rises when one of them changes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.corpus_size import CorpusSize
from suite.estimate import CHARS_PER_TOKEN, Estimate
from suite.node import Node

VERSION = 1
_STATES = ("cached", "ready", "waiting", "unknown")
_HEADINGS = (
    *("", "job", "CPU", "device", "weights", "bf16", "nf4", "held"),
    *("windows", "per doc", "FLOPs"),
)
_LEFT = 2  # columns of words; numbers stand to the right


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What there is to show.

    Attributes:
        suite: its name.
        nodes: the jobs, each behind those it needs.
        states: job id -> cached, ready, waiting or unknown.
        size: the corpus.
        estimates: job id -> what it takes.
    """

    suite: str
    nodes: Sequence[Node]
    states: Mapping[str, str]
    size: CorpusSize
    estimates: Mapping[str, Estimate]

    @property
    def totals(self) -> dict[str, int]:
        """Number of jobs in each state."""
        states = [self.states[node.id] for node in self.nodes]
        return {state: states.count(state) for state in _STATES}


def as_lines(plan: Plan) -> Iterator[str]:
    """Write the plan for a reader: a table, what it rests on, what is unknown, the totals."""
    rows = [_HEADINGS, *(_row(plan, node) for node in plan.nodes if node.study is None)]
    rows += _study_rows(plan)
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADINGS))]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            f"{cell:{'<' if i < _LEFT else '>'}{width}}" for i, (cell, width) in enumerate(cells)
        ).rstrip()
    yield ""
    yield _corpus_line(plan.size)
    yield from _reasons(plan)
    totals = {state: n for state, n in plan.totals.items() if n or state != "unknown"}
    yield f"{len(plan.nodes)} jobs: " + ", ".join(f"{n} {state}" for state, n in totals.items())


def _row(plan: Plan, node: Node) -> tuple[str, ...]:
    found = plan.estimates[node.id]
    model = found.model
    sizes = ("", "", "", "")
    if model is not None:
        in_bytes = (_bytes(model.bf16_bytes), _bytes(model.nf4_bytes))
        sizes = (_weights(model.parameters), *in_bytes, model.held)
    return (
        plan.states[node.id],
        node.id,
        str(node.cpus * node.workers),
        _device(found),
        *sizes,
        "" if found.windows is None else f"{found.windows:,}",
        "" if found.windows_per_document is None else f"{found.windows_per_document:.1f}",
        "" if found.flops is None else f"{found.flops:.1e}",
    )


def _study_rows(plan: Plan) -> list[tuple[str, ...]]:
    """Write a line for every study and row: its jobs together, and what is done of its cells."""
    groups: dict[str, list[Node]] = {}
    for node in plan.nodes:
        if node.study is not None:
            groups.setdefault(node.study, []).append(node)
    return [_study_row(plan, name, nodes) for name, nodes in groups.items()]


def _study_row(plan: Plan, name: str, nodes: Sequence[Node]) -> tuple[str, ...]:
    states = {plan.states[node.id] for node in nodes}
    cells = [node for node in nodes if node.cell]
    points = len({node.cell.classifier for node in cells if node.cell})
    done = sum(plan.states[node.id] == "cached" for node in cells)
    found = [plan.estimates[node.id] for node in nodes]
    windows, flops = sum(one.windows or 0 for one in found), sum(one.flops or 0 for one in found)
    largest = max(found, key=lambda one: (one.device == "cuda", one.memory_bytes or 0))
    return (
        states.pop() if len(states) == 1 else "",
        f"study:{name}, {points} points, {done}/{len(cells)} done",
        str(max(node.cpus * node.workers for node in nodes)),
        _device(largest),
        *("", "", "", ""),
        f"{windows:,}" if windows else "",
        "",
        f"{flops:.1e}" if flops else "",
    )


def _device(found: Estimate) -> str:
    return found.device + (f" {_bytes(found.memory_bytes)}" if found.memory_bytes else "")


def _weights(number: int) -> str:
    return f"{number / 1e9:.1f} B" if number >= 1e9 else f"{number / 1e6:.1f} M"


def _bytes(number: int) -> str:
    gib = number / (1 << 30)
    return f"{gib:.1f} GiB" if gib >= 1 else f"{gib * 1024:.0f} MiB"


def _corpus_line(size: CorpusSize) -> str:
    documents = "documents not counted yet" if size.documents is None else f"{size.documents:,}"
    documents += "" if size.documents is None else " documents"
    how = "estimated from" if size.is_estimate else "measured on"
    return (
        f"corpus: {documents}, {size.characters:,} characters, {how} {size.basis}; "
        f"a token taken for {CHARS_PER_TOKEN} characters"
    )


def _reasons(plan: Plan) -> Iterator[str]:
    """Say once why something is unknown, however many jobs it concerns."""
    reasons = dict.fromkeys(node.unknown for node in plan.nodes if node.unknown)
    yield from (f"weights unknown: {reason}" for reason in reasons)
    for node in plan.nodes:
        if (reason := plan.estimates[node.id].unknown) is not None:
            yield f"size unknown: {node.id}: {reason}"


def as_json(plan: Plan) -> str:
    """Write the plan for a program."""
    size = plan.size
    content = {
        "version": VERSION,
        "suite": plan.suite,
        "corpus": {
            "documents": size.documents,
            "characters": size.characters,
            "is_estimate": size.is_estimate,
            "basis": size.basis,
            "characters_per_token": CHARS_PER_TOKEN,
        },
        "jobs": [_job(plan, node) for node in plan.nodes],
        "totals": {"jobs": len(plan.nodes), **plan.totals},
    }
    return json.dumps(content, indent=1)


def _job(plan: Plan, node: Node) -> dict[str, Any]:
    found = plan.estimates[node.id]
    return {
        "id": node.id,
        "kind": node.kind,
        "state": plan.states[node.id],
        "weights_unknown": node.unknown,
        "needs": list(node.needs.values()),
        "cpus": node.cpus,
        "workers": node.workers,
        "device": {"kind": found.device, "memory_bytes": found.memory_bytes},
        "model": _model(found),
        "size_unknown": found.unknown,
        "windows": found.windows,
        "windows_per_document": found.windows_per_document,
        "flops": found.flops,
    }


def _model(found: Estimate) -> dict[str, Any] | None:
    model = found.model
    if model is None:
        return None
    return {
        "parameters": model.parameters,
        "active_parameters": model.active,
        "weight_bytes": {"bf16": model.bf16_bytes, "nf4": model.nf4_bytes},
        "held_as": model.held,
        "held_bytes": model.held_bytes,
    }
