"""The examples under examples/ run as their README says."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import Inline, run_in_process

from adapters.tiny import TinySize, build_tiny

EXAMPLES = Path(__file__).parents[2] / "examples"


def _run(folder: Path, suite: str, layer: int = 1) -> Inline:
    """Run a suite of the examples on one thread, as its model is small."""
    text = (EXAMPLES / suite).read_text().replace("layer: 1", f"layer: {layer}")
    return run_in_process(folder, f"{text}compute: {{threads: 1}}\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a user's, with a checkpoint and the one-file adapter in it."""
    build_tiny(tmp_path / "my-checkpoint", ["test run step failed"], size=TinySize(context=128))
    shutil.copy(EXAMPLES / "inner_layer.py", tmp_path)
    return tmp_path


def _accuracies(run: Inline) -> dict[str, float]:
    assert set(run.reasons.values()) == {"ok"}
    scored = [record for record in run.records if record.section == "matrix" and record.cell]
    return {record.model: record.cell.scores.accuracy for record in scored if record.cell}


def test_a_model_by_its_name(folder: Path) -> None:
    assert set(_accuracies(_run(folder, "by_name.yaml"))) == {"mine", "mine-adapted"}


def test_a_model_by_a_class_in_a_file(folder: Path) -> None:
    run = _run(folder, "by_file.yaml")
    assert set(_accuracies(run)) == {"inner"}
    whole = _run(folder, "by_file.yaml", layer=2)
    paths = [
        r.artifacts["vectors"].digest for r in (*run.records, *whole.records) if r.model == "inner"
    ]
    assert len(set(paths)) == 2


def test_a_changed_file_is_another_adapter(folder: Path) -> None:
    def embed_keys() -> set[str]:
        run = _run(folder, "by_file.yaml")
        return {r.artifacts["vectors"].key for r in run.records if r.model == "inner"}

    before = embed_keys()
    assert embed_keys() == before
    with (folder / "inner_layer.py").open("a") as file:
        file.write("# a comment\n")
    assert embed_keys().isdisjoint(before)


def test_a_model_that_an_installed_package_offers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, site = tmp_path / "source", tmp_path / "site"
    shutil.copytree(EXAMPLES / "package", source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "--target", str(site), str(source)], check=True)
    monkeypatch.syspath_prepend(str(site))
    run = _run(tmp_path, "by_package.yaml")
    assert set(_accuracies(run)) == {"hashed"}
    (record,) = (record for record in run.records if record.model == "hashed")
    assert "random weights" in record.marks
