import random
import re
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard
from packing import COMPRESS, PACKED, packed, written

from corpora.archives import first, laid_out, members, source_files
from corpora.opening import chunks, open_bytes
from corpora.table import Table
from results.errors import InputError

LOGS = re.compile(r"(.*/)?[^/]+\.log")
FILES = {
    "set/b.log": "bb\n",
    "set/a.log": "a\n" * 1000,
    "readme.md": "no log\n",
    "__MACOSX/set/._a.log": "junk",
    "set/.c.log": "junk",
}


def noise(size: int) -> bytes:
    """Bytes that do not compress."""
    return random.Random(0).randbytes(size)


def contents(path: Path) -> dict[str, bytes]:
    return {member.name: member.open().read() for member in members(path, LOGS)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "data", FILES)


@pytest.mark.parametrize("kind", PACKED)
def test_an_archive_holds_what_the_folder_holds(folder: Path, tmp_path: Path, kind: str) -> None:
    archive = packed(tmp_path / f"set.{kind}", folder)

    expected = {"set/a.log": b"a\n" * 1000, "set/b.log": b"bb\n"}
    assert contents(archive) == contents(folder) == expected
    with laid_out(archive, LOGS) as found:
        assert [member.name for member in found] == ["set/a.log", "set/b.log"]
        assert [member.open().read() for member in reversed(found)] == [b"bb\n", b"a\n" * 1000]
    assert source_files(archive, LOGS, "log") == [archive]


@pytest.mark.parametrize("suffix", COMPRESS)
def test_files_may_be_compressed_once_more(tmp_path: Path, suffix: str) -> None:
    folder = written(tmp_path / "data", {f"a.log{suffix}": COMPRESS[suffix](b"one\ntwo\n")})

    assert contents(folder) == {f"a.log{suffix}": b"one\ntwo\n"}
    assert contents(packed(tmp_path / "set.zip", folder)) == contents(folder)
    assert "".join(chunks(folder / f"a.log{suffix}")) == "one\ntwo\n"


@pytest.mark.parametrize("kind", PACKED)
def test_a_truncated_archive_is_refused(tmp_path: Path, kind: str) -> None:
    files = {f"{name}.log": noise(20_000) for name in "abc"}
    archive = packed(tmp_path / f"set.{kind}", written(tmp_path / "data", files))
    whole = archive.read_bytes()

    for size in (len(whole) * 3 // 10, len(whole) * 8 // 10, len(whole) - 4):
        archive.write_bytes(whole[:size])
        with pytest.raises(
            InputError, match=rf"set\.{kind}.*: cannot be read: .*; check that it is"
        ):
            contents(archive)


def test_a_tar_file_cut_between_two_files_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "data", {"a.log": "a" * 512, "b.log": "b" * 512})
    archive = packed(tmp_path / "set.tar", folder)
    archive.write_bytes(archive.read_bytes()[:1024])

    with pytest.raises(InputError, match=r"set\.tar: cannot be read: it ends before its end-of"):
        contents(archive)


@pytest.mark.parametrize("kind", ["tar.gz", "tar.xz", "zip"])
def test_an_archive_whose_checksum_does_not_hold_is_refused(tmp_path: Path, kind: str) -> None:
    folder = written(tmp_path / "data", {"a.log": noise(500_000)})
    archive = packed(tmp_path / f"set.{kind}", folder)
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1  # noise is stored as it is: only the checksum tells
    archive.write_bytes(data)

    with pytest.raises(InputError, match=rf"set\.{kind}.*: cannot be read"):
        contents(archive)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_torn_compressed_file_is_refused_not_read_to_the_tear(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"docs.jsonl{suffix}"
    path.write_bytes(COMPRESS[suffix](b'{"text": "a"}\n' + noise(4000))[:-20])

    with pytest.raises(InputError, match=rf"docs\.jsonl{suffix}: cannot be read: .*end"):
        open_bytes(path).read()


def test_a_zstd_file_torn_between_lines_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl.zst"
    frame = zstandard.compress(b'{"text": "a"}\n' * 50)
    path.write_bytes(frame + frame[:-1])

    with pytest.raises(InputError, match="it ends in the middle of its zstd frame"):
        list(Table(path=path).documents())
    path.write_bytes(frame + frame)
    assert len(list(Table(path=path).documents())) == 100


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    archive = packed(tmp_path / "set.zip", written(tmp_path / "data", {"a.log": noise(9000)}))
    with zipfile.ZipFile(archive) as file:
        start = file.infolist()[0].header_offset + 4000
    data = bytearray(archive.read_bytes())
    data[start] ^= 255
    archive.write_bytes(data)

    with pytest.raises(InputError, match=r"set\.zip: a\.log: cannot be read"):
        contents(archive)


def test_what_is_no_archive_is_refused_whatever_its_name(tmp_path: Path) -> None:
    for name in ("set.zip", "set.tar", "set.tar.gz", "set.tar.xz"):
        (tmp_path / name).write_bytes(b"plain text " * 200)
        with pytest.raises(InputError, match=rf"{name}: cannot be read"):
            contents(tmp_path / name)


def test_nothing_of_the_kind_and_two_of_it_are_refused(folder: Path, tmp_path: Path) -> None:
    csv = re.compile(r".*\.csv")
    with pytest.raises(InputError, match=r"data: there is no label file in it; check `path:`"):
        source_files(folder, csv, "label file")
    for kind in ("zip", "tar.gz"):
        archive = packed(tmp_path / f"set.{kind}", folder)
        with (
            pytest.raises(InputError, match=rf"{kind}: there is no label file in it"),
            first(archive, csv, "label file", alone=True),
        ):
            pass
        with (
            pytest.raises(InputError, match=r"log is there twice, as set/a\.log and as set/b\.log"),
            first(archive, LOGS, "log", alone=True) as stream,
        ):
            stream.read()
    with pytest.raises(InputError, match="corpus source .* does not exist; check `path:`"):
        source_files(tmp_path / "none", LOGS, "log")


def test_links_and_folders_of_a_tar_file_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        link = tarfile.TarInfo("link.log")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
        folder = tarfile.TarInfo("folder.log")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)

    assert contents(tmp_path / "set.tar") == {}
