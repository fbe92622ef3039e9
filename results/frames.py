"""A run as pandas frames, for notebooks: what `results.load(run_dir)` returns.

In goes a run folder or a bundle, out come frames with one row per cell, class, job, point of a
curve or comparison. They hold what the report's tables hold, unrounded. What is missing is missing
in pandas' sense too, and `reason` says why; it is never zero.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from results.assessment import Assessment, assess
from results.breakdowns import PARTS
from results.entries import Verdict
from results.errors import InputError
from results.records import Record
from results.run import Run
from results.scores import public_reason
from results.statistics import Interval
from results.tracing import find_record

if TYPE_CHECKING:
    import pandas as pd

HEADLINES = ("accuracy", "macro_f1")


class Results:
    """The results of one run; every frame is made when it is first asked for.

    Attributes:
        run: the opened run, with its records and their artifacts.
    """

    def __init__(self, run: Run) -> None:
        """Hold an opened run."""
        self.run = run

    @classmethod
    def open(cls, run_dir: str | Path) -> "Results":
        """Open a run folder or a bundle.

        Raises:
            InputError: it is neither, or a file in it is damaged.
        """
        return cls(Run.open(Path(run_dir)))

    @cached_property
    def assessment(self) -> Assessment:
        """The run judged, as every table of the report is drawn from it.

        Raises:
            InputError: a cell's predictions are missing from the store.
        """
        return assess(self.run)

    @cached_property
    def cells(self) -> "pd.DataFrame":
        """One row per planned cell, points of studies and failed cells included.

        Accuracy and macro-F1 (0 to 1) come with the ends of their 95 % intervals; points of studies
        have none. `vary` holds a point's settings.
        """
        verdicts = self._verdicts
        rows = (_cell_row(record, verdicts.get(record.name)) for record in self.run.records)
        return _frame(rows, "status", "reason", *HEADLINES)

    @cached_property
    def measures(self) -> "pd.DataFrame":
        """Every measure of every cell with its interval: one row each; no points of studies."""
        rows = (row for verdict in self._verdicts.values() for row in _measure_rows(verdict))
        return _frame(rows, "measure", "value", "low", "high", "reason")

    @cached_property
    def classes(self) -> "pd.DataFrame":
        """Precision, recall and F1 of each class in each cell, with the ends of their intervals."""
        verdicts = self._verdicts
        rows = (row for record in self.run.records for row in _class_rows(record, verdicts))
        return _frame(rows, "class", "n_test", *PARTS)

    @cached_property
    def costs(self) -> "pd.DataFrame":
        """What each job behind each cell cost; a job that cells share stands with each of them.

        Count such a job once with ``costs.drop_duplicates("key")``.
        """
        rows = (_cost_row(record, role) for record in self.run.records for role in record.costs)
        return _frame(rows, "role", "kind", "key", "wall_s")

    @cached_property
    def curves(self) -> "pd.DataFrame":
        """Learning curves, one row per point: of the cell's network, and of what it stands on."""
        rows = (row for record in self.run.records for row in _curve_rows(self.run, record))
        return _frame(rows, "role", "curve", "unit", "at", "value")

    @cached_property
    def comparisons(self) -> "pd.DataFrame":
        """Every cell against the baseline of its seed, or the `reason` why there is none."""
        rows = (_comparison_row(verdict) for verdict in self._verdicts.values())
        return _frame(
            rows, "gain", "accuracy_gain", "p", "p_holm", "gain_p", "gain_p_holm", "reason"
        )

    def predictions(self, cell: str) -> "pd.DataFrame":
        """Return `id, label, predicted, score:<class>...` of a cell's test documents.

        Args:
            cell: its name, ``model/classifier/seed``.

        Raises:
            InputError: no such cell, it is not ok, or the file is missing from the store.
        """
        return self.run.predictions(_ok(find_record(self.run, cell)))

    def confusion(self, cell: str) -> "pd.DataFrame":
        """Return a cell's confusion matrix: documents by true class (row) and predicted one.

        Raises:
            InputError: no such cell, or it is not ok.
        """
        import pandas as pd

        found = _ok(find_record(self.run, cell)).cell
        assert found is not None
        names = [pd.Index(found.classes, name=axis) for axis in ("label", "predicted")]
        return pd.DataFrame(found.scores.confusion, index=names[0], columns=names[1])

    def vectors(self, cell: str) -> "pd.DataFrame":
        """Return the embedding that a cell was trained on: a row per document, train and test.

        Features of many columns (TF-IDF) come as a frame of sparse columns.

        Raises:
            InputError: no such cell, it stands on no vectors, or they are missing from the store.
        """
        record = find_record(self.run, cell)
        return read_vectors(self.run, record)

    @cached_property
    def _verdicts(self) -> dict[str, Verdict]:
        return {v.record.name: v for entry in self.assessment.entries for v in entry.verdicts}


def read_vectors(run: Run, record: Record) -> "pd.DataFrame":
    """Read the vectors of a record, indexed by document id; see `embedders/vectors.py`.

    Raises:
        InputError: it stands on none, or a file is missing from the store.
    """
    import numpy as np
    import pandas as pd

    folder = run.folder(record, "vectors")
    if folder is None:
        raise InputError(
            f"{record.name}: stands on no vectors; ask for a cell of a model that embeds"
        )
    shards = sorted(folder.glob("vectors-*.npy"))
    features = folder / "features.npz"
    if not (folder / "ids.parquet").is_file() or not (shards or features.is_file()):
        raise InputError(f"{record.name}: no vectors in {folder}; {_WAY_OUT}")
    ids = pd.Index(pd.read_parquet(folder / "ids.parquet")["id"], name="id")
    if not shards:
        from scipy import sparse

        made = cast("Any", pd.DataFrame).sparse.from_spmatrix(sparse.load_npz(features), index=ids)
        return cast("pd.DataFrame", made)
    return pd.DataFrame(np.concatenate([np.load(p, allow_pickle=False) for p in shards]), index=ids)


_WAY_OUT = "run the suite again (a bundle made with --no-embeddings has none)"


def _frame(rows: Iterable[Mapping[str, Any]], *columns: str) -> "pd.DataFrame":
    """Make a frame of pandas' nullable types: whole numbers stay whole where some are missing.

    Args:
        rows: any number of them.
        columns: those that it has even without a row, behind those of the name.
    """
    import pandas as pd

    frame = pd.DataFrame(list(rows))
    names = dict.fromkeys([*_NAMES, *columns, *frame.columns])
    return frame.reindex(columns=list(names)).convert_dtypes()


_NAMES = ("name", "section", "model", "classifier", "seed")


def _name(record: Record) -> dict[str, Any]:
    """The columns in front of every frame; `name` is the key to join frames on."""
    return {name: getattr(record, name) for name in _NAMES}


def _ends(name: str, interval: Interval | None) -> dict[str, float | None]:
    low, high = (interval.low, interval.high) if interval else (None, None)
    return {f"{name}low": low, f"{name}high": high}


def _cell_row(record: Record, verdict: Verdict | None) -> dict[str, Any]:
    cell, study, source = record.cell, record.study, record.provenance
    scores = {
        name: value
        for score in HEADLINES
        for name, value in {
            score: float(getattr(cell.scores, score)) if cell else None,
            **_ends(f"{score}_", getattr(verdict, score) if verdict else None),
        }.items()
    }
    return {
        **_name(record),
        "status": record.status,
        "reason": record.reason,
        "text": record.text,
        "n_train": cell.train_documents if cell else None,
        "n_test": cell.test_documents if cell else None,
        **scores,
        "weighted_f1": cell.scores.weighted_f1 if cell else None,
        "cv_macro_f1": cell.cv_macro_f1 if cell else None,
        "parameters": cell.parameters if cell else None,
        "marks": "; ".join(record.marks),
        "study": study.name if study else None,
        "row": study.row if study else None,
        "vary": dict(study.vary) if study else None,
        "split_hash": source.split_hash,
        "corpus_digest": source.corpus_digest,
    }


def _measure_rows(verdict: Verdict) -> Iterator[dict[str, Any]]:
    for name, measure in verdict.measures.items():
        yield {
            **_name(verdict.record),
            "measure": name,
            "value": measure.value,
            **_ends("", measure.interval),
            "reason": measure.reason or None,
        }


def _class_rows(record: Record, verdicts: Mapping[str, Verdict]) -> Iterator[dict[str, Any]]:
    verdict = verdicts.get(record.name)
    for name, score in record.cell.scores.per_class.items() if record.cell else ():
        measures = verdict.per_class.get(name, {}) if verdict else {}
        parts: dict[str, float | None] = {}
        for part in PARTS:
            interval = measures[part].interval if part in measures else None
            parts |= {part: float(getattr(score, part)), **_ends(f"{part}_", interval)}
        yield {**_name(record), "class": name, "n_test": score.support, **parts}


def _cost_row(record: Record, role: str) -> dict[str, Any]:
    cost, source = record.costs[role], record.artifacts.get(role)
    return {
        **_name(record),
        "role": role,
        "kind": source.kind if source else None,
        "key": source.key if source else None,
        "wall_s": cost.wall_s,
        "spent_s": cost.spent_s,
        "cpu_s": cost.cpu_s,
        "peak_rss_bytes": cost.peak_rss_bytes,
        "peak_device_bytes": cost.peak_device_bytes,
        **{name: value for name, value in cost.extra.items() if not isinstance(value, list | dict)},
    }


def _curve_rows(run: Run, record: Record) -> Iterator[dict[str, Any]]:
    own = [curve.model_dump() for curve in record.cell.curves] if record.cell else []
    below = {role: (run.card(record, role) or {}).get("curves", []) for role in _LEARNT}
    for role, curves in {"cell": own, **below}.items():
        for curve in curves:
            known = {"role": role, "curve": curve["name"], "unit": curve["unit"]}
            for at, value in zip(curve["at"], curve["values"], strict=True):
                yield {**_name(record), **known, "at": at, "value": value}


_LEARNT = ("adapted", "char_lm")
"""Roles of artifacts whose cards hold learning curves."""


def _comparison_row(verdict: Verdict) -> dict[str, Any]:
    paired = verdict.paired
    return {
        **_name(verdict.record),
        "gain": paired.gain if paired else None,
        **_ends("gain_", paired.gain_interval if paired else None),
        "accuracy_gain": paired.accuracy_gain if paired else None,
        **_ends("accuracy_gain_", paired.accuracy_interval if paired else None),
        "only_cell": paired.only_cell if paired else None,
        "only_baseline": paired.only_baseline if paired else None,
        "p": paired.p if paired else None,
        "p_holm": verdict.p_holm,
        "gain_p": paired.gain_p if paired else None,
        "gain_p_holm": verdict.gain_p_holm,
        "reason": verdict.unpaired or verdict.unresolvable,
    }


def _ok(record: Record) -> Record:
    if record.cell is None:
        reason = public_reason(record)
        raise InputError(f"{record.name}: {record.status}, so it has no scores ({reason})")
    return record
