"""Documents and an encoder in, one vector per document out: all of embedding, in this process.

`logmark run` puts the same pieces together in `jobs/embed.py`, where shards are kept in the store
and may be computed by several workers.
"""

from collections.abc import Iterable, Iterator, Sequence

from adapters.adapter import Encoder
from embedders.averaging import document_vectors
from embedders.batching import BUDGETS, PADDING, SHARD_TOKENS
from embedders.cutting import Cutter
from embedders.forward import window_vectors
from embedders.shard import Rows


def embed(
    documents: Iterable[tuple[str, Sequence[str]]],
    encoder: Encoder,
    *,
    overlap: int | None = None,
    batch_tokens: int = BUDGETS["cpu"],
    shard_tokens: int = SHARD_TOKENS,
    include_special: bool = True,
    padding: float = PADDING,
) -> Iterator[Rows]:
    """Embed documents; the vectors of all their distinct windows are held in memory.

    Args:
        documents: (id, parts), read once and in order; at least one.
        encoder: a loaded model.
        overlap: tokens shared by neighbouring windows; None for half the context.
        batch_tokens: tokens in one forward pass at most.
        shard_tokens: tokens of the windows that are batched together, about.
        include_special: whether the model's special tokens count in a window's mean.
        padding: largest share of a window that may be padding, 0 to 1.

    Yields:
        Vectors and coverage of consecutive documents.

    Raises:
        InputError: an impossible overlap, a document without tokens, or a model that overflows.
        BatchMemoryError: a batch does not fit into the device's memory.
    """
    cutter = Cutter(encoder, overlap=overlap, shard_tokens=shard_tokens)
    vectors = [
        window_vectors(
            shard,
            encoder,
            batch_tokens=batch_tokens,
            include_special=include_special,
            padding=padding,
        ).vectors
        for shard in cutter.shards(documents)
    ]
    yield from document_vectors(cutter.ledger, vectors.__getitem__)
