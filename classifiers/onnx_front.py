"""The first part of the edge model: from characters' ids to what the residual layers read.

There are two, which compute the same. `plain` is the network as it is written down: embedding,
(BiLSTM), convolution, pooling, in 32-bit floats. `looked_up` is for the int8 model. Convolving
embedded characters equals adding, for each tap of the kernel, a row of a table; here the rows of
two neighbouring taps are added beforehand, for every pair of characters, so that half as many rows
are fetched, and they have 8 bits. In the file the rows stand for single characters; onnxruntime
adds them once, when it folds constants on loading.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from onnx import NodeProto, TensorProto, helper, numpy_helper

from classifiers.edge import INPUT
from classifiers.residual_network import ResidualNetwork

HIDDEN = "hidden"
"""Name of what comes out: n x channels x steps, quantized where it is looked up."""

MOST_TABLE_BYTES = 1 << 24
"""Pairs of characters are looked up as long as their table takes no more memory than this."""


class Quantization(NamedTuple):
    """What 8 bits of a tensor mean: value = scale * (byte - zero)."""

    scale: float
    zero: int


@dataclass
class Front:
    """Nodes of a graph in order, with their constants."""

    nodes: list[NodeProto]
    constants: list[TensorProto]

    def constant(self, name: str, value: np.ndarray) -> str:
        """Add a constant, and give its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node behind the others, and give its output's name."""
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output


def plain(network: ResidualNetwork) -> Front:
    """Write embedding, BiLSTM, convolution and pooling down as they are, in fp32."""
    front, shape = Front([], []), network.shape
    rows = front.constant("characters", network.character_vectors().detach().numpy())
    read = front.node("Gather", [rows, INPUT], "embedded")
    read = _bilstm(front, network.bilstm, read)
    read = front.node("Transpose", [read], "read", perm=[0, 2, 1])
    kernel = front.constant("stem.weight", network.stem.weight.detach().numpy())
    bias = front.constant("stem.bias", _bias(network))
    convolved = front.node(
        "Conv",
        [read, kernel, bias],
        "convolved",
        kernel_shape=[shape.stem_width],
        strides=[shape.stem_stride],
        pads=list(_beyond(network, shape.stem_width)),
    )
    pooled = _pool(front, network, convolved, "pooled")
    front.node("Relu", [pooled], HIDDEN)
    return front


def _beyond(network: ResidualNetwork, width: int) -> tuple[int, int]:
    """Characters that the kernel meets before and behind a document of any length.

    The network pads to a whole number of strides; one step for each begun stride comes out of this
    as well, since a convolution drops what does not fill a step.
    """
    before = (network.shape.stem_width - network.shape.stem_stride) // 2
    return before, width - 1 - before


def _bias(network: ResidualNetwork) -> Float[np.ndarray, " channels"]:
    assert network.stem.bias is not None, "Conv1d makes one"
    bias: np.ndarray = network.stem.bias.detach().numpy()
    return bias


def _pool(front: Front, network: ResidualNetwork, hidden: str, output: str) -> str:
    size = [network.shape.pool]
    return front.node("MaxPool", [hidden], output, kernel_shape=size, strides=size, ceil_mode=1)


def _bilstm(front: Front, lstm: torch.nn.LSTM | None, read: str) -> str:
    """Add a BiLSTM if there is one: 1 x n x features to 1 x n x 2 units."""
    if lstm is None:
        return read
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = [
        np.stack([_gates(getattr(lstm, f"{name}_l0{end}")) for end in ("", "_reverse")])
        for name in names
    ]
    inputs = [
        front.node("Transpose", [read], "by_time", perm=[1, 0, 2]),
        front.constant("lstm.W", weights[0]),
        front.constant("lstm.R", weights[1]),
        front.constant("lstm.B", np.concatenate(weights[2:], axis=1)),
    ]
    units = lstm.hidden_size
    states = front.node("LSTM", inputs, "states", hidden_size=units, direction="bidirectional")
    states = front.node("Transpose", [states], "states_by_time", perm=[2, 0, 1, 3])
    flat = front.constant("lstm.shape", np.array([1, -1, 2 * units]))
    return front.node("Reshape", [states, flat], "states_flat")


def _gates(weight: torch.Tensor) -> np.ndarray:
    """Bring gates from torch's order (input, forget, cell, output) into ONNX's (i, o, f, c)."""
    i, f, c, o = weight.detach().numpy().reshape(4, -1, *weight.shape[1:])
    return np.concatenate([i, o, f, c])


def looked_up(network: ResidualNetwork, hidden: Quantization) -> Front:
    """Write the convolution down as a look-up of bytes, and pool.

    Every character (or pair) fetches the rows of all taps at once, laid out one behind the other.
    What adds up to step i then stands at a fixed distance: the row of tap j belongs to the j-th
    look-up from there on, so it is one look-up and one row further. Adding rows at a fixed distance
    is a convolution with a dilation, whose weights are 1 and whose scale is the table's.

    Args:
        network: without a BiLSTM.
        hidden: what the 8 bits that come out mean; nothing below 0 is kept, as in the network.
    """
    assert network.bilstm is None, "what a BiLSTM makes of a character cannot be looked up"
    shape, table = network.shape, Table.of(network)
    width, taps = len(table.rows), len(table.rows) // table.group
    front = Front([], [])
    before, behind = _beyond(network, width)
    pads = front.constant("beyond", np.array([0, before, 0, behind]))
    value = front.constant("nothing", np.array(shape.vocabulary, dtype=np.int32))
    ids = front.node("Pad", [INPUT, pads, value], "padded")
    rows = front.node("Gather", _entries(front, table, ids), "fetched")
    layout = front.constant("layout", np.array([1, -1, shape.channels]))
    rows = front.node("Reshape", [rows, layout], "rows")
    rows = front.node("Transpose", [rows], "rows_by_channel", perm=[0, 2, 1])
    front.node(
        "QLinearConv",
        [rows, *_sum(front, network, table, hidden)],
        "convolved",
        group=shape.channels,
        kernel_shape=[taps],
        dilations=[taps + 1],
        strides=[shape.stem_stride // table.group * taps],
    )
    _pool(front, network, "convolved", HIDDEN)
    return front


@dataclass(frozen=True)
class Table:
    """What each character adds to a step, in bytes: value = scale * (byte + lowest).

    Attributes:
        rows: taps x characters x channels; the sum of two neighbouring taps fits into a byte where
            they are looked up together.
        scale: of a byte, by channel.
        lowest: the sum over all taps of what stands for byte 0, by channel, in units of `scale`.
        group: characters that are looked up together, 1 or 2.
    """

    rows: UInt8[np.ndarray, "taps characters channels"]
    scale: Float[np.ndarray, " channels"]
    lowest: Float[np.ndarray, " channels"]
    group: int

    @classmethod
    def of(cls, network: ResidualNetwork) -> "Table":
        """Make the table of a network's first convolution."""
        characters, kernel = network.character_vectors(), network.stem.weight
        exact = torch.einsum("ve,cew->wvc", characters, kernel).detach().numpy()
        group = _group(network, *exact.shape)
        if len(exact) % group:
            exact = np.concatenate([exact, np.zeros_like(exact[:1])])
        low, high = exact.min(axis=1), exact.max(axis=1)
        reach = (high - low).reshape(-1, group, low.shape[1]).sum(axis=1).max(axis=0)
        scale = np.maximum(reach / (256 - group), 1e-30)  # both bytes may be rounded up
        rows = np.round((exact - low[:, None]) / scale).astype(np.uint8)
        return cls(rows, scale, (low / scale).sum(axis=0), group)


def _group(network: ResidualNetwork, taps: int, characters: int, channels: int) -> int:
    """Look up pairs where a stride holds whole ones and their table is not too large."""
    large = characters**2 * (taps + 1) // 2 * channels > MOST_TABLE_BYTES
    return 1 if network.shape.stem_stride % 2 or large else 2


def _entries(front: Front, table: Table, ids: str) -> list[str]:
    """Give the table with one row for each pair, and which row each pair of characters has."""
    taps, characters, channels = table.rows.shape
    by_character = table.rows.transpose(1, 0, 2)
    if table.group == 1:
        return [front.constant("table", by_character.reshape(characters, -1)), ids]
    first = front.constant("first", by_character[:, 0::2].reshape(characters, 1, -1))
    second = front.constant("second", by_character[:, 1::2].reshape(1, characters, -1))
    pairs = front.node("Add", [first, second], "pairs")
    flat = front.constant("pairs.shape", np.array([characters**2, taps // 2 * channels]))
    size = front.constant("characters", np.array(characters, dtype=np.int32))
    tens = front.node("Mul", [_every_second(front, ids, 0), size], "tens")
    entry = front.node("Add", [tens, _every_second(front, ids, 1)], "pair")
    return [front.node("Reshape", [pairs, flat], "table"), entry]


def _every_second(front: Front, ids: str, start: int) -> str:
    """Take the first or the second character of every pair; a last one alone is left out."""
    bounds = {"start": start, "stop": -1 if start == 0 else np.iinfo(np.int64).max}
    bounds |= {"axis": 1, "step": 2}
    names = [front.constant(f"{key}.{start}", np.array([at])) for key, at in bounds.items()]
    return front.node("Slice", [ids, *names], f"characters.{start}")


def _sum(front: Front, network: ResidualNetwork, table: Table, hidden: Quantization) -> list[str]:
    """Give the inputs of a convolution that adds one row per tap, behind the rows themselves."""
    channels, taps = network.shape.channels, len(table.rows) // table.group
    bias = np.round(_bias(network) / table.scale + table.lowest).astype(np.int32)
    named = {
        "rows.scale": np.float32(1),
        "rows.zero": np.uint8(0),
        "ones": np.ones((channels, 1, taps), dtype=np.int8),
        "table.scale": table.scale.astype(np.float32),
        "table.zero": np.zeros(channels, dtype=np.int8),
        "hidden.scale": np.float32(hidden.scale),
        "hidden.zero": np.uint8(hidden.zero),
        "sum.bias": bias,
    }
    return [front.constant(name, np.asarray(value)) for name, value in named.items()]
