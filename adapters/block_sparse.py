"""BigBird's attention as transformers 5.23 has it, made a function of the text alone.

BigBird attends block-sparsely to long texts and in full to short ones. transformers makes the
choice for the model and not for the text: one short input switches it to full attention for good.
Its block-sparse attention also fails under autocast (`scatter` of two types).
"""

import contextlib
from typing import Any

import torch


def is_sparse(model: Any) -> bool:
    """Say whether a model attends block-sparsely where a text is long enough."""
    return getattr(model.config, "attention_type", None) == "block_sparse"


def full_up_to(config: Any) -> int:
    """Most tokens that are attended to in full (`BigBirdModel.forward`, transformers 5.23)."""
    return int((5 + 2 * config.num_random_blocks) * config.block_size)


def attend_by_length(model: Any, length: int) -> None:
    """Give a bare BigBird the attention that a text of this length gets, whatever came before.

    transformers makes new attention modules for it and moves the weights over. On the meta device
    the weights they are born with cost nothing and draw nothing from the random generator.
    """
    kind = "original_full" if length <= full_up_to(model.config) else "block_sparse"
    with torch.device("meta"):
        model.set_attention_type(kind)


def without_autocast(model: Any, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Compute block-sparse attention in the type of its weights, whatever the training runs in."""
    if is_sparse(model):
        return torch.autocast(device.type, enabled=False)
    return contextlib.nullcontext()
