"""TF-IDF features, fitted on the train documents: the linear baselines that a model has to beat.

The analyzer reads a document part by part, so that a 50 MB file never becomes one string; n-grams
therefore do not cross from one part into the next. Sublinear counts (1 + log tf) are the default:
log lines repeat, and raw counts let the repeated ones drown the rest.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import JsonValue

from adapters.adapter import Hasher
from results.errors import InputError
from results.hashing import hash_file

if TYPE_CHECKING:
    from jaxtyping import Float
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, kw_only=True)
class TfidfAdapter:
    """TF-IDF with L2-normalised rows (scikit-learn's).

    Attributes:
        analyzer: ``char_wb``, character n-grams inside word boundaries, or ``word``.
        ngram: smallest and largest n; by default 3-5 characters or 1-2 words.
        sublinear: count 1 + log(tf) instead of tf.
        min_df: documents that a term must occur in to be kept.
        max_features: keep only the most frequent terms; None keeps all.
        lowercase: fold the case first.
    """

    fitted: ClassVar[bool] = True

    analyzer: Literal["char_wb", "word"] = "char_wb"
    ngram: tuple[int, int] | None = None
    sublinear: bool = True
    min_df: int = 2
    max_features: int | None = None
    lowercase: bool = True

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: an empty range of n, or nothing to keep.
        """
        low, high = self.range
        if not 1 <= low <= high:
            raise InputError(f"adapter 'tfidf': ngram ({low}, {high}) must be 1 <= low <= high")
        if self.min_df < 1 or (self.max_features is not None and self.max_features < 1):
            raise InputError("adapter 'tfidf': min_df and max_features must be at least 1")

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest n."""
        return self.ngram or ((3, 5) if self.analyzer == "char_wb" else (1, 2))

    def identity(self, *, hasher: Hasher = hash_file) -> dict[str, JsonValue]:
        """Say what determines the features: the settings."""
        return {**asdict(self), "ngram": list(self.range)}

    def load_featurizer(self) -> "TfidfFeaturizer":
        """Make a featurizer that has seen nothing yet."""
        return TfidfFeaturizer(self)


class TfidfFeaturizer:
    """Vocabulary and document frequencies of the train documents.

    Attributes:
        vectorizer_: scikit-learn's vectorizer, its analyzer replaced by one over parts.
    """

    def __init__(self, settings: TfidfAdapter) -> None:
        """Store the settings."""
        self.settings = settings
        self.vectorizer_: Any = None

    def fit(self, documents: Iterable[Sequence[str]]) -> None:
        """Learn vocabulary and document frequencies.

        Raises:
            InputError: no term occurs in `min_df` documents.
        """
        import numpy as np
        from sklearn.feature_extraction.text import TfidfVectorizer

        settings = self.settings
        options = {"lowercase": settings.lowercase, "ngram_range": settings.range}
        plain = TfidfVectorizer(analyzer=settings.analyzer, **options).build_analyzer()
        vectorizer = TfidfVectorizer(
            analyzer=_by_parts(plain),
            sublinear_tf=settings.sublinear,
            min_df=settings.min_df,
            max_features=settings.max_features,
            dtype=np.float32,
        )
        try:
            self.vectorizer_ = vectorizer.fit(documents)
        except ValueError as error:
            raise InputError(
                f"adapter 'tfidf': no term occurs in {settings.min_df} train documents "
                f"({error}): lower min_df"
            ) from error

    def transform(self, documents: Iterable[Sequence[str]]) -> "Float[csr_matrix, 'n d']":
        """Compute one float32 row of unit length per document."""
        assert self.vectorizer_ is not None, "fit comes first"
        features: csr_matrix = self.vectorizer_.transform(documents)
        return features


def _by_parts(plain: Callable[[str], list[str]]) -> Callable[[Sequence[str]], Iterator[str]]:
    def analyze(parts: Sequence[str]) -> Iterator[str]:
        for part in parts:
            yield from plain(part)

    return analyze
