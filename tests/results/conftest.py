"""A made-up run with everything that can go wrong in a report; numbers are invented."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from results.assessment import Assessment, assess
from results.records import (
    ArtifactRef,
    Cell,
    ClassScore,
    Costs,
    Curve,
    Provenance,
    Record,
    Scores,
    StudyPoint,
)

CLASSES = ["Pass", "L0_L1", "50%", "A&B", r"\input{x}", "<script>alert(1)</script>"]
SHARES = [0.5, 0.2, 0.1, 0.1, 0.05, 0.05]
DOCUMENTS = 200


@dataclass
class FakeRun:
    """Answers like `results.run.Run`, from memory."""

    suite: str
    records: list[Record]
    meta: dict[str, Any]
    frames: dict[str, pd.DataFrame]
    cards: dict[str, dict[str, Any]]
    grouping: dict[str, str] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    cell_cards: dict[str, dict[str, Any]] = field(default_factory=dict)

    def predictions(self, record: Record) -> pd.DataFrame:
        return self.frames[record.name]

    def split(self, record: Record) -> pd.DataFrame:
        ids = list(self.frames[record.name]["id"])
        return pd.DataFrame({"id": ids, "side": "test"})

    def groups(self, record: Record) -> "pd.Series | None":
        return pd.Series(self.grouping, name="group") if self.grouping else None

    def card(self, record: Record, role: str) -> dict[str, Any] | None:
        if role == "cell" and record.name in self.cell_cards:
            return self.cell_cards[record.name]
        known = role in record.artifacts and (role != "cell" or record.section == "reference")
        return self.cards.get(role) if known else None

    def folder(self, record: Record, role: str) -> Path | None:
        return self.folders.get(role) if role in record.artifacts else None


def scores_of(frame: pd.DataFrame, classes: list[str]) -> Scores:
    """Score predictions straight from the definitions."""
    truth, guess = frame["label"].to_numpy(), frame["predicted"].to_numpy()
    per_class = {}
    for name in classes:
        hit = int(np.sum((truth == name) & (guess == name)))
        said, there = int(np.sum(guess == name)), int(np.sum(truth == name))
        per_class[name] = ClassScore(
            precision=hit / said if said else 0.0,
            recall=hit / there if there else 0.0,
            f1=2 * hit / (said + there) if said + there else 0.0,
            support=there,
        )
    f1 = np.array([s.f1 for s in per_class.values()])
    support = np.array([s.support for s in per_class.values()])
    return Scores(
        accuracy=float(np.mean(truth == guess)),
        macro_f1=float(f1.mean()),
        weighted_f1=float(np.average(f1, weights=support)),
        per_class=per_class,
        confusion=[[int(np.sum((truth == a) & (guess == b))) for b in classes] for a in classes],
    )


def predict(skill: float, seed: int, classes: list[str], name: str) -> pd.DataFrame:
    """Invent test labels (the same for one seed) and predictions right with chance `skill`."""
    shares = np.array(SHARES[: len(classes)]) / sum(SHARES[: len(classes)])
    counts = np.maximum(1, np.round(shares * DOCUMENTS).astype(int))
    labels = np.random.default_rng(seed).permutation(np.repeat(classes, counts))
    rng = np.random.default_rng([seed, len(name), *name.encode()])
    wrong = rng.choice(classes, size=len(labels), p=shares)
    predicted = np.where(rng.random(len(labels)) < skill, labels, wrong)
    ids = [f"doc-{i:04d}" for i in range(len(labels))]
    return pd.DataFrame({"id": ids, "label": labels, "predicted": predicted})


def provenance() -> Provenance:
    return Provenance(
        suite_hash="5" * 64,
        split_hash="a1" * 32,
        corpus_digest="c0" * 32,
        versions={"python": "3.11.9", "torch": "2.13.0"},
        git_commit="0123456789abcdef0123456789abcdef01234567",
        git_dirty=True,
        hardware="Imaginary CPU <b>x</b>, 2 cores, 24 GiB",
        started_utc="2026-01-02T03:04:05+00:00",
        command="logmark run suites/made-up.yaml",
    )


def costs(cell_s: float, *, embed_s: float, adapt_s: float | None) -> dict[str, Costs]:
    made = {
        "cell": Costs(wall_s=cell_s, cpu_s=cell_s, peak_rss_bytes=300_000_000),
        "vectors": Costs(
            wall_s=embed_s,
            cpu_s=2 * embed_s,
            peak_rss_bytes=1_200_000_000,
            extra={"tokens_per_s": 6800.5},
        ),
        "corpus": Costs(wall_s=999.0, cpu_s=999.0, peak_rss_bytes=100_000_000),
    }
    if adapt_s is not None:
        made["adapted"] = Costs(wall_s=adapt_s, cpu_s=adapt_s, peak_rss_bytes=2_000_000_000)
    return made


@dataclass(frozen=True)
class Sketch:
    """One cell to invent: where it stands, how good it is, what it cost."""

    section: str
    model: str
    classifier: str
    skill: float | None = None
    reason: str | None = None
    text: str = "cleaned"
    marks: tuple[str, ...] = ("synthetic data",)
    cell_s: float = 1.0
    embed_s: float = 20.0
    adapt_s: float | None = None
    char_lm_s: float | None = None
    study: StudyPoint | None = None

    def roles(self) -> list[str]:
        reference = self.section == "reference"
        upstream = [] if reference else ["vectors"]
        upstream += ["adapted"] if self.adapt_s is not None else []
        upstream += ["char_lm"] if self.char_lm_s is not None else []
        return ["corpus", "labels", "split", *upstream, "cell"]

    def record(self, seed: int, frame: pd.DataFrame | None, classes: list[str]) -> Record:
        status = "ok" if frame is not None else "failed"
        if self.reason == BLOCKED:
            status = "blocked"
        return Record(
            suite="made-up & odd",
            section=self.section,
            model=self.model,
            classifier=self.classifier,
            seed=seed,
            text=self.text,
            status=status,
            reason=self.reason,
            cell=None if frame is None else self._cell(frame, classes),
            marks=list(self.marks),
            audit=AUDIT if self.section == "matrix" and frame is not None else None,
            artifacts={
                role: ArtifactRef(
                    kind=role, key=f"{role}-{self.model}-{seed}", digest="d", path="p"
                )
                for role in self.roles()
            },
            costs=self._costs() if frame is not None else {},
            provenance=provenance(),
            study=self.study,
        )

    def _costs(self) -> dict[str, Costs]:
        made = costs(self.cell_s, embed_s=self.embed_s, adapt_s=self.adapt_s)
        if self.char_lm_s is not None:
            made["char_lm"] = made["cell"].model_copy(update={"wall_s": self.char_lm_s})
        return made

    def _cell(self, frame: pd.DataFrame, classes: list[str]) -> Cell:
        network = self.section == "reference"
        return Cell(
            classes=classes,
            scores=scores_of(frame, classes),
            train_documents=round(
                467 * float((self.study.vary if self.study else {}).get("train_share", 1))
            ),
            test_documents=len(frame),
            cv_macro_f1=None if network else self.skill,
            cv_reason="a network is not cross-validated" if network else None,
            parameters=790_000 if network else None,
            curves=CURVES if network else [],
        )


CURVES = [
    Curve(name="train_loss", unit="epoch", at=[1.0, 2.0, 3.0], values=[1.4, 0.8, 0.5]),
    *(
        Curve(name=name, unit="epoch", at=[0.0, 1.0, 2.0, 3.0], values=values)
        for name, values in (
            ("valid_accuracy", [0.2, 0.6, 0.8, 0.79]),
            ("valid_loss", [1.9, 1.5, 0.9, 1.0]),
            ("valid_macro_f1", [0.1, 0.4, 0.7, 0.69]),
        )
    ),
]
LOGGED = "OSError: /secret/host/weights.bin: <script>alert('log')</script> at 0x7f00deadbeef"
BLOCKED = "adapt of minilm-adapted failed"
ADAPTED = ("synthetic data", "transductive adaptation")
SKETCHES = (
    Sketch("matrix", "minilm", "random_forest", 0.70, cell_s=3.2),
    Sketch("matrix", "minilm", "random_forest-tuned", 0.74, cell_s=41.0),
    Sketch("matrix", "minilm", "decision_tree", 0.55, cell_s=0.4),
    Sketch("matrix", "minilm", "xgboost", 0.78, cell_s=12.5),
    Sketch("matrix", "minilm-adapted", "random_forest", 0.80, text="masked", marks=ADAPTED,
           cell_s=3.1, embed_s=24.0, adapt_s=180.0),
    Sketch("matrix", "minilm-adapted", "random_forest-tuned",
           reason=BLOCKED, marks=ADAPTED),
    Sketch("matrix", "minilm-adapted", "xgboost", 0.84, text="masked", marks=ADAPTED,
           cell_s=14.0, embed_s=24.0, adapt_s=180.0),
    Sketch("matrix", r"odd_$name^{\x}", "decision_tree",
           reason=LOGGED),
    Sketch("reference", "residual_cnn", "residual_cnn", 0.86, cell_s=320.0, embed_s=0.0,
           char_lm_s=60.0),
    Sketch("trivial", "tfidf-char", "logistic_regression", 0.77, cell_s=1.1, embed_s=2.0),
    Sketch("trivial", "tfidf-word", "linear_svc", 0.79, cell_s=0.9, embed_s=1.0),
    Sketch("trivial", "length", "decision_tree", 0.30, cell_s=0.1, embed_s=0.1),
    Sketch("trivial", "majority", "majority", 0.0, cell_s=0.01, embed_s=0.0),
)  # fmt: skip


def point(name: str, row: str, skill: float | None, **vary: Any) -> Sketch:
    """One point of a study; without skill it failed."""
    settings = ",".join(f"{key}={value}" for key, value in vary.items())
    model, slash, classifier = row.partition("/")
    return Sketch(
        "study", model if slash else "reference", f"{name}:{classifier or row}@{settings}", skill,
        reason=None if skill is not None else "no memory for context 50,000",
        study=StudyPoint(name=name, row=row, vary=vary),
    )  # fmt: skip


STUDIES = (
    *(
        point("context", "residual_cnn", skill, context=context, padding=padding)
        for padding, skills in (("paper", (0.5, 0.7, 0.6)), ("masked", (0.5, 0.72, None)))
        for context, skill in zip((1000, 5000, 50_000), skills, strict=True)
    ),
    point("L0_L1 50% é", "residual_cnn", 0.8, char_lm=True),
    point("L0_L1 50% é", "residual_cnn", 0.7, char_lm=False),
    point("L0_L1 50% é", r"odd_$name^{\x}/decision_tree", 0.4, char_lm=False),
    *(
        point("train-size", row, skill + share / 10, train_share=share)
        for row, skill in (("residual_cnn", 0.6), ("minilm/xgboost", 0.65))
        for share in (0.1, 0.3, 1.0)
    ),
    point("again", "residual_cnn", 0.7, context=5000, padding="paper"),
)

CORPUS_CARD: dict[str, Any] = {
    "documents_read": 700,
    "documents_kept": 667,
    "removed": {"empty": 2, "tukey": 31, "max_bytes": 0},
    "note": "<script>alert('card')</script>",
    "lengths": {
        "edges": [2, 10, 100, 1000, 10_000, 100_000],
        "before": {"counts": [0, 3, 450, 238, 9], "min": 12.0, "q1": 310.0, "median": 800.0,
                   "q3": 2400.0, "max": 99_000.0},
        "after": {"counts": [0, 0, 440, 227, 0], "min": 130.0, "q1": 330.0, "median": 790.0,
                  "q3": 2100.0, "max": 9800.0},
    },
}  # fmt: skip
VECTORS_CARD: dict[str, Any] = {"dimension": 384}
AUDIT: dict[str, Any] = {"parameters": 22_713_216, "bits_per_weight": 16.02, "attention": "sdpa"}
ADAPTED_CARD: dict[str, Any] = {
    "unigram_loss": 4.1,
    "curves": [
        {"name": "train_loss", "unit": "epoch", "at": [1.0, 2.0], "values": [4.0, 3.5]},
        {"name": "valid_loss", "unit": "epoch", "at": [0.0, 1.0, 2.0], "values": [4.7, 3.6, 3.3]},
    ],
}
_READ = {"documents": 467, "cut": 12, "chars": 9_000_000, "read": 8_100_000, "unknown": 0}
CELL_CARD: dict[str, Any] = {
    "best_epoch": 2.0,
    "coverage": {
        "train": {**_READ, "share": 0.9},
        "test": {**_READ, "documents": 200, "cut": 3, "unknown": 17, "share": 0.955},
    },
}
_TWINS = {"train": 7, "test": 1, "test_in_train": 4, "differing_labels": 1}
SPLIT_CARD: dict[str, Any] = {
    "by": "stratified",
    "hash": "a1" * 32,
    "documents": {"train": 467, "test": 200},
    "classes": {
        side: {name: round(share * size) for name, share in zip(CLASSES, SHARES, strict=True)}
        for side, size in (("test", 200), ("train", 467))
    },
    "duplicates": {
        "exact": {**_TWINS, "test_in_train_share": 0.02},
        "masked": {**_TWINS, "test_in_train": 31, "test_in_train_share": 0.155},
    },
}


QLORA = {"train_s": 100.0, "epochs": 4.0, "train_rss_bytes": 9e8, "train_device_bytes": 3.8e8}
_FULL_BYTES, _PRUNED_BYTES = 418_000_000, 226_000_000


def compressed_run(*, seeds: tuple[int, ...] = (1,), classes: list[str] | None = None) -> FakeRun:
    """Invent fine-tuned models, one of them pruned at two levels, with the costs of their jobs."""
    sketches = (
        Sketch("matrix", "bert-full", "finetuned", 0.90),
        Sketch("matrix", "bert-qlora", "finetuned", 0.88),
        Sketch("compress", "bert-qlora", "pruned-50", 0.86),
        Sketch("compress", "bert-qlora", "pruned-90", 0.84),
        Sketch("trivial", "majority", "majority", 0.0),
    )
    run = make_run(sketches, seeds=seeds, classes=classes or ["anomaly", "normal"])
    for i, record in enumerate(run.records):
        pruned = record.classifier.removeprefix("pruned-")
        if record.section not in ("matrix", "compress"):
            continue
        run.cell_cards[record.name] = {"method": record.model.removeprefix("bert-")}
        run.records[i] = record.model_copy(update={"costs": _trained(record.model, pruned)})
    return run


def _trained(model: str, pruned: str) -> dict[str, Costs]:
    """Costs of a fine-tuned model's cell; of a pruned one's with the steps up to it."""
    share = int(pruned) / 100 if pruned.isdigit() else 0.0
    size = _FULL_BYTES - (_FULL_BYTES - _PRUNED_BYTES) * share / 0.9
    use = {"model_bytes": size, "latency_1_s": 0.02 * (1 - share / 2), "latency_8_s": 0.004}
    extra = {**QLORA, **({"train_device_bytes": 2.5e9} if model == "bert-full" else {})}
    made = {"cell": _cost(100.0, {**extra, **use})}
    for step in range(10, round(100 * share) + 1, 10):
        made[f"pruned-{step}"] = _cost(50.0, {**extra, "train_s": 50.0, "epochs": 2.0})
    return made | ({"finetuned": _cost(100.0, extra)} if share else {})


def _cost(wall_s: float, extra: dict[str, Any]) -> Costs:
    return Costs(wall_s=wall_s, cpu_s=wall_s, peak_rss_bytes=1_000_000_000, extra=extra)


def make_run(
    sketches: tuple[Sketch, ...] = SKETCHES,
    *,
    seeds: tuple[int, ...] = (1, 2, 3),
    classes: list[str] | None = None,
    grouped: bool = False,
) -> FakeRun:
    """Invent a run of these cells, each with these seeds."""
    classes = classes or CLASSES
    records, frames, ids = [], {}, []
    for sketch in sketches:
        for seed in seeds:
            frame = None
            if sketch.skill is not None:
                frame = predict(sketch.skill, seed, classes, sketch.model + sketch.classifier)
                ids = list(frame["id"])
            records.append(sketch.record(seed, frame, classes))
            if frame is not None:
                frames[records[-1].name] = frame
    grouping = {name: f"run-{i // 10}" for i, name in enumerate(ids)} if grouped else {}
    meta = {"suite": "made-up & odd", "suite_hash": "5" * 64, "command": "logmark run <x>"}
    cards = {
        "corpus": CORPUS_CARD, "split": SPLIT_CARD, "vectors": VECTORS_CARD, "cell": CELL_CARD,
        "adapted": ADAPTED_CARD, "char_lm": {"curves": ADAPTED_CARD["curves"]},
    }  # fmt: skip
    return FakeRun("made-up & odd", records, meta, frames, cards, grouping)


def write_vectors(folder: Path, frame: pd.DataFrame, *, dimension: int = 20) -> None:
    """Write two shards of vectors, near each other within a class; see `embedders/vectors.py`.

    Some train documents lie between those of `frame`.
    """
    rng = np.random.default_rng(3)
    centres = {name: 4 * rng.normal(size=dimension) for name in CLASSES}
    vectors = np.array([centres[name] + rng.normal(size=dimension) for name in frame["label"]])
    vectors = np.insert(vectors, range(0, 40, 2), 0.0, axis=0)
    ids = np.insert(
        frame["id"].to_numpy(dtype=object), range(0, 40, 2), [f"t{i}" for i in range(20)]
    )
    for i, part in enumerate(np.array_split(vectors.astype(np.float32), [70])):
        np.save(folder / f"vectors-{i:05d}.npy", part, allow_pickle=False)
    pd.DataFrame({"id": ids}).to_parquet(folder / "ids.parquet")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> FakeRun:
    """Three seeds, odd names, a failed cell and a blocked one, studies, vectors."""
    made = make_run(SKETCHES + STUDIES)
    made.folders["vectors"] = tmp_path_factory.mktemp("vectors")
    write_vectors(made.folders["vectors"], made.frames["minilm/xgboost/1"])
    return made


@pytest.fixture(scope="session")
def judged(run: FakeRun) -> Assessment:
    """`run`, judged."""
    return assess(run)


@pytest.fixture(scope="session")
def small() -> FakeRun:
    """One seed, two plain classes and four cells: quick to draw."""
    kept = tuple(s for s in SKETCHES if s.model in ("minilm", "tfidf-char"))[-4:]
    return make_run(kept, seeds=(7,), classes=["good", "bad"])


def add_scores(run: FakeRun) -> FakeRun:
    """Give every prediction a score per class, the predicted one's the highest."""
    for name, frame in run.frames.items():
        rng = np.random.default_rng([*name.encode()])
        classes = next(r.cell.classes for r in run.records if r.name == name and r.cell)
        said = np.array(classes)[:, None] == frame["predicted"].to_numpy()
        scores = rng.uniform(0, 0.5, said.shape) + 0.5 * said
        run.frames[name] = frame.assign(
            **{f"score:{one}": row for one, row in zip(classes, scores, strict=True)}
        )
    return run


@pytest.fixture(scope="session")
def with_scores() -> FakeRun:
    """`small`, with scores."""
    kept = tuple(s for s in SKETCHES if s.model in ("minilm", "tfidf-char"))[-4:]
    return add_scores(make_run(kept, seeds=(7,), classes=["good", "bad"]))


@pytest.fixture(scope="session")
def many_models() -> FakeRun:
    """Twenty-two models by two classifiers, some of which the seed papers have too."""
    cells = [(f"language-model-{i:02d}", i) for i in range(22)]
    run = make_run(
        tuple(
            Sketch("matrix", model, name, 0.4 + 0.02 * i)
            for model, i in cells
            for name in ("random_forest", "random_forest-tuned")
        )
        + SKETCHES[-5:],
        seeds=(1,),
        classes=["Pass", "L0_L1", "L2", "L3"],
    )
    adapters = ("llama2-7b", "bert-base-uncased", "mixtral-8x7b", "flan-t5-large")
    models = [
        {"name": model, "adapter": adapters[i % 4], "context": (512, 1024)[i // 4 % 2]}
        for model, i in cells
    ]
    run.meta["resolved"] = {"models": models, "references": [{"name": "residual_cnn"}]}
    return add_scores(run)


@pytest.fixture(scope="session")
def invent() -> Callable[..., FakeRun]:
    """`make_run`, for runs of another shape."""
    return make_run


@pytest.fixture(scope="session")
def sketch() -> type[Sketch]:
    """`Sketch`, to be given to `invent`."""
    return Sketch


@pytest.fixture(scope="session", name="point")
def study_point() -> Callable[..., Sketch]:
    """`point`, to be given to `invent`."""
    return point


@pytest.fixture(scope="session", name="write_vectors")
def vectors_writer() -> Callable[..., None]:
    """`write_vectors`, for maps of another shape."""
    return write_vectors


@pytest.fixture(scope="session")
def compressed() -> FakeRun:
    """A run of fine-tuned and pruned models, one seed."""
    return compressed_run()


@pytest.fixture(scope="session", name="invent_compressed")
def compressed_maker() -> Callable[..., FakeRun]:
    """`compressed_run`, for runs of another shape."""
    return compressed_run
