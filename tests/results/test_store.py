"""The artifact store: whole or not at all, first one wins, damage is seen."""

import multiprocessing
from pathlib import Path
from threading import Barrier

import pytest

from results.errors import InputError
from results.store import Store


def _publish(store: Store, text: str, n: int = 0) -> str:
    attempt = store.new_attempt("embed", "k")
    (attempt / "sub").mkdir()
    (attempt / "sub" / "data.txt").write_text(text)
    return store.publish("embed", "k", attempt, notes={"who": text}, n=n).attempt


def test_an_attempt_without_a_commit_is_invisible(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (store.new_attempt("embed", "k") / "data.txt").write_text("half")
    assert store.latest("embed", "k") is None


def test_a_committed_artifact_is_found_with_its_files(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _publish(store, "a")
    commit = store.latest("embed", "k")
    assert commit is not None
    assert (store.folder(commit) / "sub" / "data.txt").read_text() == "a"
    assert [file.path for file in commit.files] == ["sub/data.txt"]
    assert store.damage(commit) is None


def test_the_digest_covers_the_payload_and_not_the_notes(tmp_path: Path) -> None:
    digests = []
    for name, text, note in (("x", "same", 1), ("y", "same", 2), ("z", "other", 1)):
        store = Store(tmp_path / name)
        attempt = store.new_attempt("embed", "k")
        (attempt / "f").write_text(text)
        digests.append(store.publish("embed", "k", attempt, notes={"t": note}).digest)
    assert digests[0] == digests[1] != digests[2]


def test_the_loser_adopts_the_winner_and_leaves_no_files(tmp_path: Path) -> None:
    store = Store(tmp_path)
    winner = _publish(store, "first")
    assert _publish(store, "second") == winner
    commit = store.latest("embed", "k")
    assert commit is not None and commit.notes == {"who": "first"}
    assert [path.name for path in (tmp_path / "embed/k/attempts").iterdir()] == [winner]


def test_a_higher_number_supersedes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _publish(store, "old")
    newer = _publish(store, "new", n=1)
    commit = store.latest("embed", "k")
    assert commit is not None and commit.attempt == newer and commit.n == 1


@pytest.mark.parametrize("harm", ["shorten", "delete"])
def test_damage_names_the_file(tmp_path: Path, harm: str) -> None:
    store = Store(tmp_path)
    _publish(store, "content")
    commit = store.latest("embed", "k")
    assert commit is not None
    path = store.folder(commit) / "sub" / "data.txt"
    path.unlink() if harm == "delete" else path.write_text("con")
    assert "data.txt" in str(store.damage(commit))


def _race(root: Path, together: Barrier, name: str) -> list[str]:
    """Publish under many keys, each at the moment the others do."""
    store, winners = Store(root), []
    for key in map(str, range(60)):
        attempt = store.new_attempt("embed", key)
        (attempt / "data.txt").write_text(name)
        together.wait()
        winners.append(store.publish("embed", key, attempt, notes={}).attempt)
    return winners


def test_of_racing_processes_one_wins_each_key_and_all_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(4) as pool:
        together = manager.Barrier(4)
        by_process = pool.starmap(_race, [(tmp_path, together, str(i)) for i in range(4)])
    for key, winners in enumerate(zip(*by_process, strict=True)):
        assert len(set(winners)) == 1
        folder = tmp_path / "embed" / str(key)
        assert [path.name for path in (folder / "attempts").iterdir()] == [winners[0]]
        assert [path.name for path in folder.glob("*COMMIT*")] == ["COMMIT.0.json"]


def test_an_address_that_is_no_folder_is_refused() -> None:
    with pytest.raises(InputError, match="only a folder or a file:// address"):
        Store.at("s3://bucket/x")
    assert Store.at("file:///tmp/x").root == Path("/tmp/x")
