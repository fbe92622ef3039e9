"""An adapter in one file: the states of an inner layer of a BERT, in place of the last one's."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from adapters import checkpoints
from adapters.loading import load_encoder


@dataclass(frozen=True, kw_only=True)
class InnerLayer:
    """The first `layer` layers of a BERT checkpoint."""

    checkpoint: str
    layer: int = 6
    context: int | None = None
    fitted: ClassVar[bool] = False

    def identity(self, *, hasher=None):
        """What determines the weights: the checkpoint's files."""
        return checkpoints.identify(Path(self.checkpoint), *([hasher] if hasher else []))

    def folder(self):
        """Where the checkpoint lies."""
        return Path(self.checkpoint)

    def load(self, *, device, dtype, checkpoint=None, attention="sdpa"):
        """Load the checkpoint, or what adaptation made of it, and drop the upper layers."""
        encoder = load_encoder(
            self.folder(),
            adapted=checkpoint,
            context=self.context,
            device=device,
            dtype=dtype,
            attention=attention,
        )
        encoder.model.encoder.layer = encoder.model.encoder.layer[: self.layer]
        return encoder
