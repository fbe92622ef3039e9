"""Thin the train side of a split: what a learning curve over the number of documents learns from.

A smaller share lies within every larger one, so that a step of the curve adds documents and takes
none away. Every class keeps its share, and at least one document; groups stay whole where the split
keeps them whole. The test side stays as it is.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int, Shaped

from results.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("train", "test")
UNUSED = "unused"
"""The side of the train documents that a thinned split leaves out."""


def thinned(
    labels: "pd.DataFrame", sides: "pd.DataFrame", share: float, *, seed: int, grouped: bool
) -> "pd.DataFrame":
    """Leave a share of the train side.

    Args:
        labels: the labels table (id, label, group).
        sides: the split table (id, side).
        share: of the train documents, above 0 and at most 1.
        seed: decides which; the order of the rows does not.
        grouped: keep whole groups.

    Returns:
        The split table, with the side "unused" for what is left out.

    Raises:
        InputError: the share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise InputError(f"split: `train_share: {share}` must lie above 0 and be at most 1")
    table = labels.merge(sides, on="id", validate="one_to_one")
    train = table[table["side"] == "train"]
    units = train["group" if grouped else "id"].to_numpy(dtype=str)
    kept = _kept(train["label"].to_numpy(dtype=str), units, share, np.random.default_rng(seed))
    unused = sides["id"].isin(train["id"][~kept])
    return sides.assign(side=sides["side"].mask(unused, UNUSED))


def _kept(
    labels: Shaped[np.ndarray, " n"],
    units: Shaped[np.ndarray, " n"],
    share: float,
    random: np.random.Generator,
) -> Bool[np.ndarray, " n"]:
    """Choose units in an order that does not depend on the share, a stratum at a time."""
    _, class_of, class_sizes = np.unique(labels, return_inverse=True, return_counts=True)
    _, unit_of, unit_sizes = np.unique(units, return_inverse=True, return_counts=True)
    turn = random.permutation(len(unit_sizes))  # of each unit
    stratum = _rarest(unit_of, class_sizes[class_of], class_of, len(unit_sizes))
    kept = np.zeros(len(unit_sizes), dtype=bool)
    for number in range(len(class_sizes)):
        members = np.flatnonzero(stratum == number)
        members = members[np.argsort(turn[members])]
        ends = np.cumsum(unit_sizes[members])
        middles = ends - unit_sizes[members] / 2
        kept[members[middles <= share * ends[-1:]]] = True
        holders = np.unique(unit_of[class_of == number])
        kept[holders[np.argmin(turn[holders])]] = True  # no class is lost
    return np.asarray(kept[unit_of])


def _rarest(
    unit_of: Int[np.ndarray, " n"],
    sizes: Int[np.ndarray, " n"],
    class_of: Int[np.ndarray, " n"],
    units: int,
) -> Int[np.ndarray, " u"]:
    """Return of each unit the class that is rarest in train; a document has but one."""
    order = np.lexsort((class_of, -sizes))  # the rarest are written last, over the others
    rarest = np.zeros(units, dtype=np.int64)
    rarest[unit_of[order]] = class_of[order]
    return rarest
