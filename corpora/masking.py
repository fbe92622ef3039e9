"""Replace what varies without meaning: hex strings, numbers, addresses, line ends.

`corpora.mask_grammar` says what is replaced, `corpora.mask_words` does it fast. Masking is the seed
paper's domain adaptation step ("Convolutional vs Large Language Models for Software Log
Classification in Edge-Deployable Cellular Network Testing"); it names the four tokens, the grammar
is ours.
"""

from dataclasses import dataclass
from typing import Literal

from corpora.mask_grammar import token, without_numbers
from corpora.mask_words import Words

SPECIAL_TOKENS = ("<hex>", "<num>", "<ipaddr>", "<newline>", "<endsample>")
"""What is added to a tokenizer; ``<endsample>`` ends each document of a training corpus."""

_masked = Words(token)
_numberless = Words(without_numbers)


def mask(text: str) -> str:
    """Replace hex strings, numbers, IP addresses and newlines by their tokens.

    Idempotent. The grammar stands in the docstring of `corpora.mask_grammar`.
    """
    return _masked.rewrite(text).replace("\r\n", "\n").replace("\n", "<newline>")


def drop_numbers(text: str) -> str:
    """Remove what `mask` would call ``<num>``, and nothing else."""
    return _numberless.rewrite(text)


@dataclass(frozen=True, kw_only=True)
class TextView:
    """Which view of a document a model reads.

    Attributes:
        text: ``cleaned`` is the text as stored, ``masked`` has it masked.
        drop_numbers: remove standalone numbers (from the cleaned view; in the masked one they
            have become ``<num>`` before, so there is nothing to remove).
    """

    text: Literal["cleaned", "masked"] = "cleaned"
    drop_numbers: bool = False

    def apply(self, part: str) -> str:
        """Return one part of a document as the model is to read it."""
        if self.text == "masked":
            part = mask(part)
        return drop_numbers(part) if self.drop_numbers else part
