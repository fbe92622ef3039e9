"""The record of one cell: what was trained on what, how well it did, what it cost, where it ran.

`Cell` is the payload that a classifying job writes (`cell.json`, reproducible byte for byte);
`Record` wraps it with everything that is not (times, hosts, versions). Both are versioned and
forbid unknown fields; a missing value is `None` with its reason beside it, never NaN.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ClassScore(_Strict):
    """Precision, recall and F1 of one class, with its number of test documents."""

    precision: float
    recall: float
    f1: float
    support: int


class Scores(_Strict):
    """Metrics on the test documents.

    Attributes:
        accuracy: share of documents classified right, 0 to 1.
        macro_f1: unweighted mean of the per-class F1.
        weighted_f1: mean of the per-class F1 weighted by support.
        per_class: class name -> its scores.
        confusion: rows are true classes, columns predicted ones, in the cell's order of classes.
    """

    accuracy: float
    macro_f1: float
    weighted_f1: float
    per_class: dict[str, ClassScore]
    confusion: list[list[int]]


class Curve(_Strict):
    """One learning curve: a value per evaluated epoch (or step)."""

    name: str
    unit: Literal["epoch", "step"]
    at: list[float]
    values: list[float]


class Cell(_Strict):
    """The reproducible outcome of one model, classifier and seed.

    Attributes:
        classes: class names in the order of scores and confusion.
        best_params: what the grid search chose; empty without one.
        cv_macro_f1: mean macro-F1 over the folds on train; `None` with `cv_reason`.
        parameters: weights of the classifier where it is a network, else `None`.
        curves: learning curves of a network, else empty.
    """

    version: Literal[1] = 1
    classes: list[str]
    scores: Scores
    train_documents: int
    test_documents: int
    best_params: dict[str, JsonValue] = {}
    cv_macro_f1: float | None = None
    cv_reason: str | None = None
    parameters: int | None = None
    curves: list[Curve] = []


class Costs(_Strict):
    """What one job cost where it ran.

    Attributes:
        wall_s: seconds from start to commit.
        cpu_s: user plus system seconds of the process.
        peak_rss_bytes: peak resident memory of the process.
        peak_device_bytes: peak memory allocated on the accelerator, `None` without one.
        extra: the job's own figures, for instance ``tokens_per_s``; ``reused_s`` is what pieces
            had taken that an earlier job made.
    """

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    peak_device_bytes: int | None = None
    extra: dict[str, JsonValue] = {}

    @property
    def spent_s(self) -> float:
        """Seconds that the artifact took, whoever made its pieces."""
        reused = self.extra.get("reused_s", 0.0)
        return self.wall_s + (reused if isinstance(reused, int | float) else 0.0)


class ArtifactRef(_Strict):
    """Where an input of the record lies in the store, and the digest of its payload."""

    kind: str
    key: str
    digest: str
    path: str


class Provenance(_Strict):
    """What would have to be the same for the number to come out again."""

    suite_hash: str
    split_hash: str | None
    corpus_digest: str | None
    versions: dict[str, str]
    git_commit: str | None
    git_dirty: bool | None
    hardware: str
    started_utc: str
    command: str


class StudyPoint(_Strict):
    """The place of a record in a study.

    Attributes:
        name: the study's name in the suite file.
        row: the row that is varied, as the suite file names it (``cnn``, ``minilm/xgboost``).
        vary: setting -> this point's value, in the suite file's order; the first is the x axis.
    """

    name: str
    row: str
    vary: dict[str, JsonValue]


class Record(_Strict):
    """One row of the results: a cell, or the reason why there is none.

    Attributes:
        section: ``matrix`` (model x classifier), ``compress`` (pruned models), ``anomaly``
            (detectors), ``reference``, ``trivial`` or ``study``.
        classifier: registered name, with ``-tuned`` behind it where a grid search chose; of a
            study ``STUDY:CLASSIFIER@KEY=VALUE,...``.
        text: which view of the documents was read (``cleaned`` or ``masked``).
        marks: caveats that must be shown with the number ("synthetic data", "random weights",
            "transductive adaptation").
        audit: what the model's weights occupied and how they were used (bytes by dtype, share in 4
            bits, bits per weight, attention); `None` where there is no model.
        artifacts: role -> where; roles are ``cell``, ``vectors``, ``split``, ``labels``,
            ``corpus``, ``adapted`` and ``char_lm``.
        costs: role -> costs of the job that made that artifact.
        study: which point of which study this is; `None` outside the section ``study``.
    """

    version: Literal[1] = 1
    suite: str
    section: Literal["matrix", "compress", "anomaly", "reference", "trivial", "study"]
    model: str
    classifier: str
    seed: int
    text: str
    status: Literal["ok", "failed", "blocked"]
    reason: str | None = None
    cell: Cell | None = None
    marks: list[str] = []
    audit: dict[str, JsonValue] | None = None
    artifacts: dict[str, ArtifactRef] = {}
    costs: dict[str, Costs] = {}
    provenance: Provenance
    study: StudyPoint | None = None

    @property
    def name(self) -> str:
        """`model/classifier/seed`, as the command line spells it."""
        return f"{self.model}/{self.classifier}/{self.seed}"
