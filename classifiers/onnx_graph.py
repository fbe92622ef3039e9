"""A reference CNN as an ONNX graph, in 32-bit floats and with 8-bit integers.

The first part is written by hand (`classifiers.onnx_front`), what follows is the network's own code
as torch exports it, so that a change of the residual layers needs none here. For the int8 model the
second part is quantized by onnxruntime: static, per channel, ranges taken from train documents.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from jaxtyping import Float, Int
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import Tensor, nn

from classifiers.edge import INPUT, OUTPUT
from classifiers.onnx_front import HIDDEN, Front, Quantization, looked_up, plain
from classifiers.residual_network import ResidualNetwork

_STEPS = 1001  # of the example that torch traces
_QUANTIZED = ("Conv", "Add", "Relu", "MaxPool")
"""The dense layers stay in floats: they take no time, and scores in 8 bits are coarse."""


class _Rest(nn.Module):
    """Everything behind the front, for one document without padding."""

    def __init__(self, network: ResidualNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, hidden: Float[Tensor, "1 channels steps"]) -> Float[Tensor, "1 classes"]:
        return self.network.classify(self.network.pooled(hidden, None)).softmax(dim=1)


def rest_of(network: ResidualNetwork) -> ModelProto:
    """Let torch write everything behind the front down, for any number of steps.

    torch.export (2.13) takes the number of steps for a constant wherever `max_pool1d` sees it. No
    node of the graph depends on it, so it only has to be struck out of the graph's declarations.
    """
    example = torch.zeros(1, network.shape.channels, _STEPS)
    with _quiet():
        program = torch.onnx.export(
            _Rest(network).eval(),
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[HIDDEN],
            output_names=[OUTPUT],
        )
    assert program is not None
    model: ModelProto = program.model_proto
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "steps"
    del model.graph.value_info[:]
    return model


def as_floats(network: ResidualNetwork, rest: ModelProto) -> ModelProto:
    """Write a network down as it is; takes ids (1 x n, int32), gives probabilities (1 x C)."""
    return _joined(plain(network), rest)


def as_bytes(
    network: ResidualNetwork, rest: ModelProto, documents: Iterable[Int[np.ndarray, "1 n"]]
) -> ModelProto | None:
    """Write a network down with 8-bit weights and states; `None` where it has a BiLSTM.

    Args:
        network: in evaluation mode, on the CPU.
        rest: what `rest_of` it made.
        documents: ids of train documents, as the network reads them: what its states may become.
    """
    if network.bilstm is not None:
        return None
    states = _States(network, documents)
    rest = _quantized(rest, states)
    quantization = _take_quantization(rest.graph) or states.quantization
    front = looked_up(network, quantization)
    if not _reads(rest.graph, HIDDEN):
        return _joined(front, rest)
    for node in front.nodes:  # one layer only: nothing behind the front was quantized
        if node.output[0] == HIDDEN:
            node.output[0] = "hidden.byte"
    names = ["hidden.byte", "hidden.scale", "hidden.zero"]
    front.node("DequantizeLinear", names, HIDDEN)
    return _joined(front, rest)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what the exporters say of their own internals."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    disabled = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(disabled)
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


class _States(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """What comes out of the front for each document, one at a time."""

    def __init__(
        self, network: ResidualNetwork, documents: Iterable[Int[np.ndarray, "1 n"]]
    ) -> None:
        self.highest = 0.0
        self._states = self._computed(network, documents)

    def _computed(
        self, network: ResidualNetwork, documents: Iterable[Int[np.ndarray, "1 n"]]
    ) -> Iterator[dict[str, np.ndarray]]:
        for ids in documents:
            with torch.no_grad():
                hidden, _ = network.first_states(torch.from_numpy(ids), None)
            self.highest = max(self.highest, float(hidden.max()))
            yield {HIDDEN: hidden.numpy()}

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Give the next document's, as onnxruntime asks for it."""
        return next(self._states, None)

    @property
    def quantization(self) -> Quantization:
        """Bytes over all that has been met; it is never below 0."""
        return Quantization(max(self.highest, 1e-6) / 255, 0)


def _quantized(model: ModelProto, states: _States) -> ModelProto:
    own = ModelProto()
    own.CopyFrom(model)
    with tempfile.TemporaryDirectory(prefix="logmark-export-") as folder, _quiet():
        path = Path(folder) / "int8.onnx"
        quantize_static(
            own,
            path,
            states,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_QUANTIZED),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        for _ in iter(states.get_next, None):
            pass  # a rest without a convolution asks for no document
        return onnx.load(path)


def _take_quantization(graph: GraphProto) -> Quantization | None:
    """Remove the node that makes bytes of the input: the front gives them already."""
    for node in graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] == HIDDEN:
            scale, zero = (_constant(graph, name) for name in node.input[1:3])
            for reader in graph.node:
                for place, name in enumerate(reader.input):
                    if name == node.output[0]:
                        reader.input[place] = HIDDEN
            graph.node.remove(node)
            return Quantization(float(scale), int(zero))
    return None


def _constant(graph: GraphProto, name: str) -> np.ndarray:
    (found,) = (one for one in graph.initializer if one.name == name)
    return numpy_helper.to_array(found)


def _reads(graph: GraphProto, name: str) -> bool:
    """Whether the input is still read as floats."""
    bytes_only = {"DequantizeLinear"}
    return any(name in node.input and node.op_type not in bytes_only for node in graph.node)


def _joined(front: Front, rest: ModelProto) -> ModelProto:
    """Put both parts into one graph."""
    classes = rest.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    graph = helper.make_graph(
        [*front.nodes, *rest.graph.node],
        "logmark",
        [helper.make_tensor_value_info(INPUT, TensorProto.INT32, [1, "characters"])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, classes])],
        [*front.constants, *rest.graph.initializer],
    )
    model = helper.make_model(
        graph, opset_imports=rest.opset_import, ir_version=rest.ir_version, producer_name="logmark"
    )
    onnx.checker.check_model(model)
    return model
