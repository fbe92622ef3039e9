"""What the jobs of a plan will take: parameters, memory, windows, FLOPs and the device for them.

Everything follows from configurations and document lengths, so no weights have to be at hand and
torch is not imported. Parameters and bytes of weights are exact; the rest is rules of thumb, each
of which stands here with its source and in `docs/plan.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Literal

from adapters import registry
from adapters.counting import Counts, count, language_model
from adapters.windows import count as count_windows
from adapters.windows import default_overlap
from results.errors import InputError
from results.hashing import canonical_json
from suite.corpus_size import CorpusSize
from suite.estimate_networks import char_lm, reference
from suite.node import Node
from suite.quantities import (
    CHARS_PER_TOKEN,
    DAY_ON_A_CPU,
    WIDTH_BYTES,
    Device,
    Estimate,
    Format,
    ModelSize,
    on,
)

_ACTIVATIONS = 20  # values per token and unit of width that one layer holds while it computes
_KEPT_BYTES = 34  # bytes kept for the backward pass per token, width and layer, in 16 bits:
# Korthikanti et al., "Reducing Activation Recomputation", MLSys 2023, Eq. 1 without the attention
# matrix, which SDPA and FlashAttention do not keep
_ADAM_BYTES = 16  # per trained weight: fp32 weight, gradient and two moments
_LOGIT_BYTES = 8  # per logit in training: fp32 values and gradients
_SPECIAL = {"llama": 1, "mistral": 1, "mixtral": 1, "qwen2": 1, "qwen3": 1, "t5": 1}
_USUAL_SPECIAL = 2


def estimate(nodes: Sequence[Node], size: CorpusSize) -> dict[str, Estimate]:
    """Estimate every job of a plan, by its id."""
    shares, adapters = learnt_shares(nodes), _Adapters()
    return {node.id: _of(node, size, shares[node.id], adapters) for node in nodes}


def learnt_shares(nodes: Sequence[Node]) -> dict[str, float]:
    """Say which share of the documents each job learns from: train, unless it adapts on all."""
    splits = {node.id: _learnt_share(node.params) for node in nodes if node.kind == "split"}
    return {node.id: splits.get(node.needs.get("split", ""), 1.0) for node in nodes}


def _learnt_share(split: Mapping[str, Any]) -> float:
    """Share of all documents that a split leaves to learn from."""
    share: float = (1 - split["test_share"]) * split.get("train_share", 1.0)
    return share


class _Adapters:
    """Builds adapters, each of them once."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def of(self, node: Node) -> Any:
        params = node.params
        key = canonical_json([params["adapter"], params["settings"], dict(node.local)])
        if key not in self._built:
            self._built[key] = registry.of_job(params, node.local)
        return self._built[key]


def _of(node: Node, size: CorpusSize, share: float, adapters: _Adapters) -> Estimate:
    if (network := _NETWORKS.get(node.kind)) is not None:
        return network(node, size, share)
    work = _WORK.get(node.kind)
    if work is None or "adapter" not in node.params:
        return Estimate(device=node.params.get("device", "cpu"))
    adapter = adapters.of(node)
    if adapter.fitted:
        return Estimate()
    config = adapter.config() if hasattr(adapter, "config") else None
    if config is None:
        return Estimate(unknown="its configuration is not at hand")
    try:
        return work(_Job(node=node, adapter=adapter, config=config), size, share)
    except InputError as error:
        return Estimate(unknown=str(error))


@dataclass(frozen=True, kw_only=True)
class _Job:
    node: Node
    adapter: Any
    config: Mapping[str, Any]

    @property
    def context(self) -> int:
        """Tokens per window; what the model takes where nothing was asked for."""
        limit = self.config.get("max_position_embeddings") or self.config.get("n_positions")
        context = self.adapter.context or limit
        if context is None:
            raise InputError("its context is not at hand")
        return int(context)

    @property
    def special(self) -> int:
        """Special tokens in every window."""
        return _SPECIAL.get(self.config["model_type"], _USUAL_SPECIAL)

    def device(self, flops: float) -> Device:
        """A GPU where the suite has one, or where a CPU would need more than a day."""
        planned: Device = self.node.params["device"]
        return "cuda" if flops / self.node.workers > DAY_ON_A_CPU else planned

    def precision(self, device: Device) -> Literal["fp32", "bf16"]:
        """What is computed in on that device: bf16 on a GPU that this machine lacks."""
        planned: Literal["fp32", "bf16"] = self.node.params["precision"]
        return planned if device == self.node.params["device"] else "bf16"

    def held(self, unquantized: Format) -> Format:
        """The format of the weights."""
        method = self.node.params.get("finetune", {}).get("method")
        quantized = method == "qlora" or getattr(self.adapter, "quantize", None)
        return "nf4" if quantized else unquantized


def _embed(job: _Job, size: CorpusSize, share: float) -> Estimate:
    counts, context = count(job.config), job.context
    windows, flops = 0.0, 0.0
    for length, number in size.sizes:
        *full, last = _windows(ceil(length / CHARS_PER_TOKEN), job, job.node.params["overlap"])
        windows += (len(full) + 1) * number
        flops += (len(full) * counts.flops(context) + counts.flops(last)) * number
    device = job.device(flops)
    model = _model(counts, job.held(job.precision(device)))
    at_once = max(job.node.params["batch_tokens"], context)
    working = 2 * _ACTIVATIONS * at_once * counts.width
    working += 2 * counts.largest_in_4_bits if model.held == "nf4" else 0
    working += _sparse_bytes(job, at_once, WIDTH_BYTES[job.precision(device)])
    return Estimate(
        model=model,
        windows=round(windows),
        windows_per_document=round(windows / size.documents, 2) if size.documents else None,
        flops=round(flops),
        device=device,
        memory_bytes=on(device, model.held_bytes + working),
    )


def _windows(tokens: int, job: _Job, overlap: int | None) -> list[int]:
    """Tokens of each window of a document by Eq. 4, special ones included."""
    overlap = default_overlap(job.context) if overlap is None else overlap
    capacity = job.context - job.special
    number = count_windows(tokens, capacity=capacity, overlap=overlap)
    last = tokens - (number - 1) * (capacity - overlap)
    return [*([job.context] * (number - 1)), last + job.special]


def _adapt(job: _Job, size: CorpusSize, share: float) -> Estimate:
    counts = count(job.config, language_model(job.config))
    settings = job.node.params["objective_settings"]
    block = min(settings["block"], job.context)
    tokens = size.characters / CHARS_PER_TOKEN * share * (1 - settings["validation_share"])
    blocks = min(ceil(tokens / block), settings["max_blocks"] or ceil(tokens / block))
    return _trained(
        job,
        counts,
        epoch_flops=blocks * counts.flops(block),
        at_once=block * ceil(settings["batch_size"] / job.node.workers),
        settings=settings,
        is_lora="rank" in settings,
    )


def _finetune(job: _Job, size: CorpusSize, share: float) -> Estimate:
    counts, context = count(job.config), job.context
    settings = job.node.params["finetune"]
    if settings["method"] == "none":
        settings = {**settings, "epochs": 0}
    lengths = [(ceil(x / CHARS_PER_TOKEN), number) for x, number in size.sizes]
    if size.documents is None:  # nothing is known of how they are cut: as if nothing were
        room = context - job.special
        lengths = [(room, ceil(length / room)) for length, _ in lengths]
    once = sum(
        counts.flops(window) * number
        for length, number in lengths
        for window in _read(length, job, settings)
    )
    return _trained(
        job,
        counts,
        epoch_flops=once * share * (1 - settings["validation_share"]),
        then_flops=once * (1 - share),
        at_once=context * settings["batch_size"],
        settings=settings,
        is_lora=settings["method"] in ("lora", "qlora"),
        is_recomputed=settings["windows"] > 1,
    )


def _compress(job: _Job, size: CorpusSize, share: float) -> Estimate:
    """A step of pruning trains like the fine-tuning; narrower layers are not counted in."""
    params = job.node.params
    epochs = params["prune"]["final_epochs" if params["final"] else "epochs"]
    settings = {**params["finetune"], **({"epochs": epochs} if epochs else {})}
    node = replace(job.node, params={**params, "finetune": settings})
    return _finetune(replace(job, node=node), size, share)


def _detect(job: _Job, size: CorpusSize, share: float) -> Estimate:
    """All documents are read, block by block, once for every pass; equal blocks are not known."""
    counts, context = count(job.config, language_model(job.config)), job.context
    settings = job.node.params["detector_settings"]
    tokens = size.characters / CHARS_PER_TOKEN
    flops = tokens / context * counts.flops(context) * settings.get("passes", 1)
    device = job.device(flops)
    model = _model(counts, job.held(job.precision(device)))
    hidden = settings["sentence_share"] * settings["token_share"] * settings["batch_tokens"]
    working = 2 * _ACTIVATIONS * settings["batch_tokens"] * counts.width
    logits = round(_LOGIT_BYTES * hidden * counts.logits)
    return Estimate(
        model=model,
        flops=round(flops),
        device=device,
        memory_bytes=on(device, model.held_bytes + working + logits),
    )


def _read(tokens: int, job: _Job, settings: Mapping[str, Any]) -> list[int]:
    """Tokens of each window that fine-tuning reads of a document, special ones included."""
    most = settings["windows"]
    if most == 1:
        return [min(tokens + job.special, job.context)]
    *full, last = _windows(tokens, job, settings["overlap"])
    return [*full[: most - 1], last]


def _trained(
    job: _Job,
    counts: Counts,
    *,
    epoch_flops: float,
    then_flops: float = 0.0,
    at_once: int,
    settings: Mapping[str, Any],
    is_lora: bool,
    is_recomputed: bool = False,
) -> Estimate:
    """Put together what a training takes that sees `at_once` tokens per step and process.

    `then_flops` are those of reading the test documents with what came out.

    A backward pass costs two forward passes, one where the weights are frozen; where states are
    computed again for it, one more.
    """
    again = bool(settings.get("gradient_checkpointing"))
    passes = (2 if is_lora else 3) + (again or is_recomputed)
    flops = settings["epochs"] * epoch_flops * passes + then_flops
    device = job.device(flops)
    precision = job.precision(device)
    model = _model(counts, job.held(precision if is_lora else "fp32"))
    weights = model.held_bytes if is_lora else _ADAM_BYTES * counts.total
    kept = (2 if again else _KEPT_BYTES) * WIDTH_BYTES[precision] // 2
    activations = kept * at_once * counts.width * counts.layers
    logits = _LOGIT_BYTES * at_once * counts.logits
    beside = logits + _sparse_bytes(job, at_once, WIDTH_BYTES[precision])
    return Estimate(
        model=model,
        flops=round(flops),
        device=device,
        memory_bytes=on(device, weights + activations + beside),
    )


def _sparse_bytes(job: _Job, at_once: int, width_bytes: int) -> int:
    """Bytes of the attention matrix that transformers 5.23 writes out for BigBird, layer by layer.

    `at_once`: tokens of windows that are computed together.
    """
    if job.config.get("attention_type") != "block_sparse":
        return 0
    heads: int = job.config["num_attention_heads"]
    return width_bytes * heads * at_once * job.context


def _model(counts: Counts, held: Format) -> ModelSize:
    return ModelSize(
        parameters=counts.total,
        active=counts.active,
        bf16_bytes=counts.bf16_bytes,
        nf4_bytes=counts.nf4_bytes,
        width=counts.width,
        held=held,
    )


_WORK = {
    "adapt": _adapt,
    "embed": _embed,
    "finetune": _finetune,
    "compress": _compress,
    "anomaly": _detect,
}

_NETWORKS = {"char_lm": char_lm, "reference": reference}
