"""What `seq2seq` and `causal` share: a frozen model with updates, and the rows of our tokens.

Our tokens have no trained rows. They are drawn from the distribution of the rows that the model
has, dimension by dimension: transformers' own mean-resizing makes them all nearly equal, which
nothing would mend where they stay frozen, and its plain draw ignores the model's scale.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from peft import LoraConfig
from pydantic import JsonValue
from torch import Tensor, nn

from adapters import lora
from adapters.blocks import IGNORED
from adapters.heads import Start, save_tokenizer, start
from adapters.loading import DTYPES, quiet
from adapters.objective import LoraObjective, Request
from adapters.quantization import keep_packing
from results.errors import InputError


class NewRows(nn.Module):
    """Rows of new tokens, trained while the matrices they belong to stay frozen.

    They stand in for those rows by hooks: behind every embedding that shares the model's input
    matrix, and behind the head (with rows of its own, unless the two are tied).
    """

    def __init__(self, model: Any, added: list[int]) -> None:
        """Take the rows of the tokens `added`, which are the last ones, as they are."""
        super().__init__()
        self.first, self.count = added[0], len(added)
        embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
        self.inner = self._of(embedding)
        self.outer = self.inner if head.weight is embedding.weight else self._of(head)
        for module in model.modules():
            if isinstance(module, nn.Embedding) and module.weight is embedding.weight:
                module.register_forward_hook(self._embed)
        head.register_forward_hook(self._project)

    def _of(self, module: Any) -> nn.Parameter:
        rows = module.weight.detach()[self.first : self.first + self.count]
        return nn.Parameter(rows.float().clone())

    def _embed(self, module: nn.Module, args: Any, output: Tensor) -> Tensor:
        new = (args[0] >= self.first) & (args[0] < self.first + self.count)
        rows = self.inner[args[0][new] - self.first] * getattr(module, "embed_scale", 1.0)
        return output.masked_scatter(new[..., None], rows.to(output.dtype))

    def _project(self, module: nn.Module, args: Any, output: Tensor) -> Tensor:
        bias = getattr(module, "bias", None)
        place = slice(self.first, self.first + self.count)
        rows = self.outer.to(args[0].dtype)
        output[..., place] = nn.functional.linear(
            args[0], rows, bias if bias is None else bias[place]
        )
        return output


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A model ready to be trained.

    Attributes:
        base: what it was made of.
        config: of the updates.
        rows: the new tokens' rows, where they are trained.
    """

    base: Start
    config: LoraConfig
    rows: NewRows | None


def prepare(settings: LoraObjective, request: Request) -> Prepared:
    """Load a model, frozen, in 4 bits where its adapter says so, and attach updates.

    Raises:
        InputError: see `adapters.heads.start`; or its head is untrained.
    """
    quantized = getattr(request.adapter, "quantize", None) is not None
    with quiet():
        base = start(settings, request, dtype=DTYPES["bf16" if quantized else request.precision])
    if base.fresh:
        raise InputError(
            f"adapt: {settings.name} trains low-rank updates under a head that stays as it is, and "
            f"the checkpoint has no {base.fresh[0]}: use a checkpoint with its language-model head"
        )
    keep_packing(base.model)
    _draw_rows(base.model, base.added, settings.seed)
    config = lora.attach(base.model, settings)
    if settings.gradient_checkpointing:
        base.model.activation_checkpointing_enable({"use_reentrant": False})
    trained = settings.train_new_tokens and base.added
    return Prepared(
        base=base, config=config, rows=NewRows(base.model, base.added) if trained else None
    )


def save(settings: LoraObjective, request: Request, prepared: Prepared) -> None:
    """Write the adapted folder; see `adapters.lora`."""
    base = prepared.base
    with quiet():
        folder = save_tokenizer(settings, request, base.tokenizer)
    embedding = base.model.get_input_embeddings().weight.detach()
    rows = embedding[base.added] if prepared.rows is None else prepared.rows.inner.detach()
    lora.save(base.model, prepared.config, dict(zip(base.added, rows, strict=True)), folder)


def figures(prepared: Prepared, request: Request) -> dict[str, JsonValue]:
    """Say what was trained, for the card."""
    base = prepared.base
    updates = sum(p.numel() for p in base.model.parameters() if p.requires_grad)
    rows = sum(p.numel() for p in prepared.rows.parameters()) if prepared.rows else 0
    return {
        "block": base.block,
        "vocabulary": len(base.tokenizer),
        "targets": sorted(prepared.config.target_modules or ()),
        "update_parameters": updates,
        "new_tokens": len(base.added),
        "new_token_parameters": rows,
        "quantization": getattr(request.adapter, "quantize", None),
    }


def losses(logits: Float[Tensor, "b t v"], labels: Int[Tensor, "b t"]) -> Float[Tensor, " n"]:
    """Compute the loss of each token that is to be guessed, in nats."""
    told = labels != IGNORED
    return nn.functional.cross_entropy(logits[told].float(), labels[told], reduction="none")


def _draw_rows(model: Any, added: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for weight in _matrices(model) if added else ():
        old = weight.detach()[: added[0]].float()
        noise = torch.randn(len(added), old.shape[1], generator=generator).to(old.device)
        weight.data[added] = (old.mean(dim=0) + old.std(dim=0) * noise).to(weight.dtype)


def _matrices(model: Any) -> Iterator[nn.Parameter]:
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    yield embedding
    if head is not embedding:
        yield head
