"""What a model must be able to do to take part: two kinds of adapter, and what they load.

An *adapter* is the settings of one model, light enough for `logmark plan`; its verb `load` gives an
*encoder*, which turns tokens into states. A *fitted* adapter has no weights of its own: it gives a
*featurizer* that learns from the train documents first (TF-IDF, document length). Nothing is
inherited: a class that has these members is an adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import JsonValue

from adapters.family import Pooling

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from scipy.sparse import csr_matrix
    from torch import Tensor

Hasher = Callable[[Path], str]
"""Hashes a file's bytes; the caller may remember hashes between runs."""


class Encoder(Protocol):
    """A loaded model that turns windows of tokens into states.

    Attributes:
        context: tokens of a full window, the model's special tokens included (l_c).
        dimension: width of a state.
        num_special: special tokens that `wrap` adds (s).
        pad_id: token put where a shorter window is padded; never attended to.
        pooling: "mean" of all states (Eq. 5), the "last" token's or the "first" one's.
    """

    @property
    def context(self) -> int:
        """Tokens of a full window, special tokens included."""

    @property
    def dimension(self) -> int:
        """Width of a state."""

    @property
    def num_special(self) -> int:
        """Special tokens that `wrap` adds."""

    @property
    def pad_id(self) -> int:
        """Token to pad with."""

    @property
    def pooling(self) -> Pooling:
        """How a window's states become its vector."""

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokenize each text on its own: no special tokens, nothing cut off."""

    def wrap(self, window: Sequence[int]) -> list[int]:
        """Put the model's special tokens around a window."""

    def states(
        self, ids: Int[Tensor, "b t"], mask: Int[Tensor, "b t"] | None
    ) -> Float[Tensor, "b t d"]:
        """Compute the last hidden states; `mask` is 0 on padding, None where there is none."""

    def audit(self) -> dict[str, Any]:
        """Report what the weights occupy and how they are used; see `TransformerEncoder.audit`."""


class Adapter(Protocol):
    """The settings of one pretrained model.

    Attributes:
        fitted: False; see `FittedAdapter`.
        context: tokens per window, special tokens included; None for the model's own limit.
    """

    fitted: ClassVar[bool]

    @property
    def context(self) -> int | None:
        """Tokens per window, None for the model's limit."""

    def identity(self, *, hasher: Hasher = ...) -> dict[str, JsonValue]:
        """Say what determines the weights and the tokenizer; cheap, and never a path.

        Raises:
            InputError: they are missing or cannot be hashed.
        """

    def folder(self) -> Path:
        """Find the checkpoint's folder on this machine, fetching it from the hub if need be.

        Raises:
            InputError: it cannot be had.
        """

    def load(
        self,
        *,
        device: str,
        dtype: str,
        checkpoint: Path | None = None,
        attention: str = "sdpa",
    ) -> Encoder:
        """Load the model, or what domain adaptation made of it and left in the folder `checkpoint`.

        On the device "meta" it is loaded without its weights: text is tokenized by such an encoder,
        and windows are computed by others, maybe elsewhere.

        Raises:
            InputError: an unusable checkpoint, device, dtype or context.
        """


class Featurizer(Protocol):
    """Features learnt from the train documents; a document is the sequence of its parts."""

    def fit(self, documents: Iterable[Sequence[str]]) -> None:
        """Learn from the train documents."""

    def transform(self, documents: Iterable[Sequence[str]]) -> Float[csr_matrix, "n d"]:
        """Compute one float32 row per document."""


class FittedAdapter(Protocol):
    """The settings of features that are learnt from the train text.

    Attributes:
        fitted: True; the embedding of such a model depends on the split.
    """

    fitted: ClassVar[bool]

    def identity(self, *, hasher: Hasher = ...) -> dict[str, JsonValue]:
        """Say what determines the features, beside the text they are fitted on."""

    def load_featurizer(self) -> Featurizer:
        """Make a featurizer that has seen nothing yet."""
