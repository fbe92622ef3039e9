"""The classifiers of the matrix: settings, the estimator they stand for, and the grid to tune.

Defaults are the libraries' own (the seed paper's "default parameters"), but for what the docstrings
say. Every recipe that can weighs classes by n / (C n_c), computed inside `fit` and so anew for each
training fold. Grids are ours, small, name settings of the recipe and hold its own values first, so
that a tie keeps the default.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from classifiers.settings import check


@dataclass(frozen=True, kw_only=True)
class RandomForest:
    """Random forest.

    Attributes:
        trees: number of trees.
        max_features: features tried per split: a rule or a share of all.
        min_leaf: documents in a leaf, at least.
    """

    trees: int = 100
    max_features: Literal["sqrt", "log2"] | float = "sqrt"
    min_leaf: int = 1

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        share = ("max_features",) if isinstance(self.max_features, float) else ()
        check("random_forest", self, counts=("trees", "min_leaf"), positive=(), portions=share)

    def estimator(self, *, seed: int, threads: int) -> Any:
        """Build the unfitted scikit-learn estimator."""
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(
            n_estimators=self.trees,
            max_features=self.max_features,
            min_samples_leaf=self.min_leaf,
            class_weight="balanced",
            random_state=seed,
            n_jobs=threads,
        )

    def grid(self) -> dict[str, list[Any]]:
        """Values to try per setting."""
        return {
            "trees": _with(self.trees, [100, 300]),
            "min_leaf": _with(self.min_leaf, [1, 2, 5]),
        }


@dataclass(frozen=True, kw_only=True)
class DecisionTree:
    """One decision tree.

    Attributes:
        max_depth: levels of splits, at most; `None` for no limit.
        min_leaf: documents in a leaf, at least.
    """

    max_depth: int | None = None
    min_leaf: int = 1

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        limited = () if self.max_depth is None else ("max_depth",)
        check("decision_tree", self, counts=("min_leaf", *limited), positive=())

    def estimator(self, *, seed: int, threads: int) -> Any:
        """Build the unfitted scikit-learn estimator; it uses one thread."""
        from sklearn.tree import DecisionTreeClassifier

        return DecisionTreeClassifier(
            max_depth=self.max_depth,
            min_samples_leaf=self.min_leaf,
            class_weight="balanced",
            random_state=seed,
        )

    def grid(self) -> dict[str, list[Any]]:
        """Values to try per setting."""
        return {
            "max_depth": _with(self.max_depth, [None, 5, 10, 20]),
            "min_leaf": _with(self.min_leaf, [1, 5]),
        }


@dataclass(frozen=True, kw_only=True)
class Xgboost:
    """Gradient-boosted trees, histogram method; in sparse input, what is absent counts as missing.

    Attributes:
        rounds: boosting rounds; each grows one tree per class.
        max_depth: levels of splits per tree, at most.
        learning_rate: share of each tree's correction that is added.
        subsample: share of documents drawn for each round.
        column_share: share of features drawn for each tree.
    """

    rounds: int = 100
    max_depth: int = 6
    learning_rate: float = 0.3
    subsample: float = 1.0
    column_share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        shares = ("subsample", "column_share")
        check("xgboost", self, counts=("rounds", "max_depth"), portions=shares)

    def estimator(self, *, seed: int, threads: int) -> Any:
        """Build the unfitted estimator, an adapter of ours that follows scikit-learn."""
        from classifiers.balanced_xgboost import BalancedXgboost

        return BalancedXgboost(
            n_estimators=self.rounds,
            max_depth=self.max_depth,
            learning_rate=self.learning_rate,
            subsample=self.subsample,
            colsample_bytree=self.column_share,
            random_state=seed,
            n_jobs=threads,
        )

    def grid(self) -> dict[str, list[Any]]:
        """Values to try per setting."""
        return {
            "max_depth": _with(self.max_depth, [3, 6]),
            "learning_rate": _with(self.learning_rate, [0.1, 0.3]),
        }


@dataclass(frozen=True, kw_only=True)
class LogisticRegression:
    """Multinomial logistic regression with an L2 penalty; dense vectors are standardised first.

    Attributes:
        c: inverse strength of the penalty.
        max_iter: solver iterations, at most (scikit-learn's 100 do not suffice for embeddings).
    """

    c: float = 1.0
    max_iter: int = 5000

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        check("logistic_regression", self, counts=("max_iter",), positive=("c",))

    def estimator(self, *, seed: int, threads: int) -> Any:
        """Build the unfitted pipeline; the solver (lbfgs) is deterministic and ignores `seed`."""
        from sklearn.linear_model import LogisticRegression as Estimator
        from sklearn.pipeline import make_pipeline

        from classifiers.scaling import DenseScaler

        linear = Estimator(C=self.c, max_iter=self.max_iter, class_weight="balanced")
        return make_pipeline(DenseScaler(), linear)

    def grid(self) -> dict[str, list[Any]]:
        """Values to try per setting."""
        return {"c": _with(self.c, [0.01, 0.1, 1.0, 10.0, 100.0])}


@dataclass(frozen=True, kw_only=True)
class LinearSvc:
    """Linear support vector machine, one class against the rest; dense vectors are standardised.

    Its scores are signed distances to the separating planes, not probabilities.

    Attributes:
        c: inverse strength of the penalty.
        max_iter: solver iterations, at most.
    """

    c: float = 1.0
    max_iter: int = 20_000

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        check("linear_svc", self, counts=("max_iter",), positive=("c",))

    def estimator(self, *, seed: int, threads: int) -> Any:
        """Build the unfitted pipeline; the solver uses one thread."""
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        from classifiers.scaling import DenseScaler

        linear = LinearSVC(
            C=self.c, max_iter=self.max_iter, class_weight="balanced", random_state=seed
        )
        return make_pipeline(DenseScaler(), linear)

    def grid(self) -> dict[str, list[Any]]:
        """Values to try per setting."""
        return {"c": _with(self.c, [0.01, 0.1, 1.0, 10.0])}


@dataclass(frozen=True, kw_only=True)
class Majority:
    """Always the most frequent class of the training documents; a row that must be beaten."""

    def estimator(self, *, seed: int, threads: int) -> Any:
        """Build the unfitted scikit-learn estimator; nothing in it is random."""
        from sklearn.dummy import DummyClassifier

        return DummyClassifier(strategy="most_frequent")

    def grid(self) -> dict[str, list[Any]]:
        """Nothing to tune."""
        return {}


def _with(own: Any, options: Sequence[Any]) -> list[Any]:
    return [own, *(option for option in options if option != own)]
