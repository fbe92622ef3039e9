"""What jobs cost: where the seconds come from, what they add up to, and what nobody knows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classifiers.registry import CLASSIFIERS
from results.hashing import hash_file
from suite import rates, rules
from suite.corpus_size import CorpusSize
from suite.estimate import estimate
from suite.estimate_networks import flops_of, weights_of
from suite.here import Machine, missing_here
from suite.node import Node
from suite.plan import make_plan
from suite.spec import read
from suite.spending import NOTHING, Known, Spending, Spendings, totals
from suite.spending import weights_of as model_of

SUITE = """
name: costs
seeds: [0, 1]
corpus: {loader: folder, path: logs}
models:
  - {name: small, adapter: minilm, context: 64, adapt: {block: 32}}
  - {name: words, adapter: tfidf, analyzer: word}
classifiers: [decision_tree, {name: xgboost, variants: [default, tuned]}]
references: [{name: cnn, context: 2000, epochs: 10, char_lm: true}]
compute: {device: cpu, precision: fp32, threads: 2}
"""
SIZE = CorpusSize(sizes=((3000.0, 200.0),), documents=200, is_estimate=True, basis="a test")
UNREAD = CorpusSize(sizes=((6e5, 1.0),), documents=None, is_estimate=True, basis="a test")


@pytest.fixture
def nodes(log_folder: Path, tmp_path: Path) -> dict[str, Node]:
    (tmp_path / "suite.yaml").write_text(SUITE)
    return {node.id: node for node in make_plan(read(tmp_path / "suite.yaml"), hash_file)}


def _spent(
    nodes: dict[str, Node], size: CorpusSize = SIZE, known: Known | None = None
) -> dict[str, Spending]:
    plan = list(nodes.values())
    spendings = Spendings(plan, estimate(plan, size), size, known)
    return {node.id: spendings.of(node) for node in plan}


def test_every_job_has_a_time_and_says_what_it_rests_on(nodes: dict[str, Node]) -> None:
    found = _spent(nodes)
    by_flops = {"adapt", "embed:small", "char_lm", "reference"}
    for name, spending in found.items():
        rests = "flops" if any(name.startswith(start) for start in by_flops) else "rule"
        assert (spending.basis, bool(spending.seconds), bool(spending.disk_bytes)) == (
            *(rests, True, True),
        ), name


def test_the_stated_rate_of_the_threads_makes_the_seconds(nodes: dict[str, Node]) -> None:
    flops = estimate(list(nodes.values()), SIZE)["embed:small/0"].flops
    assert flops is not None
    seconds = rules.MODEL_START_S + flops / (2 * rates.CPU_THREAD["fp32"])
    spending = _spent(nodes)["embed:small/0"]
    assert spending.seconds == pytest.approx(seconds)
    assert spending.cpu_hours == pytest.approx(2 * seconds / 3600) and spending.gpu_hours == 0


def test_what_is_cached_costs_nothing_and_tells_how_long_the_others_take(
    nodes: dict[str, Node],
) -> None:
    before = _spent(nodes)
    slow = {
        name: 3 * (before[name].seconds or 0)
        for name in ("embed:small/0", "classify:small/xgboost/0", "char_lm:cnn/0")
    }
    after = _spent(nodes, known=Known(took_s=slow))
    assert all(after[name] == NOTHING for name in slow)
    for name in ("embed:small/1", "classify:small/xgboost/1", "classify:words/xgboost/0"):
        assert after[name].basis == "past", name
        assert after[name].seconds == pytest.approx(3 * (before[name].seconds or 0))
    for name in ("classify:small/xgboost-tuned/0", "embed:words/0", "adapt:small/0"):
        assert after[name] == before[name], name


def test_a_rate_measured_here_counts_before_the_past(nodes: dict[str, Node]) -> None:
    known = Known(
        took_s={"embed:small/0": 99.0}, flops_per_s={model_of(nodes["embed:small/1"]): 1e9}
    )
    found = _spent(nodes, known=known)
    flops = estimate(list(nodes.values()), SIZE)
    for name, share in (("embed:small/1", 1.0), ("adapt:small/1", rates.TRAINING)):
        assert found[name].basis == "calibrated"
        own = (flops[name].flops or 0) / (1e9 * share)
        assert found[name].seconds == pytest.approx(rules.MODEL_START_S + own)
    assert found["reference:cnn/0"].basis == "flops"


def test_what_is_unknown_is_counted_and_not_taken_for_nothing(nodes: dict[str, Node]) -> None:
    found = _spent(nodes, UNREAD)
    assert found["classify:words/xgboost/0"].seconds is None
    assert found["classify:words/xgboost/0"].basis == "unknown"
    assert found["embed:small/0"].disk_bytes is None
    some = [found["classify:words/xgboost/0"], found["classify:words/xgboost/1"], NOTHING]
    assert totals(some) == {
        "cpu_hours": 0.0,
        "gpu_hours": 0.0,
        "disk_bytes": 0,
        "without_time": 2,
        "without_disk": 2,
    }


def test_every_classifier_has_a_rule() -> None:
    from results.registry import build

    for name in CLASSIFIERS:
        settings = vars(build("classifier", name, CLASSIFIERS, {}))
        params = {"classifier": name, "settings": settings, "tune": True, "folds": 5}
        node = Node(id=name, kind="classify", params=params)
        work = rules.Work(characters=1e6, learnt=500, features=384)
        assert (rules.seconds(node, work) or 0) >= rules.START_S, name


def test_a_gpu_is_reckoned_where_a_cpu_would_take_more_than_a_day(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suite.rates.REFERENCE", 1.0)
    monkeypatch.setattr("suite.rates._gpu_here", lambda: "")
    spending = _spent(nodes)["reference:cnn/0"]
    assert spending.gpu_hours is not None and spending.seconds is not None
    assert 0 < spending.gpu_hours == pytest.approx(spending.seconds / 3600)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("NVIDIA H100 80GB HBM3", "H100"), ("Tesla T4", "T4"), ("", rates.ASSUMED), ("L4", "L4")],
)
def test_the_gpu_of_this_machine_is_known_by_its_name(
    name: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suite.rates._gpu_here", lambda: name)
    assert rates.gpu_of(Node(id="a", kind="embed", params={})) == expected


SETTINGS = [
    {},
    {"channels": 238, "layers": 4, "layer_width": 3},
    {"bilstm": 32, "channels": 16, "layers": 1, "embedding": 8},
]


def _network(settings: dict[str, Any]) -> Iterator[Any]:
    from classifiers.residual_cnn import ResidualCnn
    from classifiers.residual_network import ResidualNetwork, Shape

    made = ResidualCnn(**settings)
    keys = ("embedding", "bilstm", "channels", "layers", "stem_width", "stem_stride")
    keys += ("layer_width", "pool", "dense", "dropout", "padding")
    shape = {key: getattr(made, key) for key in keys}
    yield vars(made)
    yield ResidualNetwork(Shape(vocabulary=50, classes=4, **shape))


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_reference_s_weights_are_counted_as_they_are_made(settings: dict[str, Any]) -> None:
    made, network = _network(settings)
    own = sum(weight.numel() for weight in network.parameters())
    assert weights_of(made, 50, 4) == own


@pytest.mark.parametrize("settings", SETTINGS[:2])
def test_a_reference_s_flops_are_near_what_torch_counts(settings: dict[str, Any]) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    made, network = _network(settings)
    network.looks_up = False
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.ones(2, 4096, dtype=torch.long), torch.tensor([4096, 4096]))
    assert 2 * flops_of(made, 4096, looks_up=False) == pytest.approx(
        counter.get_total_flops(), rel=0.01
    )


def _asks(**grant: Any) -> Node:
    from suite.grant import Grant

    return Node(id="a", kind="embed", params={}, cpus=2, grant=Grant(**grant))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (_asks(), None),
        (_asks(gpus=0.5), "0.5 GPU, and this machine has none"),
        (_asks(gpus=2.0), "2 GPUs, and this machine has none"),
        (_asks(memory_bytes=48 << 30), "48.0 GiB of memory, and this machine has 24.0 GiB"),
        (_asks(labels={"tier": "big"}), "tier=big, which only a cluster names"),
        (_asks(custom={"ssd": 1.0}), "ssd, which only a cluster names"),
        (Node(id="a", kind="embed", params={}, cpus=8), "8 CPUs, and this machine has 4"),
    ],
)
def test_what_this_machine_lacks_is_said(node: Node, message: str | None) -> None:
    from suite.quantities import Estimate

    machine = Machine(cpus=4, gpus=0, memory_bytes=24 << 30)
    assert missing_here(node, Estimate(), machine) == message
