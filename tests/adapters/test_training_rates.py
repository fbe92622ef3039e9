"""Rates that differ between weights and along a cycle, and Adam's other constants."""

from pathlib import Path
from typing import Any

import pytest
import torch
from small_net import fit, make_net, with_settings
from torch import nn

from adapters.training_rates import one_cycle, rate_of, split_by_rate

RATES = (("body.0.", 0.25), ("body.", 0.5))


def test_the_longest_beginning_that_fits_decides() -> None:
    assert rate_of("body.0.weight", RATES) == 0.25
    assert rate_of("body.3.bias", RATES) == 0.5
    assert rate_of("head.weight", RATES) == 1.0
    assert rate_of("head.weight", (("", 0.1),)) == 0.1


def test_each_weight_is_in_one_group_with_its_rate_and_decay() -> None:
    net: Any = make_net()
    biases = [net.body[0].bias, net.body[3].bias]
    weights = [net.body[0].weight, net.body[3].weight]
    groups = [{"params": weights, "weight_decay": 0.1}, {"params": biases, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.4)
    split_by_rate(optimizer, net, RATES)
    told = {
        id(weight): (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for weight in group["params"]
    }
    assert [told[id(weight)] for weight in weights] == [(0.1, 0.1), (0.2, 0.1)]
    assert [told[id(bias)] for bias in biases] == [(0.1, 0.0), (0.2, 0.0)]


def cycle(steps: int, warmup_share: float) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule, rates = one_cycle(optimizer, steps=steps, warmup_share=warmup_share), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def test_one_cycle_is_torchs_own() -> None:
    """torch counts the rise in whole steps, less one, hence the 101 and the 26."""
    rates = cycle(101, 25 / 101)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=2.0,
        total_steps=101,
        pct_start=26 / 101,
        div_factor=25,
        final_div_factor=1e5 / 25,
        cycle_momentum=False,
    )
    for step, rate in enumerate(rates):
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6), step
        optimizer.step()
        if step < 100:
            theirs.step()


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.9])
def test_short_trainings_have_a_cycle_too(steps: int, share: float) -> None:
    rates = cycle(steps, share)
    assert all(0.0 < rate <= 2.0 for rate in rates)


def moved(folder: Path, **changes: object) -> dict[str, float]:
    """How far each weight is moved by one epoch."""
    before, after = make_net(), make_net()
    fit(after, folder, with_settings(epochs=1, **changes))
    ends = dict(after.named_parameters())
    return {k: float((ends[k] - w).detach().norm()) for k, w in before.named_parameters()}


def test_a_factor_slows_its_weights_alone(tmp_path: Path) -> None:
    plain = moved(tmp_path / "plain")
    slowed = moved(tmp_path / "slowed", rates=(("body.0.", 0.1),))
    assert slowed["body.0.weight"] < 0.2 * plain["body.0.weight"]
    assert slowed["body.3.weight"] == pytest.approx(plain["body.3.weight"], rel=0.2)


@pytest.mark.parametrize("changes", [{"betas": (0.5, 0.6)}, {"eps": 0.1}])
def test_adams_constants_are_passed_on(tmp_path: Path, changes: dict[str, object]) -> None:
    assert moved(tmp_path / "a") != moved(tmp_path / "b", **changes)
