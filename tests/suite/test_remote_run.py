"""A suite whose artifacts lie in an object store: the same jobs, the same bytes, read anywhere."""

from pathlib import Path

import pytest
from helpers import write_logs
from object_store import BUCKET, service

from jobs.execute import execute
from results.hashing import hash_file
from results.holdings import contents
from results.run import Run
from results.store import Commit, Store
from suite.board import Board
from suite.plan import make_plan
from suite.spec import read

_SUITE = """
name: small
corpus: {loader: folder, path: logs}
models: [{name: words, adapter: tfidf}]
classifiers: [linear_svc]
compute: {threads: 1}
"""


def _run(folder: Path, store: Store) -> Board:
    """Run the suite's jobs in this process."""
    board = Board(make_plan(read(folder / "suite.yaml"), hash_file), store, folder / "logs-of-jobs")
    ready = board.advance()
    while ready:
        task = ready.pop(0)
        board.finish(task.id, execute(task))
        ready += board.advance()
    return board


def _digests(store: Store) -> dict[tuple[str, str], str]:
    return {
        (holding.kind, holding.key): holding.winner.digest
        for holding in contents(store).holdings
        if isinstance(holding.winner, Commit)
    }


def test_an_object_store_holds_what_a_folder_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_logs(tmp_path / "logs")
    (tmp_path / "suite.yaml").write_text(_SUITE)
    monkeypatch.setenv("LOGMARK_CACHE", str(tmp_path / "cache"))
    here = Store(tmp_path / "store")
    _run(tmp_path, here)
    with service():
        there = Store(f"s3://{BUCKET}/runs").checked()
        board = _run(tmp_path, there)
        assert {outcome.status for outcome in board.outcomes.values()} == {"computed"}
        assert _digests(there) == _digests(here) != {}
        again = Board(list(board.nodes.values()), there, tmp_path)
        assert again.advance() == []
        assert {outcome.status for outcome in again.outcomes.values()} == {"cached"}
        monkeypatch.setenv("LOGMARK_CACHE", str(tmp_path / "another machine's"))
        commit = board.commit("split/0")
        run = Run(tmp_path, {"suite": "small", "store": there.uri}, [])
        folder = run._opened(commit.kind, commit.key, commit.attempt)
        assert hash_file(folder / "split.parquet") in {file.sha256 for file in commit.files}
        assert folder.is_relative_to(tmp_path / "another machine's")
        gone = run._opened("split", commit.key, "never was")
        assert not gone.exists()
