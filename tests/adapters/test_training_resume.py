"""What an interrupted training is resumed from, and what not."""

import copy
from pathlib import Path

import pytest
import torch
from small_net import KilledError, Net, fit, kill_at, make_net, weights, with_settings
from torch import nn


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("patience", [None, 2])
def test_resumed_training_equals_an_undisturbed_one(
    tmp_path: Path, share: float, patience: int | None
) -> None:
    settings = with_settings(patience=patience, weight_decay=0.1, warmup_share=0.2)
    whole, broken, resumed = make_net(), make_net(), make_net()
    expected = fit(whole, tmp_path / "whole", settings)
    with pytest.raises(KilledError):
        fit(broken, tmp_path / "broken", settings, progress=kill_at(share))
    (tmp_path / "broken").rename(tmp_path / "moved")
    result = fit(resumed, tmp_path / "moved", settings)
    assert weights(resumed) == weights(whole)
    assert result == expected


class NormedNet(Net):
    """With running means, which training moves without gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.BatchNorm1d(4), self.body)


def test_what_training_moves_without_gradients_is_resumed_too(tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        whole = NormedNet()
    broken, resumed = copy.deepcopy(whole), copy.deepcopy(whole)
    fit(whole, tmp_path / "whole")
    with pytest.raises(KilledError):
        fit(broken, tmp_path / "broken", progress=kill_at(0.6))
    fit(resumed, tmp_path / "broken")
    assert weights(resumed) == weights(whole)


def test_resuming_goes_on_after_the_last_complete_epoch(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        fit(make_net(), tmp_path, progress=kill_at(0.6))
    seen: list[float] = []
    fit(make_net(), tmp_path, progress=seen.append)
    assert seen == [step / 24 for step in range(12, 25)]


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.pt", "complete.json"])
def test_damaged_checkpoint_is_not_resumed_from(tmp_path: Path, file: str) -> None:
    whole, resumed = make_net(), make_net()
    fit(whole, tmp_path / "whole")
    with pytest.raises(KilledError):
        fit(make_net(), tmp_path / "broken", progress=kill_at(0.6))
    damaged = tmp_path / "broken" / "checkpoint-12" / file
    if file == "complete.json":
        damaged.unlink()
    else:
        damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    seen: list[float] = []
    fit(resumed, tmp_path / "broken", progress=seen.append)
    assert seen[0] == 6 / 24
    assert weights(resumed) == weights(whole)


def test_checkpoint_of_other_settings_is_not_resumed_from(tmp_path: Path) -> None:
    fresh, second = make_net(), make_net()
    fit(make_net(), tmp_path / "used")
    fit(second, tmp_path / "used", with_settings(learning_rate=0.02))
    fit(fresh, tmp_path / "fresh", with_settings(learning_rate=0.02))
    assert weights(second) == weights(fresh)


def layers(*sizes: int) -> Net:
    """A network of these widths; names tell a layer's place only."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Net()
        pairs = zip((4, *sizes), (*sizes, 2), strict=True)
        net.body = nn.Sequential(*(nn.Linear(*pair) for pair in pairs))
    return net


@pytest.mark.parametrize(
    ("first", "second"),
    [((8, 8), (8, 8, 8)), ((8, 8), (16, 8)), ((3, 10), (6, 5)), ((8, 8, 8), (8, 8))],
    ids=["more layers", "another width", "as many weights", "fewer layers"],
)
def test_checkpoint_of_another_architecture_is_not_resumed_from(
    tmp_path: Path, first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    with pytest.raises(KilledError):
        fit(layers(*first), tmp_path / "used", progress=kill_at(0.6))
    assert (tmp_path / "used" / "checkpoint-12").exists()
    resumed, fresh = layers(*second), layers(*second)
    seen: list[float] = []
    result = fit(resumed, tmp_path / "used", progress=seen.append)
    assert seen[0] == 0.0
    assert result == fit(fresh, tmp_path / "fresh")
    assert weights(resumed) == weights(fresh)


def test_checkpoint_over_another_frozen_base_is_not_resumed_from(tmp_path: Path) -> None:
    """What is trained is alike; what it stands on is not."""
    nets = layers(8, 8), layers(5, 8), layers(5, 8)
    for net in nets:
        net.body[:2].requires_grad_(False)
    with pytest.raises(KilledError):
        fit(nets[0], tmp_path / "used", progress=kill_at(0.6))
    fit(nets[1], tmp_path / "used")
    fit(nets[2], tmp_path / "fresh")
    assert weights(nets[1]) == weights(nets[2])


def test_training_stopped_early_is_not_taken_further_by_calling_it_again(tmp_path: Path) -> None:
    settings = with_settings(epochs=60, learning_rate=0.3, patience=2)
    first, second = make_net(), make_net()
    expected = fit(first, tmp_path, settings)
    assert fit(second, tmp_path, settings) == expected
    assert weights(second) == weights(first)
