"""What jobs ask of machines: read kindly, checked once, and without any say in the results."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.registry import KINDS
from results.errors import InputError
from results.hashing import hash_file
from suite.grant import Grant
from suite.granting import LIMIT_FACTOR, PROCESS_BYTES
from suite.node import Node
from suite.plan import make_plan
from suite.recording import suite_hash
from suite.resources import Resources, parse_bytes, parse_seconds
from suite.spec import read

SUITE = """
name: asks
corpus: {loader: folder, path: logs}
models:
  - {name: small, adapter: minilm, adapt: true}
  - {name: words, adapter: tfidf}
  - {name: tuned, adapter: minilm, finetune: true}
classifiers: [decision_tree]
references: [cnn]
"""
GIB = 1 << 30


def _plan(folder: Path, resources: str = "") -> dict[str, Node]:
    (folder / "suite.yaml").write_text(SUITE + (f"resources: {resources}\n" if resources else ""))
    return {node.id: node for node in make_plan(read(folder / "suite.yaml"), hash_file)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("24 GiB", 24 * GIB), ("1.5GB", 1.5e9), ("512 mib", 512 << 20), ("8g", 8 * GIB), ("9 B", 9)],
)
def test_memory_is_read_with_its_unit(text: str, expected: float) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2 h", 7200), ("90min", 5400), ("1h 30m", 5400), ("1.5 days", 129600), ("none", None)],
)
def test_time_is_read_with_its_unit(text: str, expected: float | None) -> None:
    assert parse_seconds(text) == expected


def test_every_kind_of_job_may_ask() -> None:
    assert set(Resources.model_fields) == {*KINDS, "models"}


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ("{embd: {gpus: 1}}", "resources.embd: unknown key; did you mean 'embed'"),
        ("{embed: {gpu: 1}}", "resources.embed.gpu: unknown key; did you mean 'gpus'"),
        ("{embed: {memory: 24}}", "resources.embed.memory.*24 is no amount with a unit"),
        ("{embed: {memory: 24 Gibi}}", "unknown unit 'Gibi'; write the amount as '24 GiB'"),
        ("{embed: {memory: 0 GiB}}", "'0 GiB' must be above 0"),
        ("{embed: {time_limit: 2}}", "time_limit.*2 is no amount with a unit; write it as '2 h'"),
        ("{embed: {time_limit: true}}", "resources.embed.time_limit"),
        ("{embed: {gpus: 1.5}}", "gpus: more than one device must be a whole number, not 1.5"),
        ("{embed: {gpus: 0, accelerator: A100}}", "a type of GPU needs `gpus` above 0"),
        ("{embed: {at_once: 0}}", "resources.embed.at_once"),
        ("{models: {smal: {gpus: 1}}}", "resources.models: unknown model 'smal'.*did you mean 's"),
        ("{models: {small: {at_once: 1}}}", "resources.models.small.at_once: unknown key"),
        ("{models: {small: {memry: 1 GiB}}}", "did you mean 'memory'"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    log_folder: Path, tmp_path: Path, resources: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        _plan(tmp_path, resources)


ASKED = (
    "{embed: {gpus: 0.5, memory: 24 GiB, accelerator: A100, labels: {tier: big},"
    " custom: {ssd: 1}, time_limit: 2 h, at_once: 3}, classify: {time_limit: none}}"
)


def test_what_is_asked_for_is_granted(log_folder: Path, tmp_path: Path) -> None:
    plan = _plan(tmp_path, ASKED)
    assert plan["embed:small/0"].grant == Grant(
        gpus=0.5,
        memory_bytes=24 * GIB,
        accelerator="A100",
        labels={"tier": "big"},
        custom={"ssd": 1.0},
        time_limit_s=7200.0,
        at_once=3,
    )
    assert plan["classify:small/decision_tree/0"].grant == Grant(time_limit_s=None)


def test_the_model_s_word_counts_for_the_jobs_that_load_it(
    log_folder: Path, tmp_path: Path
) -> None:
    more = "{memory: 40 GiB, labels: {tier: huge}}"
    plan = _plan(tmp_path, ASKED[:-1] + f", models: {{small: {more}}}}}")
    grant = plan["embed:small/0"].grant
    assert (grant.memory_bytes, grant.labels, grant.gpus) == (40 * GIB, {"tier": "huge"}, 0.5)
    assert plan["adapt:small/0"].grant.memory_bytes == 40 * GIB
    assert plan["embed:words/0"].grant.memory_bytes == 24 * GIB
    for name in ("classify:small/decision_tree/0", "finetune:tuned/0", "reference:cnn/0"):
        assert plan[name].grant.labels == {}


def test_nothing_asked_for_is_what_the_plan_reckons(log_folder: Path, tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    memory = plan["embed:small/0"].grant.memory_bytes
    assert memory is not None and PROCESS_BYTES < memory < 2 * PROCESS_BYTES
    assert all(node.grant.gpus == 0 for node in plan.values())
    loads = {name for name, node in plan.items() if node.grant.memory_is_estimate}
    assert loads == {"embed:small/0", "adapt:small/0", "finetune:tuned/0"}
    limits = [node.grant.time_limit_s or 0 for node in plan.values()]
    assert min(limits) >= 12 * 3600


def test_a_job_on_a_gpu_asks_for_one(
    log_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from suite.hardware import Target

    monkeypatch.setattr("suite.planning.resolve", lambda *_: Target("cuda", "bf16", "sdpa"))
    plan = _plan(tmp_path)
    assert plan["embed:small/0"].grant.gpus == plan["reference:cnn/0"].grant.gpus == 1
    assert (
        plan["embed:words/0"].grant.gpus == plan["classify:words/decision_tree/0"].grant.gpus == 0
    )
    assert _plan(tmp_path, "{embed: {gpus: 0.25}}")["embed:small/0"].grant.gpus == 0.25


def test_a_long_job_may_take_many_times_what_is_expected(
    log_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suite.rates.REFERENCE", 1.0)  # FLOPs per second
    limit = _plan(tmp_path)["reference:cnn/0"].grant.time_limit_s
    assert limit is not None and limit > LIMIT_FACTOR * 1e6
    assert _plan(tmp_path)["reference:cnn/0"].expected_s == limit / LIMIT_FACTOR


def test_no_key_and_no_hash_depends_on_it(log_folder: Path, tmp_path: Path) -> None:
    def facts(resources: str) -> tuple[Any, str]:
        plan = _plan(tmp_path, resources)
        bare = [replace(node, grant=Grant()) for node in plan.values()]
        return bare, suite_hash(read(tmp_path / "suite.yaml"))

    assert facts("") == facts(ASKED)


def test_a_rehearsal_asks_for_nothing(log_folder: Path, tmp_path: Path) -> None:
    from suite.tiny import rehearsal

    text = "name: r\ncorpus: {loader: folder, path: logs}\nresources: {corpus: {memory: 1 TiB}}\n"
    (tmp_path / "suite.yaml").write_text(text)
    suite = rehearsal(read(tmp_path / "suite.yaml"), tmp_path / "tiny")
    assert suite.resources == Resources()
