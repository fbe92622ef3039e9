"""Numbers of the seed papers, to stand beside ours; literal data, each with its source.

QLoRA and iterative pruning: BERT (`bert-base-uncased`) on HDFS event templates, two labels, 512
tokens, 5,582 normal and 2,791 abnormal sessions to learn from (DESIGN, section 4). F1, precision
and recall are those of the class of anomalies. Times are of the paper's GPU, those of the edge of a
Raspberry Pi 5; sizes are of merged fp32 checkpoints. Neither is this machine: shares of the full
model's can be compared, seconds cannot.
"""

from dataclasses import dataclass

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
