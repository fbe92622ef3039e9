"""The windows that peers and ours embed: distinct, decoded to text, drawn at random.

HDFS event sequences as template text where the shared data are at hand, else synthetic logs.
"""

import contextlib
import gzip
import json
import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from adapters import windows
from adapters.loading import framed
from adapters.minilm import MiniLMAdapter
from corpora.tm500 import Tm500

CONTEXT, OVERLAP = 256, 128
SHARED = Path(__file__).parents[2] / "shared"
_DOCUMENTS = 500


@dataclass(frozen=True)
class Windows:
    """A sample of windows.

    Attributes:
        texts: one per window, each at most `CONTEXT` tokens with the special ones.
        tokens: of all texts, special ones included.
        facts: where they come from, for a figure's conditions.
    """

    texts: list[str]
    tokens: int
    facts: dict[str, Any]

    @contextlib.contextmanager
    def file(self) -> Iterator[Path]:
        """Write the texts as JSON lines for as long as they are needed."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "windows.jsonl"
            path.write_text("".join(json.dumps(text) + "\n" for text in self.texts))
            yield path


def sample_windows(number: int, *, seed: int = 0) -> Windows:
    """Draw distinct windows whose text tokenizes back to a window's length, nearly or exactly."""
    tokenizer = AutoTokenizer.from_pretrained(MiniLMAdapter().folder(), local_files_only=True)
    plain = framed(tokenizer, CONTEXT)
    capacity = CONTEXT - plain.num_special
    corpus, documents = _documents(seed)
    found = {
        tuple(window.tolist())
        for tokens in plain.encode(documents)
        for window in windows.cut([np.array(tokens)], capacity=capacity, overlap=OVERLAP)
    }
    drawn = random.Random(seed).sample(sorted(found), min(len(found), number + number // 4 + 4))
    texts = [tokenizer.decode(list(window)).removeprefix("##") for window in drawn]
    lengths = [len(ids) for ids in plain.encode(texts)]
    kept = [index for index, length in enumerate(lengths) if length <= capacity][:number]
    facts = {
        "corpus": corpus,
        "windows": len(kept),
        "distinct_windows_of_corpus_sample": len(found),
        "full_windows": sum(len(drawn[index]) == capacity for index in kept),
    }
    tokens = sum(lengths[index] + plain.num_special for index in kept)
    return Windows([texts[index] for index in kept], tokens, {**facts, "tokens": tokens})


def _documents(seed: int) -> tuple[str, list[str]]:
    """Return the corpus's name and some of its documents."""
    folder = Path(os.environ.get("LOGMARK_SHARED", SHARED)) / "data" / "hdfs_v1_sessions"
    if not folder.is_dir():
        runs = Tm500(num_documents=60, seed=seed).documents()
        return "synthetic (tm500)", ["".join(run.parts) for run in runs]
    templates = json.loads((folder / "event_templates.json").read_text())
    with gzip.open(folder / "event_sequences.jsonl.gz", "rt") as lines:
        rows = [json.loads(line)["events"] for line in lines]
    chosen = islice(random.Random(seed).sample(rows, len(rows)), _DOCUMENTS)
    documents = ["\n".join(templates[str(event)] for event in row) for row in chosen]
    return "HDFS event sequences as template text", documents
