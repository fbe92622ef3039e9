"""A network of two layers, data and a collator: what tests of the training engine train."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from adapters.training import TrainingResult, TrainingSettings, train

SETTINGS = TrainingSettings(epochs=4, batch_size=8, learning_rate=0.01, seed=3)


class Net(nn.Module):
    """Two layers with dropout, so that the global generator matters while training."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))

    def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        assert set(batch) == {"x", "labels"}
        logits = self.body(batch["x"])
        return {"loss": nn.functional.cross_entropy(logits, batch["labels"]), "logits": logits}


class NoisyCollate:
    """Adds noise that derives from (epoch, example), as masking does."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def __call__(self, examples: list[tuple[int, np.ndarray, int]]) -> dict[str, torch.Tensor]:
        epoch = self.epochs[-1]
        noise = [np.random.default_rng([epoch, i]).normal(0, 0.1, 4) for i, _, _ in examples]
        x = np.stack([x for _, x, _ in examples]) + np.stack(noise)
        labels = torch.tensor([label for _, _, label in examples])
        return {"x": torch.tensor(x, dtype=torch.float32), "labels": labels}


def make_net() -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net()


def make_data(count: int, seed: int) -> list[tuple[int, np.ndarray, int]]:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, 4))
    return [(i, row, int(row.sum() > 0)) for i, row in enumerate(rows)]


def accuracy(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return {"accuracy": float((logits.argmax(1) == labels).mean())}


def fit(
    net: nn.Module, workdir: Path, settings: TrainingSettings = SETTINGS, **changes: object
) -> TrainingResult:
    arguments: dict[str, object] = {
        "train_data": make_data(44, 1),
        "valid_data": make_data(20, 2),
        "collate": NoisyCollate(),
        "metrics": accuracy,
        **changes,
    }
    return train(net, settings=settings, workdir=workdir, **arguments)  # type: ignore[arg-type]


def weights(net: nn.Module) -> bytes:
    return b"".join(p.detach().numpy().tobytes() for p in net.state_dict().values())


def with_settings(**changes: object) -> TrainingSettings:
    return replace(SETTINGS, **changes)  # type: ignore[arg-type]


class KilledError(Exception):
    pass


def kill_at(share: float) -> Callable[[float], None]:
    def progress(done: float) -> None:
        if done >= share:
            raise KilledError

    return progress
