"""The one place that calls `from_pretrained`: nothing missing, no pickle, no code, no guess.

transformers fills weights that a checkpoint lacks with random numbers and only logs it. Here a
model whose encoder is incomplete is refused; a head that is missing is drawn from a seed and named.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from safetensors import SafetensorError

from results.errors import InputError

_BARE = ("AutoModel", "AutoModelForTextEncoding")
_UNUSED = ("pooler.",)  # a head behind the last hidden state, which nothing here reads: dropped


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A loaded model.

    Attributes:
        model: in evaluation mode.
        fresh: names of the weights that the checkpoint lacks; all of them belong to the head.
    """

    model: Any
    fresh: tuple[str, ...]


def load_pretrained(
    folder: Path,
    architecture: str,
    *,
    dtype: torch.dtype,
    attention: str = "sdpa",
    quantize: Literal["nf4"] | None = None,
    device: str | torch.device = "cpu",
    seed: int = 0,
    **options: Any,
) -> Pretrained:
    """Load a checkpoint folder.

    Args:
        folder: configuration and safetensors.
        architecture: a class of transformers, such as "AutoModel" or "AutoModelForMaskedLM".
        dtype: of the weights; what a quantized model computes in.
        attention: the implementation wished for; "flash_attention_2" falls to "sdpa" and that to
            "eager" where the architecture lacks it. `attention_of` tells which it became.
        quantize: "nf4" holds linear layers and experts in 4 bits.
        device: where the weights go, each as soon as it is read.
        seed: decides the weights of a head that the checkpoint lacks.
        options: further ones of `from_pretrained` (`config`, `num_labels`, `trust_remote_code`).

    Raises:
        InputError: unusable weights, an incomplete encoder, or a model without this architecture.
    """
    if quantize is not None:
        from adapters import quantization

        options["quantization_config"] = quantization.nf4(dtype)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model, report = _from_pretrained(
                folder,
                architecture,
                attention,
                dtype=dtype,
                device_map={"": str(device)},
                **{"trust_remote_code": False, **options},
            )
    except ImportError as error:
        raise InputError(
            f"attention {attention!r} or 4-bit weights cannot be had on this machine "
            f"({_first_line(error)}): set `compute: {{attention: sdpa}}` or leave `quantize` out"
        ) from error
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = _first_line(error)
        raise InputError(f"checkpoint {str(folder)!r}: unusable weights ({reason})") from error
    fresh = tuple(sorted(key for key in report["missing_keys"] if key not in _tied(model)))
    bare = architecture in _BARE
    _refuse_incomplete(model, fresh, folder, bare=bare)
    if bare and getattr(model, "pooler", None) is not None:
        model.pooler = None
    if quantize is not None:
        inner = model if bare else bare_of(model)
        quantization.check_widths(inner, folder.name)
        quantization.keep_promise(quantization.weigh(inner), folder.name)
    return Pretrained(model=model.eval(), fresh=fresh)


def skeleton(config: Any, architecture: str, **options: Any) -> Any:
    """Build a model of which nothing but the shape is there: no weights, no memory, no time."""
    with torch.device("meta"):
        return getattr(transformers, architecture).from_config(config, **options)


def bare_of(model: Any) -> Any:
    """Find the part of a model with a head that embedding reads; a head is never in 4 bits."""
    return model.get_encoder() if model.config.is_encoder_decoder else model.base_model


def attention_of(model: Any) -> str:
    """Name the implementation of attention that a loaded model uses."""
    return str(model.config._attn_implementation)


def _from_pretrained(folder: Path, architecture: str, attention: str, **options: Any) -> Any:
    """Load with the first implementation of attention that the architecture has."""
    ways = ["flash_attention_2", "sdpa", "eager"]
    for way in ways[ways.index(attention) :]:
        try:
            return getattr(transformers, architecture).from_pretrained(
                folder,
                attn_implementation=way,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **options,
            )
        except ValueError as error:
            if way == "eager" or "does not support" not in str(error):
                raise
    raise AssertionError("eager attention is refused by nothing")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _tied(model: Any) -> set[str]:
    return set(getattr(model, "all_tied_weights_keys", None) or ())


def _refuse_incomplete(model: Any, fresh: tuple[str, ...], folder: Path, *, bare: bool) -> None:
    prefix = "" if bare else f"{model.base_model_prefix}."
    inner = [key.removeprefix(prefix) for key in fresh if key.startswith(prefix)]
    lacks = [key for key in inner if not key.startswith(_UNUSED)]
    if lacks:
        raise InputError(
            f"checkpoint {str(folder)!r} lacks {len(lacks)} of the encoder's weights "
            f"({lacks[0]}, ...), which would be random: use a complete checkpoint"
        )
