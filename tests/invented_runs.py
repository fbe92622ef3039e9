"""Hypothesis strategies that invent runs with everything that can stand in one.

`runs()` draws the shape of a run (names, rows, what became of each); `write` puts it on disk
through the real store (`written_runs`), so that a report reads it like any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from written_runs import Artifact, RunWriter

from results.records import Cell, Curve, StudyPoint

HOSTILE = (
    r"\input{x}", "<script>alert(1)</script>", "</script><!--", "50%", "A&B", "L0_L1", "x" * 200,
    "emoji \U0001f600", "two\nlines", "\u202eright to left", "\u0645\u0631\u062d\u0628\u0627",
    r"#{}$^~\\", "]]>", "a|b", "`code`", "--", "* star", "[1]", "=1+1", "NA", "1e5", "007", " ",
    'say "so"', "it's; a, list", "\u4e2d\u6587", "tab\there", "a\u2028b", "Pass", "caf\u00e9",
    "\r", "\x00", "&amp;", "{{ 7*7 }}", "%s %d", "\\", "~",
)  # fmt: skip
PLAIN = ("bert", "minilm", "llama2-7b", "residual_cnn", "xgboost", "random_forest", "Pass", "L2")
CLASSIFIERS = (
    "random_forest", "random_forest-tuned", "decision_tree", "xgboost", "embedding_cnn", "finetuned"
)  # fmt: skip
_MARKS = ("synthetic data", "random weights", "transductive adaptation")
_TRIVIAL = (("majority", "majority"), ("tfidf-char", "logistic_regression"),
            ("tfidf-word", "linear_svc"))  # fmt: skip
_UNTOLD = ("nan", "none", "inf", "null")  # what a reader must not see, so names are without them

Fate = Literal["fair", "perfect", "one class", "same", "elsewhere", "failed", "blocked", "partly"]
FATES: tuple[Fate, ...] = ("fair", "fair", "fair", "same", "perfect", "one class", "elsewhere",
                           "failed", "blocked", "partly")  # fmt: skip
Scoring = Literal["absent", "fair", "tied", "broken"]


@dataclass(frozen=True)
class Row:
    """One row of an invented suite, over all seeds.

    Attributes:
        fate: what becomes of it; "same" predicts what the row before it did, "elsewhere" has
            other test documents, "partly" fails on the first seed.
        scoring: the scores beside its predictions; "broken" ones are not all finite.
    """

    section: str
    model: str
    classifier: str
    fate: Fate = "fair"
    scoring: Scoring = "absent"
    study: StudyPoint | None = None


@dataclass(frozen=True)
class InventedRun:
    """The shape of a run.

    Attributes:
        documents: on the test side of each seed.
        grouped: whether documents come in groups.
        alone: whether the last seed tests a single class.
        shared: whether all seeds have the same test documents.
        reason: of what failed.
        number: seed of all that is invented below.
    """

    suite: str
    classes: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    documents: int
    grouped: bool
    alone: bool
    shared: bool
    reason: str | None
    marks: tuple[str, ...]
    number: int


def names(*, path: bool = False) -> st.SearchStrategy[str]:
    """Names as logs and authors give them; without `/` where they are parts of a cell's name."""
    drawn = st.one_of(st.sampled_from(HOSTILE), st.sampled_from(PLAIN), st.text(min_size=1))
    return drawn.filter(
        lambda name: (
            not any(word in name.casefold() for word in _UNTOLD) and (path or "/" not in name)
        )
    )


@st.composite
def runs(
    draw: st.DrawFn, *, num_classes: int | None = None, num_models: int | None = None
) -> InventedRun:
    """Draw a run, with so many classes and models in its matrix where that is said."""
    detection = num_classes is None and draw(st.booleans()) and draw(st.booleans())
    number = num_classes or draw(st.sampled_from((1, 2, 2, 3, 4, 5, 30)))
    several = st.lists(names(path=True), min_size=number, max_size=number, unique=True)
    classes = ("anomaly", "normal") if detection else tuple(draw(several))
    rows = (
        *draw(_matrix(num_models)),
        *(draw(_others(detection=detection))),
        *(draw(_studies()) if draw(st.booleans()) else ()),
    )
    return InventedRun(
        suite=draw(names(path=True)),
        classes=classes,
        seeds=tuple(draw(st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True))),
        rows=tuple({(row.model, row.classifier): row for row in rows}.values()),
        documents=draw(st.integers(1, 40)),
        grouped=draw(st.booleans()),
        alone=draw(st.booleans()),
        shared=draw(st.booleans()),
        reason=draw(st.none() | names(path=True)),
        marks=tuple(draw(st.lists(st.sampled_from(_MARKS), unique=True))),
        number=draw(st.integers(0, 2**32 - 1)),
    )


@st.composite
def _matrix(draw: st.DrawFn, number: int | None) -> list[Row]:
    number = draw(st.sampled_from((0, 1, 2, 3, 20))) if number is None else number
    models = draw(st.lists(names(), min_size=number, max_size=number, unique=True))
    columns = draw(
        st.lists(
            st.sampled_from(CLASSIFIERS) | names(),
            min_size=1,
            max_size=1 if number > 3 else 3,
            unique=True,
        )
    )
    return [_row(draw, "matrix", model, column) for model in models for column in columns]


@st.composite
def _others(draw: st.DrawFn, *, detection: bool) -> list[Row]:
    rows = [_row(draw, "reference", "reference", name) for name in draw(st.lists(names(),
            max_size=2))]  # fmt: skip
    rows += [_row(draw, "trivial", *pair) for pair in draw(st.lists(st.sampled_from(_TRIVIAL)))]
    if draw(st.booleans()):
        rows.append(_row(draw, "compress", draw(names()), "pruned-50"))
    if detection:
        rows += [_row(draw, "anomaly", draw(names()), name) for name in ("logfit", "knn")]
    return rows


@st.composite
def _studies(draw: st.DrawFn) -> list[Row]:
    name, row, other = draw(names()), draw(names()), draw(names())
    key = draw(st.sampled_from(("context", "train_share", "char_lm", "padding")))
    value = st.booleans() | st.integers(-5, 10**6) | st.floats(0.01, 1) | names() | st.none()
    values = draw(st.lists(value, min_size=1, max_size=4, unique_by=repr))
    points = [StudyPoint(name=name, row=row, vary={key: value, other: 1}) for value in values]
    return [
        _row(draw, "study", "reference", f"{name}:{row}@{i}", study=point)
        for i, point in enumerate(points)
    ]


def _row(
    draw: st.DrawFn, section: str, model: str, classifier: str, study: StudyPoint | None = None
) -> Row:
    fate = draw(st.sampled_from(FATES))
    scoring: Scoring = draw(st.sampled_from(("absent", "fair", "tied", "broken")))
    return Row(section, model, classifier, fate, scoring, study)


def write(run: InventedRun, folder: Path) -> Path:
    """Write a run to disk and return its folder."""
    return _Inventor(run, folder).write()


class _Inventor:
    """Fills the shape of a run with documents and predictions."""

    def __init__(self, run: InventedRun, folder: Path) -> None:
        self.run = run
        self.rng = np.random.default_rng(run.number)
        self.writer = RunWriter(folder, run.suite)
        self.ids = [f"{HOSTILE[i % len(HOSTILE)]} {i}" for i in range(3 * run.documents + 3)]
        self.before: dict[int, pd.DataFrame] = {}

    def write(self) -> Path:
        labels = self.rng.choice(self.run.classes, len(self.ids))
        self.labels = pd.DataFrame(
            {"id": self.ids, "label": labels, "group": [f"g {i // 3}" for i in range(len(labels))]}
        )
        self.shared = {
            "corpus": self.writer.corpus(
                {name: f"<b>{name}</b> \\input{{x}} $1 & 2" for name in self.ids}, CORPUS_CARD
            ),
            "labels": self.writer.publish("labels", card={}, frames={"labels": self.labels}),
        }
        self.tests = {seed: self._test(seed) for seed in self.run.seeds}
        self.splits = {seed: self._split(test) for seed, test in self.tests.items()}
        for row in self.run.rows:
            for seed in self.run.seeds:
                self._add(row, seed)
        models = dict.fromkeys(row.model for row in self.run.rows if row.section == "matrix")
        resolved = {"models": [_settings(name, i) for i, name in enumerate(models)]}
        return self.writer.finish(resolved=resolved, report={"baseline": None})

    def _test(self, seed: int) -> np.ndarray:
        """Choose the places of a seed's test documents."""
        if self.run.shared:
            return np.arange(self.run.documents)
        if self.run.alone and seed == self.run.seeds[-1]:
            same = np.flatnonzero(self.labels["label"] == self.labels["label"].iloc[0])
            return same[: self.run.documents]
        return np.sort(self.rng.permutation(len(self.ids))[: self.run.documents])

    def _split(self, test: np.ndarray) -> Artifact:
        ids = [self.ids[i] for i in test]
        by = "group" if self.run.grouped else "stratified"
        return self.writer.split(self.labels, ids, by=by)

    def _add(self, row: Row, seed: int) -> None:
        artifacts = {**self.shared, "split": self.splits[seed]}
        marks = self.run.marks if row.model not in ("minilm",) else (*self.run.marks[:1], "odd & 1")
        known: dict[str, Any] = {
            "section": row.section, "model": row.model, "classifier": row.classifier,
            "seed": seed, "text": "cleaned", "marks": list(marks), "study": row.study,
        }  # fmt: skip
        test = self.tests[seed]
        if row.fate == "elsewhere":
            test = np.sort((test + 1) % len(self.ids))
            artifacts["split"] = self._split(test)
        lost = row.fate in ("failed", "blocked")
        if lost or (row.fate == "partly" and seed == self.run.seeds[0]):
            status = row.fate if lost else "failed"
            self.writer.add(artifacts, status=status,
                            reason=self.run.reason, **known)  # fmt: skip
            return
        if row.section == "matrix" and row.fate == "fair":
            artifacts["vectors"] = self._vectors()
        artifacts["cell"], cell = self._cell(row, seed, test)
        self.writer.add(artifacts, status="ok", cell=cell, **known)

    def _cell(self, row: Row, seed: int, test: np.ndarray) -> tuple[Artifact, Cell]:
        frame = self._predictions(row, seed, test)
        network = row.section == "reference"
        params = {"k": 5, "threshold": 0.91} if row.section == "anomaly" else {}
        return self.writer.cell(
            "reference" if network else "classify",
            frame,
            self.run.classes,
            card={"method": "qlora"} if row.section == "compress" else None,
            wall_s=float(self.rng.uniform(0, 100)),
            train_documents=len(self.ids) - len(frame),
            best_params=params,
            cv_macro_f1=None if network else float(self.rng.random()),
            cv_reason="a network is not cross-validated" if network else None,
            parameters=790_000 if network else None,
            curves=CURVES if network else [],
        )

    def _predictions(self, row: Row, seed: int, test: np.ndarray) -> pd.DataFrame:
        frame = self.labels.iloc[test][["id", "label"]].reset_index(drop=True)
        frame["predicted"] = self._guesses(row, seed, frame)
        for name, values in self._scores(row, len(frame)).items():
            frame[f"score:{name}"] = values
        self.before[seed] = frame
        return frame

    def _guesses(self, row: Row, seed: int, frame: pd.DataFrame) -> np.ndarray:
        label = frame["label"].to_numpy(dtype=object)
        if row.fate == "perfect":
            return label
        if row.fate == "one class":
            return np.full(len(label), self.run.classes[0], dtype=object)
        if row.fate == "same" and seed in self.before and len(self.before[seed]) == len(label):
            return self.before[seed]["predicted"].to_numpy(dtype=object)
        guess = self.rng.choice(np.array(self.run.classes, dtype=object), len(label))
        return np.where(self.rng.random(len(label)) < 0.7, label, guess)

    def _scores(self, row: Row, documents: int) -> Mapping[str, np.ndarray]:
        if row.scoring == "absent":
            return {}
        scores = self.rng.normal(size=(documents, len(self.run.classes))).astype(np.float32)
        if row.scoring == "tied":
            scores = np.round(scores)
        if row.scoring == "broken":
            scores[self.rng.integers(documents)] = self.rng.choice([np.nan, np.inf, -np.inf])
        return {name: scores[:, i] for i, name in enumerate(self.run.classes)}

    def _vectors(self) -> Artifact:
        shape = (len(self.ids), 5)
        return self.writer.publish(
            "embed",
            card={"dimension": 5, "note": "<script>card</script>"},
            frames={"ids": pd.DataFrame({"id": self.ids})},
            vectors=np.array_split(self.rng.normal(size=shape).astype(np.float32), 2),
        )


def _settings(name: str, place: int) -> dict[str, Any]:
    """What a suite file may say of a model: neighbours differ in one setting."""
    variants: tuple[Callable[[], dict[str, Any]], ...] = (
        dict,
        lambda: {"adapt": {"objective": "mlm"}},
        lambda: {"text": "masked"},
        lambda: {"quantize": "nf4"},
        lambda: {"context": 256, "overlap": 0},
    )
    return {
        "name": name, "adapter": "huggingface", "checkpoint": "c", "overlap": None, "text": "auto",
        "adapt": None, "adapt_on": "train", **variants[place % len(variants)](),
    }  # fmt: skip


CURVES = [
    Curve(name="train_loss", unit="epoch", at=[1.0, 2.0], values=[1.4, 0.8]),
    Curve(name="valid_macro_f1", unit="epoch", at=[1.0, 2.0], values=[0.2, 0.6]),
]
CORPUS_CARD: dict[str, Any] = {
    "documents_read": 70, "note": "<script>alert('card')</script>",
    "lengths": {
        "edges": [2, 10, 100, 1000],
        "before": {"counts": [0, 3, 9], "min": 12.0, "q1": 31.0, "median": 80.0, "q3": 240.0,
                   "max": 990.0},
        "after": {"counts": [0, 3, 7], "min": 13.0, "q1": 33.0, "median": 79.0, "q3": 210.0,
                  "max": 980.0},
    },
}  # fmt: skip
