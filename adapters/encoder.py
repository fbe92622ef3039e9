"""A loaded Hugging Face encoder behind the two verbs that embedding needs: tokens, states."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from adapters.block_sparse import attend_by_length, is_sparse
from adapters.family import Pooling

_PROBE = "a"


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer without its habits: no special tokens unless asked, no truncation, no warnings.

    Attributes:
        encode: tokenizes texts one by one.
        prefix: special tokens that the model wants before a window.
        suffix: special tokens that it wants behind.
        pad_id: token to pad with.
    """

    encode: Callable[[Sequence[str]], list[list[int]]]
    prefix: list[int]
    suffix: list[int]
    pad_id: int

    @classmethod
    def of(cls, tokenizer: Any) -> "Tokenizer":
        """Wrap one of transformers' tokenizers, fast or slow."""
        plain = tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
        wrapped = tokenizer(_PROBE, add_special_tokens=True)["input_ids"]
        num_special = len(wrapped) - len(plain)
        starts = [n for n in range(num_special + 1) if wrapped[n : n + len(plain)] == plain]
        assert plain and starts, f"special tokens do not stand around the text: {wrapped}"
        head = starts[0]
        return cls(
            encode=_fast(tokenizer) if tokenizer.is_fast else _slow(tokenizer),
            prefix=wrapped[:head],
            suffix=wrapped[head + len(plain) :],
            pad_id=pad_id(tokenizer),
        )

    @property
    def num_special(self) -> int:
        """Special tokens that `wrap` adds (s)."""
        return len(self.prefix) + len(self.suffix)

    def wrap(self, window: Sequence[int]) -> list[int]:
        """Put the model's special tokens around a window."""
        return [*self.prefix, *window, *self.suffix]


def _fast(tokenizer: Any) -> Callable[[Sequence[str]], list[list[int]]]:
    """Skip the offsets, which cost half the time (3.1 against 1.6 MB/s, one thread, 2025-11)."""
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()

    def encode(texts: Sequence[str]) -> list[list[int]]:
        encodings = backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    return encode


def _slow(tokenizer: Any) -> Callable[[Sequence[str]], list[list[int]]]:
    def encode(texts: Sequence[str]) -> list[list[int]]:
        options = {"add_special_tokens": False, "truncation": False, "verbose": False}
        ids: list[list[int]] = tokenizer(list(texts), **options)["input_ids"]
        return ids

    return encode


def pad_id(tokenizer: Any) -> int:
    """Choose what to pad with; any token serves where the model has none, since it is masked."""
    for candidate in (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id):
        if candidate is not None:
            return int(candidate)
    return 0


@dataclass(frozen=True, kw_only=True)
class TransformerEncoder:
    """An encoder of the `transformers` library, ready to compute states.

    Attributes:
        model: returns `last_hidden_state`.
        tokenizer: of the same checkpoint.
        context: tokens of a full window, special tokens included (l_c).
        pooling: how a window's states become its vector.
        quantization: "nf4", or None for plain weights.
        special_tokens: what a domain adaptation added to the tokenizer; None without one.
        random_weights: the checkpoint declares itself untrained (`adapters/tiny.py`).
    """

    model: torch.nn.Module
    tokenizer: Tokenizer
    context: int
    pooling: Pooling = "mean"
    quantization: str | None = None
    special_tokens: tuple[str, ...] | None = None
    random_weights: bool = False

    @property
    def dimension(self) -> int:
        """Width of a state."""
        config: Any = self.model.config
        return int(config.hidden_size)

    @property
    def num_special(self) -> int:
        """Special tokens that `wrap` adds (s)."""
        return self.tokenizer.num_special

    @property
    def pad_id(self) -> int:
        """Token to pad with; never attended to."""
        return self.tokenizer.pad_id

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokenize each text on its own: no special tokens, nothing cut off."""
        return self.tokenizer.encode(texts)

    def wrap(self, window: Sequence[int]) -> list[int]:
        """Put the model's special tokens around a window."""
        return self.tokenizer.wrap(window)

    @torch.inference_mode()
    def states(
        self, ids: Int[Tensor, "b t"], mask: Int[Tensor, "b t"] | None
    ) -> Float[Tensor, "b t d"]:
        """Compute the last hidden layer's states, after the final norm, on the model's device."""
        device = next(self.model.parameters()).device
        ids, mask = ids.to(device), None if mask is None else mask.to(device)
        if not is_sparse(self.model):
            return self._forward(ids, mask)
        if mask is None:
            attend_by_length(self.model, ids.shape[1])
            return self._forward(ids, None)
        return self._by_length(ids, mask.bool())

    def _forward(
        self, ids: Int[Tensor, "b t"], mask: Int[Tensor, "b t"] | None
    ) -> Float[Tensor, "b t d"]:
        states: Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return states

    def _by_length(
        self, ids: Int[Tensor, "b t"], mask: Bool[Tensor, "b t"]
    ) -> Float[Tensor, "b t d"]:
        """Compute windows of each length apart, so that padding decides nothing."""
        lengths = mask.sum(dim=1)
        found = []
        for length in sorted(set(lengths.tolist())):
            rows = lengths == length
            attend_by_length(self.model, length)
            found.append((rows, self._forward(ids[rows][mask[rows]].view(-1, length), None)))
        states = found[0][1].new_zeros(*ids.shape, self.dimension)
        for rows, computed in found:
            states[rows[:, None] & mask] = computed.flatten(0, 1)
        return states

    def audit(self) -> dict[str, Any]:
        """Report what the weights really occupy; see `audit_weights`."""
        return audit_weights(
            self.model, quantization=self.quantization, random_weights=self.random_weights
        )


def audit_weights(
    model: torch.nn.Module, *, quantization: str | None = None, random_weights: bool
) -> dict[str, Any]:
    """Report what a model's weights occupy, so that a quantization that skipped some shows.

    Returns:
        The fields of `adapters.quantization.Weights`, `quantization`, `attention` (as used) and
        `random_weights`.
    """
    from adapters.pretrained import attention_of
    from adapters.quantization import weigh

    return {
        **asdict(weigh(model)),
        "quantization": quantization,
        "attention": attention_of(model),
        "random_weights": random_weights,
    }
