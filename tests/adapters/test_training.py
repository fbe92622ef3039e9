"""The training engine: determinism, resuming, early stopping, silence."""

import copy
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import BertConfig, BertForMaskedLM

from adapters.training import TrainingResult, TrainingSettings, train
from adapters.training_order import EpochSampler
from results.errors import InputError

SETTINGS = TrainingSettings(epochs=4, batch_size=8, learning_rate=0.01, seed=3)


class Net(nn.Module):
    """Two layers with dropout, so that the global generator matters while training."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))

    def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        assert set(batch) == {"x", "labels"}
        logits = self.body(batch["x"])
        return {"loss": nn.functional.cross_entropy(logits, batch["labels"]), "logits": logits}


class NoisyCollate:
    """Adds noise that derives from (epoch, example), as masking does."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def __call__(self, examples: list[tuple[int, np.ndarray, int]]) -> dict[str, torch.Tensor]:
        epoch = self.epochs[-1]
        noise = [np.random.default_rng([epoch, i]).normal(0, 0.1, 4) for i, _, _ in examples]
        x = np.stack([x for _, x, _ in examples]) + np.stack(noise)
        labels = torch.tensor([label for _, _, label in examples])
        return {"x": torch.tensor(x, dtype=torch.float32), "labels": labels}


def make_net() -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net()


def make_data(count: int, seed: int) -> list[tuple[int, np.ndarray, int]]:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, 4))
    return [(i, row, int(row.sum() > 0)) for i, row in enumerate(rows)]


def accuracy(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return {"accuracy": float((logits.argmax(1) == labels).mean())}


def fit(
    net: nn.Module, workdir: Path, settings: TrainingSettings = SETTINGS, **changes: object
) -> TrainingResult:
    arguments: dict[str, object] = {
        "train_data": make_data(44, 1),
        "valid_data": make_data(20, 2),
        "collate": NoisyCollate(),
        "metrics": accuracy,
        **changes,
    }
    return train(net, settings=settings, workdir=workdir, **arguments)  # type: ignore[arg-type]


def weights(net: nn.Module) -> bytes:
    return b"".join(p.detach().numpy().tobytes() for p in net.state_dict().values())


def with_settings(**changes: object) -> TrainingSettings:
    return replace(SETTINGS, **changes)  # type: ignore[arg-type]


def test_training_lowers_the_loss_and_draws_its_curves(tmp_path: Path) -> None:
    net = make_net()
    result = fit(net, tmp_path)
    curves = {curve.name: curve for curve in result.curves}
    assert set(curves) == {"train_loss", "valid_loss", "valid_accuracy"}
    assert curves["train_loss"].at == [1, 2, 3, 4]
    assert curves["valid_loss"].at == [0, 1, 2, 3, 4]
    assert curves["valid_loss"].values[-1] < curves["valid_loss"].values[0]
    assert (result.steps, result.epochs, result.best_epoch) == (24, 4.0, None)
    assert not net.training


def test_same_seed_gives_the_same_bytes_whatever_the_global_generators_hold(tmp_path: Path) -> None:
    first, second = make_net(), make_net()
    one = fit(first, tmp_path / "a")
    random.random(), np.random.rand(3), torch.rand(5)  # noqa: NPY002 - the disturbance
    two = fit(second, tmp_path / "b")
    assert weights(first) == weights(second)
    assert one == two


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    first, second = make_net(), make_net()
    fit(first, tmp_path / "a")
    fit(second, tmp_path / "b", with_settings(seed=4))
    assert weights(first) != weights(second)


def test_global_generators_are_left_as_they_were(tmp_path: Path) -> None:
    before = random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state()  # noqa: NPY002
    fit(make_net(), tmp_path)
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tobytes() == before[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])


class KilledError(Exception):
    pass


def kill_at(share: float):  # type: ignore[no-untyped-def]
    def progress(done: float) -> None:
        if done >= share:
            raise KilledError

    return progress


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


def test_checkpoints_hold_only_what_is_trained(tmp_path: Path) -> None:
    net = make_net()
    net.body[0].requires_grad_(False)
    before = net.body[0].weight.detach().clone()
    fit(net, tmp_path)
    assert torch.equal(net.body[0].weight, before)
    for path in tmp_path.glob("checkpoint-*/model.safetensors"):
        assert set(load_file(path)) == {"body.3.weight", "body.3.bias"}


def test_a_batch_that_the_workers_cannot_share_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="batch_size 8 cannot be shared equally by 3 workers"):
        fit(make_net(), tmp_path, with_settings(workers=3), metrics=None)


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


def test_patience_stops_early_and_restores_the_best_weights(tmp_path: Path) -> None:
    settings = with_settings(epochs=60, learning_rate=0.3, patience=2)
    net = make_net()
    result = fit(net, tmp_path / "a", settings)
    valid = next(curve for curve in result.curves if curve.name == "valid_loss").values[1:]
    best = valid.index(min(valid)) + 1
    assert result.best_epoch == best
    assert result.epochs == len(valid) == best + 2 < 60
    again = fit(make_net(), tmp_path / "b", with_settings(epochs=1, learning_rate=1e-12))
    assert again.best_epoch is None
    check = fit(net, tmp_path / "c", with_settings(epochs=1, learning_rate=1e-12))
    before = next(curve for curve in check.curves if curve.name == "valid_loss").values[0]
    assert before == valid[best - 1]


def test_training_stopped_early_is_not_taken_further_by_calling_it_again(tmp_path: Path) -> None:
    settings = with_settings(epochs=60, learning_rate=0.3, patience=2)
    first, second = make_net(), make_net()
    expected = fit(first, tmp_path, settings)
    assert fit(second, tmp_path, settings) == expected
    assert weights(second) == weights(first)


def test_best_may_be_judged_by_a_metric(tmp_path: Path) -> None:
    settings = with_settings(epochs=60, learning_rate=0.3, patience=3)
    result = fit(make_net(), tmp_path, settings, best_by="accuracy")
    values = next(curve for curve in result.curves if curve.name == "valid_accuracy").values[1:]
    assert result.best_epoch == values.index(max(values)) + 1


def test_collator_hears_the_epoch_and_zero_for_each_validation(tmp_path: Path) -> None:
    collate = NoisyCollate()
    fit(make_net(), tmp_path, with_settings(epochs=2), collate=collate)
    assert collate.epochs == [0, 1, 0, 2, 0]


def test_validation_loss_is_the_exact_mean_over_labels(tmp_path: Path) -> None:
    losses = []
    for batch_size in (1, 7, 20):
        settings = with_settings(epochs=1, batch_size=batch_size)
        result = fit(make_net(), tmp_path / str(batch_size), settings)
        losses.append(result.curves[-1].values[0])
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-6)


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


def test_training_without_validation_or_metrics(tmp_path: Path) -> None:
    net = make_net()
    before = weights(net)
    result = fit(net, tmp_path, valid_data=None, metrics=None)
    assert [curve.name for curve in result.curves] == ["train_loss"]
    assert weights(net) != before


def test_nothing_is_printed_and_files_stay_in_the_workdir(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    fit(make_net(), tmp_path / "work")
    assert capfd.readouterr() == ("", "")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert {p.name for p in (tmp_path / "work").iterdir()} == {"checkpoint-18", "checkpoint-24"}


def test_language_model_is_restored_silently_to_its_best_epoch(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
        model = BertForMaskedLM(BertConfig(vocab_size=20, num_hidden_layers=1, **sizes))
        rows = torch.randint(0, 20, (24, 6)).tolist()

    def collate(examples: list[list[int]]) -> dict[str, torch.Tensor]:
        ids = torch.tensor(examples)
        return {"input_ids": ids, "labels": ids.where(ids % 2 == 0, -100)}

    data = {"train_data": rows[:16], "valid_data": rows[16:], "collate": collate, "metrics": None}
    settings = with_settings(epochs=30, learning_rate=0.1, patience=2)
    result = fit(model, tmp_path / "a", settings, **data)
    values = result.curves[-1].values
    assert result.best_epoch == values.index(min(values[1:])) < result.epochs
    check = fit(model, tmp_path / "b", with_settings(epochs=1, learning_rate=1e-12), **data)
    assert check.curves[-1].values[0] == pytest.approx(min(values[1:]), rel=1e-6)
    assert model.config.use_cache
    assert capfd.readouterr() == ("", "")


def test_bf16_trains_fp32_weights_and_leaves_the_forward_pass_alone(tmp_path: Path) -> None:
    net, exact = make_net(), make_net()
    fit(exact, tmp_path / "fp32")
    fit(net, tmp_path / "bf16", with_settings(precision="bf16"))
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    assert weights(net) != weights(exact)
    batch = {"x": torch.ones(1, 4), "labels": torch.tensor([0])}
    assert "forward" not in vars(net)
    with torch.no_grad():
        assert torch.equal(net(**batch)["logits"], net.body(batch["x"]))
