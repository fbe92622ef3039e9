"""The embed job in shards: nothing twice, nothing that depends on what was computed before."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Inline, run_in_process, write_logs

from embedders import vectors
from jobs import efficiency

SUITE = """
name: shards
seeds: [{seeds}]
corpus: {{loader: folder, path: logs}}
models: [{{name: m, adapter: "./counting_encoder.py:Counting"{settings}}}]
classifiers: [decision_tree]
compute: {{threads: 1, precision: fp32, shard_tokens: 2048, batch_tokens: {batch_tokens}}}
"""


class Bench:
    """A folder with logs and an encoder that counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        write_logs(folder / "logs")
        code = (Path(__file__).parents[1] / "counting_encoder.py").read_text()
        (folder / "counting_encoder.py").write_text(f"{code}# of {folder}\n")  # loaded once a text

    def tell(self, name: str, value: float | None) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        if value is not None:
            path.write_text(str(value))

    def run(self, *, seeds: str = "0", batch_tokens: int = 660, settings: str = "") -> Inline:
        text = SUITE.format(seeds=seeds, batch_tokens=batch_tokens, settings=settings)
        return run_in_process(self.folder, text)

    def batches(self) -> list[tuple[int, int]]:
        """Sizes of the batches since the last call."""
        path = self.folder / "batches"
        lines = path.read_text().splitlines() if path.is_file() else []
        path.unlink(missing_ok=True)
        return [(int(rows), int(tokens)) for _, rows, tokens in map(str.split, lines)]

    def embedding(self, run: Inline) -> tuple[np.ndarray, dict[str, Any]]:
        record = next(record for record in run.records if record.model == "m")
        folder = run.store.root / record.artifacts["vectors"].path
        matrix = vectors.load(folder).matrix
        assert isinstance(matrix, np.ndarray)
        return matrix, json.loads((folder / "card.json").read_text())


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench on which no latency is measured, so that all batches are of the embedding."""
    monkeypatch.setattr(efficiency, "SAMPLES", 0)
    return Bench(tmp_path / "bench")


def test_a_second_seed_embeds_nothing(bench: Bench) -> None:
    bench.run()
    assert bench.batches()
    run = bench.run(seeds="0, 1")
    assert set(run.reasons.values()) == {"ok"} and bench.batches() == []


def test_a_new_document_costs_the_shard_it_joins_and_gives_what_a_fresh_store_gives(
    bench: Bench, tmp_path: Path
) -> None:
    first = bench.embedding(bench.run())[1]
    whole = bench.batches()
    assert first["shards"] > 3
    fresh = Bench(tmp_path / "fresh")
    for one in (bench, fresh):
        text = "C: nothing like it was seen before\n" * 3
        (one.folder / "logs" / "net" / "13b.log").write_text(text)
    extended = bench.embedding(bench.run())
    assert 0 < len(bench.batches()) < len(whole) / 2
    expected = fresh.embedding(fresh.run())
    assert extended[0].tobytes() == expected[0].tobytes()
    assert extended[1] == expected[1]


def test_another_batch_plan_shares_nothing(bench: Bench) -> None:
    bench.run()
    whole = bench.batches()
    bench.run(batch_tokens=330)
    assert len(bench.batches()) > len(whole)


def test_a_failure_loses_the_shard_in_hand_and_no_other(bench: Bench) -> None:
    bench.run()
    whole = bench.batches()
    shutil.rmtree(bench.folder / "store")
    bench.tell("fail_after", len(whole) // 2)
    run = bench.run()
    assert "the machine broke" in run.reasons["embed:m"]
    bench.batches()
    bench.tell("fail_after", None)
    matrix, card = bench.embedding(bench.run())
    again = bench.batches()
    per_shard = len(whole) / card["shards"]
    assert len(again) <= len(whole) - len(whole) // 2 + 2 * per_shard
    assert matrix.shape == (42, 4) and np.isfinite(matrix).all()


def test_a_batch_that_does_not_fit_halves_the_budget_on_the_record_and_for_the_next(
    bench: Bench,
) -> None:
    plain = bench.embedding(bench.run())
    bench.batches()
    shutil.rmtree(bench.folder / "store")
    bench.tell("limit", 330)
    halved = bench.embedding(bench.run())
    assert [halved[1][key] for key in ("batch_tokens", "halved_from")] == [330, 660]
    assert "halved_from" not in plain[1]
    assert max(rows * tokens for rows, tokens in bench.batches()) == 660
    np.testing.assert_allclose(halved[0], plain[0], atol=1e-6)
    bench.run(settings=", text: masked")
    assert max(rows * tokens for rows, tokens in bench.batches()) <= 330


def test_a_window_that_does_not_fit_is_the_users_to_mend(bench: Bench) -> None:
    bench.tell("limit", 50)
    reason = bench.run().reasons["embed:m"]
    assert "one window of 66 tokens does not fit into the device's memory: set a smaller" in reason


def test_costs_count_what_earlier_shards_had_taken(bench: Bench) -> None:
    bench.tell("slow", 0.01)
    first = bench.run()
    (bench.folder / "logs" / "net" / "13b.log").write_text("C: something new\n")
    second = bench.run()
    costs = [
        next(r for r in run.records if r.model == "m").costs["vectors"] for run in (first, second)
    ]
    assert costs[0].extra["reused_s"] == 0
    assert costs[1].spent_s > costs[1].wall_s + 0.1


def test_a_document_takes_what_its_reading_and_its_windows_take(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "bench")
    bench.tell("slow", 0.004)
    run = bench.run()
    costs = next(r for r in run.records if r.model == "m").costs
    extra = costs["vectors"].extra
    windows = extra["windows_per_document"]
    assert isinstance(windows, float) and windows > 3
    assert 0.004 * windows < extra["latency_1_s"] < 0.016 * windows  # type: ignore[operator]
    assert extra["latency_8_s"] < 0.6 * extra["latency_1_s"]  # type: ignore[operator]
    assert extra["model_bytes_missing"] == "the model does not tell how many weights it has"
    assert extra["shards_rss_bytes"] > 10_000_000 and extra["shards_device_bytes"] == 0
    known = {"train_s", "model_bytes", "latency_1_s", "latency_8_s"}
    assert known <= set(costs["cell"].extra)
    features = next(r for r in run.records if r.model == "tfidf-word").costs["vectors"].extra
    assert {"latency_1_s", "latency_8_s", "model_bytes_missing"} <= set(features)


def test_windows_found_in_the_store_bring_the_latency_they_were_measured_with(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path / "bench")
    bench.tell("slow", 0.004)
    first, second = bench.run(), bench.run(settings=", overlap: 33")
    assert set(second.reasons.values()) == {"ok"}
    costs = [
        next(r for r in run.records if r.model == "m").costs["vectors"] for run in (first, second)
    ]
    assert costs[1].extra["reused_s"] > 0  # type: ignore[operator]
    assert costs[1].extra["latency_1_s"] == pytest.approx(costs[0].extra["latency_1_s"], rel=0.3)
