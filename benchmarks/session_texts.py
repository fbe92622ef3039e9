"""Texts that the benchmarks embed: HDFS event sequences, and logs of our own generator."""

import gzip
import json
import random
from pathlib import Path

from corpora.tm500 import Tm500


def sessions(data: Path, number: int) -> list[str]:
    """Give a random sample of HDFS event sequences as template text, an event a line."""
    folder = data / "hdfs_v1_sessions"
    templates = json.loads((folder / "event_templates.json").read_text(encoding="utf-8"))
    with gzip.open(folder / "event_sequences.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    chosen = random.Random(0).sample(rows, min(number, len(rows)))
    return ["\n".join(templates[str(event)] for event in row["events"]) for row in chosen]


def generated(number: int) -> list[str]:
    """Give generated (synthetic) test-run logs."""
    documents = Tm500(num_documents=max(number, 20), seed=0).documents()
    return ["".join(document.parts) for document in documents]
