"""What a training may not disturb: the global random generators, the output, the model's methods.

transformers' `Trainer` seeds the global generators, prints and wraps; each context manager here
puts one of these back, whether the training succeeds or fails.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers.utils import logging as transformers_logging


@contextmanager
def generators_kept() -> Iterator[None]:
    """Leave the global generators of Python, NumPy and torch (all devices) as they were."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - to put it back
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002 - put back


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' log and progress bars."""
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # theirs


@contextmanager
def model_kept(model: nn.Module) -> Iterator[None]:
    """Undo what is done to the model besides training it.

    accelerate wraps autocast around `forward`, and `Trainer` switches off ``config.use_cache``.
    """
    before = {name: model.__dict__.get(name) for name in ("forward", "_original_forward")}
    config: Any = getattr(model, "config", None)
    use_cache = getattr(config, "use_cache", None)
    try:
        yield
    finally:
        if use_cache is not None:
            config.use_cache = use_cache
        for name, value in before.items():
            model.__dict__.pop(name, None)
            if value is not None:
                model.__dict__[name] = value
