"""Any Hugging Face encoder, named in the suite file by its checkpoint: no code needed.

`checkpoint` is a folder on this machine or a name on the hub. A hub model is pinned by the commit
of its revision; safetensors only. The files of the families say what is particular about theirs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import JsonValue

from adapters import checkpoints
from adapters.adapter import Hasher
from adapters.family import Family, Pooling
from results.hashing import hash_file

if TYPE_CHECKING:
    from adapters.encoder import TransformerEncoder


@dataclass(frozen=True, kw_only=True)
class HuggingFaceAdapter:
    """A pretrained encoder of any architecture; of an encoder-decoder model the encoder.

    Attributes:
        checkpoint: folder, or name on the hub.
        revision: of a hub model: a commit (40 hexadecimal digits), branch or tag.
        context: tokens per window, special tokens included; None for the most the model takes.
        quantize: "nf4" holds linear layers and experts in 4 bits and computes in bf16.
        pooling: of a window's states; None for the family's.
        remote_code: run the code that came with the checkpoint; never unless asked.
    """

    fitted: ClassVar[bool] = False
    family: ClassVar[Family] = Family()

    checkpoint: str
    revision: str | None = None
    context: int | None = None
    quantize: Literal["nf4"] | None = None
    pooling: Pooling | None = None
    remote_code: bool = False

    def identity(self, *, hasher: Hasher = hash_file) -> dict[str, JsonValue]:
        """Say what determines the weights: the files' hashes, or hub name and commit.

        Raises:
            InputError: no such folder, or a revision that cannot be resolved to a commit.
        """
        folder = checkpoints.local_folder(self.checkpoint)
        if folder is not None:
            return checkpoints.identify(folder, hasher, code=self.remote_code)
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
        return checkpoints.fetch(self.checkpoint, commit, code=self.remote_code)

    def config(self) -> dict[str, Any] | None:
        """Read the checkpoint's configuration where it can be had without asking the hub.

        Returns:
            The folder's or the cached config.json, else the catalogue's, else None.
        """
        from adapters import catalogue

        found = checkpoints.read_config(self.checkpoint, self.revision)
        if found is None and (entry := catalogue.by_checkpoint(self.checkpoint)) is not None:
            return dict(entry.config)
        return found

    def load(
        self,
        *,
        device: str,
        dtype: str,
        checkpoint: Path | None = None,
        attention: str = "sdpa",
    ) -> "TransformerEncoder":
        """Load the model, or what domain adaptation made of it and left in the folder `checkpoint`.

        Raises:
            InputError: an unusable checkpoint, device, dtype, context or quantization.
        """
        from adapters.loading import load_encoder

        return load_encoder(
            self.folder(),
            adapted=checkpoint,
            context=self.context,
            device=device,
            dtype=dtype,
            attention=attention,
            quantize=self.quantize,
            pooling=self.pooling or self.family.pooling,
            family=self.family,
            remote_code=self.remote_code,
        )
