"""A finished (or half-finished) run, opened for reading: its records and the artifacts behind them.

RUN_DIR holds `run.json` (which suite, which store, which command) and `records.jsonl` (one
`results.records.Record` a line, in plan order). Everything large stays in the store. A bundle
(`results.bundling`), a folder or a file, is a run with a store of its own inside.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from results.errors import InputError
from results.hashing import write_atomically
from results.records import Record
from results.store import Store
from results.unbundling import checked, is_bundle, unpacked

if TYPE_CHECKING:
    import pandas as pd


class Run:
    """The records of one run and the artifacts they point at.

    Attributes:
        suite: name of the suite.
        records: one per planned cell, in plan order.
        meta: content of `run.json` (suite hash, store, command, resolved suite).
        home: where what is made of it goes unless told otherwise: the run's folder, or of a bundle
            in one file the folder of its name beside it.
    """

    def __init__(self, run_dir: Path, meta: dict[str, Any], records: list[Record]) -> None:
        """Hold what `open` has read."""
        self.run_dir = run_dir
        self.home = run_dir
        self.meta = meta
        self.suite = str(meta["suite"])
        self.records = records
        self._folders: dict[tuple[str, str, str], Path] = {}

    @classmethod
    def open(cls, run_dir: Path) -> "Run":
        """Read a run folder or a bundle.

        Raises:
            InputError: it is neither, or a file in it is damaged.
        """
        if run_dir.is_file():
            run = cls._read(unpacked(run_dir))
            run.home = run_dir.with_suffix("")
            return run
        return cls._read(checked(run_dir) if is_bundle(run_dir) else run_dir)

    @classmethod
    def _read(cls, run_dir: Path) -> "Run":
        if not (run_dir / "run.json").is_file():
            raise InputError(
                f"{run_dir}: not a run folder (no run.json); pass WORKDIR/<suite name>, or a bundle"
            )
        try:
            meta = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
            lines = (run_dir / "records.jsonl").read_text(encoding="utf-8").split("\n")
            records = [Record.model_validate_json(line) for line in lines if line]
            if is_bundle(run_dir):
                meta["store"] = str(run_dir.absolute() / meta["store"])
            return cls(run_dir, meta, records)
        except FileNotFoundError as error:
            raise InputError(
                f"{error.filename}: missing; run the suite to its end first"
            ) from error
        except (ValueError, ValidationError, KeyError, TypeError) as error:
            raise InputError(f"{run_dir}: damaged run folder; run the suite again") from error

    @staticmethod
    def write(run_dir: Path, meta: dict[str, Any], records: list[Record]) -> None:
        """Write `run.json` and `records.jsonl`, each in one step."""
        write_atomically(run_dir / "run.json", json.dumps(meta, indent=1) + "\n")
        lines = "".join(record.model_dump_json() + "\n" for record in records)
        write_atomically(run_dir / "records.jsonl", lines)

    def folder(self, record: Record, role: str) -> Path | None:
        """Return the folder of one of a record's artifacts; `None` where it has none."""
        ref = record.artifacts.get(role)
        return self._opened(ref.kind, ref.key, Path(ref.path).name) if ref else None

    def _opened(self, kind: str, key: str, attempt: str) -> Path:
        """Return an artifact's folder; of a remote store it is looked for once."""
        if (kind, key, attempt) not in self._folders:
            store = Store(self.meta["store"])
            self._folders[kind, key, attempt] = store.folder_of(kind, key, attempt)
        return self._folders[kind, key, attempt]

    def _frame(self, record: Record, role: str, name: str) -> "pd.DataFrame":
        import pandas as pd

        folder = self.folder(record, role)
        if folder is None:
            raise InputError(f"{record.name}: has no {role} ({record.reason or record.status})")
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: missing from the store; run the suite again")
        return pd.read_parquet(folder / name)

    def predictions(self, record: Record) -> "pd.DataFrame":
        """Return `id, label, predicted, score:<class>...` of the test documents of an ok record."""
        return self._frame(record, "cell", "predictions.parquet")

    def split(self, record: Record) -> "pd.DataFrame":
        """Return `id, side` with side `train` or `test`."""
        return self._frame(record, "split", "split.parquet")

    def groups(self, record: Record) -> "pd.Series | None":
        """Return each test document's group by id; `None` where the split is not grouped."""
        card = self.card(record, "split")
        if card is None or card.get("by") != "group":
            return None
        labels = self._frame(record, "labels", "labels.parquet").set_index("id")["group"]
        split = self.split(record)
        return labels.loc[split.loc[split["side"] == "test", "id"]]

    def card(self, record: Record, role: str) -> dict[str, Any] | None:
        """Return `card.json` of an artifact; `None` where the record has no such artifact."""
        folder = self.folder(record, role)
        if folder is None or not (folder / "card.json").is_file():
            return None
        card: dict[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        return card
