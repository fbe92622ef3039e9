"""The suites of the other seed papers run from end to end: log anomalies, and small models.

They are rehearsed on generated sessions always, in the layout that the suites read, and on the real
ones where those are at hand.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from helpers import Inline, run_in_process

from corpora.registry import LOADERS
from results.records import Record
from results.registry import build
from suite.spec import read
from suite.tiny import rehearsal

SUITES = Path(__file__).parents[2] / "suites"
DOCUMENTS = 150


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)


def _generated(folder: Path) -> Path:
    """Write generated sessions where the suites look for the real ones."""
    out = folder / "data" / "hdfs_v1_sessions"
    out.mkdir(parents=True)
    settings = {"num_documents": DOCUMENTS, "anomaly_share": 0.2}
    raw = list(build("loader", "blocks", LOADERS, settings).documents())
    texts = {document.id: "".join(document.parts) for document in raw}
    labels = {document.id: document.fields["label"] for document in raw}
    _write(
        out / "raw_sessions_2pct.jsonl.gz",
        [{"id": name, "label": labels[name], "text": text} for name, text in texts.items()],
    )
    events = build("loader", "blocks", LOADERS, {**settings, "form": "events"}).documents()
    lines = {document.id: "".join(document.parts).splitlines() for document in events}
    known = {text: str(n) for n, text in enumerate(sorted({x for y in lines.values() for x in y}))}
    _write(
        out / "event_sequences.jsonl.gz",
        [
            {"id": name, "label": labels[name], "events": [known[text] for text in own]}
            for name, own in lines.items()
        ],
    )
    templates = {number: text for text, number in known.items()}
    (out / "event_templates.json").write_text(json.dumps(templates))
    return folder


def _rehearse(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, data: Path) -> Inline:
    monkeypatch.setenv("LOGMARK_SHARED", str(data))
    suite = rehearsal(read(SUITES / f"{name}.yaml"), folder / "twins")
    content = suite.model_dump(mode="json")
    content["corpus"]["sample"] = 1.0 if data == folder else 0.02
    return run_in_process(folder, yaml.safe_dump(content))


def _rows(inline: Inline, section: str) -> dict[str, Record]:
    assert {name: why for name, why in inline.reasons.items() if why != "ok"} == {}
    return {f"{r.model}/{r.classifier}": r for r in inline.records if r.section == section}


def _check_anomalies(inline: Inline) -> None:
    rows = _rows(inline, "anomaly")
    assert set(rows) == {
        "minilm-logfit/logfit",
        "minilm-logfit/plain-mlm",
        "minilm-logfit/centroid",
        "text/line_count",
        "text/unseen_templates",
    }
    for name in ("minilm-logfit/logfit", "minilm-logfit/plain-mlm"):
        cell = rows[name].cell
        assert cell is not None and set(cell.best_params) == {"k", "threshold"}
        assert cell.classes == ["anomaly", "normal"]
        assert "random weights" in rows[name].marks
    assert len(_rows(inline, "study")) == 6


def _check_compression(inline: Inline) -> None:
    assert set(_rows(inline, "compress")) == {"qlora/pruned-50", "qlora/pruned-90"}
    tuned = _rows(inline, "matrix")
    assert set(tuned) == {f"{name}/finetuned" for name in ("zero-shot", "full", "lora", "qlora")}
    for record in (*tuned.values(), *_rows(inline, "compress").values()):
        extra = record.costs["cell"].extra
        trained = {"train_s", "epochs"} if record.model != "zero-shot" else set()
        assert trained | {"model_bytes", "latency_1_s", "latency_8_s"} <= set(extra)


CHECKS = {"log_anomaly": _check_anomalies, "compression": _check_compression}


@pytest.fixture(params=CHECKS)
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


@pytest.mark.slow
def test_a_seed_paper_is_rehearsed_on_generated_sessions(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    CHECKS[name](_rehearse(name, tmp_path, monkeypatch, _generated(tmp_path)))


@pytest.mark.slow
@pytest.mark.shared_data
def test_a_seed_paper_is_rehearsed_on_real_sessions(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_data: Path
) -> None:
    CHECKS[name](_rehearse(name, tmp_path, monkeypatch, shared_data.parent))
