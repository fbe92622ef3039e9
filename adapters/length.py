"""The most trivial model: how long is the document? What cannot beat it has learnt nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue

from adapters.adapter import Hasher
from results.hashing import hash_file

if TYPE_CHECKING:
    from jaxtyping import Float
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, kw_only=True)
class LengthAdapter:
    """One feature per document: the logarithm of its characters."""

    fitted: ClassVar[bool] = True

    def identity(self, *, hasher: Hasher = hash_file) -> dict[str, JsonValue]:
        """Say what determines the feature: nothing but its formula."""
        return {"features": "log10(characters)"}

    def load_featurizer(self) -> "LengthFeaturizer":
        """Make the featurizer."""
        return LengthFeaturizer()


class LengthFeaturizer:
    """log10 of the document's characters; an empty document counts as one character."""

    def fit(self, documents: Iterable[Sequence[str]]) -> None:
        """Learn nothing: the feature does not depend on other documents."""

    def transform(self, documents: Iterable[Sequence[str]]) -> "Float[csr_matrix, 'n 1']":
        """Compute the feature of each document, float32."""
        import numpy as np
        from scipy.sparse import csr_matrix

        chars = [max(1, sum(map(len, parts))) for parts in documents]
        return csr_matrix(np.log10(np.array(chars, dtype=np.float64))[:, None], dtype=np.float32)
