"""From a document to paragraphs: whole lines in blocks that no other document shares.

A paragraph is what LogFiT (Almodovar, Sabrina, Karimi and Azad, "LogFiT: Log Anomaly Detection
Using Fine-Tuned Language Models", IEEE TNSM 2024) masks, learns from and scores; its sentences are
the lines. In: a document's parts. Out: token ids with the number of the line each stands in.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from adapters.blocks import room
from adapters.encoder import Tokenizer

_LINE_END = re.compile(r"(?<=\n)|(?<=<newline>)")
NO_SENTENCE = -1
"""Line number of the model's special tokens."""


@dataclass(frozen=True)
class Paragraph:
    """Some lines of one document, as the model reads them.

    Attributes:
        ids: tokens, the model's special ones included.
        sentences: number of the line each token stands in, counted from 0 through the document;
            -1 for the special tokens.
    """

    ids: Int[np.ndarray, " t"]
    sentences: Int[np.ndarray, " t"]

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.ids)


def paragraphs(parts: Sequence[str], tokenizer: Tokenizer, *, size: int) -> list[Paragraph]:
    r"""Pack the lines of a document into blocks of at most `size` tokens, special ones included.

    A line ends behind `\n`, in masked text behind `<newline>`; it goes whole into the block before
    it or begins a new one. A line longer than a block is cut, and the next lines follow its last
    piece. A document without a token has no paragraph.

    Lines are tokenized one by one. For WordPiece tokenizers (BERT, MiniLM) that gives the tokens
    of the whole part, since blanks separate words and are no tokens; others (byte-level BPE,
    SentencePiece) may write the blanks around a line's end differently.

    Raises:
        InputError: the special tokens leave no room.
    """
    return [
        _framed(pieces, tokenizer)
        for pieces in _packed(_lines(parts, tokenizer), room(tokenizer, size=size))
    ]


def _lines(parts: Sequence[str], tokenizer: Tokenizer) -> Iterator[tuple[int, list[int]]]:
    """Number and tokenize the lines; those that are alike within a part are tokenized once."""
    number = 0
    for part in parts:
        lines = [line for line in _LINE_END.split(part) if line]
        distinct = list(dict.fromkeys(lines))
        tokens = dict(zip(distinct, tokenizer.encode(distinct), strict=True))
        for line in lines:
            yield number, tokens[line]
            number += 1


def _packed(
    lines: Iterator[tuple[int, list[int]]], step: int
) -> Iterator[list[tuple[int, list[int]]]]:
    """Gather lines, or pieces of lines, into blocks of at most `step` tokens."""
    held: list[tuple[int, list[int]]] = []
    left = step
    for number, ids in lines:
        for start in range(0, len(ids), step):
            piece = ids[start : start + step]
            if len(piece) > left or (held and len(ids) > step and not start):
                yield held
                held, left = [], step
            held.append((number, piece))
            left -= len(piece)
    if held:
        yield held


def _framed(pieces: list[tuple[int, list[int]]], tokenizer: Tokenizer) -> Paragraph:
    ids = tokenizer.wrap([token for _, piece in pieces for token in piece])
    sentences = np.full(len(ids), NO_SENTENCE, np.int64)
    numbers = np.repeat([number for number, _ in pieces], [len(piece) for _, piece in pieces])
    head = len(tokenizer.prefix)
    sentences[head : head + len(numbers)] = numbers
    return Paragraph(np.array(ids, np.int64), sentences)
