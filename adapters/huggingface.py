"""Any Hugging Face encoder, named in the suite file by its checkpoint: no code needed.

`checkpoint` is a folder on this machine or a name on the hub. A hub model is pinned by the commit
of its revision; safetensors only, and code shipped with a checkpoint is never run.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue

from adapters import checkpoints
from adapters.adapter import Hasher
from results.hashing import hash_file

if TYPE_CHECKING:
    from adapters.encoder import TransformerEncoder


@dataclass(frozen=True, kw_only=True)
class HuggingFaceAdapter:
    """A pretrained encoder; of an encoder-decoder model the encoder.

    Attributes:
        checkpoint: folder, or name on the hub.
        revision: of a hub model: a commit (40 hexadecimal digits), branch or tag.
        context: tokens per window, special tokens included; None for the most the model takes.
    """

    fitted: ClassVar[bool] = False

    checkpoint: str
    revision: str | None = None
    context: int | None = None

    def identity(self, *, hasher: Hasher = hash_file) -> dict[str, JsonValue]:
        """Say what determines the weights: the files' hashes, or hub name and commit.

        Raises:
            InputError: no such folder, or a revision that cannot be resolved to a commit.
        """
        folder = checkpoints.local_folder(self.checkpoint)
        if folder is not None:
            return checkpoints.identify(folder, hasher)
        commit = checkpoints.resolve_revision(self.checkpoint, self.revision)
        return {"hub": self.checkpoint, "commit": commit}

    def folder(self) -> Path:
        """Find the checkpoint's folder on this machine, fetching it from the hub if need be.

        Raises:
            InputError: it cannot be had.
        """
        folder = checkpoints.local_folder(self.checkpoint)
        if folder is not None:
            return folder
        commit = checkpoints.resolve_revision(self.checkpoint, self.revision)
        return checkpoints.fetch(self.checkpoint, commit)

    def load(
        self, *, device: str, dtype: str, checkpoint: Path | None = None
    ) -> "TransformerEncoder":
        """Load the model; `checkpoint` replaces weights and tokenizer by an adapted folder's.

        Raises:
            InputError: an unusable checkpoint, device, dtype or context.
        """
        from adapters.loading import load_encoder

        source = self.folder() if checkpoint is None else checkpoint
        return load_encoder(source, context=self.context, device=device, dtype=dtype)
