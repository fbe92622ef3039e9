"""Maps of embeddings: the vectors of test documents in two dimensions, marked by class.

A map shows neighbourhoods, not distances: PCA to 50 dimensions, then t-SNE (van der Maaten and
Hinton 2008, JMLR 9), both seeded and on one thread, so that equal vectors give equal maps.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from results.assessment import Assessment
from results.drawing import (
    COLOURS,
    LEGEND_CHARS,
    MARKERS,
    Drawn,
    blank,
    mark,
    printable,
    slug,
    style,
)
from results.entries import Entry
from results.records import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from results.run import Run

MAX_DOCUMENTS = 1500
MAX_OF_ALL_MAPS = 3000
"""Documents of all maps of a report together: t-SNE takes about 1.6 ms a document (one thread of an
AMD EPYC, 2026-11-21), so all maps take about five seconds."""
_MIN_DISTINCT = 8
_MAX_CLASSES = 20
_DIMENSIONS = 50
_PERPLEXITY = 30.0
_STEPS = 500
_OTHERS = "#B5B5B5"


def maps(run: "Run", results: Assessment) -> list[Drawn]:
    """Draw one map for each embedded model; sparse features have none."""
    records = _embedded(run, results)
    room = min(MAX_DOCUMENTS, MAX_OF_ALL_MAPS // max(1, len(records)))
    drawn = []
    for record in records:
        points = _read(run, record, room)
        if points is not None:
            drawn.append(_draw(results, record, points))
    return drawn


def _embedded(run: "Run", results: Assessment) -> list[Record]:
    """Return the first ok record of each model that has dense vectors."""
    found: dict[str, Record] = {}
    for entry in (entry for entry in results.entries if entry.section == "matrix"):
        record = _first_ok(entry)
        if record is not None and record.model not in found and _shards(run, record):
            found[record.model] = record
    return list(found.values())


def _first_ok(entry: Entry) -> Record | None:
    return next((v.record for v in entry.verdicts if v.record.cell), None)


def _shards(run: "Run", record: Record) -> list[Path]:
    """Return the files of a record's vectors (see `embedders/vectors.py`); none if sparse."""
    folder = run.folder(record, "vectors")
    return sorted(folder.glob("vectors-*.npy")) if folder is not None else []


@dataclass(frozen=True)
class _Points:
    """What a map shows.

    Attributes:
        places: two coordinates for each document.
        labels: their true classes.
        of: how many test documents there are.
    """

    places: Float[np.ndarray, "n 2"]
    labels: np.ndarray
    of: int


def _read(run: "Run", record: Record, room: int) -> _Points | None:
    """Lay out the test documents of a record; `None` where too few of them differ."""
    import pandas as pd

    shards = _shards(run, record)
    ids = pd.read_parquet(shards[0].parent / "ids.parquet")["id"].astype(str)
    labels = run.predictions(record).astype({"id": str}).set_index("id")["label"]
    rows = np.flatnonzero(ids.isin(labels.index))
    total = len(rows)
    if total > room:
        rows = np.sort(np.random.default_rng(0).choice(rows, room, replace=False))
    vectors = _rows(shards, rows)
    if len(np.unique(vectors, axis=0)) < _MIN_DISTINCT:
        return None
    named = labels.loc[ids.iloc[rows]].to_numpy(dtype=str)
    return _Points(project(vectors), named, total)


def _rows(shards: list[Path], rows: np.ndarray) -> Float[np.ndarray, "n d"]:
    """Read some rows, a shard at a time; the others stay on the disk."""
    parts, start = [], 0
    for path in shards:
        shard = np.load(path, allow_pickle=False, mmap_mode="r")
        inside = rows[(rows >= start) & (rows < start + len(shard))] - start
        parts.append(np.asarray(shard[inside], dtype=np.float64))
        start += len(shard)
    return np.concatenate(parts)


def project(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n 2"]:
    """Place vectors in two dimensions so that neighbours stay neighbours.

    Args:
        vectors: at least two distinct rows.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    documents, dimensions = vectors.shape
    reduced = PCA(min(_DIMENSIONS, documents, dimensions), svd_solver="randomized", random_state=0)
    nearest = min(_PERPLEXITY, (documents - 1) / 3)
    start = "pca" if dimensions > 1 else "random"
    spread = TSNE(2, perplexity=nearest, init=start, max_iter=_STEPS, random_state=0)
    with threadpool_limits(1):  # sums over threads differ in their last bits
        places: Float[np.ndarray, "n 2"] = spread.fit_transform(reduced.fit_transform(vectors))
    return places


def _draw(results: Assessment, record: Record, points: _Points) -> Drawn:
    figure, axes = blank(4.6, 3.8)
    with style():
        _scatter(axes, points)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color("#B5B5B5")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.2)
        mark(axes, [*results.marks, *(m for m in record.marks if m not in results.marks)])
    shown = len(points.labels)
    number = f"{shown:,} of {points.of:,}" if shown < points.of else f"{shown:,}"
    return Drawn(
        f"map-{slug(record.model)}",
        f"Vectors of {number} test documents by {printable(record.model)}, seed {record.seed}, "
        "marked by their true class (PCA, then t-SNE: near is alike, far says little).",
        figure,
    )


def _scatter(axes: "Axes", points: _Points) -> None:
    """Draw the most frequent classes each in its own look, the others in grey."""
    names, counts = np.unique(points.labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = [str(names[i]) for i in order[:_MAX_CLASSES]]
    others = ~np.isin(points.labels, kept)
    if others.any():
        label = f"{len(names) - len(kept)} other classes"
        _dots(axes, points.places[others], _OTHERS, ".", label)
    for i, name in enumerate(kept):
        here = points.places[points.labels == name]
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        _dots(axes, here, colour, marker, printable(name, limit=LEGEND_CHARS))


def _dots(
    axes: "Axes", places: Float[np.ndarray, "n 2"], colour: str, marker: str, label: str
) -> None:
    axes.plot(
        places[:, 0], places[:, 1], linestyle="none", color=colour, marker=marker, markersize=4,
        markeredgecolor="white", markeredgewidth=0.4, alpha=0.85, label=label,
    )  # fmt: skip
