"""The edge model: one ONNX file that turns a document's characters into class scores.

In goes a file that `classifiers.export` wrote, out comes an `EdgeModel`. Everything a document has
to go through before the network (the line rules, the alphabet, the context) stands in the file's
metadata. This module needs numpy and onnxruntime and nothing else, so it runs where torch does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from classifiers.characters import PADDING, CharVocabulary, EncodedDocument
from results.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float, Int32

KEY = "logmark"
"""The entry of the file's metadata that holds a `Description` as JSON."""

INPUT, OUTPUT = "ids", "scores"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Description:
    """What has to be known besides the graph, to classify a raw log file.

    Attributes:
        name: the cell the network was exported from, ``reference/cnn/0``.
        precision: of the weights.
        classes: class names in the order of the scores.
        characters: the alphabet; character number i has id i + 2.
        context: most characters read of a document.
        keep: which end of a longer document is read.
        padding: "paper" pads every document to `context`; the network sees it.
        max_word_chars: longer words were dropped before training.
        max_line_chars: longer lines were dropped before training, after the words.
        view: which view of the text is read (keywords of `corpora.masking.TextView`).
        marks: caveats that belong to every result ("synthetic data").
    """

    name: str
    precision: Literal["fp32", "int8"]
    classes: tuple[str, ...]
    characters: str
    context: int
    keep: Literal["head", "tail"]
    padding: Literal["masked", "paper"]
    max_word_chars: int | None
    max_line_chars: int | None
    view: dict[str, Any]
    marks: tuple[str, ...]

    def to_json(self) -> str:
        """Write it down, in ASCII: the alphabet may hold anything."""
        return json.dumps({"version": VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str, source: object) -> Description:
        """Read what `to_json` wrote.

        Raises:
            InputError: another version wrote it.
        """
        content = json.loads(text)
        version = content.pop("version", None)
        if version != VERSION:
            raise InputError(
                f"{source}: written by another Logmark (metadata version {version}, this one reads "
                f"{VERSION}); export the model again"
            )
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        listed = {"classes": tuple(values["classes"]), "marks": tuple(values["marks"])}
        return cls(**{**values, **listed})


@dataclass(frozen=True)
class EdgeModel:
    """A network ready to classify, on one thread."""

    description: Description
    session: Any

    @classmethod
    def open(cls, path: Path) -> EdgeModel:
        """Read a model file.

        Raises:
            InputError: there is no such file, it is no ONNX file, or not one that Logmark wrote.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such file; give a model.onnx that `logmark export` wrote")
        session = _session(path)
        found = session.get_modelmeta().custom_metadata_map
        if KEY not in found:
            raise InputError(
                f"{path}: an ONNX file, but not one that `logmark export` wrote (no {KEY!r} in its "
                "metadata)"
            )
        return cls(Description.from_json(found[KEY], path), session)

    @cached_property
    def vocabulary(self) -> CharVocabulary:
        """Its alphabet."""
        return CharVocabulary(self.description.characters)

    def encode(self, parts: Sequence[str]) -> EncodedDocument:
        """What the network reads of a document."""
        known = self.description
        return self.vocabulary.encode(parts, context=known.context, keep=known.keep)

    def scores(self, document: EncodedDocument) -> Float[np.ndarray, " classes"]:
        """Probability of each class."""
        feed = {INPUT: network_input(document, self.description)}
        (scores,) = self.session.run([OUTPUT], feed)
        return np.asarray(scores[0])


def network_input(document: EncodedDocument, description: Description) -> Int32[np.ndarray, "1 n"]:
    """Give a document as the graph takes it: one row of ids, padded where the network sees it."""
    least = description.context if description.padding == "paper" else 1
    ids = np.full((1, max(least, len(document.ids))), PADDING, dtype=np.int32)
    ids[0, : len(document.ids)] = document.ids
    return ids


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            "onnxruntime is not installed; install it with `pip install onnxruntime`"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, and said once
    try:
        return onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except tuple(_faults()) as error:
        raise InputError(
            f"{path}: not an ONNX file that onnxruntime {onnxruntime.__version__} can run "
            f"({str(error).splitlines()[0][:160]})"
        ) from error


def _faults() -> Iterator[type[Exception]]:
    """Every kind of error of onnxruntime's own; they have no common base."""
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    for value in vars(native).values():
        if isinstance(value, type) and issubclass(value, Exception):
            yield value
