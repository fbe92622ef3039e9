"""`logmark bundle`: where the bundle goes, and what its user is told."""

from pathlib import Path

import pytest
from command_line import said

from results.errors import InputError
from results.run import Run
from suite import bundle_command


def _bundle(*words: object) -> list[str]:
    done = said(bundle_command, "bundle", *words)
    assert done.status == 0
    return done.out


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    Run.write(tmp_path / "mine", {"suite": "mine", "store": str(tmp_path / "store")}, [])
    return tmp_path / "mine"


def test_a_bundle_goes_beside_its_run_unless_told_otherwise(run_dir: Path) -> None:
    lines = _bundle(run_dir)
    file = run_dir.parent / "mine-bundle.zip"
    assert lines[0].startswith(f"bundle: {file}: 2 files, ")
    assert lines[1:] == [
        "no text of the logs is in it; names, predictions, scores, ids of documents, vectors are"
    ]
    _bundle(file, "--anonymous", "--no-embeddings")
    assert Run.open(run_dir.parent / "mine-anonymous.zip").suite == "mine"
    _bundle(run_dir, "--out", run_dir.parent / "folder")
    assert Run.open(run_dir.parent / "folder").suite == "mine"


def test_a_bundle_does_not_replace_what_it_is_made_of(run_dir: Path) -> None:
    _bundle(run_dir)
    file = run_dir.parent / "mine-bundle.zip"
    before = file.read_bytes()
    with pytest.raises(InputError, match="is what is to be bundled; name another place with --out"):
        _bundle(file)
    assert file.read_bytes() == before
