"""`char_lm`: character embeddings that come from guessing the next character of the logs.

Seed paper, section on the reference CNN: its 64-d character embeddings are initialised from a
sequence-to-sequence LSTM (embedding 64, 1,024 units returning sequences, a dense layer over the
alphabet) that says its input shifted by one character. The sequence length is the median length of
the logs' ``I:``/``C:`` message blocks. The paper gives no more than that; the rest is ours.

In: the train documents. Out: one vector per character (`CharEmbeddings`) and a card that says how
well the next character could be guessed.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float32
from pydantic import JsonValue

from classifiers.settings import check
from results.errors import InputError

if TYPE_CHECKING:
    from classifiers.char_lm_network import CharLmNetwork

SHORTEST, LONGEST = 16, 512
"""Between these the rule keeps the sequence length, in characters."""

_AT_LEAST = {"embedding": 1, "units": 1, "alphabet": 2, "epochs": 1, "batch_size": 1, "sequence": 1}
_VECTORS, _CHARACTERS, _CARD = "embeddings.safetensors", "characters.json", "card.json"


@dataclass(frozen=True, kw_only=True)
class CharLm:
    """Settings of the character model, and how to fit it.

    With the defaults 1.1 million characters are learnt: ten minutes on one CPU core in fp32 (1,900
    a second), seven in bf16 (2,750; 2026-11, AVX512-BF16). Rate and batch were chosen on 120,000
    characters of the generator's logs: the held-out loss was 1.77 nats per character (unigram
    3.64) after one epoch, 2.80 with a rate of 1e-3 and also with batches of 32.

    Attributes:
        embedding: dimensions of a character's vector.
        units: of the LSTM.
        alphabet: most characters told apart, unknown included.
        epochs: passes over the text.
        batch_size: sequences per step.
        learning_rate: peak step size of Adam, falling linearly to 0.
        validation_share: share of the documents, and of `max_chars`, that is held out.
        sequence: characters that are guessed one after the other; `None` takes the median length of
            the message blocks, within 16 to 512.
        block: regular expression that the first line of a message block begins with. Where no line
            does, the median length of the lines that are not blank counts.
        max_chars: most characters read of all documents together, held-out ones included.
    """

    embedding: int = 64
    units: int = 1024
    alphabet: int = 256
    epochs: int = 2
    batch_size: int = 16
    learning_rate: float = 3e-3
    validation_share: float = 0.1
    sequence: int | None = None
    block: str = "[IC]:"
    max_chars: int = 600_000

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            InputError: a count that is too small, a share outside (0, 1), a rate that is not above
                0, or a `block` that is no regular expression.
        """
        longest = self.sequence or LONGEST
        for name, least in {**_AT_LEAST, "max_chars": 2 * (longest + 1)}.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"char_lm: {name} is {value} and must be at least {least}")
        check("char_lm", self, counts=(), parts=("validation_share",))
        try:
            re.compile(self.block)
        except re.error as error:
            raise InputError(
                f"char_lm: block {self.block!r} is no regular expression ({error}): mend it"
            ) from None

    def fit(
        self,
        texts: Iterable[Sequence[str]],
        *,
        seed: int,
        workdir: Path,
        precision: Literal["fp32", "bf16"] = "fp32",
        progress: Callable[[float], None] | None = None,
    ) -> "FittedCharLm":
        """Learn from training documents.

        Args:
            texts: training documents as parts; gone through twice, so no iterator.
            seed: decides held-out documents, which text is read, initial weights and order.
            workdir: private to this training; an interrupted one is resumed from it.
            precision: "bf16" runs the forward pass under autocast.
            progress: called with the share done, 0 to 1.

        Raises:
            InputError: fewer than two documents of two characters, or training diverged.
        """
        from classifiers.char_lm_training import fit_char_lm

        return fit_char_lm(
            self, texts, seed=seed, workdir=workdir, precision=precision, progress=progress
        )


@dataclass(frozen=True)
class CharEmbeddings:
    """One learnt vector per character; unknown characters have none.

    Attributes:
        characters: most frequent first.
        vectors: as the LSTM reads them, not normalised; row i belongs to character i.
    """

    characters: str
    vectors: Float32[np.ndarray, "v d"]


@dataclass(frozen=True)
class FittedCharLm:
    """A character model that has learnt.

    Attributes:
        embeddings: what it was trained for.
        network: the torch module, in evaluation mode.
        card: sequence length and rule, sizes, share of the text that was read, learning curves,
            held-out losses in nats per character.
    """

    embeddings: CharEmbeddings
    network: "CharLmNetwork"
    card: dict[str, JsonValue]

    def save(self, folder: Path) -> None:
        """Write vectors, characters and card, not the network, into an existing folder."""
        from safetensors.numpy import save_file

        save_file({"vectors": self.embeddings.vectors}, folder / _VECTORS)
        characters = {"version": 1, "characters": self.embeddings.characters}
        for name, content in ((_CHARACTERS, characters), (_CARD, self.card)):
            (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load_embeddings(folder: Path) -> CharEmbeddings:
    """Read what `FittedCharLm.save` wrote.

    Raises:
        InputError: a file is missing, or another version wrote it.
    """
    from safetensors.numpy import load_file

    for name in (_CHARACTERS, _VECTORS):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: no {name}; give a folder that a char_lm was saved to")
    told: dict[str, Any] = json.loads((folder / _CHARACTERS).read_text(encoding="utf-8"))
    if told["version"] != 1:
        raise InputError(
            f"{folder / _CHARACTERS}: version {told['version']} is not known; expected 1"
        )
    return CharEmbeddings(told["characters"], load_file(folder / _VECTORS)["vectors"])
