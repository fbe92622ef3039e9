"""Tiny random checkpoints: every family testable in milliseconds, without a download.

A tokenizer is trained on the spot from given texts, the weights are drawn from a seed. The
configuration says so (`logmark_random_weights`), since a number from random weights must be marked
wherever it appears.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerFast

from adapters.loading import RANDOM_WEIGHTS, quiet

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@dataclass(frozen=True, kw_only=True)
class TinySize:
    """How small: a BERT of 2 layers, 32 wide, with 64 positions unless said otherwise."""

    hidden: int = 32
    layers: int = 2
    heads: int = 2
    context: int = 64
    vocabulary: int = 300


def build_tiny(
    folder: Path,
    texts: Iterable[str],
    *,
    size: TinySize | None = None,
    seed: int = 0,
    mlm_head: bool = False,
) -> Path:
    """Write a random BERT checkpoint with a WordPiece tokenizer trained on `texts`.

    Args:
        folder: where to; created if need be.
        texts: what the tokenizer learns its vocabulary from.
        size: dimensions of the model.
        seed: decides the weights.
        mlm_head: save the masked-language-model head too.

    Returns:
        `folder`, loadable by `adapters.loading.load_encoder`.
    """
    size = size or TinySize()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(texts, size)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden,
        max_position_embeddings=size.context,
        pad_token_id=tokenizer.pad_token_id,
    )
    setattr(config, RANDOM_WEIGHTS, True)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model: Any = BertForMaskedLM(config) if mlm_head else BertModel(config)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(texts: Iterable[str], size: TinySize) -> Any:
    """Make a lower-casing WordPiece tokenizer that frames a text as BERT does."""
    normalizer, words = BertNormalizer(lowercase=True), BertPreTokenizer()
    counts = Counter(
        word for text in texts for word, _ in words.pre_tokenize_str(normalizer.normalize_str(text))
    )
    backend = Tokenizer(WordPiece(_vocabulary(counts, size.vocabulary), unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizer, words
    frame = [(name, _SPECIAL.index(name)) for name in ("[CLS]", "[SEP]")]
    backend.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=frame)
    make: Any = PreTrainedTokenizerFast
    return make(
        tokenizer_object=backend,
        model_max_length=size.context,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def _vocabulary(counts: Counter[str], size: int) -> dict[str, int]:
    """Take every character, then the most frequent words, up to `size` pieces.

    The library's own WordPiece trainer breaks ties differently in every process (seen in tokenizers
    0.23), so it would not give the same checkpoint twice.
    """
    letters = sorted({letter for word in counts for letter in word})
    pieces = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    frequent = sorted(counts, key=lambda word: (-counts[word], word))
    pieces += [word for word in frequent if len(word) > 1]
    return {piece: number for number, piece in enumerate(pieces[:size])}
