"""Adapters that are each wrong in one way, so that every check of the kit is seen to fail.

Named in tests as `tests/broken_adapters.py:Class`, as a user would name a file.
"""

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from adapters.family import Family
from adapters.huggingface import HuggingFaceAdapter


class Shell:
    """An encoder that passes everything on; what is broken is overridden."""

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)


@dataclass(frozen=True, kw_only=True)
class Good(HuggingFaceAdapter):
    """Nothing is wrong with this one."""

    shell: ClassVar[type[Shell]] = Shell

    def load(self, **how: Any) -> Any:
        return self.shell(super().load(**how))


class Loads(Good):
    """Cannot be loaded."""

    def load(self, **how: Any) -> Any:
        raise RuntimeError("not today")


class Identity(Good):
    """Is known by where it lies."""

    def identity(self, **how: Any) -> dict[str, Any]:
        return {"folder": self.checkpoint}


class Audit(Good):
    """Says nothing of its bytes."""

    class shell(Shell):  # noqa: N801 - overrides
        def audit(self) -> dict[str, Any]:
            return {k: v for k, v in self.encoder.audit().items() if k != "bytes_by_dtype"}


class Context(Good):
    """Promises more positions than it has."""

    class shell(Shell):  # noqa: N801 - overrides
        @property
        def context(self) -> int:
            return 2000


class LongerContext(Good):
    """Takes any context and silently uses a shorter one."""

    def load(self, **how: Any) -> Any:
        return HuggingFaceAdapter.load(dataclasses.replace(self, context=None), **how)


class Dimension(Good):
    """Does not know how wide it is."""

    class shell(Shell):  # noqa: N801 - overrides
        dimension = 64

        def states(self, ids: Any, mask: Any) -> Any:
            return self.encoder.states(ids, mask)[..., :63]


class States(Good):
    """Answers in another precision than asked for."""

    class shell(Shell):  # noqa: N801 - overrides
        def states(self, ids: Any, mask: Any) -> Any:
            return self.encoder.states(ids, mask).double()


class Frame(Good):
    """Adds special tokens that it does not count."""

    class shell(Shell):  # noqa: N801 - overrides
        num_special = 0


class Tokens(Good):
    """Cuts a text off, as tokenizers do unless told otherwise."""

    class shell(Shell):  # noqa: N801 - overrides
        def tokenize(self, texts: Any) -> Any:
            return [ids[:400] for ids in self.encoder.tokenize(texts)]


class NoWeights(Good):
    """Counts another special token while its weights are not there."""

    def load(self, *, device: str, **how: Any) -> Any:
        encoder = Shell(super().load(device=device, **how))
        if device == "meta":
            encoder.num_special = 1  # type: ignore[attr-defined]
        return encoder


class Windows(Good):
    """Reads the beginning of a window only."""

    class shell(Shell):  # noqa: N801 - overrides
        def states(self, ids: Any, mask: Any) -> Any:
            ids[:, 40:] = 7
            return self.encoder.states(ids, mask)


class Finite(Good):
    """Sees nothing."""

    class shell(Shell):  # noqa: N801 - overrides
        def states(self, ids: Any, mask: Any) -> Any:
            return 0 * self.encoder.states(ids, mask)


class Batches(Good):
    """Normalizes over the batch."""

    class shell(Shell):  # noqa: N801 - overrides
        def states(self, ids: Any, mask: Any) -> Any:
            states = self.encoder.states(ids, mask)
            return states - 0.5 * states.mean(dim=0, keepdim=True)


class Padding(Good):
    """Attends to padding."""

    class shell(Shell):  # noqa: N801 - overrides
        def states(self, ids: Any, mask: Any) -> Any:
            return self.encoder.states(ids, None)


class PaddingSide(Good):
    """Believes that padding stands where the tokenizer would put it."""

    def load(self, *, checkpoint: Path | None = None, **how: Any) -> Any:
        encoder = Shell(super().load(checkpoint=checkpoint, **how))
        path = (checkpoint or self.folder()) / "tokenizer_config.json"
        if json.loads(path.read_text()).get("padding_side") == "left":
            plain = encoder.states
            encoder.states = lambda ids, mask: plain(  # type: ignore[method-assign,attr-defined]
                ids, mask if mask is None else mask.flip(1)
            )
        return encoder


class Neighbours(Good):
    """Keeps something of a window for the next one."""

    class shell(Shell):  # noqa: N801 - overrides
        kept: Any = 0.0

        def states(self, ids: Any, mask: Any) -> Any:
            states = self.encoder.states(ids, mask)
            mixed, self.kept = states + 0.1 * self.kept, states.mean(dim=(0, 1))
            return mixed


class TwoCalls(Good):
    """Is in training mode: some states are dropped at random."""

    class shell(Shell):  # noqa: N801 - overrides
        def __init__(self, encoder: Any) -> None:
            super().__init__(encoder)
            encoder.model.train()


class TwoLoads(Good):
    """Has weights that the checkpoint lacks."""

    class shell(Shell):  # noqa: N801 - overrides
        def __init__(self, encoder: Any) -> None:
            super().__init__(encoder)
            self.fresh = torch.rand(64)

        def states(self, ids: Any, mask: Any) -> Any:
            return self.encoder.states(ids, mask) * self.fresh


class History(Good):
    """Changes for good when it meets a short window, as BigBird does in transformers."""

    class shell(Shell):  # noqa: N801 - overrides
        factor = 1.0

        def states(self, ids: Any, mask: Any) -> Any:
            if ids.shape[1] < 20:
                self.factor = 0.5
            return self.factor * self.encoder.states(ids, mask)


class OtherProcess(Good):
    """Depends on the process."""

    class shell(Shell):  # noqa: N801 - overrides
        def states(self, ids: Any, mask: Any) -> Any:
            return self.encoder.states(ids, mask) * (1.0 + os.getpid())


class EmptyDocument(Good):
    """Gives an empty text a token."""

    class shell(Shell):  # noqa: N801 - overrides
        def tokenize(self, texts: Any) -> Any:
            return [ids or [self.pad_id] for ids in self.encoder.tokenize(texts)]


class OddText(Good):
    """Reads English."""

    class shell(Shell):  # noqa: N801 - overrides
        def tokenize(self, texts: Any) -> Any:
            return self.encoder.tokenize([text.encode("ascii").decode() for text in texts])


class Saving(Good):
    """Computes something else from a folder that it is given."""

    def load(self, *, checkpoint: Path | None = None, **how: Any) -> Any:
        encoder, plain = Shell(super().load(checkpoint=checkpoint, **how)), None
        if checkpoint is not None:
            plain = encoder.states
            encoder.states = lambda ids, mask: 2 * plain(ids, mask)  # type: ignore[attr-defined,method-assign]
        return encoder


class FourBits(Good):
    """Says that it quantizes, and does not."""

    def load(self, **how: Any) -> Any:
        return HuggingFaceAdapter.load(dataclasses.replace(self, quantize=None), **how)


class AdaptationLearns(Good):
    """Names an objective that its model has no head for."""

    family: ClassVar[Family] = Family(objective="seq2seq")


class AdaptationShows(Good):
    """Goes on with the original weights and tokenizer."""

    def load(self, *, checkpoint: Path | None = None, **how: Any) -> Any:
        return super().load(**how)


class SpecialTokens(Good):
    """Takes the adapted weights and the original tokenizer."""

    def load(self, *, checkpoint: Path | None = None, **how: Any) -> Any:
        original = HuggingFaceAdapter.load(self, **how)
        adapted = HuggingFaceAdapter.load(self, checkpoint=checkpoint, **how)
        return dataclasses.replace(adapted, tokenizer=original.tokenizer)
