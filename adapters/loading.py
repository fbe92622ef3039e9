"""Loading a checkpoint folder: context, device, dtype, weights and tokenizer, with nothing guessed.

What `adapters.pretrained` loads gets its tokenizer, its context and, where the model was adapted,
the weights that the adaptation learnt. Code from a checkpoint is run only where the suite says so.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer
from transformers.utils import logging as transformers_logging

from adapters import checkpoints
from adapters.encoder import Tokenizer, TransformerEncoder
from adapters.family import Family, Pooling
from adapters.pretrained import load_pretrained, skeleton
from results.errors import InputError, nearest

DTYPES = {
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "fp32": torch.float32,
    "fp64": torch.float64,
}
RANDOM_WEIGHTS = "logmark_random_weights"
"""Key in the configuration of a checkpoint that was never trained."""

_OFFSET_POSITIONS = frozenset(
    {"camembert", "data2vec-text", "ibert", "longformer", "mpnet", "roberta", "xlm-roberta", "xmod"}
)  # their positions start behind the padding index, so two of them are never used
_NO_LIMIT = 1 << 24  # transformers writes 1e30 for "no limit"


def load_encoder(  # noqa: PLR0913 - the one door to loading; each argument is a choice of a suite
    folder: Path,
    *,
    context: int | None,
    device: str,
    dtype: str,
    adapted: Path | None = None,
    attention: str = "sdpa",
    quantize: Literal["nf4"] | None = None,
    pooling: Pooling = "mean",
    family: Family | None = None,
    remote_code: bool = False,
) -> TransformerEncoder:
    """Load the encoder and the tokenizer of a checkpoint folder.

    Args:
        folder: configuration, safetensors and tokenizer files.
        context: tokens per window, special tokens included; None for the most the model takes.
        device: as torch spells it; "meta" for the encoder without its weights, which tokenizes and
            tells its sizes, and computes nothing.
        dtype: a name in `DTYPES`; a quantized model computes in bf16 whatever is asked.
        adapted: what domain adaptation made of the checkpoint: a whole checkpoint, which replaces
            it, or LoRA weights, which are put into it.
        attention: the implementation wished for; what it became stands in the audit.
        quantize: "nf4" holds the weights in 4 bits.
        pooling: how a window's states become its vector.
        family: what the checkpoint is expected to be; any when left out.
        remote_code: run code that came with the checkpoint.

    Raises:
        InputError: an unusable folder, context, device, dtype, or a quantization that failed.
    """
    family = family or Family()
    weights, on_top = _layers(folder, adapted)
    checkpoints.check(weights)
    place, precision = _device(device), DTYPES["bf16"] if quantize else _dtype(dtype)
    with quiet():
        config = load_config(weights, remote_code=remote_code)
        check_family(config, family, folder.name)
        tokenizer = load_tokenizer(adapted or folder, remote_code=remote_code)
        used = resolve_context(context, config, tokenizer, name=folder.name)
        if place.type == "meta":
            model = skeleton(config, family.architecture, trust_remote_code=remote_code)
        else:
            model = load_pretrained(
                weights,
                family.architecture,
                dtype=precision,
                attention=attention,
                quantize=quantize,
                device=place,
                trust_remote_code=remote_code,
            ).model
        if config.is_encoder_decoder:
            model = model.get_encoder()
        if on_top is not None and place.type != "meta":
            from adapters import lora

            model = lora.apply(model, on_top)
    plain = framed(tokenizer, used)
    return TransformerEncoder(
        model=model.eval(),
        tokenizer=plain,
        context=used,
        pooling=pooling,
        quantization=quantize,
        special_tokens=checkpoints.adapted_tokens(adapted or folder),
        random_weights=bool(getattr(config, RANDOM_WEIGHTS, False)),
    )


def framed(tokenizer: Any, context: int) -> Tokenizer:
    """Wrap one of transformers' tokenizers for windows of `context` tokens.

    Raises:
        InputError: the special tokens leave no room.
    """
    plain = Tokenizer.of(tokenizer)
    if context <= plain.num_special:
        raise InputError(f"context {context} leaves no room beside the special tokens: raise it")
    return plain


def _layers(folder: Path, adapted: Path | None) -> tuple[Path, Path | None]:
    """Say which folder holds the weights, and which holds LoRA weights to put into them."""
    if adapted is None:
        return folder, None
    from adapters import lora

    return (folder, adapted) if lora.is_lora(adapted) else (adapted, None)


def check_family(config: Any, family: Family, name: str) -> None:
    """Refuse a checkpoint of another family than the one it was named under.

    Raises:
        InputError: its `model_type` does not belong to the family.
    """
    if family.model_types and config.model_type not in family.model_types:
        raise InputError(
            f"checkpoint {name!r} is a {config.model_type!r} model, this adapter takes "
            f"{' or '.join(family.model_types)}: use `adapter: huggingface`, which takes any"
        )


def load_config(folder: Path, *, remote_code: bool = False) -> Any:
    """Read a checkpoint's configuration.

    Raises:
        InputError: transformers does not know the architecture, or it needs code of its own.
    """
    try:
        return AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=remote_code
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"checkpoint {str(folder)!r}: transformers {transformers.__version__} cannot use its "
            f"config.json ({reason}); code that came with a checkpoint is run only where the suite "
            "says `remote_code: true`"
        ) from error


def load_tokenizer(folder: Path, *, remote_code: bool = False) -> Any:
    """Read a checkpoint's tokenizer.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=remote_code
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"checkpoint {str(folder)!r}: unusable tokenizer ({reason})") from error


def resolve_context(context: int | None, config: Any, tokenizer: Any, *, name: str) -> int:
    """Settle the context: what was asked for, or the most that model and tokenizer both take.

    Raises:
        InputError: more than the model takes, or nothing asked for and no limit declared.
    """
    limits = [limit for limit in (_positions(config), tokenizer.model_max_length) if limit]
    limit = min([int(min(limit, _NO_LIMIT)) for limit in limits], default=_NO_LIMIT)
    if context is None and limit == _NO_LIMIT:
        raise InputError(f"model {name!r} declares no limit of its context: set `context`")
    if context is not None and context > limit:
        raise InputError(f"context {context} is more than model {name!r} takes: at most {limit}")
    return limit if context is None else context


def _positions(config: Any) -> int | None:
    """Read how many tokens a model has positions for; None where it does not say."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None:
        positions = getattr(config, "n_positions", None)
    elif config.model_type in _OFFSET_POSITIONS:
        positions -= config.pad_token_id + 1
    return None if positions is None else int(positions)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device {name!r} is unknown: use 'cpu' or 'cuda'") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {name!r}: this machine has no CUDA device, use 'cpu'")
    return device


def _dtype(name: str) -> torch.dtype:
    if name not in DTYPES:
        raise InputError(f"unknown dtype {name!r}: {nearest(name, DTYPES)}")
    return DTYPES[name]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars and remarks off the terminal; what matters is checked."""
    console: Any = transformers_logging
    level, bars = console.get_verbosity(), console.is_progress_bar_enabled()
    console.set_verbosity_error()
    console.disable_progress_bar()
    try:
        yield
    finally:
        console.set_verbosity(level)
        if bars:
            console.enable_progress_bar()
