"""Which tokens of a paragraph are hidden: most of some lines, nothing of the others (LogFiT)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from adapters.blocks import IGNORED, Tokens
from adapters.encoder import pad_id
from adapters.masked_batches import maskable_in
from adapters.paragraphs import Paragraph


@dataclass(frozen=True)
class SentenceMasking:
    """Which tokens are hidden: a function of the paragraph and a generator.

    LogFiT picks "up to 50 %" of a paragraph's sentences. Here as many are picked as that allows,
    `sentence_share` of them rounded down and at least one: how much is hidden then varies little
    between paragraphs, and their scores can be compared. Of each picked one `token_share` of the
    maskable tokens become the mask token (rounded up or down by chance, so that the mean is exact
    for lines of any length); the others stay as they are and nothing is asked about them.
    A `sentence_share` of 1 and a `token_share` of 0.15 is plain masking.

    Attributes:
        maskable: by token id; ours are, the model's own special tokens are not.
        mask_id: the token that hides another.
        pad_id: the token to pad with.
        sentence_share: of the lines with a maskable token, above 0, at most 1.
        token_share: of a picked line's maskable tokens, above 0, at most 1.
    """

    maskable: Bool[np.ndarray, " v"]
    mask_id: int
    pad_id: int
    sentence_share: float = 0.5
    token_share: float = 0.8

    @classmethod
    def of(
        cls,
        tokenizer: Any,
        own: list[int],
        *,
        sentence_share: float = 0.5,
        token_share: float = 0.8,
    ) -> "SentenceMasking":
        """Say what is maskable in a tokenizer that knows our tokens; `own` are the model's special.

        Raises:
            InputError: the tokenizer has no mask token.
        """
        return cls(
            maskable=maskable_in(tokenizer, own),
            mask_id=tokenizer.mask_token_id,
            pad_id=pad_id(tokenizer),
            sentence_share=sentence_share,
            token_share=token_share,
        )

    def apply(self, paragraph: Paragraph, generator: np.random.Generator) -> tuple[Tokens, Tokens]:
        """Hide tokens of one paragraph, at least one where any can be.

        Returns:
            What the model sees, and the labels: the token where it is hidden, else -100.
        """
        places = np.flatnonzero(self.maskable[paragraph.ids])
        hidden = places[self._chosen(paragraph.sentences[places], generator)]
        seen, labels = paragraph.ids.copy(), np.full_like(paragraph.ids, IGNORED)
        seen[hidden], labels[hidden] = self.mask_id, paragraph.ids[hidden]
        return seen, labels

    def _chosen(
        self, sentences: Int[np.ndarray, " m"], generator: np.random.Generator
    ) -> Bool[np.ndarray, " m"]:
        """Choose among maskable tokens, given the line of each."""
        if not len(sentences):
            return np.zeros(0, dtype=bool)
        _, line, sizes = np.unique(sentences, return_inverse=True, return_counts=True)
        order = generator.permutation(len(sizes))
        picked = max(1, int(self.sentence_share * len(sizes) + 1e-9))
        quota = np.floor(self.token_share * sizes + generator.random(len(sizes)))
        quota[order[picked:]] = 0
        if not quota.any():
            quota[order[0]] = 1
        by_line = np.lexsort((generator.random(len(line)), line))  # at random within each line
        rank = np.empty(len(line), dtype=np.int64)
        rank[by_line] = np.arange(len(line)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        chosen: Bool[np.ndarray, " m"] = rank < quota[line]
        return chosen
