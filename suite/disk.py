"""Bytes that a job adds to the store, about: rules of thumb, fitted to what jobs left (2026-11)."""

from suite.corpus_size import CorpusSize
from suite.estimate_networks import CHARACTERS, CLASSES, weights_of
from suite.node import Node
from suite.quantities import Estimate

CARD_BYTES = 5_000
"""Of the small files that stand beside every payload."""

_FLOAT = 4
_STORED_CHAR = 0.33  # documents are compressed
_SPARSE_BYTES_PER_CHAR = {"char_wb": 8.0, "word": 1.5}
_BYTES_PER_DOCUMENT = {"labels": 20, "split": 20, "classify": 30, "anomaly": 60}
_TOKENIZER_BYTES = 1_000_000
_UPDATES = 0.01  # share of a model's weights that low-rank updates have, which alone are kept


def disk_bytes(node: Node, estimate: Estimate, size: CorpusSize) -> int | None:
    """Say how many bytes a job's artifact will have, pieces included; None where nobody knows."""
    payload = _payload(node, estimate, size)
    return None if payload is None else round(payload) + CARD_BYTES


def _payload(node: Node, estimate: Estimate, size: CorpusSize) -> float | None:
    match node.kind:
        case "corpus" | "alter" | "templates":
            return size.characters * _STORED_CHAR
        case "embed":
            return _vectors(node, estimate, size)
        case "adapt" | "finetune" | "compress":
            return _checkpoint(node, estimate)
        case "reference":
            return _FLOAT * weights_of(node.params["settings"], CHARACTERS, CLASSES)
        case "char_lm":
            return _FLOAT * CHARACTERS * int(node.params["settings"]["embedding"])
        case kind:
            if size.documents is None or kind not in _BYTES_PER_DOCUMENT:
                return None
            return size.documents * _BYTES_PER_DOCUMENT[kind]


def _vectors(node: Node, estimate: Estimate, size: CorpusSize) -> float | None:
    """Vectors of documents, and those of the windows that they were made of."""
    if estimate.model is not None:
        if estimate.windows is None or size.documents is None:
            return None
        return _FLOAT * estimate.model.width * (size.documents + estimate.windows)
    analyzer = node.params["settings"].get("analyzer")
    if analyzer in _SPARSE_BYTES_PER_CHAR:
        return size.characters * _SPARSE_BYTES_PER_CHAR[analyzer]
    is_length = node.params["adapter"] == "length" and size.documents is not None
    return _FLOAT * (size.documents or 0) if is_length else None


def _checkpoint(node: Node, estimate: Estimate) -> float | None:
    if estimate.model is None:
        return None
    share = _UPDATES if is_low_rank(node) else 1.0
    return _FLOAT * share * estimate.model.parameters + _TOKENIZER_BYTES


def is_low_rank(node: Node) -> bool:
    """Say whether a training learns low-rank updates, and keeps them alone."""
    if node.kind == "finetune":
        return node.params["finetune"]["method"] in ("lora", "qlora")
    return "rank" in node.params.get("objective_settings", {})
