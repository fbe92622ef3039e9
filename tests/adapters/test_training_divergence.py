"""A loss that is not a number: which batch, which examples, whose fault."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_net import NoisyCollate, fit, make_data, make_net, with_settings

from adapters.training_order import EpochSampler
from results.errors import InputError


class BrokenCollate(NoisyCollate):
    """One example is not a number from a certain epoch on."""

    def __init__(self, example: int, *, epoch: int = 0) -> None:
        super().__init__()
        self.example, self.epoch = example, epoch

    def __call__(self, examples: list[tuple[int, np.ndarray, int]]) -> dict[str, torch.Tensor]:
        batch = super().__call__(examples)
        if self.epochs[-1] >= self.epoch:
            batch["x"][[i for i, row in enumerate(examples) if row[0] == self.example]] = np.nan
        return batch


def batch_holding(example: int, *, epoch: int) -> int:
    sampler = EpochSampler(44, seed=3, batch_size=8, lengths=None)
    sampler.epoch = epoch
    return list(sampler).index(example) // 8 + 1


@pytest.mark.parametrize("epoch", [1, 3])
def test_loss_that_is_not_a_number_names_the_batch(tmp_path: Path, epoch: int) -> None:
    batch = batch_holding(5, epoch=epoch)
    told = (
        rf"training loss is nan at batch {batch} of 6 of epoch {epoch} "
        rf"\(step {6 * epoch - 6 + batch} of 24\), which held the training examples "
        r"(\d+, )*5(, \d+)*, counted from 0; "
        r"look at these examples or lower learning_rate \(now 0.01\)$"
    )
    with pytest.raises(InputError, match=told):
        fit(make_net(), tmp_path, collate=BrokenCollate(5, epoch=epoch), valid_data=None)


def test_weights_that_are_lost_are_told_from_bad_data(tmp_path: Path) -> None:
    settings = with_settings(learning_rate=1e38, precision="bf16", batch_size=16)
    told = (
        r"loss is (nan|inf) at batch \d of 3 .*, which held the training examples (\d+, ){8}\.\.\. "
        r"\(16 in all\), counted from 0; the weights were lost before that: lower learning_rate "
        r"\(now 1e\+38\) or use precision fp32$"
    )
    with pytest.raises(InputError, match=told):
        fit(make_net(), tmp_path, settings, valid_data=None)


def test_validation_loss_that_is_not_a_number_names_the_batch(tmp_path: Path) -> None:
    data = make_data(20, 2)
    data[11] = (11, np.full(4, np.nan), 0)
    told = (
        r"validation loss is nan after epoch 0 \(step 0 of 24\), first in batch 2 of 3, which held "
        "the validation examples 8, 9, 10, 11, 12, 13, 14, 15, counted from 0; look at these"
    )
    with pytest.raises(InputError, match=told):
        fit(make_net(), tmp_path, valid_data=data)
