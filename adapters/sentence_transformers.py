"""sentence-transformers models: a transformer with the pooling that it was trained with.

Reimers and Gurevych, "Sentence-BERT", EMNLP 2019. The pooling and the longest input are read from
the checkpoint; a final normalisation is left out (vectors are averaged over windows first), a dense
layer behind the pooling is refused.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import JsonValue

from adapters import checkpoints
from adapters.adapter import Hasher
from adapters.family import Family, Pooling
from adapters.huggingface import HuggingFaceAdapter
from results.errors import InputError
from results.hashing import hash_file

if TYPE_CHECKING:
    from adapters.encoder import TransformerEncoder

_POOLING = "1_Pooling/config.json"
_LENGTH = "sentence_bert_config.json"
_MODES: dict[str, Pooling] = {  # as sentence-transformers 6 writes it, and as older ones did
    "mean": "mean",
    "lasttoken": "last",
    "cls": "first",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "last",
    "pooling_mode_cls_token": "first",
}
_ALLOWED = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True, kw_only=True)
class SentenceTransformersAdapter(HuggingFaceAdapter):
    """A sentence-transformers checkpoint."""

    family: ClassVar[Family] = Family()

    def identity(self, *, hasher: Hasher = hash_file) -> dict[str, JsonValue]:
        """Say what determines the vectors: weights, tokenizer, pooling and longest input.

        Raises:
            InputError: no such folder, or a revision that cannot be resolved to a commit.
        """
        found = super().identity(hasher=hasher)
        folder = checkpoints.local_folder(self.checkpoint)
        if folder is None:
            return found
        beside = {name: hasher(folder / name) for name in _own_files(folder)}
        return {**found, "beside": dict(beside)}

    def load(
        self,
        *,
        device: str,
        dtype: str,
        checkpoint: Path | None = None,
        attention: str = "sdpa",
    ) -> "TransformerEncoder":
        """Load the model with its own pooling and, unless the suite names one, its own context.

        Raises:
            InputError: an unusable checkpoint, or modules that cannot be reproduced here.
        """
        folder = self.folder()
        _refuse_other_modules(folder)
        own = replace(
            self,
            pooling=self.pooling or _pooling(folder),
            context=self.context or _json(folder / _LENGTH).get("max_seq_length"),
        )
        return HuggingFaceAdapter.load(
            own, device=device, dtype=dtype, checkpoint=checkpoint, attention=attention
        )


def _own_files(folder: Path) -> list[str]:
    return [name for name in ("modules.json", _POOLING, _LENGTH) if (folder / name).is_file()]


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _pooling(folder: Path) -> Pooling:
    """Read the pooling; the mean where the checkpoint does not say."""
    settings = _json(folder / _POOLING)
    switches = [key for key, on in settings.items() if key.startswith("pooling_mode_") and on]
    modes = [settings["pooling_mode"]] if "pooling_mode" in settings else switches
    if not settings:
        return "mean"
    if len(modes) != 1 or modes[0] not in _MODES:
        raise InputError(
            f"checkpoint {folder.name!r} pools by {modes}; only the mean, the last or the first "
            "token can be reproduced here: set `pooling` to one of them"
        )
    return _MODES[modes[0]]


def _refuse_other_modules(folder: Path) -> None:
    path = folder / "modules.json"
    modules = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    for module in modules:
        name = str(module["type"]).rpartition(".")[2]
        if name not in _ALLOWED or (name == "Transformer" and module["path"]):
            raise InputError(
                f"checkpoint {folder.name!r} has a module {name!r} ({module['path'] or 'root'}) "
                "that cannot be reproduced here: use `adapter: huggingface` for its transformer"
            )
