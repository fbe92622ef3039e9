"""What the embedding job refuses and what it writes beside the vectors."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import run_in_process, write_logs

from adapters.tiny import build_twin

SUITE = """
name: embedding
corpus: {{loader: folder, path: logs}}
models: [{{name: m, adapter: llama, checkpoint: ./twin, context: 64, {settings}}}]
classifiers: [decision_tree]
compute: {{threads: 1, precision: fp32}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_logs(tmp_path / "logs")
    config = {"model_type": "llama", "max_position_embeddings": 256}
    build_twin(tmp_path / "twin", config, ["I: step 3 of 4 took 7 ms"])
    return tmp_path


def _card(folder: Path) -> dict[str, Any]:
    cards = [json.loads(path.read_text()) for path in folder.glob("store/embed/*/*/*/card.json")]
    (card,) = [card for card in cards if "audit" in card]
    return dict(card)


def test_a_quantized_model_is_compared_with_bf16_on_request(folder: Path) -> None:
    run = run_in_process(folder, SUITE.format(settings="quantize: nf4, precision_check: 5"))
    assert set(run.reasons.values()) == {"ok"}
    card = _card(folder)
    cosine = card["cosine"]
    assert cosine["to"] == "bf16"
    assert cosine["documents"] == 5
    assert 0.9 < cosine["min"] <= cosine["mean"] < 0.99999
    assert card["audit"]["share_4bit_linear"] >= 0.99
    record = next(record for record in run.records if record.model == "m")
    assert record.audit == card["audit"]


def test_bf16_is_compared_with_fp32_on_request(folder: Path) -> None:
    suite = SUITE.format(settings="precision_check: 5").replace("fp32", "bf16")
    run_in_process(folder, suite)
    cosine = _card(folder)["cosine"]
    assert (cosine["to"], cosine["documents"]) == ("fp32", 5)
    assert 0.999 < cosine["min"] <= cosine["mean"] < 1.0


def test_nothing_is_compared_unasked(folder: Path) -> None:
    run_in_process(folder, SUITE.format(settings="text: cleaned"))
    card = _card(folder)
    assert "cosine" not in card
    assert card["audit"]["quantization"] is None


@pytest.mark.parametrize(("text", "ok"), [("masked", False), ("cleaned", True)])
def test_a_checkpoint_adapted_with_other_special_tokens_reads_no_masked_text(
    folder: Path, text: str, ok: bool
) -> None:
    content = {"version": 1, "objective": "causal", "special_tokens": ["<number>"]}
    (folder / "twin" / "logmark.json").write_text(json.dumps(content))
    reason = run_in_process(folder, SUITE.format(settings=f"text: {text}")).reasons["embed:m"]
    assert (reason == "ok") is ok
    assert ok or "adapted with the special tokens <number>, masking puts in <hex>" in reason


def test_the_attention_asked_for_is_used_recorded_and_part_of_the_key(folder: Path) -> None:
    plain = SUITE.format(settings="text: cleaned")
    runs = [
        run_in_process(folder, plain),
        run_in_process(folder, plain.replace("precision", "attention: eager, precision")),
    ]
    records = [next(r for r in run.records if r.model == "m") for run in runs]
    assert [(r.audit or {})["attention"] for r in records] == ["sdpa", "eager"]
    assert records[0].artifacts["vectors"].key != records[1].artifacts["vectors"].key
