"""What a job asks of a node, in Ray's words, and how many of it a machine holds."""

import pytest

from suite.asking import Ask, Machine, clamped, places, refusal
from suite.grant import Grant
from suite.node import Node

GIB = 2**30
SMALL = Machine("small", {"CPU": 4.0, "memory": 8.0 * GIB}, {})
BIG = Machine(
    "big",
    {"CPU": 8.0, "GPU": 2.0, "memory": 64.0 * GIB, "accelerator_type:A100": 1.0},
    {"tier": "big"},
)


def _ask(cpus: int = 1, **grant: object) -> Ask:
    return Ask.of(Node(id="x", kind="embed", params={}, cpus=cpus, grant=Grant(**grant)))  # type: ignore[arg-type]


def test_a_grant_is_written_in_rays_words() -> None:
    ask = _ask(
        4,
        gpus=0.5,
        memory_bytes=24 * GIB,
        accelerator="A100",
        labels={"tier": "big"},
        custom={"ssd": 1},
    )
    assert ask.options() == {
        "num_cpus": 4.0,
        "num_gpus": 0.5,
        "memory": 24 * GIB,
        "resources": {"ssd": 1.0},
        "label_selector": {"tier": "big"},
        "accelerator_type": "A100",
    }
    assert _ask().options() == {"num_cpus": 1.0, "num_gpus": 0.0}


@pytest.mark.parametrize(
    ("ask", "count"),
    [
        (_ask(), 12),
        (_ask(5), 1),
        (_ask(1, gpus=0.5), 4),
        (_ask(1, memory_bytes=5 * GIB), 1 + 8),
        (_ask(1, accelerator="A100"), 8),
        (_ask(1, accelerator="L4"), 0),
        (_ask(2, labels={"tier": "big"}), 4),
        (_ask(1, custom={"ssd": 1}), 0),
    ],
)
def test_every_demand_limits_the_places(ask: Ask, count: int) -> None:
    assert places(ask, [SMALL, BIG]) == count


def test_an_estimate_is_lowered_to_the_node_that_has_the_rest() -> None:
    asked = _ask(1, memory_bytes=100 * GIB)
    assert clamped(asked, [SMALL, BIG]).amount("memory") == 64 * GIB
    assert clamped(_ask(1, memory_bytes=GIB), [SMALL]).amount("memory") == GIB
    labelled = _ask(1, memory_bytes=100 * GIB, labels={"tier": "big"})
    assert clamped(labelled, [SMALL]) == labelled, "no node has the rest"


def test_demands_that_no_node_meets_together_are_named_together() -> None:
    gpu_elsewhere = Machine("gpu", {"CPU": 1.0, "GPU": 1.0}, {})
    said = refusal(_ask(4, gpus=1), [SMALL, gpu_elsewhere])
    assert said == "needs 4 CPUs, 1 GPU on one node, and no node has them together"
