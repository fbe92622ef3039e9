"""Loader `folder`: log files sorted into one folder per class, ``path/class_name/**/*.log``.

In: a folder. Out: one document per matching file; its id is the path below the folder, its fields
are ``label`` (the class folder's name), ``file``, and ``folder``: the folder within the class that
the file lies in (a machine, a run), nothing where it lies in none. The same folder of two classes
is one group to split by. Files may be compressed (see `opening`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from corpora.document import Counts, Document, Field, blocks
from corpora.naming import printable
from corpora.opening import chunks, told
from results.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Log files in class folders.

    Attributes:
        path: the folder that holds one subfolder per class.
        pattern: which files below a class folder are documents, at any depth.
    """

    synthetic: ClassVar[bool] = False

    path: Path
    pattern: str = "*.log"

    def __post_init__(self) -> None:
        """Refuse a pattern that is none, or leads out of the class folders."""
        parts = PurePosixPath(self.pattern).parts
        stars = any("**" in part and part != "**" for part in parts)
        if not parts or stars or ".." in parts or self.pattern.startswith("/"):
            raise InputError(
                f"corpus: `pattern: {self.pattern!r}` is no pattern of files below a class folder; "
                "write it as '*.log'"
            )

    def files(self) -> list[Path]:
        """Return the matching files, sorted by their path below the folder.

        Raises:
            InputError: no such folder, no class folder in it, no file that matches, or a folder
                that cannot be read.
        """
        with told(self.path):
            return self._files()

    def _files(self) -> list[Path]:
        if not self.path.is_dir():
            raise InputError(f"corpus folder {self.path} does not exist; check `path:`")
        classes = [p for p in self.path.iterdir() if p.is_dir() and not p.name.startswith(".")]
        if not classes:
            raise InputError(
                f"corpus folder {self.path} has no class folders; "
                "put the files into one folder per class, as in class_name/run1.log"
            )
        found = [p for folder in classes for p in folder.rglob(self.pattern) if p.is_file()]
        if not found:
            raise InputError(
                f"corpus folder {self.path}: no file in its {len(classes)} class folders matches "
                f"`pattern: {self.pattern}`; endings found: {_endings(classes)}"
            )
        return sorted(found, key=self._name)

    def documents(self, counts: Counts | None = None) -> Iterator[Document]:
        """Yield one document per file.

        Raises:
            InputError: as `files`, or a file cannot be read.
        """
        for file in self.files():
            name = self._name(file)
            label, *within, _ = name.split("/")
            fields: dict[str, Field] = {"label": label, "file": name}
            fields["folder"] = "/".join(within) or None
            yield Document(name, blocks(chunks(file)), fields)

    def _name(self, file: Path) -> str:
        return file.relative_to(self.path).as_posix()


def _endings(folders: list[Path]) -> str:
    found = {p.suffix or p.name for folder in folders for p in folder.rglob("*") if p.is_file()}
    return ", ".join(map(printable, sorted(found)[:10])) or "none, the folders are empty"
