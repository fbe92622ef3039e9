"""A store in an object store: the same promises, kept by a real S3-compatible service."""

import multiprocessing
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier

import fsspec
import pytest
from object_store import BUCKET, Service, service

from results.errors import InputError
from results.files import DamagedError, StoreLostError
from results.store import Store


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service() as found:
        yield found


@pytest.fixture
def store(running: Service, tmp_path: Path) -> Store:
    return Store(f"s3://{BUCKET}/{uuid.uuid4().hex}/runs", cache=tmp_path / "cache")


def _publish(store: Store, text: str, n: int = 0, key: str = "k") -> str:
    attempt = store.new_attempt("embed", key)
    (attempt / "sub").mkdir()
    (attempt / "sub" / "data.txt").write_text(text)
    (attempt / "empty").write_bytes(b"")
    return store.publish("embed", key, attempt, notes={"who": text}, n=n).attempt


def _elsewhere(store: Store, tmp_path: Path) -> Store:
    """The store as another machine sees it."""
    return Store(store.uri, cache=tmp_path / uuid.uuid4().hex)


def _objects(store: Store) -> list[str]:
    return sorted(entry.path for entry in store.files.walk(""))


def test_what_is_committed_is_found_from_another_machine(store: Store, tmp_path: Path) -> None:
    assert store.checked().find("embed", "k") == (None, None, 0)
    attempt = store.new_attempt("embed", "k")
    (attempt / "data.txt").write_text("half")
    other = _elsewhere(store, tmp_path)
    assert other.latest("embed", "k") is None
    store.publish("embed", "k", attempt, notes={})
    found = other.find("embed", "k")
    assert found.commit is not None and found.damage is None
    assert (other.folder(found.commit) / "data.txt").read_text() == "half"
    assert other.damage(found.commit) is None
    assert other.latest("embed", "k") == found.commit


def test_an_artifact_is_fetched_once_and_not_where_it_was_made(
    store: Store, running: Service, tmp_path: Path
) -> None:
    _publish(store, "a")
    commit, other = store.latest("embed", "k"), _elsewhere(store, tmp_path)
    assert commit is not None
    for reader, gets in ((store, 0), (other, 2), (other, 0)):
        running.requests.clear()
        assert (reader.folder(commit) / "sub" / "data.txt").read_text() == "a"
        assert len([path for method, path in running.requests if method == "GET"]) == gets


def test_the_loser_adopts_the_winner_and_leaves_no_files(store: Store) -> None:
    winner = _publish(store, "first")
    assert _publish(store, "second") == winner
    commit = store.latest("embed", "k")
    assert commit is not None and commit.notes == {"who": "first"}
    inside = f"embed/k/attempts/{winner}"
    assert _objects(store) == [
        "embed/k/COMMIT.0.json",
        f"{inside}/empty",
        f"{inside}/sub/data.txt",
        "store.json",
    ]
    assert _publish(store, "third", n=1) == getattr(store.latest("embed", "k"), "attempt", None)


@pytest.mark.parametrize("harm", ["shorten", "delete", "record"])
def test_damage_names_the_file_and_is_superseded(store: Store, harm: str) -> None:
    name = f"embed/k/attempts/{_publish(store, 'content')}/sub/data.txt"
    if harm == "record":
        name = "embed/k/COMMIT.0.json"
    if harm == "delete":
        store.files.remove(name)
    else:
        store.files.replace(name, b"con")
    commit, damage, n = store.find("embed", "k")
    assert commit is None and damage is not None and f"{store.uri}/{name}" in damage and n == 1
    _publish(store, "again", n=n)
    assert store.find("embed", "k").damage is None


def test_bytes_that_were_altered_are_seen_when_fetched_and_never_found_again(
    store: Store, tmp_path: Path
) -> None:
    name = f"embed/k/attempts/{_publish(store, 'content')}/sub/data.txt"
    store.files.replace(name, b"c0ntent")
    other = _elsewhere(store, tmp_path)
    commit = other.find("embed", "k").commit
    assert commit is not None, "its size is right"
    with pytest.raises(DamagedError, match=r"data.txt has other content than was committed"):
        other.folder(commit)
    assert "other content" in str(store.find("embed", "k").damage)
    assert list((tmp_path / "cache" / "drafts").iterdir()) == []
    _publish(other, "content", n=1)
    assert other.find("embed", "k").damage is None


def test_a_copy_that_lost_a_file_is_fetched_again(store: Store) -> None:
    _publish(store, "content")
    commit = store.latest("embed", "k")
    assert commit is not None
    (store.folder(commit) / "sub" / "data.txt").write_text("con")
    assert (store.folder(commit) / "sub" / "data.txt").read_text() == "content"


def test_a_draft_of_a_process_that_died_is_deleted_by_the_next(store: Store) -> None:
    program = (
        f"from results.store import Store; import os; from pathlib import Path;"
        f"a = Store({store.uri!r}, cache=Path({str(store._cache)!r})).new_attempt('embed', 'k');"
        f"(a / 'x').write_text('x'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    drafts = Path(str(store._cache)) / "drafts"
    (dead,) = drafts.iterdir()
    mine = [store.new_attempt("embed", "k") for _ in range(2)]
    assert not dead.exists() and sorted(drafts.iterdir()) == sorted(mine)


def _race(uri: str, cache: Path, together: Barrier, name: str) -> list[tuple[str, str]]:
    """Publish under many keys at the moment the others do; read what came of it."""
    store, seen = Store(uri, cache=cache), []
    for key in map(str, range(4)):
        attempt = store.new_attempt("embed", key)
        (attempt / "data.txt").write_text(name)
        together.wait()
        commit = store.publish("embed", key, attempt, notes={})
        seen.append((commit.attempt, (store.folder(commit) / "data.txt").read_text()))
    return seen


def test_of_racing_processes_one_wins_each_key_and_all_agree(store: Store, tmp_path: Path) -> None:
    """Two processes share a machine's cache, a third has its own."""
    context = multiprocessing.get_context("spawn")
    caches = [tmp_path / "cache", tmp_path / "cache", tmp_path / "other"]
    with context.Manager() as manager, context.Pool(3) as pool:
        together = manager.Barrier(3)
        orders = [(store.uri, cache, together, str(i)) for i, cache in enumerate(caches)]
        by_process = pool.starmap(_race, orders)
    assert all(len(set(seen)) == 1 for seen in zip(*by_process, strict=True))
    assert len([path for path in _objects(store) if "/attempts/" in path]) == 4


def test_a_service_that_overwrites_what_should_be_created_is_refused(
    store: Store, running: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "ignores_conditions", True)
    with pytest.raises(InputError, match="ignores the condition to create an object only where"):
        store.checked()
    store.checked(writable=False)
    with pytest.raises(InputError, match="ignores the condition"):
        _publish(store, "x")


@pytest.mark.parametrize(
    ("uri", "environment", "message"),
    [
        ("s3://no-such-bucket/x", {}, "there is no bucket 'no-such-bucket'; create it, or mend"),
        ("s3://bucket/x", {"AWS_ACCESS_KEY_ID": "other"}, "access denied .* AWS_ACCESS_KEY_ID"),
        ("s3://bucket/x", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "no answer .* see that the"),
        ("nonsense://x", {}, "Protocol not known: nonsense; pass a folder, or an address such as"),
    ],
)
def test_a_place_that_cannot_be_used_says_what_to_do(
    running: Service,
    monkeypatch: pytest.MonkeyPatch,
    uri: str,
    environment: dict[str, str],
    message: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fsspec.get_filesystem_class("s3"), "cachable", False)
    with pytest.raises(InputError, match=f"store {uri}: {message}"):
        Store(uri).checked()


def test_without_credentials_it_says_which_to_give(
    running: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(fsspec.get_filesystem_class("s3"), "cachable", False)
    with pytest.raises(InputError, match="access denied .*AWS_ACCESS_KEY_ID and AWS_SECRET_ACC"):
        Store("s3://bucket/x").checked()


def test_without_the_package_it_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['s3fs'] = None; from results.store import Store;"
        "Store('s3://bucket/x').checked()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    told = done.stderr.splitlines()[-1]
    assert "store s3://bucket/x: a package is missing" in told
    assert "pip install 'logmark[s3]'" in told


def test_a_service_that_goes_away_is_waited_for_and_then_given_up(
    running: Service, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fsspec.get_filesystem_class("s3"), "cachable", False)
    monkeypatch.setattr("results.remote_files._PATIENCE_S", 0.0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreLostError, match="no answer"):
        store.find("embed", "k")


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from results.node_cache import default_folder

    monkeypatch.setenv("LOGMARK_CACHE", "/fast/disk")
    assert default_folder() == Path("/fast/disk")
    monkeypatch.delenv("LOGMARK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert default_folder() == Path("/caches/logmark")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache" / "logmark"
