"""Loading a checkpoint folder: context, device, dtype, weights and tokenizer, with nothing guessed.

Weights that the checkpoint lacks are refused: transformers would fill them with random numbers and
only log it. Code from a checkpoint is never run, pickles are never read.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from adapters import checkpoints
from adapters.encoder import Tokenizer, TransformerEncoder
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
_UNUSED = ("pooler.",)  # a head behind the last hidden state, which embedding does not read
_NO_LIMIT = 1 << 24  # transformers writes 1e30 for "no limit"


def load_encoder(
    folder: Path, *, context: int | None, device: str, dtype: str
) -> TransformerEncoder:
    """Load the encoder and the tokenizer of a checkpoint folder.

    Args:
        folder: configuration, safetensors and tokenizer files.
        context: tokens per window, special tokens included; None for the most the model takes.
        device: as torch spells it.
        dtype: a name in `DTYPES`.

    Raises:
        InputError: an unusable folder, context, device or dtype.
    """
    checkpoints.check(folder)
    place, precision = _device(device), _dtype(dtype)
    with quiet():
        config = load_config(folder)
        tokenizer = load_tokenizer(folder)
        used = resolve_context(context, config, tokenizer, name=folder.name)
        model = _load_weights(folder, precision)
    plain = Tokenizer.of(tokenizer)
    if used <= len(plain.prefix) + len(plain.suffix):
        raise InputError(f"context {used} leaves no room beside the special tokens: raise it")
    return TransformerEncoder(
        model=model.to(place).eval(),
        tokenizer=plain,
        context=used,
        random_weights=bool(getattr(config, RANDOM_WEIGHTS, False)),
    )


def load_config(folder: Path) -> Any:
    """Read a checkpoint's configuration.

    Raises:
        InputError: transformers does not know the architecture, or it needs code of its own.
    """
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"checkpoint {str(folder)!r}: transformers {transformers.__version__} cannot use its "
            f"config.json ({reason}); code shipped with a checkpoint is never run"
        ) from error


def load_tokenizer(folder: Path) -> Any:
    """Read a checkpoint's tokenizer.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
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


def _load_weights(folder: Path, dtype: torch.dtype) -> torch.nn.Module:
    try:
        model, report = AutoModel.from_pretrained(
            folder,
            dtype=dtype,
            attn_implementation="sdpa",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"checkpoint {str(folder)!r}: unusable weights ({reason})") from error
    lacks = sorted(key for key in report["missing_keys"] if not key.startswith(_UNUSED))
    if lacks:
        raise InputError(
            f"checkpoint {str(folder)!r} lacks {len(lacks)} of the encoder's weights "
            f"({lacks[0]}, ...), which would be random: use a complete checkpoint"
        )
    encoder: torch.nn.Module = model.get_encoder() if model.config.is_encoder_decoder else model
    return encoder


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
