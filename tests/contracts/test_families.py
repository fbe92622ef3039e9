"""Every family goes corpus -> adapt -> embed -> classify, on its tiny twin, by the real jobs.

One suite for all of them, each adapted by the objective its family stands for; LLaMA and Mixtral
are held in 4 bits, during adaptation too.
"""

import json
from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers import Inline, run_in_process, write_logs
from twins import MODEL_TYPES, OBJECTIVES

from adapters.registry import ADAPTERS
from adapters.tiny import build_twin
from embedders import vectors

QUANTIZED = ("llama", "mixtral")
WITHOUT_TWIN = {"length", "minilm", "tfidf"}


class Families(NamedTuple):
    """One run, its cards of adaptation and of embedding by model, and its records by name."""

    run: Inline
    adapted: dict[str, dict[str, Any]]
    records: dict[str, Any]


def model(name: str) -> dict[str, Any]:
    rate = 5e-3 if OBJECTIVES[name] != "mlm" else 2e-3
    adapt = {"epochs": 3, "batch_size": 4, "block": 64, "learning_rate": rate}
    settings = {"adapter": name, "checkpoint": f"./{name}", "context": 64}
    return {**settings, **({"quantize": "nf4"} if name in QUANTIZED else {}), "adapt": adapt}


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Families:
    folder = tmp_path_factory.mktemp("families")
    write_logs(folder / "logs")
    texts = [path.read_text() for path in sorted((folder / "logs").rglob("*.log"))]
    models = []
    for name in OBJECTIVES:
        layout = "mean" if name == "sentence_transformers" else None
        config = {"model_type": MODEL_TYPES.get(name, name)}
        build_twin(folder / name, config, texts, sentence_transformers=layout)
        adapted = model(name)
        plain = {key: value for key, value in adapted.items() if key != "adapt"}
        models += [{"name": name, **adapted}, {"name": f"{name}-plain", **plain, "text": "masked"}]
    suite = {
        "name": "families",
        "seeds": [3],
        "corpus": {"loader": "folder", "path": "logs"},
        "models": models,
        "classifiers": ["decision_tree"],
        "compute": {"threads": 1, "precision": "fp32"},
    }
    run = run_in_process(folder, json.dumps(suite))
    return Families(run, _cards(run, "adapt"), {record.name: record for record in run.records})


def _cards(run: Inline, kind: str) -> dict[str, dict[str, Any]]:
    """Read the cards of a kind of job, by the digest of the folder they lie in."""
    paths = run.store.root.glob(f"{kind}/*/attempts/*/card.json")
    return {path.parent.parent.parent.name: json.loads(path.read_text()) for path in paths}


def test_every_family_with_a_twin_is_here() -> None:
    assert set(OBJECTIVES) == set(ADAPTERS) - WITHOUT_TWIN
    assert len(OBJECTIVES) == 10


def test_every_job_of_every_family_runs(families: Families) -> None:
    assert {k: reason for k, reason in families.run.reasons.items() if reason != "ok"} == {}
    assert len(families.adapted) == len(OBJECTIVES)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_family_goes_from_logs_to_a_record(name: str, families: Families) -> None:
    adapted, plain = (
        families.records[f"{model}/decision_tree/3"] for model in (name, f"{name}-plain")
    )
    assert adapted.marks == plain.marks == ["random weights"]
    in_4_bits = "nf4" if name in QUANTIZED else None
    assert adapted.audit["quantization"] == plain.audit["quantization"] == in_4_bits
    assert (plain.audit["share_4bit_linear"] >= 0.99) is (name in QUANTIZED)
    assert (adapted.audit["share_4bit_linear"] >= 0.9) is (name in QUANTIZED)  # LoRA beside them


@pytest.mark.parametrize("name", OBJECTIVES)
def test_what_adaptation_learnt_reaches_the_vectors(name: str, families: Families) -> None:
    paths = [
        families.run.store.root
        / families.records[f"{model}/decision_tree/3"].artifacts["vectors"].path
        for model in (name, f"{name}-plain")
    ]
    adapted, plain = (vectors.load(path) for path in paths)
    assert adapted.ids == plain.ids and len(adapted.ids) == 42
    assert np.isfinite(adapted.matrix).all()
    assert not np.allclose(adapted.matrix, plain.matrix, atol=1e-3)


def test_each_is_adapted_by_its_familys_objective_and_learns(families: Families) -> None:
    found = sorted(card["objective"] for card in families.adapted.values())
    assert found == sorted(OBJECTIVES.values())
    for card in families.adapted.values():
        assert card["heldout_loss_after"] < card["heldout_loss_before"], card["objective"]
