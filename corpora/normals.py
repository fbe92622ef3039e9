"""Which documents a detector may learn what is normal from, and on which it chooses its threshold.

Self-supervised detectors learn from normal documents alone. Of a split's train side, some of the
normal documents are held out; together with all its anomalies, from which nothing is learnt, they
are the labelled validation documents on which k and thresholds are chosen (DESIGN §4, LogFiT).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corpora.naming import nearest
from corpora.splitting import holdout
from results.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Normals:
    """The train side of a split, as a detector sees it.

    Attributes:
        fit: ids of normal documents, to learn from.
        valid: ids of held-out normal documents and of every anomaly of the train side.
    """

    fit: list[str]
    valid: list[str]


def divide(
    labels: "pd.DataFrame",
    sides: "pd.DataFrame",
    *,
    normal: str,
    validation_share: float,
    grouped: bool,
    seed: int = 0,
) -> Normals:
    """Divide the train side; whoever asks with the same split gets the same answer.

    Args:
        labels: the labels table (id, label, group).
        sides: the split table (id, side).
        normal: the class that is normal; every other one is an anomaly.
        validation_share: share of the normal train documents that is held out, 0 to 1.
        grouped: keep whole groups, as the split does.
        seed: of the choice.

    Raises:
        InputError: no such class, or no train document of one of the two kinds.
    """
    table = labels.merge(sides, on="id", validate="one_to_one").sort_values("id", ignore_index=True)
    train = table[table["side"] == "train"]
    is_normal = (train["label"] == normal).to_numpy()
    if not (labels["label"] == normal).any():
        raise InputError(
            f"anomaly: `normal: {normal}` is no class of this corpus; "
            f"{nearest(normal, sorted(labels['label'].unique()))}"
        )
    if is_normal.all() or not is_normal.any():
        lacking = "anomalies" if is_normal.all() else f"documents of the class {normal!r}"
        raise InputError(
            f"anomaly: the train side has no {lacking}; a threshold is chosen on both kinds: "
            "give the split some of each (`split:`, `where:`)"
        )
    own = train[is_normal]
    groups = own["group"].to_numpy(dtype=str) if grouped else None
    held = holdout(np.full(len(own), normal), groups, validation_share, seed)
    fit = set(own["id"][~held])
    if not fit:
        raise InputError(
            f"anomaly: {len(own)} normal train document(s), none of which is left to learn from; "
            "give the corpus more, or hold out fewer (`validation_share`)"
        )
    ids = train["id"].tolist()
    return Normals([i for i in ids if i in fit], [i for i in ids if i not in fit])
