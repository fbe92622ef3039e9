"""Records: what identifies a suite, and what code made a number."""

import subprocess
from pathlib import Path

import pytest

from suite import recording
from suite.recording import count, suite_hash
from suite.spec import read

SUITE = """
name: mine
corpus: {loader: folder, path: logs}
models: [{name: m, checkpoint: ./tiny, context: 32}]
"""


def _hash(folder: Path, text: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "suite.yaml").write_text(text)
    return suite_hash(read(folder / "suite.yaml"))


def test_the_hash_of_a_suite_does_not_depend_on_where_its_files_lie(tmp_path: Path) -> None:
    here, there = _hash(tmp_path / "a", SUITE), _hash(tmp_path / "b", SUITE)
    assert here == there
    assert here != _hash(tmp_path / "c", SUITE.replace("context: 32", "context: 16"))


def test_the_commit_of_a_foreign_checkout_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=e"]
    for words in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    ours = tmp_path / "site-packages" / "suite" / "recording.py"
    ours.parent.mkdir(parents=True)
    monkeypatch.setattr(recording, "__file__", str(ours))
    assert recording._code_state() == (None, None)
    monkeypatch.setattr(recording, "__file__", str(tmp_path / "suite" / "recording.py"))
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "recording.py").write_text("")
    commit, dirty = recording._code_state()
    assert commit is not None and len(commit) == 40 and dirty is True


def test_blocked_jobs_count_as_failed() -> None:
    from suite.board import Outcome

    statuses = ["computed", "cached", "cached", "failed", "blocked"]
    totals = count([Outcome(status=status) for status in statuses])  # type: ignore[arg-type]
    assert totals == {"computed": 1, "cached": 2, "failed": 2}
