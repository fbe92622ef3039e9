"""The artifact store: whole or not at all, first one wins, damage is seen."""

import errno
import multiprocessing
import os
from pathlib import Path
from threading import Barrier

import pytest

from results.errors import InputError
from results.files import CommittedFile
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


def test_an_address_names_a_folder_or_a_service() -> None:
    assert Store("file:///tmp/x%20y").root == Path("/tmp/x y") == Store("/tmp/x y").root
    assert Store("relative").uri == str(Path.cwd() / "relative")
    assert Store("s3://bucket/x/").uri == "s3://bucket/x"
    with pytest.raises(InputError, match="store s3://bucket/x: is no folder; this needs one that"):
        _ = Store("s3://bucket/x").root
    with pytest.raises(InputError, match="store file://host/x: names the machine 'host'; write"):
        Store("file://host/x")


@pytest.mark.parametrize("content", ["{", "", '{"kind": "embed"}', None])
def test_a_record_that_was_altered_is_damage_and_is_superseded(
    tmp_path: Path, content: str | None
) -> None:
    store = Store(tmp_path)
    _publish(store, "content")
    record = tmp_path / "embed" / "k" / "COMMIT.0.json"
    whole = record.read_text()
    record.write_text(whole.replace('"digest": "', '"digest": "0') if content is None else content)
    commit, damage, n = store.find("embed", "k")
    assert (commit, store.latest("embed", "k"), n) == (None, None, 1)
    assert "COMMIT.0.json is no commit record" in str(damage) or "has been altered" in str(damage)
    again = _publish(store, "content", n=0)  # by a driver that looked before the damage was done
    commit = store.latest("embed", "k")
    assert commit is not None and (commit.attempt, commit.n) == (again, 1)


def test_a_record_that_was_deleted_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _publish(store, "content")
    (tmp_path / "embed" / "k" / "COMMIT.0.json").unlink()
    assert store.find("embed", "k") == (None, None, 0)


def test_a_record_cannot_lead_out_of_its_artifact() -> None:
    with pytest.raises(ValueError, match="leads out of the artifact"):
        CommittedFile(path="sub/../../x", size=0, sha256="")


def test_a_link_that_was_made_though_the_server_says_not_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS repeats a call whose answer was lost, and is then told that the name is taken."""
    link = os.link

    def repeated(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", repeated)
    files = Store(tmp_path).files
    assert files.create("embed/k/COMMIT.0.json", b"mine")
    assert not files.create("embed/k/COMMIT.0.json", b"yours")
    assert files.read("embed/k/COMMIT.0.json") == b"mine"
    assert files.names("embed/k") == ["COMMIT.0.json"]


def test_a_file_system_without_links_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(InputError, match="this file system has no hard links.* another --store"):
        _publish(Store(tmp_path), "x")
    assert list((tmp_path / "embed" / "k").glob("*.tmp")) == []


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(InputError, match="store .*/x: is a file; pass a folder"):
        Store(tmp_path / "x").checked()
