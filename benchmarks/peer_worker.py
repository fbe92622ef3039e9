"""A peer of the embedding benchmark in its own environment; started by benchmarks/peers.py.

    python peer_worker.py PEER PRECISION MODEL EXPORTS WINDOWS

WINDOWS holds one JSON string per line. The first line on standard output says what was loaded; then
each line on standard input is an order `{"batch_size", "limit", "save"}`: the peer embeds the first
`limit` windows, saves the vectors as .npy where `save` names a file, and answers `{"seconds"}`.
PRECISION `export` makes what the peer needs (an ONNX file, a converted model) in EXPORTS and ends.
Nothing of Logmark is imported here: its packages are not installed.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

THREADS = 2
_MAX_TOKENS = 256
_PACKAGES = ("torch", "transformers", "sentence-transformers", "tokenizers")


class Loaded(NamedTuple):
    """A peer that is ready: how it embeds, and in what its matrix products were really computed."""

    encode: Callable[[list[str], int], Any]
    computed_in: str


def main() -> None:
    """Load the peer, then take orders until standard input ends."""
    _limit_threads()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever the libraries print goes to standard error
    peer, precision, model, exports, windows = sys.argv[1:]
    if precision == "export":
        EXPORTS[peer](Path(model), Path(exports))
        return
    texts = [json.loads(line) for line in Path(windows).read_text().splitlines()]
    loaded = PEERS[peer](precision, Path(model), Path(exports))
    loaded.encode(texts[:4], 4)
    print(
        json.dumps({"computed_in": loaded.computed_in, "versions": _versions(peer)}), file=answers
    )
    for line in sys.stdin:
        print(json.dumps({"seconds": _obey(json.loads(line), loaded, texts)}), file=answers)


def _limit_threads() -> None:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    os.environ.update(dict.fromkeys(names, str(THREADS)))
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="true", DO_NOT_TRACK="1")


def _versions(peer: str) -> dict[str, str]:
    found = {}
    for package in (*PACKAGES[peer], *_PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _obey(order: dict[str, Any], loaded: Loaded, texts: list[str]) -> float:
    import numpy as np

    started = time.perf_counter()
    vectors = loaded.encode(texts[: order["limit"]], order["batch_size"])
    seconds = time.perf_counter() - started
    if order["save"]:
        np.save(order["save"], np.asarray(vectors, dtype=np.float32))
    return seconds


def _openvino(precision: str, model: Path, exports: Path) -> Loaded:
    """sentence-transformers with its OpenVINO backend."""
    from sentence_transformers import SentenceTransformer

    hint = {"fp32": "f32", "bf16": "bf16"}[precision]
    config = {
        "INFERENCE_PRECISION_HINT": hint,
        "INFERENCE_NUM_THREADS": THREADS,
        "PERFORMANCE_HINT": "LATENCY",
    }
    found = SentenceTransformer(
        str(exports / "openvino"),
        backend="openvino",
        device="cpu",
        local_files_only=True,
        model_kwargs={"ov_config": config, "device": "CPU"},
    )
    found.encode(["warm"], show_progress_bar=False)
    return Loaded(_sentences(found), _openvino_precision(found[0].auto_model.request))


def _openvino_precision(compiled: Any) -> str:
    """Read from the compiled graph what its fully connected layers are computed in."""
    ops = compiled.get_runtime_model().get_ordered_ops()
    infos = [{key: value.astype(str) for key, value in op.get_rt_info().items()} for op in ops]
    products = [info for info in infos if info.get("layerType") == "FullyConnected"]
    return "/".join(sorted({info["runtimePrecision"] for info in products})) or "unknown"


def _export_openvino(model: Path, exports: Path) -> None:
    from sentence_transformers import SentenceTransformer

    options = {"export": True, "device": "CPU"}
    found = SentenceTransformer(str(model), backend="openvino", device="cpu", model_kwargs=options)
    found.save_pretrained(str(exports / "openvino"))


def _sentences(model: Any) -> Callable[[list[str], int], Any]:
    def encode(texts: list[str], batch_size: int) -> Any:
        return model.encode(texts, batch_size=batch_size, show_progress_bar=False)

    return encode


def _compiled(precision: str, model: Path, exports: Path) -> Loaded:
    """sentence-transformers in bf16 under torch.compile: `zentorch` (AMD's) or `inductor`."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    if precision == "zentorch":
        import zentorch  # noqa: F401 - registers itself
    options = {"dtype": torch.bfloat16}
    found = SentenceTransformer(str(model), device="cpu", model_kwargs=options)
    found.compile(backend=precision, dynamic=True)
    return Loaded(_sentences(found), f"bf16, torch.compile with {precision}")


def _onnxruntime(precision: str, model: Path, exports: Path) -> Loaded:
    """ONNX Runtime on a graph fused by its own optimizer: no padding but to a batch's longest."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    path = exports / "onnx" / {"fp32": "fused.onnx", "int8": "int8.onnx"}[precision]
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    names = {node.name for node in session.get_inputs()}

    def states(ids: Any, mask: Any) -> Any:
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": 0 * ids}
        return session.run(None, {name: feed[name] for name in names})[0]

    return Loaded(_batched(model, states), precision)


def _export_onnx(model: Path, exports: Path) -> None:
    from onnx import TensorProto
    from onnxruntime.quantization import quantize_dynamic
    from onnxruntime.transformers.optimizer import optimize_model
    from optimum.exporters.onnx import main_export

    folder = exports / "onnx"
    main_export(
        str(model),
        output=folder,
        task="feature-extraction",
        library_name="transformers",
        do_validation=False,
    )
    _set_longest(folder / "tokenizer_config.json")
    fused = optimize_model(
        str(folder / "model.onnx"), model_type="bert", num_heads=12, hidden_size=384
    )
    fused.save_model_to_file(str(folder / "fused.onnx"))
    quantize_dynamic(
        folder / "fused.onnx",
        folder / "int8.onnx",
        per_channel=True,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def _set_longest(path: Path) -> None:
    """Let a tokenizer read whole windows; MiniLM's own cuts at 128 tokens, and fastembed obeys."""
    config = {**json.loads(path.read_text()), "max_length": _MAX_TOKENS}
    path.write_text(json.dumps({**config, "model_max_length": _MAX_TOKENS}))


def _batched(model: Path, states: Callable[[Any, Any], Any]) -> Callable[[list[str], int], Any]:
    """Tokenize, sort by length, pad to a batch's longest, average and normalize."""
    import numpy as np
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.enable_truncation(_MAX_TOKENS)
    tokenizer.no_padding()

    def encode(texts: list[str], batch_size: int) -> Any:
        tokens = [found.ids for found in tokenizer.encode_batch(texts)]
        vectors = [np.zeros(0)] * len(texts)
        for batch in _batches(tokens, batch_size):
            ids, mask = _padded([tokens[index] for index in batch])
            found = states(ids, mask)
            sums = (found * mask[..., None]).sum(axis=1)
            for index, row in zip(batch, sums, strict=True):
                vectors[index] = row / np.linalg.norm(row)
        return np.stack(vectors)

    return encode


def _batches(tokens: list[list[int]], batch_size: int) -> Iterator[list[int]]:
    order = sorted(range(len(tokens)), key=lambda index: -len(tokens[index]))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def _padded(rows: list[list[int]]) -> Any:
    import numpy as np

    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)], mask[number, : len(row)] = row, 1
    return ids, mask


def _fastembed(precision: str, model: Path, exports: Path) -> Loaded:
    """FastEmbed with the same fused ONNX file, given as a custom local model."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    TextEmbedding.add_custom_model(
        model="local/minilm",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="local/minilm"),
        dim=384,
        model_file="fused.onnx",
    )
    found = TextEmbedding(
        "local/minilm", specific_model_path=str(exports / "onnx"), threads=THREADS
    )

    def encode(texts: list[str], batch_size: int) -> Any:
        return list(found.embed(texts, batch_size=batch_size))

    return Loaded(encode, precision)


def _infinity(precision: str, model: Path, exports: Path) -> Loaded:
    """The torch engine of infinity; its batch size is set once, so there is one engine for each."""
    import torch
    from infinity_emb import EngineArgs, SyncEngineArray

    torch.set_num_threads(THREADS)
    engines: dict[int, Any] = {}

    def engine(batch_size: int) -> Any:
        if batch_size not in engines:
            options = {"engine": "torch", "device": "cpu", "bettertransformer": False}
            dtype = {"fp32": "float32", "bf16": "bfloat16"}[precision]
            engines[batch_size] = SyncEngineArray.from_args(
                [
                    EngineArgs(
                        model_name_or_path=str(model),
                        batch_size=batch_size,
                        dtype=dtype,
                        model_warmup=False,
                        served_model_name="minilm",
                        **options,
                    )
                ]
            )
        return engines[batch_size]

    def encode(texts: list[str], batch_size: int) -> Any:
        vectors, _ = engine(batch_size).embed(model="minilm", sentences=texts).result()
        return vectors

    return Loaded(encode, precision)


def _ctranslate2(precision: str, model: Path, exports: Path) -> Loaded:
    """CTranslate2's encoder; on this kind of CPU it knows fp32 and int8, no bf16."""
    import ctranslate2
    import numpy as np

    encoder = ctranslate2.Encoder(
        str(exports / "ctranslate2"),
        device="cpu",
        compute_type={"fp32": "float32", "int8": "int8_float32"}[precision],
        intra_threads=THREADS,
        inter_threads=1,
    )

    def states(ids: Any, mask: Any) -> Any:
        rows = [row[: int(keep.sum())].tolist() for row, keep in zip(ids, mask, strict=True)]
        return np.array(encoder.forward_batch(rows).last_hidden_state)

    return Loaded(_batched(model, states), encoder.compute_type)


def _export_ctranslate2(model: Path, exports: Path) -> None:
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(str(model)).convert(str(exports / "ctranslate2"), force=True)


PEERS: dict[str, Callable[[str, Path, Path], Loaded]] = {
    "openvino": _openvino,
    "compile": _compiled,
    "onnxruntime": _onnxruntime,
    "fastembed": _fastembed,
    "infinity": _infinity,
    "ctranslate2": _ctranslate2,
}
EXPORTS: dict[str, Callable[[Path, Path], None]] = {
    "openvino": _export_openvino,
    "onnxruntime": _export_onnx,
    "ctranslate2": _export_ctranslate2,
}
PACKAGES = {
    "openvino": ("openvino", "optimum-intel"),
    "compile": ("zentorch",),
    "onnxruntime": ("onnxruntime", "optimum-onnx"),
    "fastembed": ("fastembed", "onnxruntime"),
    "infinity": ("infinity-emb",),
    "ctranslate2": ("ctranslate2",),
}

if __name__ == "__main__":
    main()
