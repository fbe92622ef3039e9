"""The training engine: determinism, early stopping, validation, silence."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_net import NoisyCollate, fit, make_net, weights, with_settings
from transformers import BertConfig, BertForMaskedLM

from results.errors import InputError


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
