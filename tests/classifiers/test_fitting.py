"""Every classifier of the matrix: learning, tuning, determinism, absent classes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.model_selection import StratifiedKFold

from classifiers.fitting import Fold, fit, predict
from classifiers.matrix import DecisionTree, LinearSvc, LogisticRegression, Majority, RandomForest
from classifiers.registry import CLASSIFIERS
from results.errors import InputError
from results.registry import build

LEARNERS = [name for name in CLASSIFIERS if name != "majority"]


def recipe_named(name: str) -> Any:
    small = {
        "embedding_cnn": {"epochs": 10, "learning_rate": 0.01},
        "random_forest": {"trees": 20},
        "xgboost": {"rounds": 10},
    }
    return build("classifier", name, CLASSIFIERS, small.get(name, {}))


def blobs(count: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    y = generator.choice(["Pass", "L2", "L3"], size=count, p=[0.6, 0.25, 0.15])
    centres = {"Pass": 0.0, "L2": 2.0, "L3": -2.0}
    x = generator.normal(size=(count, 6)) + np.array([[centres[name]] for name in y])
    return x.astype(np.float32), y


def folds_of(y: np.ndarray, count: int = 5) -> list[Fold]:
    return list(StratifiedKFold(count, shuffle=True, random_state=0).split(y, y))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", LEARNERS)
def test_classifier_learns_dense_and_sparse_vectors(name: str, sparse: bool) -> None:
    make: Callable[[np.ndarray], Any] = csr_matrix if sparse else np.asarray
    x, y = blobs()
    fitted = fit(recipe_named(name), make(x), y, folds=folds_of(y), tune=False, seed=0, threads=1)
    x_test, y_test = blobs(seed=1)
    said = predict(fitted, make(x_test))
    assert np.mean(said.labels == y_test) > 0.85
    assert fitted.cv_macro_f1 is not None
    assert fitted.cv_macro_f1 > 0.75
    assert fitted.best_params == {}
    assert said.classes == ["L2", "L3", "Pass"]
    assert said.scores is not None
    assert said.scores.shape == (90, 3)
    assert [said.classes[i] for i in said.scores.argmax(axis=1)] == said.labels.tolist()


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_same_inputs_give_the_same_bytes_on_two_threads(name: str) -> None:
    x, y = blobs()
    said = []
    for _ in range(2):
        fitted = fit(recipe_named(name), x, y, folds=folds_of(y, 2), tune=False, seed=5, threads=2)
        said.append((fitted.cv_macro_f1, predict(fitted, x).scores))
    assert said[0][0] == said[1][0]
    assert said[0][1].tobytes() == said[1][1].tobytes()  # type: ignore[union-attr]


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_two_classes_have_two_columns_of_scores(name: str) -> None:
    x, y = blobs()
    x, y = x[y != "L3"], y[y != "L3"]
    said = predict(fit(recipe_named(name), x, y, folds=[], tune=False, seed=0, threads=1), x)
    assert said.scores is not None
    assert said.scores.shape == (len(y), 2)
    assert [said.classes[i] for i in said.scores.argmax(axis=1)] == said.labels.tolist()


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_class_absent_from_a_folds_training_part_is_no_fault(name: str) -> None:
    x, y = blobs()
    rare = np.flatnonzero(y == "L3")
    rest = np.flatnonzero(y != "L3")
    folds = [(rest[:50], np.concatenate([rest[50:], rare]))]
    fitted = fit(recipe_named(name), x, y, folds=folds, tune=False, seed=0, threads=1)
    assert fitted.cv_macro_f1 is not None
    assert fitted.cv_macro_f1 <= 2 / 3


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_grid_holds_the_recipes_own_settings_first(name: str) -> None:
    recipe = recipe_named(name)
    for setting, values in recipe.grid().items():
        assert values[0] == getattr(recipe, setting)
        assert len(values) == len(set(values))


def test_tuning_takes_the_settings_with_the_best_score_and_refits_on_all() -> None:
    x, y = blobs()
    folds = folds_of(y)
    stump = DecisionTree(max_depth=1)
    plain = fit(stump, x, y, folds=folds, tune=False, seed=0, threads=1)
    tuned = fit(stump, x, y, folds=folds, tune=True, seed=0, threads=1)
    assert set(tuned.best_params) == {"max_depth", "min_leaf"}
    assert tuned.best_params["max_depth"] != 1
    assert tuned.cv_macro_f1 is not None
    assert plain.cv_macro_f1 is not None
    assert tuned.cv_macro_f1 > plain.cv_macro_f1
    by_hand = fit(
        DecisionTree(**tuned.best_params), x, y, folds=folds, tune=False, seed=0, threads=1
    )
    assert by_hand.cv_macro_f1 == tuned.cv_macro_f1
    assert np.array_equal(predict(by_hand, x).labels, predict(tuned, x).labels)


def test_tie_keeps_the_default() -> None:
    x, y = blobs()
    x *= 100  # any tree depth separates these
    fitted = fit(DecisionTree(), x, y, folds=folds_of(y, 2), tune=True, seed=0, threads=1)
    assert fitted.best_params["max_depth"] is None


def test_cross_validation_is_the_mean_macro_f1_over_the_folds() -> None:
    x = np.array([[0.0], [0.0], [0.0], [1.0], [0.0], [0.0], [1.0], [1.0]])
    y = np.array(["a", "a", "a", "b", "a", "b", "b", "b"])
    fold = (np.array([0, 1, 2, 3]), np.array([4, 5, 6, 7]))
    other = (np.array([4, 6, 7]), np.array([0, 1, 2, 3]))
    fitted = fit(DecisionTree(), x, y, folds=[fold, other], tune=False, seed=0, threads=1)
    first = (2 / 3 + 4 / 5) / 2  # a: P 1/2, R 1; b: P 1, R 2/3
    assert fitted.cv_macro_f1 == pytest.approx((first + 1.0) / 2)


def test_majority_says_the_most_frequent_class() -> None:
    x, y = blobs()
    fitted = fit(Majority(), x, y, folds=folds_of(y), tune=True, seed=0, threads=1)
    assert set(predict(fitted, x).labels) == {"Pass"}
    assert fitted.best_params == {}


def test_missing_cross_validation_carries_its_reason() -> None:
    x, y = blobs()
    fitted = fit(Majority(), x, y, folds=[], tune=False, seed=0, threads=1)
    assert (fitted.cv_macro_f1, fitted.cv_reason) == (None, "no folds")
    only = np.flatnonzero(y == "Pass")
    fold = (only, np.flatnonzero(y != "Pass"))
    fitted = fit(RandomForest(trees=2), x, y, folds=[fold], tune=False, seed=0, threads=1)
    assert fitted.cv_macro_f1 is None
    assert fitted.cv_reason == "fold 1 of 1 leaves fewer than two classes to learn from"
    with pytest.raises(InputError, match="RandomForest cannot be tuned: fold 1 of 1 leaves"):
        fit(RandomForest(), x, y, folds=[fold], tune=True, seed=0, threads=1)


def test_fold_that_validates_on_what_it_learns_from_is_a_fault() -> None:
    x, y = blobs()
    everything = np.arange(len(y))
    with pytest.raises(AssertionError, match="validates on what it learns from"):
        fit(Majority(), x, y, folds=[(everything, everything)], tune=False, seed=0, threads=1)


@pytest.mark.parametrize("recipe", [DecisionTree(max_depth=1), LogisticRegression(), LinearSvc()])
def test_classes_are_balanced(recipe: Any) -> None:
    """One feature that cannot tell the classes apart at x = 0: the rarer class must win there."""
    x = np.array([[0.0]] * 60 + [[1.0]] * 41 + [[0.0]] * 40)
    y = np.array(["common"] * 101 + ["rare"] * 40)
    fitted = fit(recipe, x, y, folds=[], tune=False, seed=0, threads=1)
    assert predict(fitted, np.array([[0.0]])).labels.tolist() == ["rare"]


@dataclass(frozen=True, kw_only=True)
class Recorder:
    """A recipe whose estimator notes how many rows it was given."""

    depth: int = 1

    def estimator(self, *, seed: int, threads: int) -> Any:
        return DecisionTree(max_depth=self.depth).estimator(seed=seed, threads=threads)

    def grid(self) -> dict[str, list[Any]]:
        return {"depth": [self.depth, 2]}


def test_any_frozen_dataclass_with_the_two_verbs_is_a_recipe() -> None:
    x, y = blobs()
    fitted = fit(Recorder(), x, y, folds=folds_of(y), tune=True, seed=0, threads=1)
    assert fitted.estimator.get_depth() == fitted.best_params["depth"]


def test_groups_reach_an_estimator_that_holds_documents_out() -> None:
    x, y = blobs()
    recipe = recipe_named("embedding_cnn")
    groups = np.arange(len(y)) // 3
    fits = [
        fit(recipe, x, y, folds=folds_of(y, 2), tune=False, seed=0, threads=1, groups=g)
        for g in (None, groups)
    ]
    by_hand = recipe.estimator(seed=0, threads=1).fit(x, y, groups=groups)
    assert fits[1].estimator.curves_ == by_hand.curves_ != fits[0].estimator.curves_
    assert fits[0].cv_macro_f1 != fits[1].cv_macro_f1
    linear = fit(LogisticRegression(), x, y, folds=[], tune=False, seed=0, threads=1, groups=groups)
    assert linear.cv_reason == "no folds"


def test_misspelt_setting_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="'random_forest' has no setting 'tree'.*did you mean"):
        build("classifier", "random_forest", CLASSIFIERS, {"tree": 3})
