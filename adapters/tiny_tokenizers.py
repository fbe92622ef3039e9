"""Tokenizers of each family's kind, learnt on the spot and the same in every process.

The libraries' own trainers break ties differently in every process (seen in tokenizers 0.23), so
pieces are counted and sorted here; the tokenizers library only applies them. What a family is known
for is kept: how a text is cut, which special tokens stand around it, and whether there is a token
to pad with.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from math import log
from typing import Any, Literal

from tokenizers import Regex, Tokenizer, decoders, normalizers
from tokenizers.models import BPE, Unigram, WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel, Metaspace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

_MERGES = 160
_WORDS = 500  # the most frequent ones, from which merges are learnt
_SPACE = "\u2581"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a family's tokenizer works.

    Attributes:
        pieces: WordPiece on lower-cased words, BPE on bytes, or Unigram with a mark for spaces.
        special: special tokens in the order of their ids.
        roles: transformers' name of a role (`pad_token`, ...) -> the special token that has it.
        frame: what a text is put into; `$A` is the text.
    """

    pieces: Literal["words", "bytes", "unigram"]
    special: tuple[str, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    frame: str


BERT = Kind(
    pieces="words",
    special=("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    roles={
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    },
    frame="[CLS] $A [SEP]",
)
T5 = Kind(
    pieces="unigram",
    special=("<pad>", "</s>", "<unk>"),
    roles={"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"},
    frame="$A </s>",
)
LLAMA = Kind(
    pieces="bytes",
    special=("<unk>", "<s>", "</s>"),
    roles={"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
    frame="<s> $A",
)
ROBERTA = Kind(
    pieces="bytes",
    special=("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    roles={
        "bos_token": "<s>",
        "cls_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    },
    frame="<s> $A </s>",
)
BIG_BIRD = Kind(
    pieces="unigram",
    special=("<pad>", "</s>", "<unk>", "<s>", "[SEP]", "[CLS]", "[MASK]"),
    roles={
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "sep_token": "[SEP]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    },
    frame="[CLS] $A [SEP]",
)
MODERNBERT = Kind(pieces="bytes", special=BERT.special, roles=BERT.roles, frame=BERT.frame)
QWEN = Kind(
    pieces="bytes",
    special=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    roles={"pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"},
    frame="$A <|endoftext|>",
)

KINDS: dict[str, Kind] = {
    "bert": BERT,
    "big_bird": BIG_BIRD,
    "distilbert": BERT,
    "electra": BERT,
    "modernbert": MODERNBERT,
    "qwen2": QWEN,
    "qwen3": QWEN,
    "t5": T5,
}
"""By model_type; others take `ROBERTA`, `T5` or `LLAMA`, as their language-model head wants it."""


def train_tokenizer(kind: Kind, texts: Iterable[str], *, size: int, context: int | None) -> Any:
    """Learn a tokenizer of a kind.

    Args:
        kind: which.
        texts: what the pieces are counted in.
        size: pieces at most, where the kind has no smallest size of its own.
        context: tokens that the model takes, None where it does not say.
    """
    backend = _BACKENDS[kind.pieces](kind, texts, size)
    frame = [(name, kind.special.index(name)) for name in kind.frame.split() if name != "$A"]
    backend.post_processor = TemplateProcessing(single=kind.frame, special_tokens=frame)
    make: Any = PreTrainedTokenizerFast
    limit = {} if context is None else {"model_max_length": context}
    return make(tokenizer_object=backend, **limit, **kind.roles)


def _words(kind: Kind, texts: Iterable[str], size: int) -> Tokenizer:
    """Cut lower-cased words into WordPieces, as BERT does."""
    normalizer, words = BertNormalizer(lowercase=True), BertPreTokenizer()
    counts = Counter(
        word for text in texts for word, _ in words.pre_tokenize_str(normalizer.normalize_str(text))
    )
    letters = sorted({letter for word in counts for letter in word})
    pieces = [*kind.special, *letters, *(f"##{letter}" for letter in letters)]
    pieces += [word for word in _by_frequency(counts) if len(word) > 1]
    vocabulary = {piece: number for number, piece in enumerate(pieces[:size])}
    backend = Tokenizer(WordPiece(vocabulary, unk_token=kind.roles["unk_token"]))
    backend.normalizer, backend.pre_tokenizer = normalizer, words
    return backend


def _bytes(kind: Kind, texts: Iterable[str], size: int) -> Tokenizer:
    """Merge bytes into longer pieces, as GPT-2 and its heirs do: no text has an unknown token."""
    words = ByteLevel(add_prefix_space=False)
    counts = Counter(word for text in texts for word, _ in words.pre_tokenize_str(text))
    merges = _learn_merges(tuple((word, counts[word]) for word in _by_frequency(counts)[:_WORDS]))
    pieces = [*kind.special, *sorted(ByteLevel.alphabet()), *(a + b for a, b in merges)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    backend = Tokenizer(BPE(vocabulary, list(merges)))
    backend.pre_tokenizer, backend.decoder = words, decoders.ByteLevel()
    return backend


@lru_cache(maxsize=8)
def _learn_merges(counts: tuple[tuple[str, int], ...]) -> tuple[tuple[str, str], ...]:
    """Merge the most frequent neighbours again and again; the alphabet decides between equals."""
    words = [(list(word), number) for word, number in counts]
    merges: list[tuple[str, str]] = []
    for _ in range(_MERGES):
        pairs: Counter[tuple[str, str]] = Counter()
        for pieces, number in words:
            for pair in pairwise(pieces):
                pairs[pair] += number
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = [(_merge(pieces, best), number) for pieces, number in words]
    return tuple(merges)


def _merge(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for piece in pieces:
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _unigram(kind: Kind, texts: Iterable[str], size: int) -> Tokenizer:
    """Cut a text into the likeliest words and letters, as SentencePiece does."""
    counts = Counter(_SPACE + word for text in texts for word in text.split())
    letters = Counter({letter: 1 for word in counts for letter in word})
    total = sum(counts.values()) + 1
    scores = dict.fromkeys(kind.special, 0.0)
    scores |= {letter: -2.0 * log(total) for letter in sorted(letters)}
    scores |= {word: log(counts[word] / total) for word in _by_frequency(counts) if len(word) > 1}
    unknown = kind.special.index(kind.roles["unk_token"])
    backend = Tokenizer(Unigram(list(scores.items())[:size], unk_id=unknown, byte_fallback=False))
    backend.normalizer = normalizers.Replace(Regex(r"\s+"), " ")
    backend.pre_tokenizer = Metaspace(replacement=_SPACE, prepend_scheme="always")
    backend.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    return backend


def _by_frequency(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda word: (-counts[word], word))


_BACKENDS = {"words": _words, "bytes": _bytes, "unigram": _unigram}
