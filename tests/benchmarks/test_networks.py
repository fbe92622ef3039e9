"""The networks' benchmark: how the gain over the linear row is measured."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from results.evidence import Evidence
from results.outcomes import Documents, Outcomes

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def quality(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("network_quality", None)
    import network_quality

    return network_quality


RIGHT = [0, 1] * 20
HALF_RIGHT = [0] * 40


def record(model: str, classifier: str) -> Any:
    cell = SimpleNamespace(scores=SimpleNamespace(macro_f1=0.5), test_documents=40)
    return SimpleNamespace(
        model=model, classifier=classifier, seed=0, name=f"{model}/{classifier}/0", cell=cell
    )


def test_figure_is_met_only_where_the_whole_interval_lies_above_0(
    quality: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cnn, row = record("reference", "cnn"), record("tfidf-word", "linear_svc")
    documents = Documents.of(
        tuple(f"{i:02d}" for i in range(40)), ("a", "b"), np.array(RIGHT, dtype=np.int16)
    )
    almost = [*RIGHT[:39], 0]
    for linear, gain, met in ((HALF_RIGHT, 2 / 3, True), (almost, 0.025, False)):
        evidence = Evidence(
            {
                one.name: Outcomes(documents, np.array(predicted, dtype=np.int16))
                for one, predicted in ((cnn, RIGHT), (row, linear))
            }
        )
        quality._emit(evidence, [(cnn, row)])
        line = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert line["value"] == pytest.approx(gain, abs=1e-3)
        assert line["met"] is met
        assert (line["conditions"]["interval_95"][0] > 0) is met


def test_figure_without_the_logs_is_unmeasured(
    quality: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOGMARK_SHARED", raising=False)
    quality.measure(quick=False)
    line = json.loads(capsys.readouterr().out)
    assert (line["value"], line["met"]) == (None, False)
    assert "LOGMARK_SHARED" in line["reason"]
