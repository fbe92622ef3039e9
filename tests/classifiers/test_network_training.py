"""How networks that classify learn: curves, no validation part, and a kill in the middle.

Run as a program, this file is the training that kills itself.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor, nn

from adapters.training import TrainingResult, TrainingSettings
from classifiers.losses import weighted_loss
from classifiers.network_training import learn, metrics

COUNT, EPOCHS = 60, 30
VALID = np.arange(COUNT) % 4 == 0
STEPS = 6  # of 45 examples, 8 at a time


class Network(nn.Module):
    """Reads a mean of embeddings, with dropout, so that the generators matter."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 8, padding_idx=0)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, ids: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.head(self.embedding(ids).mean(dim=1))
        return {"loss": weighted_loss(logits, labels, torch.ones(3)), "logits": logits}


def examples() -> list[tuple[np.ndarray, int]]:
    """Three classes, told by the token they have more of; a tenth of the labels is wrong."""
    generator, made = np.random.default_rng(0), []
    for number in range(COUNT):
        label = number % 3
        ids = generator.integers(1, 9, generator.integers(3, 30))
        ids[: len(ids) // 3] = label + 1
        made.append((ids, label if generator.random() > 0.1 else (label + 1) % 3))
    return made


def collate(rows: list[tuple[np.ndarray, int]]) -> dict[str, Tensor]:
    longest = max(len(ids) for ids, _ in rows)
    ids = np.stack([np.pad(ids, (0, longest - len(ids))) for ids, _ in rows])
    return {"ids": torch.from_numpy(ids), "labels": torch.tensor([label for _, label in rows])}


def learnt(
    workdir: Path,
    *,
    valid: np.ndarray = VALID,
    progress: Callable[[float], None] | None = None,
) -> tuple[TrainingResult, bytes]:
    """Train on one thread; gives the curves and the weights."""
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Network()
    result = learn(
        network,
        examples(),
        valid,
        collate=collate,
        settings=TrainingSettings(
            epochs=EPOCHS, batch_size=8, learning_rate=0.1, patience=2, seed=5
        ),
        workdir=workdir,
        lengths=np.array([len(ids) for ids, _ in examples()]),
        progress=progress,
    )
    return result, b"".join(weight.detach().numpy().tobytes() for weight in network.parameters())


def killed_after(workdir: Path, steps: int) -> None:
    def progress(share: float) -> None:
        if share >= steps / (EPOCHS * STEPS):
            os.kill(os.getpid(), signal.SIGKILL)

    learnt(workdir, progress=progress)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingResult, bytes]:
    return learnt(tmp_path_factory.mktemp("whole"))


def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    undisturbed: tuple[TrainingResult, bytes], tmp_path: Path
) -> None:
    """Killed in the middle of epoch 5; stopped early, with the best epoch's weights."""
    steps = 4 * STEPS + 2
    expected, weights = undisturbed
    assert expected.best_epoch is not None
    assert steps / STEPS < expected.epochs < EPOCHS, "patience ends it, after the kill"
    assert expected.best_epoch == expected.epochs - 2
    command = [sys.executable, __file__, str(tmp_path / "killed"), str(steps)]
    killed = subprocess.run(command, check=False, timeout=120, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    epoch = steps // STEPS
    assert (tmp_path / "killed" / f"checkpoint-{epoch * STEPS}").exists()
    seen: list[float] = []
    found, again = learnt(tmp_path / "killed", progress=seen.append)
    assert seen[0] == epoch / EPOCHS, "the epochs before are not trained again"
    assert again == weights
    assert found == expected


def test_curves_have_loss_accuracy_and_f1_of_every_epoch(
    undisturbed: tuple[TrainingResult, bytes],
) -> None:
    curves = {curve.name: curve for curve in undisturbed[0].curves}
    assert set(curves) == {"train_loss", "valid_loss", "valid_accuracy", "valid_macro_f1"}
    assert curves["valid_accuracy"].at == curves["valid_macro_f1"].at == curves["valid_loss"].at
    assert max(curves["valid_accuracy"].values) > 0.6


def test_without_a_validation_part_all_epochs_are_trained(tmp_path: Path) -> None:
    result, _ = learnt(tmp_path, valid=np.zeros(COUNT, dtype=bool))
    (curve,) = result.curves
    assert curve.name == "train_loss"
    assert curve.at == list(range(1, EPOCHS + 1))
    assert (result.epochs, result.best_epoch) == (EPOCHS, None)


def test_metrics_are_those_of_scikit_learn_over_the_classes_that_occur() -> None:
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(50, 4)), generator.integers(0, 3, 50)
    guess = logits.argmax(axis=1)
    f1 = f1_score(labels, guess, labels=[0, 1, 2], average="macro", zero_division=0.0)
    found = metrics(logits, labels)
    assert found == {"accuracy": accuracy_score(labels, guess), "macro_f1": pytest.approx(f1)}


if __name__ == "__main__":
    killed_after(Path(sys.argv[1]), int(sys.argv[2]))
