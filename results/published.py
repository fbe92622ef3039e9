"""Numbers of the seed papers, to stand beside ours; literal data, each with its source.

Convolutional against large language models on 3,262 logs of 5G test mobiles that are not public,
978 of them tested (DESIGN, section 4): Tables I and II. Other documents than ours, so no number
there can be compared with one of ours but in kind. Which rows correspond is read from the suite.

QLoRA and iterative pruning: BERT (`bert-base-uncased`) on HDFS event templates, two labels, 512
tokens, 5,582 normal and 2,791 abnormal sessions to learn from (DESIGN, section 4). F1, precision
and recall are those of the class of anomalies. Times are of the paper's GPU, those of the edge of a
Raspberry Pi 5; sizes are of merged fp32 checkpoints. Neither is this machine: shares of the full
model's can be compared, seconds cannot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HARDWARE = "published: the paper's GPU"
EDGE_HARDWARE = "published: Raspberry Pi 5"


@dataclass(frozen=True)
class Compressed:
    """What was published of one fine-tuned model.

    Attributes:
        method: as `finetune` names it; "none" is the model before any training.
        pruned: share of the MLP neurons that is gone.
        peak_mb: peak memory of the training on the GPU.
        train_s: seconds of all trainings up to this model, as their numbers grow with the level.
        latency_s: seconds per sample.
        edge_s: the same on a Raspberry Pi 5.
    """

    method: str
    pruned: float
    f1: float
    precision: float
    recall: float
    peak_mb: float | None
    train_s: float | None
    epochs: int | None
    size_mb: int
    latency_s: float
    edge_s: float | None


COMPRESSED = tuple(
    Compressed(*row)
    for row in (
        ("none", 0.0, 0.048, 0.025, 1.0, None, None, None, 417, 0.00765, None),
        ("full", 0.0, 0.919, 0.884, 0.957, 2528.87, 424.63, 2, 418, 0.0076, 1.344),
        ("lora", 0.0, 0.886, 0.836, 0.944, 1447.76, 1224.16, 8, 418, 0.0079, 1.396),
        ("qlora", 0.0, 0.916, 0.884, 0.952, 378.34, 853.13, 4, 418, 0.00793, 1.366),
        ("qlora", 0.5, 0.899, 0.882, 0.917, 370.57, 2305.94, 12, 310, 0.00611, 1.060),
        ("qlora", 0.6, 0.903, 0.873, 0.935, 370.57, 2678.65, 14, 289, 0.00571, 0.985),
        ("qlora", 0.7, 0.922, 0.918, 0.926, 370.57, 3021.59, 16, 267, 0.00536, 0.899),
        ("qlora", 0.8, 0.928, 0.915, 0.941, 370.57, 3638.97, 20, 246, 0.00468, 0.833),
        ("qlora", 0.9, 0.944, 0.946, 0.941, 370.57, 3601.71, 20, 224, 0.00418, 0.795),
    )
)


def compressed(method: str | None, pruned: float) -> Compressed | None:
    """Find what was published of a method at a level of pruning; `None` where nothing was."""
    found = (one for one in COMPRESSED if one.method == method and one.pruned == round(pruned, 6))
    return next(found, None)


@dataclass(frozen=True)
class Network:
    """What was published of a network trained end to end.

    Attributes:
        name: as the paper calls it.
        parameters: its weights; `None` where the paper does not say.
        accuracy: a share, 0 to 1.
        per_class: class -> F1, precision, recall; empty where the paper does not say.
    """

    name: str
    parameters: int | None
    accuracy: float
    macro_f1: float
    per_class: Mapping[str, tuple[float, float, float]]


CLASSES = ("Pass", "L0_L1", "L2", "L3")
_CNN = ((0.999, 1, 0.998), (0.912, 0.915, 0.91), (0.818, 0.779, 0.862), (0.88, 0.957, 0.815))
_BILSTM = ((0.999, 1, 0.998), (0.861, 0.848, 0.873), (0.756, 0.737, 0.777), (0.808, 0.889, 0.741))
CNN = Network("CNN", 790_000, 0.9601, 0.902, dict(zip(CLASSES, _CNN, strict=True)))
BILSTM_CNN = Network(
    "BiLSTM+CNN", 2_100_000, 0.942, 0.856, dict(zip(CLASSES, _BILSTM, strict=True))
)
BIGBIRD = Network("BigBird", None, 0.81, 0.581, {})

EMBEDDED_WITH = ("random_forest", "decision_tree", "xgboost", "embedding_cnn")
EMBEDDED: Mapping[tuple[str, bool], tuple[tuple[float, float] | None, ...]] = {
    ("llama2-7b", False): ((0.808, 0.683), (0.71, 0.59), (0.822, 0.705), (0.771, 0.632)),
    ("mixtral-8x7b", False): ((0.792, 0.626), (0.672, 0.517), (0.802, 0.658), (0.774, 0.617)),
    ("flan-t5-large", False): ((0.757, 0.531), (0.639, 0.466), (0.795, 0.649), None),
    ("flan-t5-large", True): ((0.77, 0.555), (0.633, 0.4291), (0.792, 0.634), None),
    ("bert-base-uncased", False): ((0.739, 0.45), (0.623, 0.438), (0.782, 0.596), (0.746, 0.527)),
    ("bert-base-uncased", True): ((0.769, 0.568), (0.691, 0.507), (0.794, 0.641), (0.746, 0.568)),
}
"""Adapter and whether it was adapted -> accuracy and macro-F1 with each of `EMBEDDED_WITH`."""


def networks(resolved: Mapping[str, Any]) -> dict[str, Network]:
    """Find the published networks that a suite's correspond to: row's name -> what was published.

    Args:
        resolved: the suite as it was run, of `run.json`.
    """
    found = {
        row["name"]: BILSTM_CNN if row.get("bilstm") else CNN
        for row in resolved.get("references") or ()
        if (row.get("reference") or row["name"]) == "cnn"
    }
    tuned = (row for row in resolved.get("models") or () if row.get("finetune"))
    return found | {m["name"]: BIGBIRD for m in tuned if m["adapter"] == "bigbird-roberta-base"}


def embedded(resolved: Mapping[str, Any]) -> dict[str, dict[str, tuple[float, float]]]:
    """Find the published rows that a suite's models correspond to, by adapter and adaptation.

    Args:
        resolved: the suite as it was run, of `run.json`.

    Returns:
        Model -> classifier -> accuracy and macro-F1.
    """
    found = {}
    for model in resolved.get("models") or ():
        row = EMBEDDED.get((str(model.get("adapter")), bool(model.get("adapt"))))
        if row is not None and not model.get("finetune"):
            pairs = zip(EMBEDDED_WITH, row, strict=True)
            found[str(model["name"])] = {name: pair for name, pair in pairs if pair is not None}
    return found
