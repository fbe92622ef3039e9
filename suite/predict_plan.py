"""The jobs behind a recorded cell, planned again from the resolved suite, without the data.

Whether they are the jobs that were run is told by an artifact's key: from the parameters, the
hashes of weights and code, and the inputs' digests it comes out the same, or they are others. What
`compute` left to the machine that planned (device, precision, attention) is found by trying.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from jobs.job import key_of
from jobs.registry import KINDS
from results.errors import InputError
from results.records import Record
from suite.hardware import Target, resolve
from suite.node import CellPlan, Node
from suite.plan_detectors import DetectorRows
from suite.plan_models import ModelRows
from suite.plan_references import ReferenceRows
from suite.planning import Planning
from suite.rows import FINETUNED, Row, rows_of
from suite.sections import Compute
from suite.site import Site
from suite.spec import Suite
from suite.studies import points

_DEVICES, _PRECISIONS = ("cpu", "cuda"), ("fp32", "bf16")
_ATTENTIONS = ("sdpa", "flash_attention_2", "eager")
_WITH_UPDATES = ("lora", "qlora")  # methods of fine-tuning that leave the model's own weights out

Hasher = Callable[[Path], str]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The jobs behind a cell.

    Attributes:
        node: the one that makes the cell.
        cell: what the plan calls it, with the roles of its inputs.
        embed: the one that makes the vectors it reads, if it reads any.
        templates: the one that writes documents as templates, if they are read so.
        note: what differs here from where the cell was computed, or "".
    """

    node: Node
    cell: CellPlan
    embed: Node | None
    templates: Node | None
    note: str = ""

    @property
    def keyed(self) -> tuple[str, Node] | None:
        """Role and job of the artifact whose key tells the model; None where none is loaded."""
        if self.embed is not None:
            return None if "split" in self.embed.needs else ("vectors", self.embed)
        method = self.node.params.get("finetune", {}).get("method")
        if self.node.kind == "finetune" and method in _WITH_UPDATES:
            return "cell", self.node
        is_model = self.node.kind == "anomaly" and self.node.model is not None
        return ("cell", self.node) if is_model else None

    def needs(self) -> list[str]:
        """List the artifacts, by role, that predictions need beside the cell's own."""
        found: set[str] = set()
        if self.node.kind in ("classify", "anomaly"):
            found |= {"labels", "split"}
        if self.node.kind == "anomaly" and self.embed is None and self.keyed is None:
            found |= {"corpus"}
        if self.embed is not None:
            found |= {"vectors"} if self.keyed else {"vectors", "corpus"}
        if self.keyed is not None and "adapted" in self.cell.roles:
            found |= {"adapted"}
        if self.templates is not None:
            found |= {"corpus", "documents", "split"}
        return sorted(found)


def planned(suite: Suite, record: Record, hash_file: Hasher) -> Plan:
    """Plan the jobs behind a cell, as they were run.

    Raises:
        InputError: a model that cannot be had, or is another one by now.
    """
    compute = suite.compute
    device = "cpu" if compute.device == "cpu" else "auto"
    here = resolve(device, compute.precision, compute.attention)
    plan = _at(here, suite, record, hash_file)
    if plan.keyed is None or _is_told(plan, record):
        return plan
    if plan.keyed[1].unknown is not None:
        raise InputError(f"{record.name}: {plan.keyed[1].unknown}")
    for target in _targets(compute):
        other = _at(target, suite, record, hash_file)
        if _is_told(other, record):
            return other if target.device in ("cpu", here.device) else _elsewhere(plan, target)
    raise InputError(
        f"{record.name}: its model is not what the run computed with (other weights, code or "
        "version of Logmark): run the suite again"
    )


def _elsewhere(plan: Plan, target: Target) -> Plan:
    """Say that vectors come out a little different here."""
    return Plan(
        node=plan.node,
        cell=plan.cell,
        embed=plan.embed,
        templates=plan.templates,
        note=f"computed on {target.device} in {target.precision}, which this machine does not "
        "have: scores will differ a little",
    )


def _targets(compute: Compute) -> Iterator[Target]:
    """List what a suite may have been computed on."""
    for values in product(
        _DEVICES if compute.device == "auto" else (compute.device,),
        _PRECISIONS if compute.precision == "auto" else (compute.precision,),
        _ATTENTIONS if compute.attention == "auto" else (compute.attention,),
    ):
        yield Target(*values)


def _is_told(plan: Plan, record: Record) -> bool:
    """Whether the model's artifact has the key that the plan gives it."""
    assert plan.keyed is not None
    role, node = plan.keyed
    known = record.artifacts
    digests = {name: known[role].digest for role, name in plan.cell.roles.items() if role in known}
    if role not in known or not set(node.needs.values()) <= set(digests):
        return False
    inputs = {name: digests[need] for name, need in node.needs.items()}
    return key_of(KINDS[node.kind], node.params, inputs) == known[role].key


def _at(target: Target, suite: Suite, record: Record, hash_file: Hasher) -> Plan:
    """Plan the jobs behind a cell on some device."""
    anywhere = suite.compute.model_copy(update={"device": "auto"})
    suite = suite.model_copy(update={"compute": anywhere})
    planning = Planning(suite, hash_file, weights_needed=False)
    planning.target = target
    row, site = _row(suite, record)
    nodes = {node.id: node for node in _nodes(planning, row, site)}
    for node in nodes.values():
        if node.cell is not None and node.cell.classifier == record.classifier:
            embed = nodes.get(node.needs.get("vectors", ""))
            documents = nodes.get(node.cell.roles.get("documents", ""))
            is_mined = documents is not None and documents.kind == "templates"
            return Plan(
                node=node, cell=node.cell, embed=embed, templates=documents if is_mined else None
            )
    raise _gone(record)


def _nodes(planning: Planning, row: Row, site: Site) -> Iterator[Node]:
    models = ModelRows(planning)
    if row.reference is not None:
        yield from ReferenceRows(planning).nodes(row.reference, site)
    elif row.detector is not None:
        yield from DetectorRows(planning, models).nodes(row.detector, row.model, site)
    elif row.model is not None:
        yield from models.nodes(row.model, [site], row.column)


def _row(suite: Suite, record: Record) -> tuple[Row, Site]:
    """Find the row of a suite that a cell belongs to, and where in it."""
    if record.study is not None:
        for study in suite.studies:
            for point in points(suite, study) if study.name == record.study.name else ():
                if point.study == record.study:
                    return point.row, Site(seed=record.seed, point=point)
        raise _gone(record)
    rows = rows_of(suite.models, suite.classifiers, suite.references, suite.anomaly)
    column = FINETUNED if record.section == "compress" else record.classifier
    name = column if record.model == "reference" else f"{record.model}/{column}"
    if name not in rows:
        raise _gone(record)
    return rows[name], Site(seed=record.seed)


def _gone(record: Record) -> InputError:
    return InputError(f"{record.name}: the suite in run.json has no such row; run the suite again")
