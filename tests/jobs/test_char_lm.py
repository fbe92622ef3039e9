"""The character model as a job: train documents alone, no label, resumable, bounded memory."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from classifiers.char_lm import load_embeddings
from corpora.storage import DocumentWriter
from corpora.tm500 import Tm500
from jobs import char_lm
from jobs.job import Context
from results.errors import InputError

SETTINGS = {"embedding": 4, "units": 8, "epochs": 3, "batch_size": 16, "max_chars": 5000}
PARAMS: dict[str, Any] = {
    "settings": SETTINGS,
    "view": {"text": "cleaned", "drop_numbers": False},
    "seed": 0,
    "device": "cpu",
    "precision": "fp32",
    "threads": 1,
}
TEST = "run-00003"


@pytest.fixture(scope="module")
def texts() -> dict[str, list[str]]:
    loader = Tm500(num_documents=20, median_chars=1000)
    return {document.id: list(document.parts) for document in loader.documents()}


def inputs(folder: Path, texts: dict[str, list[str]], **changed: str) -> dict[str, Path]:
    """A corpus and a split that has one test document."""
    folders = {name: folder / name for name in ("corpus", "split")}
    for one in folders.values():
        one.mkdir(parents=True)
    with DocumentWriter(folders["corpus"] / "documents.parquet") as writer:
        for name, parts in texts.items():
            writer.add(name, [changed[name]] if name in changed else parts, None)
    sides = ["test" if name == TEST else "train" for name in texts]
    pd.DataFrame({"id": list(texts), "side": sides}).to_parquet(folders["split"] / "split.parquet")
    return folders


def run(folders: dict[str, Path], out: Path, **params: Any) -> dict[str, bytes]:
    out.mkdir()
    context = Context(scratch=out.with_suffix(".scratch"))
    assert char_lm.run({**PARAMS, **params}, folders, out, context) == {}
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_the_artifact_holds_embeddings_characters_and_a_card(
    texts: dict[str, list[str]], tmp_path: Path
) -> None:
    files = run(inputs(tmp_path, texts), tmp_path / "out")
    assert files.keys() == {"embeddings.safetensors", "characters.json", "card.json"}
    embeddings = load_embeddings(tmp_path / "out")
    assert embeddings.vectors.shape == (len(embeddings.characters), 4)
    card = json.loads(files["card.json"])
    assert card["train_documents"] + card["valid_documents"] == 19
    assert card["sequence"]["rule"] == "blocks"
    assert card["heldout_loss_after"] < card["heldout_loss_before"]
    assert 0.0 < card["share_read"] < 0.5


def test_only_train_documents_are_read(texts: dict[str, list[str]], tmp_path: Path) -> None:
    other = {TEST: "nothing of the kind: éèü\n" * 50}
    plain, changed = inputs(tmp_path / "a", texts), inputs(tmp_path / "b", texts, **other)
    files = run(plain, tmp_path / "out-a")
    assert run(changed, tmp_path / "out-b") == files
    learnt = inputs(tmp_path / "c", texts, **{"run-00004": "short\n"})
    assert run(learnt, tmp_path / "out-c") != files


def test_the_view_is_what_is_read(texts: dict[str, list[str]], tmp_path: Path) -> None:
    folders = inputs(tmp_path, texts)
    run(folders, tmp_path / "out", view={"text": "cleaned", "drop_numbers": True})
    run(folders, tmp_path / "plain")
    counted = [
        json.loads((tmp_path / name / "card.json").read_text())["corpus_chars"]
        for name in ("out", "plain")
    ]
    assert counted[0] < counted[1]


def test_a_killed_job_goes_on_and_says_from_where(
    texts: dict[str, list[str]], tmp_path: Path
) -> None:
    folders = inputs(tmp_path, texts)
    undisturbed = run(folders, tmp_path / "a")

    def kill(share: float, text: str) -> None:
        if share > 0.8:
            raise KeyboardInterrupt

    out, scratch = tmp_path / "b", tmp_path / "scratch"
    out.mkdir()
    with pytest.raises(KeyboardInterrupt):
        char_lm.run(PARAMS, folders, out, Context(scratch=scratch, progress=kill))
    assert not list(out.iterdir())
    costs = char_lm.run(PARAMS, folders, out, Context(scratch=scratch))
    assert costs == {"resumed_at": pytest.approx(2 / 3)}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == undisturbed


def test_an_impossible_setting_is_refused(texts: dict[str, list[str]], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="char_lm: epochs is 0 and must be at least 1"):
        run(inputs(tmp_path, texts), tmp_path / "out", settings={"epochs": 0})
