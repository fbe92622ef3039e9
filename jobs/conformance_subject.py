"""What the checks look at: one adapter, loaded once, its documents and how far they may differ.

Document vectors come from `embedders.engine.embed` alone, so a check sees what a run would see.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from adapters.adapter import Encoder
from adapters.family import Family
from adapters.registry import OBJECTIVES, make
from corpora.masking import SPECIAL_TOKENS
from results.errors import InputError
from results.registry import build

Parts = Sequence[str]
Documents = Mapping[str, Parts]
Precision = Literal["fp32", "bf16"]

TOLERANCE = {"fp32": 1e-4, "bf16": 3e-2}
"""How far two vectors of one document may lie apart, relative to their length, where the numbers
are computed in another order. Rounding is 6e-8 in fp32 and 4e-3 in bf16; several layers add up."""

LARGE = 300_000_000
"""Parameters from which the CPU is spared what takes long: training and very long windows."""

WINDOW = 256  # tokens of a window in most checks; BigBird's twin is sparse from 177 on
_REACH, _REACH_OF_LARGE = 2048, 512  # tokens of the longest window tried, on the CPU if large
_QUICK = {"batch_size": 4, "block": 64, "validation_share": 0.2}
_RANDOM = {"epochs": 5, "learning_rate": 3e-3}  # random weights have everything to learn
_TRAINED = {"epochs": 2, "learning_rate": 2e-4}


class Broken(Exception):  # noqa: N818 - a finding, not an error
    """What a check found to be wrong."""


class Inapplicable(Exception):  # noqa: N818 - a finding, not an error
    """Why a check does not apply to this adapter, or not here."""


@dataclass(frozen=True)
class Narrow:
    """An encoder whose windows are shorter than they could be."""

    encoder: Encoder
    context: int

    def __getattr__(self, name: str) -> Any:
        """Take everything else from the encoder."""
        return getattr(self.encoder, name)


@dataclass(frozen=True)
class Adapted:
    """What domain adaptation made of a model: its folder, and the card it wrote."""

    folder: Path
    card: Mapping[str, Any]


@dataclass
class Subject:
    """One adapter under test.

    Attributes:
        name: as `adapters.registry.make` takes it.
        settings: beside the name.
        device: "cpu" or "cuda".
        asked: precision of an unquantized model.
        scratch: a folder for intermediate files.
    """

    name: str
    settings: Mapping[str, Any]
    device: str
    asked: Precision
    scratch: Path
    adapter: Any = field(init=False)

    def __post_init__(self) -> None:
        """Make the adapter.

        Raises:
            InputError: no such adapter, or impossible settings.
        """
        self.adapter = make(self.name, self.settings)

    @property
    def precision(self) -> Precision:
        """What is computed in: a quantized model computes in bf16."""
        return "bf16" if getattr(self.adapter, "quantize", None) else self.asked

    @property
    def tolerance(self) -> float:
        """How far apart two vectors of one document may lie, relative to their length."""
        return TOLERANCE[self.precision]

    def has(self, setting: str) -> bool:
        """Say whether the adapter has a setting of this name."""
        return setting in {f.name for f in dataclasses.fields(self.adapter) if f.init}

    def with_settings(self, **settings: Any) -> Any:
        """Make the same adapter with other settings."""
        return make(self.name, {**self.settings, **settings})

    def load(self, adapter: Any = None, *, checkpoint: Path | None = None) -> Encoder:
        """Load the model anew."""
        adapter = adapter or self.adapter
        encoder: Encoder = adapter.load(device=self.device, dtype=self.asked, checkpoint=checkpoint)
        return encoder

    @cached_property
    def _loaded(self) -> tuple[Encoder | None, float, str]:
        """Load once: the encoder, the seconds it took, and what went wrong."""
        started = time.perf_counter()
        try:
            return self.load(), time.perf_counter() - started, ""
        except Exception as error:  # noqa: BLE001 - told by the check `loads`, the others skip
            return None, 0.0, say(error)

    def loaded(self) -> tuple[Encoder, float]:
        """Give the encoder and the seconds that loading it took.

        Raises:
            Broken: it could not be loaded.
        """
        encoder, seconds, reason = self._loaded
        if encoder is None:
            raise Broken(reason)
        return encoder, seconds

    @property
    def encoder(self) -> Encoder:
        """The loaded model.

        Raises:
            Inapplicable: there is none.
        """
        if self.adapter.fitted:
            raise Inapplicable("features learnt from text have no encoder")
        encoder, _, _ = self._loaded
        if encoder is None:
            raise Inapplicable("it does not load")
        return encoder

    @cached_property
    def parameters(self) -> int:
        """Weights of the model."""
        return int(self.encoder.audit()["parameters"])

    @property
    def is_slow(self) -> bool:
        """Whether the model is too large for what takes long."""
        return self.device == "cpu" and self.parameters > LARGE

    @property
    def reach(self) -> int:
        """Tokens of the longest window tried."""
        return min(self.encoder.context, _REACH_OF_LARGE if self.is_slow else _REACH)

    def embed(
        self,
        documents: Documents,
        encoder: Encoder | None = None,
        *,
        context: int = WINDOW,
        **how: Any,
    ) -> Float[np.ndarray, "n d"]:
        """Compute one vector per document, as the job `embed` does."""
        if self.adapter.fitted:
            return self._fit(documents)
        from embedders.engine import embed

        encoder = encoder or self.encoder
        narrow: Any = Narrow(encoder, min(context, encoder.context))
        return np.concatenate([shard.vectors for shard in embed(documents.items(), narrow, **how)])

    def _fit(self, documents: Documents) -> Float[np.ndarray, "n d"]:
        """Learn features from our documents; compute those of `documents`."""
        featurizer = self.adapter.load_featurizer()
        featurizer.fit(list(self.documents.values()))
        features: np.ndarray = featurizer.transform(list(documents.values())).toarray()
        return features

    @cached_property
    def documents(self) -> dict[str, list[str]]:
        """Documents of a few words, of one window and of several, in one part and in many."""
        return {
            "short": ["link 3 started"],
            "line": lines(1, seed=1),
            "window": ["\n".join(lines(8, seed=2))],
            "alike": ["\n".join(lines(8, seed=3))],
            "long": lines(45, seed=4),
            "parts": ["\n".join(lines(9, seed=seed)) for seed in (5, 6, 7)],
        }

    @cached_property
    def vectors(self) -> Float[np.ndarray, "n d"]:
        """Vectors of `documents`."""
        return self.embed(self.documents)

    @cached_property
    def _adapted(self) -> tuple[Adapted | None, str]:
        """Adapt once: what came of it, or what went wrong."""
        try:
            return self._adapt(), ""
        except Exception as error:  # noqa: BLE001 - told by the check `adaptation learns`
            return None, say(error)

    def adaptation(self) -> Adapted:
        """Give the adapted model.

        Raises:
            Broken: it could not be adapted.
            Inapplicable: it is not adapted here.
        """
        if self.is_slow:
            raise Inapplicable(
                f"{self.parameters:,} parameters are too many to train on the CPU: use `--tiny`, "
                "or `--device cuda`"
            )
        adapted, reason = self._adapted
        if adapted is None:
            raise Broken(reason)
        return adapted

    @property
    def adapted(self) -> Path:
        """The adapted checkpoint.

        Raises:
            Inapplicable: there is none.
        """
        try:
            return self.adaptation().folder
        except Broken as reason:
            raise Inapplicable(f"nothing was adapted: {reason}") from reason

    def _adapt(self) -> Adapted:
        name = getattr(self.adapter, "family", Family()).objective
        how = _RANDOM if self.encoder.audit().get("random_weights") else _TRAINED
        objective = build("objective", name, OBJECTIVES, {**_QUICK, **how})
        out = self.scratch / "adapted"
        (self.scratch / "trainer").mkdir(parents=True)
        out.mkdir()
        card = objective.adapt(
            self.adapter,
            [lines(15, seed=seed) for seed in range(20, 30)],
            special_tokens=SPECIAL_TOKENS,
            out=out,
            scratch=self.scratch / "trainer",
            precision=self.asked,
            progress=_silent,
        )
        return Adapted(out / "checkpoint", card)


def lines(count: int, *, seed: int) -> list[str]:
    """Write so many log lines, masked here and there; the same for a seed, the end differs most."""
    generator = np.random.default_rng(seed)
    units, verbs = ["radio", "cell", "port", "link"], ["started", "stopped", "failed"]
    return [
        f"I: {generator.choice(units)} {generator.integers(64)} {generator.choice(verbs)} at <hex> "
        f"after {generator.integers(1000)} ms code <num>"
        for _ in range(count)
    ]


def distance(some: Float[np.ndarray, "n d"], others: Float[np.ndarray, "n d"]) -> float:
    """Largest distance of two vectors of one document, relative to the first one's length."""
    apart = np.linalg.norm(some.astype(np.float64) - others, axis=1)
    return float(np.max(apart / np.maximum(np.linalg.norm(some, axis=1), 1e-12)))


def say(error: BaseException) -> str:
    """Put an error into one line; what a user can mend speaks for itself."""
    text = " ".join(str(error).split())
    return (
        text
        if isinstance(error, InputError | Broken | Inapplicable)
        else f"{type(error).__name__}: {text}"
    )


Progress = Callable[[float], None]


def _silent(share: float) -> None:
    """Report progress to nobody."""
