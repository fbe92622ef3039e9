"""What the networks that read characters take: the reference CNN and the character model.

A matrix of m x n takes 2 m n FLOPs for each step, as in `adapters/counting.py`; a training step
takes three forward passes. Weights are counted as `classifiers/residual_network.py` and
`classifiers/char_lm_network.py` make them; the tests hold them to those.
"""

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any

from suite.corpus_size import CorpusSize
from suite.node import Node
from suite.quantities import Device, Estimate
from suite.rates import stated

CHARACTERS = 97
"""Characters that logs are taken to be written with: the seed paper's."""

CLASSES = 4
"""Classes that a corpus is taken to have before its labels are known: the seed paper's."""

DAY_S = 86400.0

_PASSES = 3  # of a training step, in forward passes


def reference(node: Node, size: CorpusSize, share: float) -> Estimate:
    """Estimate the training of a reference CNN: all its epochs, twice where it is trained again.

    Args:
        node: the job.
        size: the corpus.
        share: of the documents that is learnt from.
    """
    settings = node.params["settings"]
    learnt = share * (1 - settings["validation_share"])
    if settings["refit"] and settings["validation_share"]:
        learnt += share
    read = list(_read(size, settings))

    def on(device: Device) -> float:
        looks_up = device == "cpu" and not settings["bilstm"]
        once = sum(
            number * flops_of(settings, length, looks_up=looks_up) for length, number in read
        )
        return float(once * learnt * settings["epochs"])

    return _trained(node, on)


def char_lm(node: Node, size: CorpusSize, share: float) -> Estimate:
    """Estimate the training of a character model on at most `max_chars` characters."""
    settings = node.params["settings"]
    characters = min(size.characters * share, settings["max_chars"])
    characters *= (1 - settings["validation_share"]) * settings["epochs"]
    units, read = settings["units"], settings["embedding"]
    step = 2 * (4 * units * (read + units) + units * CHARACTERS)
    return _trained(node, lambda device: characters * step)


def _trained(node: Node, forward: Callable[[Device], float]) -> Estimate:
    """Put together what a training takes; on a GPU where the CPU would need more than a day."""
    device: Device = node.params["device"]
    if _PASSES * forward(device) / stated(node, device) > DAY_S:
        device = "cuda"
    return Estimate(flops=round(_PASSES * forward(device)), device=device)


def _read(size: CorpusSize, settings: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    """Yield characters that the network reads of a document, and the number of such documents."""
    context = settings["context"]
    for length, number in size.sizes:
        if size.documents is None:  # one stretch of text: as if it were cut into contexts
            yield context, number * ceil(length / context)
        else:
            yield context if settings["padding"] == "paper" else min(ceil(length), context), number


def flops_of(settings: Mapping[str, Any], characters: int, *, looks_up: bool) -> float:
    """FLOPs of a reference's forward pass over one document.

    Args:
        settings: of the network.
        characters: that it reads.
        looks_up: the first layer adds rows of a table, as it does on a CPU, and multiplies nothing.
    """
    channels, units = settings["channels"], settings["bilstm"]
    read = 2 * units or settings["embedding"]
    steps = characters / settings["stem_stride"]
    recurrent = characters * 2 * 2 * 4 * units * (settings["embedding"] + units)
    first = settings["stem_width"] * channels * steps * (1 if looks_up else 2 * read)
    further = 0.0
    for _ in range(settings["layers"] - 1):
        steps /= settings["pool"]
        further += 2 * settings["layer_width"] * channels**2 * steps
    dense = 2 * settings["dense"] * (channels + CLASSES)
    return float(recurrent + first + further + dense)


def weights_of(settings: Mapping[str, Any], characters: int, classes: int) -> int:
    """Count the weights of a reference CNN; `characters` counts padding and unknown, too."""
    channels, units, embedding = settings["channels"], settings["bilstm"], settings["embedding"]
    read = 2 * units or embedding
    recurrent = 2 * 4 * units * (embedding + units + 2) if units else 0
    first = channels * (settings["stem_width"] * read + 1)
    further = (settings["layers"] - 1) * channels * (settings["layer_width"] * channels + 1)
    dense = settings["dense"] * (channels + 1) + classes * (settings["dense"] + 1)
    return int(characters * embedding + recurrent + first + further + dense)
