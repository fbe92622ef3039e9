"""Checkpoint folders: identity by content, refusals in one line, the network only when needed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants

from adapters import checkpoints
from results.errors import InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty hub cache and no network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_identity_is_the_content_wherever_it_lies(tiny: Path, copy: Path) -> None:
    assert checkpoints.identify(copy) == checkpoints.identify(tiny)
    assert str(copy) not in json.dumps(checkpoints.identify(copy))
    assert set(checkpoints.identify(copy)["files"]) == {  # type: ignore[arg-type]  # a JSON object
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_identity_changes_with_every_file_that_counts(tiny: Path, copy: Path, name: str) -> None:
    with (copy / name).open("ab") as stream:
        stream.write(b" ")
    assert checkpoints.identify(copy) != checkpoints.identify(tiny)


def test_identity_does_not_change_with_a_read_me(tiny: Path, copy: Path) -> None:
    (copy / "README.md").write_text("hello")
    assert checkpoints.identify(copy) == checkpoints.identify(tiny)


def test_the_callers_hasher_is_used(tiny: Path) -> None:
    identity = checkpoints.identify(tiny, lambda path: f"hash of {path.name}")
    assert identity["files"]["config.json"] == "hash of config.json"  # type: ignore[index, call-overload]  # a JSON object


def test_pickled_weights_are_refused_with_a_way_out(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pickled weights only \(pytorch_model.bin\).*convert"):
        checkpoints.check(copy)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config.json", "config.json"),
        ("model.safetensors", "model.safetensors"),
        ("tokenizer.json", "tokenizer.json"),
    ],
)
def test_a_missing_file_is_named(copy: Path, name: str, said: str) -> None:
    (copy / name).unlink()
    with pytest.raises(InputError, match=f"lacks {said}"):
        checkpoints.check(copy)


def test_a_missing_shard_is_named(copy: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match="lacks model-2.safetensors"):
        checkpoints.check(copy)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "a/b/c", "a--b", ""])
def test_what_is_neither_folder_nor_hub_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="is not a folder: check the path"):
        checkpoints.local_folder(name)


@pytest.mark.parametrize("name", ["bert-base-uncased", "google/bert_uncased-L-2"])
def test_a_hub_name_is_no_local_folder(name: str) -> None:
    assert checkpoints.local_folder(name) is None


def test_a_commit_needs_no_network(offline: Path) -> None:
    assert checkpoints.resolve_revision("some/model", COMMIT) == COMMIT


def test_a_cached_revision_needs_no_network(offline: Path) -> None:
    repo = offline / "models--some--model"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(COMMIT)
    (repo / "snapshots" / COMMIT).mkdir(parents=True)
    (repo / "snapshots" / COMMIT / "config.json").write_text("{}")
    assert checkpoints.resolve_revision("some/model", None) == COMMIT


@pytest.mark.parametrize(
    "ask",
    [
        lambda: checkpoints.resolve_revision("some/model", "main"),
        lambda: checkpoints.fetch("some/model", COMMIT),
    ],
)
def test_an_unreachable_hub_says_what_is_missing_and_how_to_fetch_it(
    offline: Path, ask: Callable[[], object]
) -> None:
    with pytest.raises(
        InputError, match=r"config.json.*`logmark adapters fetch some/model --revision"
    ) as info:
        ask()
    assert "\n" not in str(info.value)


def test_a_cached_snapshot_is_used_when_complete(offline: Path, tiny: Path) -> None:
    repo = offline / "models--some--model"
    folder = repo / "snapshots" / COMMIT
    shutil.copytree(tiny, folder)
    assert checkpoints.fetch("some/model", COMMIT) == folder
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="its model.safetensors cannot be had from the hub"):
        checkpoints.fetch("some/model", COMMIT)
