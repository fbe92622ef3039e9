"""A masked language model that predicts only what is hidden, and how one is loaded."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoModelForMaskedLM

from adapters.loading import load_config
from adapters.mlm import Mlm
from adapters.mlm_masking import IGNORED
from results.errors import InputError


class MaskedModel(nn.Module):
    """A masked language model that predicts only where a token is hidden.

    The vocabulary is projected at the hidden positions alone: a head works position by position,
    so a hook on the encoder that passes on only those states changes nothing but the cost.
    """

    def __init__(self, model: Any, *, head_only: bool = False) -> None:
        """Wrap one of transformers' masked language models; it is trained in place."""
        super().__init__()
        self.model = model
        self.hidden: Bool[Tensor, "b t"] | None = None
        model.base_model.register_forward_hook(self._keep_hidden)
        untyped: Any = self
        untyped.register_state_dict_post_hook(_keep_first_of_tied)
        if head_only:
            model.base_model.requires_grad_(False)

    def _keep_hidden(self, module: nn.Module, args: Any, output: Any) -> Any:
        if self.hidden is not None:
            output["last_hidden_state"] = output.last_hidden_state[self.hidden][None]
        return output

    def forward(
        self,
        input_ids: Int[Tensor, "b t"],
        labels: Int[Tensor, "b t"],
        attention_mask: Int[Tensor, "b t"] | None = None,
    ) -> dict[str, Tensor]:
        """Compute the mean loss over the hidden tokens (nats) and their logits, n x v."""
        self.hidden = labels != IGNORED
        try:
            output = self.model(input_ids=input_ids, attention_mask=attention_mask)
        finally:
            hidden, self.hidden = self.hidden, None
        logits = output.logits[0].float()
        return {"loss": nn.functional.cross_entropy(logits, labels[hidden]), "logits": logits}


def _keep_first_of_tied(
    module: nn.Module, state: dict[str, Tensor], prefix: str, metadata: Any
) -> None:
    """Leave tied weights in a checkpoint once: safetensors refuses two names for one tensor."""
    seen: set[int] = set()
    for name in list(state):
        if state[name].data_ptr() in seen:
            del state[name]
        else:
            seen.add(state[name].data_ptr())


def load_model(source: Path, vocabulary: int, settings: Mlm) -> tuple[Any, bool]:
    """Load the model with its head, drawing what is new (head, rows of tokens) from the seed."""
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            model, report = AutoModelForMaskedLM.from_pretrained(
                source,
                config=load_config(source),
                dtype=torch.float32,
                attn_implementation="sdpa",
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
            if vocabulary > model.get_input_embeddings().num_embeddings:
                model.resize_token_embeddings(vocabulary)
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"checkpoint {str(source)!r} cannot be adapted with `mlm` ({reason})"
        ) from error
    prefix = f"{model.base_model_prefix}."
    lacks = sorted(key for key in report["missing_keys"] if key.startswith(prefix))
    if lacks:
        raise InputError(
            f"checkpoint {str(source)!r} lacks {len(lacks)} of the encoder's weights ({lacks[0]}, "
            "...), which would be random: use a complete checkpoint"
        )
    return model, bool(report["missing_keys"])


def start_from(model: Any, frequencies: Float[np.ndarray, " v"]) -> None:
    """Set the bias of a fresh head, where it has one, to the log of the tokens' frequencies."""
    head = model.get_output_embeddings()
    if getattr(head, "bias", None) is not None:
        with torch.no_grad():
            head.bias[: len(frequencies)] = torch.from_numpy(np.log(frequencies))
