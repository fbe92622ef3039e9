"""Bundles written and read: what is in them, and what is refused when they come from others."""

import io
import json
import shutil
import stat
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from object_store import BUCKET, service

from results import bundling
from results.assessment import assess
from results.errors import InputError
from results.records import ArtifactRef, Record
from results.run import Run
from results.store import Store
from results.unbundling import INDEX

GROUP = "host of bob"


def _write_artifact(folder: Path, role: str, frame: pd.DataFrame, record: Record) -> None:
    """Write what a job of this kind writes, and a text that is not to be passed on."""
    (folder / "secret.txt").write_text("a line of a log")
    if role == "cell":
        assert record.cell is not None
        (folder / "cell.json").write_text(record.cell.model_dump_json(indent=1) + "\n")
        frame.to_parquet(folder / "predictions.parquet", index=False)
    elif role == "split":
        sides = pd.DataFrame({"id": frame["id"], "side": "test"})
        sides.to_parquet(folder / "split.parquet", index=False)
        (folder / "card.json").write_text(json.dumps({"by": "group", "seed": 1}))
    elif role == "labels":
        groups = [f"{GROUP} {9 - number // 20}" for number in range(len(frame))]
        labels = frame[["id", "label"]].assign(group=groups, time="now", given="train")
        labels.to_parquet(folder / "labels.parquet", index=False)
    elif role == "vectors":
        np.save(folder / "vectors-00000.npy", np.ones((len(frame), 2), dtype=np.float32))
        frame[["id"]].to_parquet(folder / "ids.parquet", index=False)


@pytest.fixture(autouse=True)
def unpack_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have bundles unpacked below the test's own folder."""
    (tmp_path / "unpacked").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "unpacked"))
    return tmp_path / "unpacked"


_KINDS = {"cell": "classify", "vectors": "embed"}


@pytest.fixture(scope="module")
def put_down(invent, sketch) -> Callable[[Path, Store], Path]:
    """Write a small grouped run and its store; returns the run's folder."""

    def write(folder: Path, store: Store) -> Path:
        sketches = (
            sketch("matrix", "minilm", "xgboost", 0.8),
            sketch("trivial", "tfidf-word", "linear_svc", 0.6),
        )
        fake = invent(sketches, seeds=(1,), classes=["good", "bad"])
        records = []
        for one in fake.records:
            artifacts = {}
            for role in ("labels", "split", "vectors", "cell"):
                kind, key = _KINDS.get(role, role), f"{role}-{one.model}"
                attempt = store.new_attempt(kind, key)
                _write_artifact(attempt, role, fake.frames[one.name], one)
                commit = store.publish(kind, key, attempt, notes={})
                artifacts[role] = ArtifactRef(
                    kind=kind, key=key, digest=commit.digest, path=f"x/{commit.attempt}"
                )
            records.append(one.model_copy(update={"artifacts": artifacts}))
        meta = {"suite": "grouped", "store": store.uri, "command": "logmark run x.yaml"}
        Run.write(folder, meta, records)
        return folder

    return write


@pytest.fixture(scope="module")
def run_dir(put_down, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return put_down(folder / "grouped", Store(folder / "store"))


@pytest.fixture(scope="module")
def packed(run_dir: Path) -> Path:
    return bundling.write(Run.open(run_dir), run_dir.parent / "grouped-bundle.zip").path


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _judged(place: Path) -> list:
    return [verdict for entry in assess(Run.open(place)).entries for verdict in entry.verdicts]


def test_equal_runs_give_equal_bytes_and_file_and_folder_hold_the_same(
    run_dir: Path, packed: Path, tmp_path: Path
) -> None:
    again = bundling.write(Run.open(run_dir), tmp_path / "again.zip")
    assert again.path.read_bytes() == packed.read_bytes()
    bundling.write(Run.open(run_dir), tmp_path / "folder")
    with zipfile.ZipFile(packed) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == _files(tmp_path / "folder")
    assert again.files == len(held) - 1 and again.missing == ()


def test_only_what_is_known_goes_in(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
    assert {name.rsplit("/", 1)[-1] for name in names} == {
        "bundle.json", "run.json", "records.jsonl", "cell.json", "predictions.parquet",
        "split.parquet", "labels.parquet", "card.json", "vectors-00000.npy", "ids.parquet",
    }  # fmt: skip


def test_a_bundle_is_judged_as_its_run_is(run_dir: Path, packed: Path, tmp_path: Path) -> None:
    bundling.write(Run.open(run_dir), tmp_path / "folder")
    own = _judged(run_dir)
    assert all(v.paired for v in own[:1]) and Run.open(run_dir).groups(own[0].record) is not None
    assert repr(_judged(packed)) == repr(_judged(tmp_path / "folder")) == repr(own)


def test_a_bundle_in_one_file_has_its_home_beside_it(run_dir: Path, packed: Path) -> None:
    assert Run.open(packed).home == packed.parent / "grouped-bundle"
    assert Run.open(run_dir).home == run_dir


def test_a_bundle_can_be_moved(packed: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "b"
    moved.parent.mkdir()
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(moved)
    run = Run.open(moved)
    assert len(run.predictions(run.records[0])) == 200


def test_groups_are_codes_that_sort_as_their_names_do(run_dir: Path, packed: Path) -> None:
    run, shared = Run.open(run_dir), Run.open(packed)
    own, codes = run.groups(run.records[0]), shared.groups(shared.records[0])
    assert own is not None and codes is not None
    assert set(codes) == {f"g{number:02d}" for number in range(1, 11)}
    assert np.unique(own, return_inverse=True)[1].tolist() == (
        np.unique(codes, return_inverse=True)[1].tolist()
    )
    labels = next(Path(shared.meta["store"]).glob("labels/*/attempts/*/labels.parquet"))
    assert list(pd.read_parquet(labels)) == ["id", "label", "group"]


def test_an_anonymous_bundle_has_codes_for_ids_and_the_same_predictions(
    run_dir: Path, tmp_path: Path
) -> None:
    bundling.write(Run.open(run_dir), tmp_path / "b", anonymous=True)
    run, coded = Run.open(run_dir), Run.open(tmp_path / "b")
    for one in run.records:
        own, codes = (x.predictions(one).sort_values("id") for x in (run, coded))
        assert codes["id"].tolist() == [f"d{number:03d}" for number in range(1, 201)]
        own, codes = own.drop(columns="id"), codes.drop(columns="id")
        assert own.reset_index(drop=True).equals(codes.reset_index(drop=True))
    assert not any(b"doc-0" in data for data in _files(tmp_path / "b").values())
    assert coded.groups(run.records[0]) is not None


def test_a_bundle_of_a_bundle_is_one(packed: Path, tmp_path: Path) -> None:
    bundling.write(Run.open(packed), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_vectors_can_stay_at_home(run_dir: Path, tmp_path: Path) -> None:
    bundling.write(Run.open(run_dir), tmp_path / "b", embeddings=False)
    assert not [name for name in _files(tmp_path / "b") if "/embed/" in name]
    assert len(_judged(tmp_path / "b")) == 2


def test_an_older_bundle_is_replaced_and_nothing_else(run_dir: Path, tmp_path: Path) -> None:
    bundling.write(Run.open(run_dir), tmp_path / "b")
    (tmp_path / "b" / "old").write_text("x")
    bundling.write(Run.open(run_dir), tmp_path / "b")
    assert not (tmp_path / "b" / "old").exists()
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="mine: lies there and is no bundle; name another"):
        bundling.write(Run.open(run_dir), tmp_path / "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "mine", "unpacked"]


def test_what_the_store_has_lost_is_named(run_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(run_dir.parent, tmp_path / "runs")
    run = Run.open(tmp_path / "runs" / "grouped")
    run.meta["store"] = str(tmp_path / "runs" / "store")
    shutil.rmtree(tmp_path / "runs/store/embed/vectors-minilm")
    assert bundling.write(run, tmp_path / "b").missing == ("embed/vectors-minilm",)
    shutil.rmtree(tmp_path / "runs/store/classify/cell-minilm")
    with pytest.raises(InputError, match=r"minilm/xgboost/1: .* is missing from the store"):
        bundling.write(run, tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Store]:
    with service():
        yield Store(f"s3://{BUCKET}/{uuid.uuid4().hex}", cache=tmp_path / "cache")


def test_of_a_store_elsewhere_only_what_goes_in_is_fetched(
    put_down, remote: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGMARK_CACHE", str(tmp_path / "cache"))
    run_dir = put_down(tmp_path / "grouped", remote)
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    made = bundling.write(Run.open(run_dir), tmp_path / "b")
    assert made.missing == () and len(_judged(tmp_path / "b")) == 2
    assert not list((tmp_path / "cache").rglob("secret.txt"))


def _rewritten(packed: Path, out: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(packed) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    change(held)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return out


def _index(**changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(held: dict[str, bytes]) -> None:
        held[INDEX] = json.dumps({**json.loads(held[INDEX]), **changes}).encode()

    return change


def _listed(name: str, size: int) -> Callable[[dict[str, bytes]], None]:
    def change(held: dict[str, bytes]) -> None:
        index = json.loads(held[INDEX])
        index["files"][name] = {"size": size, "sha256": "0" * 64}
        held[INDEX], held[name] = json.dumps(index).encode(), b"\0" * size

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_index(version=2), "a bundle of another version than 1"),
        (_index(format="other"), "no bundle of Logmark, or a damaged one"),
        (_index(files=3), "no bundle of Logmark, or a damaged one"),
        (lambda held: held.pop(INDEX), r"no bundle of Logmark \(no bundle.json in it\)"),
        (lambda held: held.pop("run.json"), r"damaged bundle \(run.json is missing or cut\)"),
        (
            lambda held: held.update(
                {"run.json": held["run.json"].replace(b"grouped", b"groupee")}
            ),
            r"damaged bundle \(run.json has been altered\)",
        ),
        (lambda held: held.update({"x.txt": b""}), "'x.txt' in it is not in its bundle.json"),
        (_listed("../x", 1), "'../x' leads out of the bundle"),
        (_listed("/etc/x", 1), "'/etc/x' leads out of the bundle"),
        (_listed("a/../../x", 1), "leads out of the bundle"),
        (_listed("a\\..\\x", 1), "leads out of the bundle"),
        (_listed("C:x", 1), "leads out of the bundle"),
        (_listed("bomb", 160 << 20), r"would unpack to 16\d,\d\d\d,\d\d\d"),
    ],
)
def test_a_file_that_is_no_sound_bundle_is_refused(
    packed: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], told: str
) -> None:
    with pytest.raises(InputError, match=told) as error:
        Run.open(_rewritten(packed, tmp_path / "b.zip", change))
    assert "\n" not in str(error.value)
    assert list((tmp_path / "unpacked").iterdir()) == []
    assert not (tmp_path / "x").exists() and not (tmp_path.parent / "x").exists()


def test_a_link_is_refused(packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.zip"
    shutil.copy(packed, out)
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="'link' in it is no plain file"):
        Run.open(out)


def test_a_name_that_is_there_twice_is_refused(packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.zip"
    shutil.copy(packed, out)
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("run.json", "{}")
    with pytest.raises(InputError, match="one name twice"):
        Run.open(out)


@pytest.mark.parametrize("cut", [10, 1000, -30])
def test_a_file_cut_short_is_refused(packed: Path, tmp_path: Path, cut: int) -> None:
    (tmp_path / "b.zip").write_bytes(packed.read_bytes()[:cut])
    with pytest.raises(InputError, match="damaged, or no zip file"):
        Run.open(tmp_path / "b.zip")


def test_a_flipped_byte_is_noticed(packed: Path, tmp_path: Path) -> None:
    data = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        entry = next(one for one in archive.infolist() if one.filename.endswith(".npy"))
    data[entry.header_offset + 200] ^= 1
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        Run.open(tmp_path / "b.zip")


def test_what_declares_less_than_it_unpacks_to_is_refused(packed: Path, tmp_path: Path) -> None:
    out = _rewritten(packed, tmp_path / "b.zip", _listed("bomb", 160 << 20))
    data = out.read_bytes()
    lie = data.replace((160 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lie != data
    index = io.BytesIO(lie)
    with zipfile.ZipFile(index) as archive:
        assert archive.getinfo("bomb").file_size == 100
    out.write_bytes(lie)
    with pytest.raises(InputError, match="damaged"):
        Run.open(out)


def test_a_folder_whose_files_were_changed_is_refused(run_dir: Path, tmp_path: Path) -> None:
    bundling.write(Run.open(run_dir), tmp_path / "b")
    text = (tmp_path / "b" / "run.json").read_text()
    (tmp_path / "b" / "run.json").write_text(text.replace("grouped", "groupee"))
    with pytest.raises(InputError, match=r"damaged bundle \(run.json has been altered\)"):
        Run.open(tmp_path / "b")
    (tmp_path / "b" / "run.json").unlink()
    with pytest.raises(InputError, match=r"damaged bundle \(run.json is missing or cut\)"):
        Run.open(tmp_path / "b")


def test_what_is_neither_run_nor_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a run folder \(no run.json\); .*, or a bundle"):
        Run.open(tmp_path)
