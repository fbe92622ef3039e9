"""Hidden tokens guessed by a masked language model: how good a guess each one was.

In: documents as parts. Out: for each document, how many hidden tokens were the model's first guess,
its second, and so on to the greatest k, which is all that choosing k and a threshold needs. A
paragraph's masks derive from (seed, pass, its content), and each distinct paragraph is computed
once, in batches that depend on the set of paragraphs alone: equal documents get equal counts, and
the order in which they come changes nothing.

Memory: 8 bytes per token of distinct paragraphs, the logits of one batch's hidden tokens, and a few
counts per distinct paragraph.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import JsonValue
from torch import Tensor

from adapters.blocks import IGNORED, Tokens, attention_mask, stack
from adapters.loading import quiet
from adapters.paragraphs import Paragraph
from adapters.sentence_masking import SentenceMasking
from classifiers.detection import Given
from classifiers.detection_paragraphs import Document, Gathered

if TYPE_CHECKING:
    from adapters.masked_loading import MaskedLoaded
    from classifiers.top_k import TopK


@dataclass(frozen=True)
class Guesses:
    """What became of the hidden tokens of documents.

    Attributes:
        ranks: how many were the model's first guess, its second, ...
        hidden: how many there were.
        figures: how much was read and guessed, for the card.
    """

    ranks: Int[np.ndarray, "n r"]
    hidden: Int[np.ndarray, " n"]
    figures: Mapping[str, JsonValue]


def guess(settings: "TopK", given: Given, documents: Sequence[Sequence[str]]) -> Guesses:
    """Hide tokens of documents, given as parts, and have the model guess them."""
    assert given.model is not None, "a model guesses"
    size = min(settings.block or given.model.context, given.model.context)
    gathered = Gathered(tokenizer=given.model.framed, size=size, most=settings.max_paragraphs)
    found = gathered.read(documents)
    guesser = Guesser.of(settings, given.seed, given.model)
    counts = np.zeros((len(gathered.distinct), guesser.most + 1), dtype=np.int64)
    done, total = 0, sum(map(len, gathered.distinct))
    for batch in batches(gathered, settings.batch_tokens):
        chosen = [gathered.distinct[i] for i in batch]
        counts[batch] = guesser.count(chosen, [gathered.digests[i] for i in batch])
        done += sum(map(len, chosen))
        given.progress(done / total)
    sums = np.stack([counts[one.numbers].sum(axis=0) for one in found])
    return Guesses(sums[:, :-1], sums.sum(axis=1), _figures(found, sums, counts))


def batches(gathered: Gathered, batch_tokens: int) -> Iterator[list[int]]:
    """Group paragraphs of like length, padding counted in."""
    order, start = gathered.order(), 0
    while start < len(order):
        rows = max(1, batch_tokens // len(gathered.distinct[order[start]]))
        yield order[start : start + rows]
        start += rows


@dataclass(frozen=True, kw_only=True)
class Guesser:
    """A model that guesses hidden tokens.

    Attributes:
        model: with its tokenizer.
        masking: which tokens are hidden.
        seed: of the masks.
        passes: masks per paragraph.
        most: the greatest k.
    """

    model: "MaskedLoaded"
    masking: SentenceMasking
    seed: int
    passes: int
    most: int

    @classmethod
    def of(cls, settings: "TopK", seed: int, model: "MaskedLoaded") -> "Guesser":
        """Guess as the settings say.

        Raises:
            InputError: the model has no mask token.
        """
        masking = SentenceMasking.of(
            model.tokenizer,
            model.own,
            sentence_share=settings.sentence_share,
            token_share=settings.token_share,
        )
        return cls(
            model=model,
            masking=masking,
            seed=seed,
            passes=settings.passes,
            most=max(settings.ks),
        )

    def count(
        self, batch: Sequence[Paragraph], digests: Sequence[bytes]
    ) -> Int[np.ndarray, "b r+1"]:
        """Count hidden tokens by rank; the last column has those beyond the greatest k."""
        counts: Int[np.ndarray, "b r+1"] = np.zeros((len(batch), self.most + 1), dtype=np.int64)
        for number in range(self.passes):
            pairs = [
                self._hide(paragraph, digest, number)
                for paragraph, digest in zip(batch, digests, strict=True)
            ]
            labels = stack([labels for _, labels in pairs], IGNORED)
            row = np.nonzero((labels != IGNORED).numpy())[0]
            if len(row):
                np.add.at(counts, (row, self._ranks([seen for seen, _ in pairs], labels)), 1)
        return counts

    def _hide(self, paragraph: Paragraph, digest: bytes, number: int) -> tuple[Tokens, Tokens]:
        content = np.frombuffer(digest, dtype="<u4").tolist()
        whole = Paragraph(paragraph.ids.astype(np.int64), paragraph.sentences.astype(np.int64))
        return self.masking.apply(whole, np.random.default_rng([self.seed, number, *content]))

    def _ranks(self, seen: Sequence[Tokens], labels: Int[Tensor, "b t"]) -> Int[np.ndarray, " h"]:
        """Have the model guess; ranks from 0, all those beyond the greatest k alike."""
        module = self.model.model
        batch = {
            "input_ids": stack(seen, self.masking.pad_id),
            "labels": labels,
            **attention_mask(seen),
        }
        place = next(module.parameters()).device
        with quiet(), torch.inference_mode():
            logits = module(**{name: part.to(place) for name, part in batch.items()})["logits"]
            found = ranks(logits, labels[labels != IGNORED].to(place))
        most: Int[np.ndarray, " h"] = found.clamp(max=self.most).cpu().numpy()
        return most


def ranks(logits: Float[Tensor, "h v"], tokens: Int[Tensor, " h"]) -> Int[Tensor, " h"]:
    """Say how many tokens the model finds more likely than the true one.

    Of equally likely tokens the one with the smaller id comes first; a logit that is not a number
    comes last.
    """
    own = logits.gather(1, tokens[:, None])
    later = torch.arange(logits.shape[1], device=logits.device)[None] > tokens[:, None]
    behind = (logits < own) | ((logits == own) & later)
    return logits.shape[1] - 1 - behind.sum(dim=1)


def _figures(
    found: Sequence[Document], sums: Int[np.ndarray, "n r+1"], counts: Int[np.ndarray, "d r+1"]
) -> dict[str, JsonValue]:
    paragraphs = sum(len(one.numbers) for one in found)
    tokens, read = sum(one.tokens for one in found), sum(one.read for one in found)
    return {
        "paragraphs": paragraphs,
        "distinct_paragraphs": len(counts),
        "paragraphs_per_distinct": round(paragraphs / max(1, len(counts)), 3),
        "hidden_tokens": int(counts.sum()),
        "documents_without_hidden_tokens": int((sums.sum(axis=1) == 0).sum()),
        "coverage": {"tokens": tokens, "read": read, "share": read / tokens if tokens else 1.0},
    }
