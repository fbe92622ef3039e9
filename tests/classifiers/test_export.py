"""The edge model: the graphs equal the network, and the file says what has to be known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from classifiers.characters import CharVocabulary
from classifiers.cnn_training import build_network
from classifiers.edge import KEY, Description, EdgeModel, network_input
from classifiers.export import FILES, describe, export
from classifiers.onnx_front import Quantization, Table, looked_up
from classifiers.residual_cnn import FittedCnn, ResidualCnn
from results.errors import InputError

CHARACTERS = "abcdefgh \n0123456789é\x07\ufffd"
LENGTHS = (0, 1, 2, 3, 7, 13, 50, 389, 400, 700)
SMALL = ResidualCnn(context=400, embedding=8, channels=16, dense=16)


def fitted_as(settings: ResidualCnn, characters: str = CHARACTERS) -> FittedCnn:
    """A network with random weights, large enough that its probabilities differ."""
    vocabulary = CharVocabulary(characters)
    network = build_network(settings, vocabulary, 3, seed=0).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(1.5)
        network.stem.bias.normal_(0, 0.3, generator=torch.Generator().manual_seed(0))
    return FittedCnn(settings, vocabulary, ["a|b", "no", "yes"], network, curves=[])


def documents(characters: str = CHARACTERS + "?") -> list[tuple[str, ...]]:
    generator = np.random.default_rng(0)
    texts = ["".join(generator.choice(list(characters), length)) for length in LENGTHS]
    return [(text[:5], text[5:]) for text in texts]


def described(fitted: FittedCnn) -> Description:
    return describe(
        fitted,
        name="reference/cnn/0",
        max_word_chars=None,
        max_line_chars=80,
        view={"text": "cleaned", "drop_numbers": False},
        marks=("random weights",),
    )


def exported(fitted: FittedCnn, folder: Path) -> Any:
    texts = documents()
    return export(fitted, described(fitted), folder, train=texts, test=texts)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a small network."""
    folder = tmp_path_factory.mktemp("small")
    exported(fitted_as(SMALL), folder)
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"layers": 1, "padding": "paper"},
        {"layers": 4, "stem_width": 9, "stem_stride": 3, "pool": 2, "keep": "tail"},
        {"layers": 2, "stem_width": 9, "stem_stride": 2},
        {"layers": 2, "stem_width": 8, "stem_stride": 4, "padding": "paper"},
    ],
    ids=str,
)
def test_the_files_say_what_the_network_says(changes: dict[str, Any], tmp_path: Path) -> None:
    fitted = fitted_as(replace(SMALL, **changes))
    written = exported(fitted, tmp_path)
    assert set(written) == {"fp32", "int8"}
    assert written["fp32"].agreement == 1.0 and written["fp32"].deviation < 1e-5
    assert written["int8"].agreement == 1.0 and written["int8"].deviation < 0.02
    scores = fitted.predict(documents()).scores
    assert scores is not None and np.ptp(scores, axis=0).max() > 0.05


def test_a_bilstm_is_exported_in_floats_only(tmp_path: Path) -> None:
    written = exported(fitted_as(replace(SMALL, bilstm=6, layers=2)), tmp_path)
    assert set(written) == {"fp32"} and not (tmp_path / FILES["int8"]).exists()
    assert written["fp32"].agreement == 1.0 and written["fp32"].deviation < 1e-5


def test_the_default_network_is_as_small_as_promised(tmp_path: Path) -> None:
    fitted = fitted_as(ResidualCnn(), "".join(map(chr, range(32, 129))))
    written = exported(fitted, tmp_path)
    assert fitted.parameters < 800_000
    assert written["fp32"].size_bytes <= 3_200_000
    assert written["int8"].size_bytes < 0.5 * written["fp32"].size_bytes


def test_pairs_are_looked_up_while_their_table_is_small() -> None:
    def group(changes: dict[str, Any], characters: str = CHARACTERS) -> int:
        return Table.of(fitted_as(replace(SMALL, **changes), characters).network).group

    assert group({}) == 2
    assert group({"stem_stride": 3}) == 1
    assert group({"channels": 64}, "".join(map(chr, range(256, 500)))) == 1


@pytest.mark.parametrize("stride", [2, 3])
def test_rows_of_bytes_add_up_to_the_convolution(stride: int) -> None:
    network = fitted_as(replace(SMALL, stem_stride=stride)).network
    table = Table.of(network)
    with torch.no_grad():
        exact = torch.einsum(
            "ve,cew->wvc", network.character_vectors(), network.stem.weight
        ).numpy()
    again = table.rows.sum(axis=0) + table.lowest  # one character at all taps
    assert np.abs(again * table.scale - exact.sum(axis=0)).max() < len(exact) * table.scale.max()
    pairs = table.rows.reshape(-1, table.group, *table.rows.shape[1:]).astype(int)
    assert pairs.max(axis=2).sum(axis=1).max() <= 255, "a pair does not fit into a byte"


def test_the_int8_graph_works_on_bytes_from_end_to_end(small: Path) -> None:
    nodes = onnx.load(small / FILES["int8"]).graph.node
    kinds = [node.op_type for node in nodes]
    assert kinds.index("Gather") < kinds.index("QLinearConv") < kinds.index("Conv")
    quantized = {
        name for node in nodes if node.op_type == "DequantizeLinear" for name in node.output
    }
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    assert len(convolutions) == SMALL.layers - 1
    assert all(set(node.input) <= quantized for node in convolutions)


def test_nothing_below_zero_leaves_the_front() -> None:
    front = looked_up(fitted_as(SMALL).network, Quantization(0.1, 0))
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in front.constants}
    assert constants["hidden.zero"] == 0, "bytes are cut off at 0, as the network's states are"


def test_the_same_network_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    exported(fitted_as(SMALL), tmp_path)
    for file in FILES.values():
        assert (tmp_path / file).read_bytes() == (small / file).read_bytes()


def test_the_file_holds_all_that_has_to_be_known(small: Path) -> None:
    model = EdgeModel.open(small / FILES["int8"])
    assert model.description == replace(described(fitted_as(SMALL)), precision="int8")
    assert model.vocabulary.characters == CHARACTERS


def test_a_document_is_padded_only_where_the_network_sees_it() -> None:
    fitted = fitted_as(SMALL)
    document = fitted.encode(("abc",))
    masked = described(fitted)
    assert network_input(document, masked).tolist() == [[2, 3, 4]]
    paper = network_input(document, replace(masked, padding="paper", context=5))
    assert paper.tolist() == [[2, 3, 4, 0, 0]] and paper.dtype == np.int32
    assert network_input(fitted.encode(()), masked).tolist() == [[0]]


def test_what_is_no_model_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; give a model.onnx"):
        EdgeModel.open(tmp_path / "model.onnx")
    (tmp_path / "noise.onnx").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(InputError, match=r"noise.onnx: not an ONNX file that onnxruntime"):
        EdgeModel.open(tmp_path / "noise.onnx")
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(InputError, match=r"empty.onnx: not an ONNX file that onnxruntime"):
        EdgeModel.open(tmp_path / "empty.onnx")
    onnx.save(_foreign(), tmp_path / "other.onnx")
    with pytest.raises(InputError, match="an ONNX file, but not one that `logmark export` wrote"):
        EdgeModel.open(tmp_path / "other.onnx")
    onnx.save(_foreign('{"version": 9}'), tmp_path / "later.onnx")
    with pytest.raises(InputError, match="metadata version 9, this one reads 1"):
        EdgeModel.open(tmp_path / "later.onnx")


def _foreign(description: str | None = None) -> onnx.ModelProto:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", value[:1], value[1:])
    opsets = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    if description is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = KEY, description
    return model
