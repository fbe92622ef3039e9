"""The jobs of pruned models: one for every step, and at each level one that trains to the end.

Every step is an artifact, so a chain that was killed goes on at its last step, and the levels of a
model share the steps below them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import floor
from typing import Any

from classifiers.registry import PRUNING
from results.registry import build
from suite.node import Node, shareable
from suite.row_sections import Model
from suite.site import Site
from suite.where import within

_OF_THE_CHAIN = ("levels", "step")  # which jobs there are; a job knows its share
_OF_A_LEVEL = ("final_epochs", "patience")  # what no step between uses: it stays the same artifact


def pruned(
    finetuned: Node, model: Model, adapter: Any, roles: dict[str, str], site: Site
) -> Iterator[Node]:
    """Yield the jobs that prune a fine-tuned model.

    Raises:
        InputError: an unknown or impossible setting, such as a level that leaves no neuron.
    """
    assert model.prune is not None
    config = (adapter.config() if hasattr(adapter, "config") else None) or {}
    with within(f"models: {model.name!r}"):
        settings = build("prune", "prune", PRUNING, model.prune.settings)
        if neurons := config.get("intermediate_size"):
            settings.kept(neurons, max(settings.levels), finetuned.params["finetune"]["method"])
    own = {key: value for key, value in shareable(settings).items() if key not in _OF_THE_CHAIN}
    between = {key: value for key, value in own.items() if key not in _OF_A_LEVEL}
    state, made = finetuned.id, {**roles, "finetuned": finetuned.id}
    for share in shares(settings.levels, settings.step):
        step = _job(finetuned, f"{model.name}@{share:g}", between, share, state)
        yield step
        state = step.id
        made[f"pruned-{100 * share:g}"] = state
        if share in settings.levels:
            yield _level(finetuned, model, own, share, state, made, site)


def shares(levels: Sequence[float], step: float) -> list[float]:
    """List the shares of the original neurons gone after each step, the levels among them."""
    steps = range(1, floor(max(levels) / step + 1e-9) + 1)
    return sorted({*(round(step * number, 6) for number in steps), *levels})


def _level(
    finetuned: Node,
    model: Model,
    settings: dict[str, Any],
    share: float,
    state: str,
    made: dict[str, str],
    site: Site,
) -> Node:
    """Plan the last training at a level, whose outcome is a cell of the results."""
    assert finetuned.cell is not None
    name = f"pruned-{100 * share:g}"
    cell = site.cell(
        "compress",
        model=model.name,
        classifier=name,
        text=model.view,
        marks=finetuned.cell.marks,
        roles=made,
    )
    node = _job(finetuned, f"{model.name}/{name}", settings, share, state, final=True)
    return replace(node, cell=cell)


def _job(
    finetuned: Node,
    name: str,
    settings: dict[str, Any],
    share: float,
    state: str,
    *,
    final: bool = False,
) -> Node:
    """Plan one step: what was fine-tuned, in the state that the step before left."""
    return replace(
        finetuned,
        id=f"compress:{name}/{finetuned.params['seed']}",
        kind="compress",
        params={**finetuned.params, "prune": settings, "share": share, "final": final},
        needs={**finetuned.needs, "model": state},
        cell=None,
    )
