"""Published data sets in miniature: written as a folder, then packed as they are published."""

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import zstandard

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
}
PACKED = ("zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.zst")


def written(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def packed(target: Path, folder: Path, *, last: str = "") -> Path:
    """Pack a folder; in a tar file the names that end in `last` come behind the others."""
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    names.sort(key=lambda name: (bool(last) and name.endswith(last), name))
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in reversed(names):
                archive.write(folder / name, name)
        return target
    plain = target.with_name("plain")
    with tarfile.open(plain, "w") as tar:
        for name in names:
            tar.add(folder / name, name)
    suffix = {".tgz": ".gz", ".tar": ""}.get(target.suffix, target.suffix)
    data = plain.read_bytes()
    plain.unlink()
    target.write_bytes(COMPRESS[suffix](data) if suffix else data)
    return target
