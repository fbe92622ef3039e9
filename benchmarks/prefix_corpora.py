"""Real logs and generated ones as distinct windows: the corpora of `prefixes.py`.

Each corpus of the shared data is read as its documents, every one a stream of text; the windows are
cut and told apart by the engine's own `Cutter`.
"""

import gzip
import json
import lzma
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int
from transformers import AutoTokenizer

from adapters.encoder import Tokenizer
from adapters.minilm import MiniLMAdapter
from corpora.document import blocks
from corpora.masking import SPECIAL_TOKENS, TextView
from corpora.tm500 import Tm500
from embedders.cutting import Cutter

Window = Int[np.ndarray, " l"]
BEGIN = 1
"""The token that LLaMA and Mixtral want before a window; they want none behind."""

TOKENIZER = "MiniLM's WordPiece, for LLaMA's"
_LINES = 100  # of a system, together one document
_NEZHA_STEP = 3  # one document of each fault; all 136 MB say the same


def shared_data() -> Path | None:
    """Find the corpora that lie outside the repository."""
    beside = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("LOGMARK_SHARED", beside)) / "data"
    return folder if folder.is_dir() else None


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    opened = (lzma if path.suffix == ".xz" else gzip).open(path, "rt", encoding="utf-8")
    with opened as lines:
        yield from map(json.loads, lines)


def _texts(*names: str, step: int = 1) -> Callable[[Path], Iterator[str]]:
    """Read the column `text` of some tables."""

    def read(data: Path) -> Iterator[str]:
        for name in names:
            for number, row in enumerate(_rows(data / name)):
                if number % step == 0:
                    yield row["text"]

    return read


def _hdfs_templates(data: Path) -> Iterator[str]:
    folder = data / "hdfs_v1_sessions"
    templates = json.loads((folder / "event_templates.json").read_text(encoding="utf-8"))
    for row in _rows(folder / "event_sequences.jsonl.gz"):
        yield "\n".join(templates[str(event)] for event in row["events"])


def _loghub(data: Path) -> Iterator[str]:
    rows = _rows(data / "loghub_2k" / "lines.jsonl.gz")
    for _, of_system in groupby(rows, key=lambda row: row["label"]):
        lines = [row["text"] for row in of_system]
        for start in range(0, len(lines), _LINES):
            yield "\n".join(lines[start : start + _LINES])


def _generator(data: Path | None) -> Iterator[str]:
    return ("".join(run.parts) for run in Tm500(num_documents=1000).documents())


SEQUENCES = ("hdfs events", "openstack events")
"""Corpora whose documents are sequences or counts of event names, not lines as they were logged."""

CORPORA: dict[str, Callable[[Path], Iterator[str]]] = {
    "hdfs events": _hdfs_templates,
    "openstack events": _texts(
        *(f"openstack_failures_dev/{part}.jsonl.gz" for part in ("NET", "STO"))
    ),
    "hdfs": _texts("hdfs_v1_sessions/raw_sessions_2pct.jsonl.gz"),
    "hadoop": _texts("hadoop_runs/containers.jsonl.gz"),
    "syzkaller": _texts("syzkaller_kernel_crashes/docs.jsonl.gz"),
    "loghub, 100 lines": _loghub,
    "loghub, single lines": _texts("loghub_2k/lines.jsonl.gz"),
    "logdx": _texts("logdx_ci_root_cause/docs.jsonl.gz"),
    "nezha": _texts("nezha_trainticket_faults/docs.jsonl.xz", step=_NEZHA_STEP),
}
GENERATOR = "generator"


def names() -> list[str]:
    """Name the corpora at hand."""
    return [*(CORPORA if shared_data() else ()), GENERATOR]


class Distinct(NamedTuple):
    """The distinct windows of a corpus, a begin token before each.

    Attributes:
        windows: shard by shard, in order of first occurrence.
        shards: windows of each shard.
        repeats: tokens of all windows / tokens of the distinct ones.
    """

    windows: list[Window]
    shards: list[int]
    repeats: float


def distinct(name: str, *, masked: bool, context: int, most_chars: int) -> Distinct:
    """Cut the first `most_chars` characters of a corpus into their distinct windows."""
    view = TextView(text="masked" if masked else "cleaned")
    data = shared_data()
    texts = _generator(data) if name == GENERATOR else CORPORA[name](_there(data))
    documents = (
        (str(number), map(view.apply, blocks([text])))
        for number, text in enumerate(_first(texts, most_chars))
    )
    cutter = Cutter(_Frame(context, _tokenizer().encode))
    found = [list(shard.windows()) for shard in cutter.shards(documents)]
    windows = [np.concatenate([[BEGIN], window]) for shard in found for window in shard]
    lengths = np.array([len(window) for window in windows])
    all_tokens = sum(int(lengths[numbers].sum()) for numbers in cutter.ledger.numbers)
    return Distinct(windows, [len(shard) for shard in found], all_tokens / int(lengths.sum()))


@dataclass(frozen=True)
class _Frame:
    """What the Cutter asks of an encoder: as LLaMA's, one special token."""

    context: int
    tokenize: Callable[..., list[list[int]]]
    num_special: int = 1


@cache
def _tokenizer() -> Tokenizer:
    made: Any = AutoTokenizer.from_pretrained(MiniLMAdapter().folder())
    made.add_tokens(list(SPECIAL_TOKENS), special_tokens=True)
    return Tokenizer.of(made)


def _first(texts: Iterator[str], most_chars: int) -> Iterator[str]:
    chars = 0
    for text in texts:
        if chars >= most_chars:
            return
        yield text[: most_chars - chars]
        chars += len(text)


def _there(folder: Path | None) -> Path:
    assert folder is not None, "`names` lists no corpus that is not at hand"
    return folder
