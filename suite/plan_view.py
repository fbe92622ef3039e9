"""A plan as the user sees it: lines for reading, or one JSON document for programs.

A reader gets a line per job, and one for all that a study needs of a row; a program gets all jobs.

The keys of the JSON are described in `docs/plan.md`; `version` rises when one of them changes.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.corpus_size import CorpusSize
from suite.durations import in_words
from suite.grant import Grant
from suite.node import Node
from suite.quantities import CHARS_PER_TOKEN, Estimate
from suite.spending import NOTHING, Spending, totals

VERSION = 1
_STATES = ("cached", "ready", "waiting", "unknown")
_HEADINGS = (
    *("", "job", "CPU", "device", "weights", "bf16", "nf4", "held"),
    *("windows", "FLOPs", "time", "by", "disk", "asks for"),
)
_WORDS = ("", "job", "by", "asks for")  # columns of words; numbers stand to the right


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What there is to show.

    Attributes:
        suite: its name.
        nodes: the jobs, each behind those it needs.
        states: job id -> cached, ready, waiting or unknown.
        size: the corpus.
        estimates: job id -> what it takes.
        spendings: job id -> what it costs.
        missing: job id -> what it needs that this machine does not have, if anything.
    """

    suite: str
    nodes: Sequence[Node]
    states: Mapping[str, str]
    size: CorpusSize
    estimates: Mapping[str, Estimate]
    spendings: Mapping[str, Spending]
    missing: Mapping[str, str | None]

    @property
    def totals(self) -> dict[str, int]:
        """Number of jobs in each state."""
        states = [self.states[node.id] for node in self.nodes]
        return {state: states.count(state) for state in _STATES}

    @property
    def costs(self) -> dict[str, Any]:
        """What all that is not cached costs."""
        return totals(list(self.spendings.values()))


def as_lines(plan: Plan) -> Iterator[str]:
    """Write the plan for a reader: a table, what it rests on, what is unknown, the totals."""
    rows = [_HEADINGS, *(_row(plan, node) for node in plan.nodes if node.study is None)]
    rows += _study_rows(plan)
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADINGS))]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            f"{cell:{'<' if heading in _WORDS else '>'}{width}}"
            for heading, (cell, width) in zip(_HEADINGS, cells, strict=True)
        ).rstrip()
    yield ""
    yield _corpus_line(plan.size)
    yield from _reasons(plan)
    yield from _missing(plan)
    counts = {state: n for state, n in plan.totals.items() if n or state != "unknown"}
    yield f"{len(plan.nodes)} jobs: " + ", ".join(f"{n} {state}" for state, n in counts.items())
    yield _costs_line(plan)


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
        "" if found.flops is None else f"{found.flops:.1e}",
        *_spent(plan.spendings[node.id]),
        _asked(node.grant),
    )


def _spent(spending: Spending) -> tuple[str, str, str]:
    """Time, what it rests on, and disk; nothing for what is cached."""
    if spending == NOTHING:
        return "", "", ""
    seconds, disk = spending.seconds, spending.disk_bytes
    return (
        "?" if seconds is None else _rounded(seconds),
        spending.basis,
        "?" if disk is None else _bytes(disk),
    )


def _rounded(seconds: float) -> str:
    """Write a time that nobody knows to the second, in one unit."""
    unit = next((unit for unit in (86400, 3600, 60) if seconds >= 1.5 * unit), 1)
    return in_words(float(max(1, round(seconds / unit)) * unit)).replace(".0 s", " s")


def _asked(grant: Grant) -> str:
    """Write what a job asks for beside its CPUs, in the user's words or by default."""
    memory = None if grant.memory_is_estimate else grant.memory_bytes
    found = [
        f"{grant.gpus:g} GPU" if grant.gpus else "",
        grant.accelerator or "",
        _bytes(memory) if memory else "",
        *(f"{key}={value}" for key, value in grant.labels.items()),
        *(f"{key}: {value:g}" for key, value in grant.custom.items()),
        f"{grant.at_once} at once" if grant.at_once else "",
    ]
    return ", ".join(filter(None, found))


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
    spent = [plan.spendings[node.id] for node in nodes if plan.states[node.id] != "cached"]
    largest = max(found, key=lambda one: (one.device == "cuda", one.memory_bytes or 0))
    return (
        states.pop() if len(states) == 1 else "",
        f"study:{name}, {points} points, {done}/{len(cells)} done",
        str(max(node.cpus * node.workers for node in nodes)),
        _device(largest),
        *("", "", "", ""),
        f"{windows:,}" if windows else "",
        f"{flops:.1e}" if flops else "",
        *_spent_together(spent),
        _asked(nodes[-1].grant),
    )


def _spent_together(spent: Sequence[Spending]) -> tuple[str, str, str]:
    """The sums of several jobs; a plus behind what some of them are not in."""
    if not spent:
        return "", "", ""
    costs, bases = totals(spent), {one.basis for one in spent}
    seconds = sum(one.seconds or 0.0 for one in spent)
    return (
        _rounded(seconds) + "+" * bool(costs["without_time"]),
        bases.pop() if len(bases) == 1 else "",
        _bytes(costs["disk_bytes"]) + "+" * bool(costs["without_disk"]),
    )


def _device(found: Estimate) -> str:
    return found.device + (f" {_bytes(found.memory_bytes)}" if found.memory_bytes else "")


def _weights(number: int) -> str:
    return f"{number / 1e9:.1f} B" if number >= 1e9 else f"{number / 1e6:.1f} M"


def _bytes(number: int) -> str:
    if number < 1 << 20:
        return "< 1 MiB"
    gib = number / (1 << 30)
    return f"{gib:.1f} GiB" if gib >= 1 else f"{gib * 1024:.0f} MiB"


def _corpus_line(size: CorpusSize) -> str:
    documents = "documents not counted yet (`logmark run --only corpus` does)"
    if size.documents is not None:
        documents = f"{size.documents:,} documents"
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


def _missing(plan: Plan) -> Iterator[str]:
    """Say what cannot run on this machine; a cluster may have what it needs."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in plan.missing.items():
        if reason is not None:
            by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        need = "need" if more else "needs"
        yield f"not for this machine: {names[0]}{more} {need} {reason}"


def _costs_line(plan: Plan) -> str:
    costs = plan.costs
    line = (
        f"to come, about: {costs['cpu_hours']:.3g} CPU-core-hours, "
        f"{costs['gpu_hours']:.3g} GPU-hours, {_bytes(costs['disk_bytes'])} on disk"
    )
    parts = (("without_time", "without a time"), ("without_disk", "without a size on disk"))
    unknown = [f"{costs[key]} jobs {words}" for key, words in parts if costs[key]]
    return line + (f"; not in it: {', '.join(unknown)}" if unknown else "")


def content(plan: Plan) -> dict[str, Any]:
    """Write the plan for a program."""
    size = plan.size
    return {
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
        "totals": {"jobs": len(plan.nodes), **plan.totals, **plan.costs},
    }


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
        "spending": dataclasses.asdict(plan.spendings[node.id]),
        "grant": dataclasses.asdict(node.grant),
        "missing_here": plan.missing.get(node.id),
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
