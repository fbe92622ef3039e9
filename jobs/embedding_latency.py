"""How long a model takes to turn one document into a vector, from the text that it reads.

Windows are computed each once in the whole corpus, maybe elsewhere: so a window is timed where the
model is loaded (`jobs.windows`), and a document takes what its tokenizing takes and, for each of
its windows, a window's time. With one window a document that is what would be measured; the windows
of a longer one could be computed together, so it may take less.
"""

from collections.abc import Iterable, Sequence

from embedders import cutting
from embedders.shard import Coverage
from jobs.efficiency import BATCHES, Figures, added, latency

_CHARS = 4_000_000  # of all documents that are timed, so that a few large ones fill no memory
_READING_S = 0.25


def sample(documents: Iterable[list[str]]) -> list[list[str]]:
    """Take documents, given as parts, until they are many characters; at least one."""
    taken: list[list[str]] = []
    chars = 0
    for parts in documents:
        taken.append(parts)
        chars += sum(map(len, parts))
        if chars > _CHARS:
            break
    return taken


def of_windows(
    frame: cutting.Frame,
    texts: Sequence[Sequence[str]],
    coverage: Sequence[Coverage],
    window: Figures,
) -> Figures:
    """Time the reading of documents, and add what their windows take.

    Args:
        frame: the encoder without its weights.
        texts: some of the documents.
        coverage: of all.
        window: `latency` of a window.
    """
    windows = sum(one.windows for one in coverage) / len(coverage)
    reading = latency(
        lambda batch: [cutting.tokenize(parts, frame) for parts in batch],
        texts,
        budget_s=_READING_S,
    )
    found: Figures = {"windows_per_document": round(windows, 3)}
    for size in BATCHES:
        name = f"latency_{size}_s"
        one = window.get(name)
        computing = {**window, name: windows * one} if isinstance(one, float) else window
        found |= added([reading, computing], name)
        if name in found:
            found[f"latency_{size}_samples"] = window[f"latency_{size}_samples"]
    return found
