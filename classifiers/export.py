"""Turn a fitted reference CNN into edge models, and measure what the step costs in agreement.

In go a network, train documents (they decide the ranges of the int8 model) and test documents (on
them the labels are compared); out come `model.onnx`, `model.int8.onnx` and what was measured.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from classifiers.edge import KEY, Description, EdgeModel, network_input
from results.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float, Int32
    from onnx import ModelProto

    from classifiers.residual_cnn import FittedCnn

FILES: dict[Literal["fp32", "int8"], str] = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
CALIBRATION_DOCUMENTS = 64
"""Train documents that decide the ranges; spread evenly over those given."""

NO_INT8 = "what a BiLSTM makes of a character cannot be looked up in a table of bytes"


@dataclass(frozen=True)
class Written:
    """One model file, and how it compares with the torch network on the test documents.

    Attributes:
        path: where it lies.
        size_bytes: how large it is.
        agreement: share of documents with the label that torch gives, 0 to 1.
        deviation: largest difference of a probability.
        predicted: label of each test document.
    """

    path: Path
    size_bytes: int
    agreement: float
    deviation: float
    predicted: list[str]


def require() -> None:
    """Refuse to start where the packages that export needs are missing.

    Raises:
        InputError: one of them is not installed.
    """
    for name in ("onnx", "onnxruntime", "onnxscript"):  # torch's exporter needs the last
        if find_spec(name) is None:
            raise InputError(
                f"export needs {name}, which is not installed: pip install 'logmark[export]'"
            )


def describe(fitted: "FittedCnn", **known: object) -> Description:
    """Say what a file has to say of a network; `known` is what only the run knows."""
    settings = fitted.settings
    values = {
        "precision": "fp32",
        "classes": tuple(fitted.classes),
        "characters": fitted.vocabulary.characters,
        "context": settings.context,
        "keep": settings.keep,
        "padding": settings.padding,
        **known,
    }
    return Description(**values)  # type: ignore[arg-type]  # checked by the callers' tests


def export(
    fitted: "FittedCnn",
    description: Description,
    out: Path,
    *,
    train: Sequence[Sequence[str]],
    test: Sequence[Sequence[str]],
) -> dict[Literal["fp32", "int8"], Written]:
    """Write the model files into an existing folder and compare each with the network.

    Args:
        fitted: the network.
        description: what stands in the files besides the graph.
        out: the folder.
        train: documents as parts, of which some decide what 8 bits stand for.
        test: documents as parts, on which the labels are compared.

    Returns:
        By precision; without "int8" where the network cannot be had in 8 bits (`NO_INT8`).
    """
    from classifiers.onnx_graph import as_bytes, as_floats, rest_of

    network = fitted.network.cpu().eval()
    rest, calibration = rest_of(network), _inputs(fitted, description, _spread(train))
    graphs: dict[Literal["fp32", "int8"], ModelProto | None] = {
        "fp32": as_floats(network, rest),
        "int8": as_bytes(network, rest, calibration),
    }
    expected = fitted.predict(test).scores
    assert expected is not None, "a network gives scores"
    written: dict[Literal["fp32", "int8"], Written] = {}
    for precision, graph in graphs.items():
        if graph is not None:
            path = _write(graph, replace(description, precision=precision), out)
            written[precision] = _compared(path, test, expected)
    return written


def _spread(texts: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    count = min(CALIBRATION_DOCUMENTS, len(texts))
    places = np.linspace(0, len(texts) - 1, count).round().astype(int)
    return [texts[place] for place in places.tolist()]


def _inputs(
    fitted: "FittedCnn", description: Description, texts: Iterable[Sequence[str]]
) -> Iterator["Int32[np.ndarray, '1 n']"]:
    for parts in texts:
        yield network_input(fitted.encode(parts), description)


def _write(graph: "ModelProto", description: Description, out: Path) -> Path:
    entry = graph.metadata_props.add()
    entry.key, entry.value = KEY, description.to_json()
    path = out / FILES[description.precision]
    path.write_bytes(graph.SerializeToString(deterministic=True))
    return path


def _compared(
    path: Path, texts: Sequence[Sequence[str]], expected: "Float[np.ndarray, 'n c']"
) -> Written:
    model = EdgeModel.open(path)
    scores = np.array([model.scores(model.encode(parts)) for parts in texts])
    labels = scores.argmax(axis=1)
    return Written(
        path=path,
        size_bytes=path.stat().st_size,
        agreement=float((labels == expected.argmax(axis=1)).mean()),
        deviation=float(np.abs(scores - expected).max()),
        predicted=[model.description.classes[label] for label in labels],
    )
