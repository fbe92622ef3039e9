"""Pruning as a chain of jobs: plain checkpoints, one after another, the same after a kill."""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from helpers import cell_inputs
from safetensors.torch import load_file

from adapters.encoder import Tokenizer
from adapters.loading import load_tokenizer, quiet
from adapters.tiny import build_twin
from jobs import compress, finetune
from jobs.job import Context
from results.errors import InputError
from results.records import Cell

SIGNS = {"anomaly": "fault", "normal": "fine"}
PARAMS = {
    "adapter": "bert",
    "settings": {"context": 32},
    "identity": {},
    "code": {},
    "view": {"text": "cleaned", "drop_numbers": False},
    "seed": 0,
    "device": "cpu",
    "precision": "fp32",
    "attention": "sdpa",
    "threads": 1,
}
SETTINGS = {"epochs": 3, "patience": 3, "learning_rate": 3e-3, "rank": 2, "alpha": 4}
PRUNE = {"epochs": 1, "final_epochs": 2}
NEURONS = 128  # of the twin's layers


class KilledError(Exception):
    """Stands for a process that ends in the middle of a training."""


def corpus() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    rows = []
    for number in range(48):
        label = sorted(SIGNS)[number % 2]
        said = generator.choice(["link", "setup", "timer", "ok"], 8)
        text = " ".join([SIGNS[label]] * 2 + said.tolist())
        rows.append({"id": f"d{number:02}", "label": label, "text": text})
    return pd.DataFrame(rows)


@pytest.fixture(autouse=True)
def _measured_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetune, "latency", partial(finetune.latency, budget_s=0.2))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_twin(tmp_path_factory.mktemp("bert"), {"model_type": "bert"}, corpus()["text"])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    frame = corpus()
    sides = ["test" if number // 2 % 3 == 0 else "train" for number in range(len(frame))]
    return cell_inputs(tmp_path_factory.mktemp("inputs"), frame, sides)


class Chain:
    """Runs the jobs on one corpus and checkpoint; artifacts lie in a folder."""

    def __init__(self, inputs: dict[str, Path], checkpoint: Path, folder: Path, method: str):
        self.inputs, self.checkpoint, self.folder = inputs, checkpoint, folder
        self.params = {**PARAMS, "finetune": {**SETTINGS, "method": method}}

    def finetune(self) -> Path:
        return self._run(finetune.run, "whole", self.params, self.inputs)

    def step(
        self,
        model: Path,
        share: float,
        *,
        final: bool = False,
        name: str = "",
        progress: Any = None,
        **prune: Any,
    ) -> Path:
        more = {"prune": {**PRUNE, **prune}, "share": share, "final": final}
        inputs = {**self.inputs, "model": model}
        name = name or f"{share}{'-final' if final else ''}"
        return self._run(compress.run, name, {**self.params, **more}, inputs, progress)

    def _run(
        self, job: Any, name: str, params: Any, inputs: dict[str, Path], progress: Any = None
    ) -> Path:
        out = self.folder / name
        out.mkdir(parents=True, exist_ok=True)
        local = {"checkpoint": str(self.checkpoint)}
        more = {"progress": progress} if progress else {}
        scratch = self.folder / f"{name}.scratch"
        self.took = job(params, inputs, out, Context(scratch=scratch, local=local, **more))
        return out


def card(folder: Path) -> Any:
    return json.loads((folder / "card.json").read_text())


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_a_chain_ends_in_a_plain_checkpoint_that_predicts_as_the_cell_says(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path, method: str
) -> None:
    chain = Chain(inputs, checkpoint, tmp_path, method)
    step = chain.step(chain.finetune(), 0.5)
    assert {path.name for path in step.iterdir()} == {"card.json", "checkpoint"}
    second = chain.step(step, 0.75)
    final = chain.step(second, 0.75, final=True)
    told = card(final)["pruning"]
    assert (told["original_neurons"], told["neurons_before"], told["neurons"]) == (128, 32, 32)
    assert card(final)["audit"]["quantization"] == ("nf4" if method == "qlora" else None)
    folder = final / "checkpoint"
    assert json.loads((folder / "config.json").read_text())["intermediate_size"] == 32
    assert chain.took["model_bytes"] == 4 * sum(
        weight.numel() for weight in load_file(folder / "model.safetensors").values()
    )
    assert {"train_s", "epochs", "latency_1_s", "latency_8_s"} <= set(chain.took)
    with quiet():
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
        tokenizer = Tokenizer.of(load_tokenizer(folder))
    predicted = pd.read_parquet(final / "predictions.parquet").set_index("id")
    told_of = Cell.model_validate_json((final / "cell.json").read_bytes())
    texts = corpus().set_index("id")["text"]
    for name, row in predicted.iterrows():
        parts = tokenizer.encode([texts[name][:30], texts[name][30:]])  # as they are stored
        with torch.no_grad():
            logits = model(torch.tensor([tokenizer.wrap([*parts[0], *parts[1]])])).logits
        theirs = logits.double().softmax(dim=1)[0].tolist()
        assert theirs == pytest.approx([row[f"score:{c}"] for c in told_of.classes], abs=1e-6)
        assert model.config.id2label[int(np.argmax(theirs))] == row["predicted"]


def test_a_step_killed_in_its_training_goes_on_to_the_same_bytes(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    chain = Chain(inputs, checkpoint, tmp_path, "lora")
    whole = chain.finetune()
    undisturbed = chain.step(whole, 0.5, epochs=3, name="undisturbed")

    def kill(share: float, text: str) -> None:
        if share > 0.5:
            raise KilledError

    with pytest.raises(KilledError):
        chain.step(whole, 0.5, epochs=3, name="killed", progress=kill)
    resumed: list[float] = []
    again = chain.step(
        whole, 0.5, epochs=3, name="killed", progress=lambda share, text: resumed.append(share)
    )
    assert resumed[0] > 0
    assert hashes(again) == hashes(undisturbed)


def test_a_final_step_may_cut_by_itself_and_taylor_asks_the_documents(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    chain = Chain(inputs, checkpoint, tmp_path, "full")
    whole = chain.finetune()
    found = {
        criterion: chain.step(whole, 0.5, final=True, name=criterion, criterion=criterion)
        for criterion in ("magnitude", "taylor")
    }
    assert all((folder / "cell.json").is_file() for folder in found.values())
    both = [hashes(folder / "checkpoint")["model.safetensors"] for folder in found.values()]
    assert both[0] != both[1]


def test_trained_on_train_labels_only(
    inputs: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    chain = Chain(inputs, checkpoint, tmp_path, "full")
    whole = chain.finetune()
    first = chain.step(whole, 0.5, criterion="taylor", name="a")
    labels = pd.read_parquet(inputs["labels"] / "labels.parquet")
    test = pd.read_parquet(inputs["split"] / "split.parquet")["side"] == "test"
    labels.loc[test, "label"] = labels.loc[test, "label"].to_numpy()[::-1]
    (tmp_path / "labels").mkdir()
    labels.to_parquet(tmp_path / "labels" / "labels.parquet")
    chain.inputs = {**inputs, "labels": tmp_path / "labels"}
    assert hashes(chain.step(whole, 0.5, criterion="taylor", name="b")) == hashes(first)


def test_refusals(inputs: dict[str, Path], checkpoint: Path, tmp_path: Path) -> None:
    chain = Chain(inputs, checkpoint, tmp_path, "none")
    with pytest.raises(InputError, match="prune: finetune method none trains nothing"):
        chain.step(chain.finetune(), 0.5)
    chain = Chain(inputs, checkpoint, tmp_path / "full", "full")
    whole = chain.finetune()
    with pytest.raises(InputError, match="100% of 128 neurons leaves less than one in a layer"):
        chain.step(whole, 0.999)
    less = chain.step(whole, 0.5)
    with pytest.raises(InputError, match="96 neurons are to stay.*lower level"):
        chain.step(less, 0.25)
