"""The embedding CNN: scikit-learn's contract, learning, stopping early, bytes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from classifiers.embedding_cnn import EmbeddingCnn
from classifiers.embedding_estimator import EmbeddingCnnClassifier
from classifiers.matrix import LogisticRegression
from classifiers.registry import CLASSIFIERS
from results.errors import InputError
from results.registry import build

SMALL = EmbeddingCnn(channels=4, dense=16, epochs=6, learning_rate=0.01)
CLASSES = ["L0", "L2", "L3", "Pass"]


@parametrize_with_checks(
    [EmbeddingCnnClassifier(settings=replace(SMALL, epochs=3, learning_rate=0.03))]
)
def test_estimator_keeps_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


def blobs(count: int, seed: int = 0, dimension: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Four classes as frequent as in the seed paper, in clouds that overlap little."""
    centres = np.random.default_rng(9).normal(scale=0.7, size=(4, dimension))
    generator = np.random.default_rng(seed)
    numbers = generator.choice(4, size=count, p=[0.06, 0.1, 0.16, 0.68])
    x = centres[numbers] + generator.normal(size=(count, dimension))
    return x.astype(np.float32), np.array(CLASSES)[numbers]


def fitted_on(count: int, settings: EmbeddingCnn = SMALL, seed: int = 0) -> EmbeddingCnnClassifier:
    return EmbeddingCnnClassifier(settings=settings, random_state=seed).fit(*blobs(count))


def state(fitted: EmbeddingCnnClassifier) -> dict[str, torch.Tensor]:
    assert fitted.network_ is not None
    found: dict[str, torch.Tensor] = fitted.network_.state_dict()
    return found


def test_default_network_is_close_to_logistic_regression_on_clouds() -> None:
    x, y = blobs(300)
    x_test, y_test = blobs(200, seed=1)
    ours = EmbeddingCnn().estimator(seed=0, threads=1).fit(x, y)
    linear = LogisticRegression().estimator(seed=0, threads=1).fit(x, y)
    shares = [np.mean(estimator.predict(x_test) == y_test) for estimator in (ours, linear)]
    assert shares[0] > np.mean(y_test == "Pass") + 0.15, "beats the majority"
    assert shares[0] > shares[1] - 0.06, shares


def test_same_seed_gives_the_same_weights_and_leaves_the_generators_alone() -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = fitted_on(80)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    torch.rand(3)
    second, other = clone(first).fit(*blobs(80)), fitted_on(80, seed=1)
    assert all(torch.equal(state(first)[name], state(second)[name]) for name in state(first))
    assert not torch.equal(state(first)["stem.weight"], state(other)["stem.weight"])


def test_number_of_threads_changes_nothing_and_is_put_back() -> None:
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(state(fitted_on(80)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_early_stopping_keeps_the_best_epochs_weights() -> None:
    settings = replace(SMALL, epochs=12, patience=2, learning_rate=0.05, dropout=0.0)
    fitted = fitted_on(120, settings)
    curves = {curve.name: curve for curve in fitted.curves_}
    names = {"train_loss", "valid_loss", "valid_accuracy", "valid_macro_f1"}
    assert set(curves) == names
    losses = curves["valid_loss"].values
    assert fitted.best_epoch_ == 1 + int(np.argmin(losses[1:]))
    assert len(losses) == fitted.best_epoch_ + settings.patience + 1, "stopped, and early"
    shorter = fitted_on(120, replace(settings, epochs=12, patience=1))
    assert fitted.best_epoch_ == shorter.best_epoch_
    assert all(torch.equal(state(fitted)[name], state(shorter)[name]) for name in state(fitted))


def test_groups_stay_whole_in_the_validation_part(monkeypatch: pytest.MonkeyPatch) -> None:
    from classifiers import embedding_estimator

    seen = []
    plain = embedding_estimator.learn

    def spy(network: Any, examples: Any, valid: np.ndarray, **others: Any) -> Any:
        seen.append(valid)
        return plain(network, examples, valid, **others)

    monkeypatch.setattr(embedding_estimator, "learn", spy)
    x, y = blobs(90)
    groups = np.arange(90) // 3
    EmbeddingCnnClassifier(settings=SMALL).fit(x, y, groups=groups)
    EmbeddingCnnClassifier(settings=SMALL).fit(x, y)
    whole, torn = seen
    assert 0 < whole.sum() < 45
    assert all(whole[groups == g].all() or not whole[groups == g].any() for g in groups)
    assert any(torn[groups == g].any() and not torn[groups == g].all() for g in groups)


def test_classes_are_weighed_alike() -> None:
    """Where the vectors tell nothing, both classes must be as likely, however frequent."""
    x = np.random.default_rng(0).normal(size=(200, 8)) * 1e-6
    y = np.array(["common"] * 160 + ["rare"] * 40)
    settings = replace(SMALL, epochs=15, learning_rate=0.003, l2=0.0)
    fitted = EmbeddingCnnClassifier(settings=settings).fit(np.zeros_like(x), y)
    assert fitted.predict_proba(np.zeros((1, 8))).ravel() == pytest.approx([0.5, 0.5], abs=0.1)


def test_a_prediction_does_not_depend_on_the_rows_beside_it() -> None:
    fitted = fitted_on(80)
    x, _ = blobs(300, seed=2)
    alone = np.concatenate([fitted.predict_proba(row[None]) for row in x[:20]])
    np.testing.assert_allclose(fitted.predict_proba(x)[:20], alone, atol=1e-12)


def test_one_document_per_class_trains_without_a_validation_part() -> None:
    x = np.eye(2, 8, dtype=np.float32)
    fitted = EmbeddingCnnClassifier(settings=SMALL).fit(x, ["a", "b"])
    assert [curve.name for curve in fitted.curves_] == ["train_loss"]
    assert fitted.best_epoch_ is None
    assert fitted.parameters_ == sum(weight.numel() for weight in state(fitted).values())


@pytest.mark.parametrize("dimension", [1, 2, 384, 1000])
@pytest.mark.parametrize("layers", [1, 4])
def test_network_takes_vectors_of_any_length(dimension: int, layers: int) -> None:
    x, y = blobs(30, dimension=dimension)
    settings = replace(SMALL, layers=layers, epochs=1)
    assert len(EmbeddingCnnClassifier(settings=settings).fit(x, y).predict(x)) == 30


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "embedding_cnn: epochs must be at least 1"),
        ({"dropout": 1.0}, "embedding_cnn: dropout must be at least 0 and below 1"),
        ({"validation_share": 0}, "embedding_cnn: validation_share must lie between 0 and 1"),
        ({"learning_rate": 0}, "embedding_cnn: learning_rate must be above 0"),
        ({"layers": 5}, "setting 'layers'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build("classifier", "embedding_cnn", CLASSIFIERS, settings)
