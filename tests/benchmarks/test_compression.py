"""The compression benchmark: how F1 and its interval are read off records, and what is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LABEL = np.array([True] * 20 + [False] * 40)


@pytest.fixture
def compression(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("compression", None)
    import compression

    monkeypatch.setattr(compression, "DRAWS", 200)
    return compression


def wrong(*rows: int) -> np.ndarray:
    said = LABEL.copy()
    said[list(rows)] ^= True
    return said


def emitted(compression: Any, capsys: Any, **rows: np.ndarray) -> list[dict[str, Any]]:
    names = dict(zip(("full", "qlora", "pruned"), compression.ROWS, strict=True))
    compression._emit_quality({names[key]: (LABEL, said) for key, said in rows.items()}, 0)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_f1_is_that_of_the_anomalies(compression: Any) -> None:
    said = wrong(0, 1, 2, 30)
    draws = compression._draws(LABEL)
    found = compression._f1(LABEL, said, draws)
    assert found[0] == pytest.approx(f1_score(LABEL, said))
    repeated = np.repeat(np.arange(60), draws[7])
    assert found[7] == pytest.approx(f1_score(LABEL[repeated], said[repeated]))


def test_documents_are_drawn_within_their_class(compression: Any) -> None:
    draws = compression._draws(LABEL)
    assert set(draws[:, LABEL].sum(axis=1)) == {20}
    assert set(draws[:, ~LABEL].sum(axis=1)) == {40}
    assert (draws[0] == 1).all()


def test_every_row_has_an_interval_and_the_goal_is_about_the_difference(
    compression: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = emitted(compression, capsys, full=LABEL, qlora=wrong(0), pruned=wrong(0, 1, 2))
    assert len(lines) == 4
    assert all("interval_95" in line["conditions"] for line in lines)
    assert lines[-1]["value"] == pytest.approx(34 / 37 - 1, abs=1e-4)
    assert lines[-1]["met"] is False
    even = emitted(compression, capsys, full=wrong(0), qlora=wrong(0), pruned=wrong(1))
    assert (even[-1]["value"], even[-1]["met"]) == (0.0, True)


def test_a_row_that_failed_leaves_the_figure_unmeasured(
    compression: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    line = emitted(compression, capsys, full=LABEL, qlora=LABEL)[-1]
    assert (line["value"], line["met"]) == (None, False)
    assert "no cell of QLoRA + 90 % pruned" in line["reason"]


def test_quality_without_the_logs_is_unmeasured(
    compression: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOGMARK_SHARED", raising=False)
    compression._quality(quick=False, workdir=None)
    line = json.loads(capsys.readouterr().out)
    assert line["value"] is None and "LOGMARK_SHARED" in line["reason"]


def test_the_shape_is_that_of_bert_base_and_the_pruned_one_has_a_tenth_of_its_neurons(
    compression: Any,
) -> None:
    from classifiers.pruning import Pruning

    assert Pruning().kept(3072, 0.9, "qlora") == compression.KEPT


@pytest.mark.slow
def test_a_training_in_a_fresh_process_tells_its_memory(compression: Any, tmp_path: Path) -> None:
    checkpoint = compression.write_checkpoint(
        tmp_path, num_hidden_layers=1, vocab_size=200, hidden_size=64, num_attention_heads=2
    )
    found = compression.measured(checkpoint, method="qlora", tokens=16, steps=1)
    assert 0 < found["training_bytes"] <= found["with_loading_bytes"]
