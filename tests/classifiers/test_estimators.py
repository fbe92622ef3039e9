"""Our own scikit-learn estimators: scikit-learn's contract, class weights, scaling."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import parametrize_with_checks
from xgboost import XGBClassifier

from classifiers.balanced_xgboost import BalancedXgboost
from classifiers.scaling import DenseScaler


@parametrize_with_checks([BalancedXgboost(n_estimators=10), DenseScaler()])
def test_estimator_keeps_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


def unbalanced() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    y = np.array(["a"] * 60 + ["b"] * 15 + ["c"] * 5)
    x = generator.normal(size=(80, 5)) + (y == "b")[:, None] - (y == "c")[:, None]
    return x, y


def test_xgboost_weighs_each_document_by_n_over_classes_times_class_size() -> None:
    x, y = unbalanced()
    encoded = np.unique(y, return_inverse=True)[1]
    weights = np.select([y == "a", y == "b", y == "c"], [80 / 180, 80 / 45, 80 / 15])
    assert weights == pytest.approx(compute_sample_weight("balanced", y))
    theirs = XGBClassifier(n_estimators=5, tree_method="hist", random_state=0, n_jobs=1)
    theirs.fit(x, encoded, sample_weight=weights)
    plain = XGBClassifier(n_estimators=5, tree_method="hist", random_state=0, n_jobs=1)
    plain.fit(x, encoded)
    ours = BalancedXgboost(n_estimators=5).fit(x, y).predict_proba(x)
    assert np.array_equal(ours, theirs.predict_proba(x))
    assert not np.array_equal(ours, plain.predict_proba(x))


def test_xgboost_model_can_be_saved_in_its_own_format(tmp_path: Path) -> None:
    x, y = unbalanced()
    fitted = BalancedXgboost(n_estimators=5).fit(x, y)
    fitted.model_.save_model(tmp_path / "model.ubj")
    loaded = XGBClassifier()
    loaded.load_model(tmp_path / "model.ubj")
    assert np.array_equal(loaded.predict_proba(x), fitted.predict_proba(x))


def test_dense_vectors_are_standardised_with_the_training_statistics() -> None:
    scaler = DenseScaler().fit(np.array([[0.0, 10.0], [2.0, 30.0]]))
    assert scaler.transform(np.array([[1.0, 40.0]])).tolist() == [[0.0, 2.0]]


def test_sparse_vectors_pass_unchanged() -> None:
    x = csr_matrix(np.array([[0.0, 10.0], [2.0, 0.0]]))
    assert (DenseScaler().fit_transform(x) != x).nnz == 0


def test_scaler_refuses_to_mix_dense_and_sparse() -> None:
    x = np.array([[0.0, 10.0], [2.0, 30.0]])
    with pytest.raises(ValueError, match="fitted on dense and asked to scale sparse"):
        DenseScaler().fit(x).transform(csr_matrix(x))
