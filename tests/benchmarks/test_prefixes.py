"""Shared prefixes: what can be saved is counted right, and the prototype computes the same."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from transformers import AutoModel

from adapters.catalogue import ENTRIES
from adapters.tiny import build_twin

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


class Modules(NamedTuple):
    prefixes: ModuleType
    forward: ModuleType


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Modules:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import prefix_forward
    import prefixes

    return Modules(prefixes, prefix_forward)


@pytest.fixture
def windows() -> list[np.ndarray]:
    """A family tree of prefixes, a window that begins another one, and one that is alone."""
    rng = np.random.default_rng(0)
    stem, branch = rng.integers(3, 300, 20), rng.integers(3, 300, 9)
    tails = [rng.integers(3, 300, length) for length in (1, 4, 4, 13, 30)]
    found = [stem, *(np.concatenate([stem, tail]) for tail in tails)]
    found += [np.concatenate([stem, branch, tail]) for tail in tails]
    found.append(rng.integers(3, 300, 17))
    rng.shuffle(order := np.arange(len(found)))
    return [found[number] for number in order]


def _model(folder: Path, name: str, dtype: torch.dtype) -> Any:
    config = {**ENTRIES[name].config, "initializer_range": 0.2}  # so that attention counts
    build_twin(folder, config, ["a b c"])
    return AutoModel.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").eval()


@pytest.mark.parametrize("batch_tokens", [1, 40, 4096])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", ["llama2-7b", "mixtral-8x7b"])
def test_vectors_equal_those_of_the_plain_forward(
    modules: Modules,
    windows: list[np.ndarray],
    tmp_path: Path,
    name: str,
    dtype: torch.dtype,
    batch_tokens: int,
) -> None:
    model = _model(tmp_path, name, dtype)
    plain = modules.forward.plain_vectors(model, windows)
    shared = modules.forward.shared_vectors(model, windows, batch_tokens=batch_tokens, least=3)
    apart = (plain - shared).norm(dim=1) / plain.norm(dim=1)
    assert float(apart.max()) <= TOLERANCE[dtype]
    assert model.config._attn_implementation == "sdpa"


def test_every_prefix_is_packed_once(modules: Modules, windows: list[np.ndarray]) -> None:
    prefixes = {tuple(window[:stop]) for window in windows for stop in range(1, len(window) + 1)}
    packs = list(modules.forward.pack(windows, batch_tokens=50, least=1))
    assert sum(pieces[-1].stop for pieces in packs) == len(prefixes)
    assert sorted(piece.window for pieces in packs for piece in pieces) == list(range(len(windows)))
    assert all(pieces[-1].stop <= 50 or len(pieces) == 1 for pieces in packs)


def test_short_prefixes_are_computed_again(modules: Modules, windows: list[np.ndarray]) -> None:
    packs = list(modules.forward.pack(windows, batch_tokens=50, least=21))
    shared = {piece.shared for pieces in packs for piece in pieces}
    assert 0 in shared and min(shared - {0}) >= 21


def test_the_share_is_that_of_the_tree_of_tokens(
    modules: Modules, windows: list[np.ndarray]
) -> None:
    prefixes = {tuple(window[:stop]) for window in windows for stop in range(1, len(window) + 1)}
    row = modules.prefixes.Sorted.of(windows)
    assert sum(row.lengths) - sum(row.shared) == len(prefixes)


def test_groups_are_divided_where_that_saves_most(modules: Modules) -> None:
    grouped = modules.prefixes.grouped
    assert grouped([0, 10, 10], step=1, least=2) == 20
    assert grouped([0, 10, 2, 10], step=1, least=2) == 20  # two pairs, not one group of 2 tokens
    assert grouped([0, 10, 9, 10], step=1, least=2) == 27  # one group
    assert grouped([0, 10, 9, 10], step=4, least=2) == 24
    assert grouped([0, 10, 2, 10], step=1, least=3) == 6
    assert grouped([0], step=1, least=2) == grouped([], step=1, least=2) == 0


def test_a_sample_shares_as_much_as_all(modules: Modules) -> None:
    rng = np.random.default_rng(1)
    stems = [rng.integers(3, 9, size) for size in rng.integers(1, 40, 60)]
    windows = [np.concatenate([stem, rng.integers(9, 99, 20)]) for stem in stems for _ in range(9)]
    chosen = modules.prefixes.sample(windows, tokens=6_000)
    assert len(chosen) < len(windows) / 2
    share = modules.prefixes.Sorted.of(windows).share
    assert modules.prefixes.Sorted.of(chosen).share == pytest.approx(share, abs=0.02)


@pytest.mark.slow
def test_quick_prints_well_formed_figures_with_the_generator_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "prefixes.py", "--quick"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"LOGMARK_SHARED": str(tmp_path), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["figure"].split()[0] for line in lines] == ["tokens", "tokens", "time"]
    assert all(set(line["conditions"]["corpora"]) == {"generator"} for line in lines[:2])
    assert 0 < lines[0]["value"] < lines[1]["value"] < 0.2
