"""Loader `hadoop`: runs of Hadoop applications with injected faults (Lin et al., ICSE 2016).

In: the folder or the archive of Loghub's Hadoop data: ``application_*/container_*.log`` and
``abnormal_label.txt``, which lists the runs under the program (``### WordCount``) and the fault
(``Machine down:``). Out: one document per run, the logs of its containers in the order of their
names, or one per container. Fields: ``label`` (the fault as the file calls it, or ``Normal``),
``application`` (the run: split containers by it, ``group: application``) and ``app_type`` (the
program). A container has its run's label, whatever its own log shows.

Text is read when it is asked for. Runs without a label and labels without a run are counted, and
refused above the share `max_unmatched`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal, NamedTuple, TextIO

from corpora.archives import Member, first, is_packed, lacking, laid_out, source_files
from corpora.document import Counts, Document, Field, blocks
from corpora.matching import check_share, match_labels
from corpora.opening import chunks_of, is_file, text_of
from results.errors import InputError

_LOG = re.compile(r"(.*/)?application_[^/]+/container_[^/]+\.log")
_LABELS = re.compile(r"(.*/)?abnormal_label\.txt")
_BOTH = re.compile(f"{_LOG.pattern}|{_LABELS.pattern}")


class _Run(NamedTuple):
    label: str
    app_type: str


@dataclass(frozen=True, kw_only=True)
class Hadoop:
    """Runs of Hadoop applications.

    Attributes:
        path: the folder or the archive.
        unit: what a document is.
        max_unmatched: largest share of runs without a label, and of labels without a run.
    """

    synthetic: ClassVar[bool] = False

    path: Path
    unit: Literal["application", "container"] = "application"
    max_unmatched: float = 0.01

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        check_share("max_unmatched", self.max_unmatched)

    def files(self) -> list[Path]:
        """Return the archive, or the logs and the label file of the folder.

        Raises:
            InputError: there are none.
        """
        if is_file(self.path) and not is_packed(self.path):
            raise InputError(
                f"{self.path}: loader 'hadoop' reads a folder or an archive; "
                "name the folder that holds application_*/ and abnormal_label.txt with `path:`"
            )
        return source_files(self.path, _BOTH, "application_*/container_*.log")

    def documents(self, counts: Counts | None = None) -> Iterator[Document]:
        """Yield the runs, or their containers, sorted by name.

        Raises:
            InputError: a file is missing or cannot be read, or too many runs have no label.
        """
        self.files()
        labels = self._labels()
        with laid_out(self.path, _LOG) as members:
            runs: dict[str, list[Member]] = defaultdict(list)
            for member in members:
                runs[PurePosixPath(member.name).parent.name].append(member)
            if not runs:
                raise lacking(self.path, "application_*/container_*.log")
            match_labels(
                runs.keys(),
                labels.keys(),
                most=self.max_unmatched,
                where=self.path,
                counts={} if counts is None else counts,
            )
            for name in sorted(runs):
                yield from self._documents(name, runs[name], labels.get(name))

    def _labels(self) -> dict[str, _Run]:
        with (
            first(self.path, _LABELS, "label file abnormal_label.txt", alone=False) as stream,
            text_of(stream) as text,
        ):
            return read_labels(text, f"{self.path}: abnormal_label.txt")

    def _documents(self, name: str, members: list[Member], run: _Run | None) -> Iterator[Document]:
        fields: Mapping[str, Field] = {
            "label": None if run is None else run.label,
            "application": name,
            "app_type": None if run is None else run.app_type,
        }
        if self.unit == "application":
            yield Document(name, blocks(_text(members)), fields)
        else:
            for member in members:
                id = PurePosixPath(member.name).name.partition(".")[0]
                yield Document(f"{name}/{id}", blocks(_text([member])), fields)


def read_labels(lines: TextIO, source: str) -> dict[str, _Run]:
    """Read which fault each run had: run -> fault and program.

    Args:
        lines: ``### PROGRAM``, ``FAULT:`` and ``+ application_...`` lines; others say nothing.
        source: what messages call it.

    Raises:
        InputError: a run that is listed before any fault, or no run at all.
    """
    program, fault = "", ""
    runs = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("#"):
            program, fault = text.strip("# "), ""
        elif text.endswith(":"):
            fault = text.removesuffix(":").strip()
        elif text.startswith("+"):
            if not fault:
                raise InputError(f"{source}:{number}: {text!r} stands under no `FAULT:` line")
            runs[text.removeprefix("+").strip()] = _Run(fault, program)
    if not runs:
        raise InputError(f"{source}: it lists no run (lines `+ application_...`)")
    return runs


def _text(members: list[Member]) -> Iterator[str]:
    """Read logs one behind another; each begins on a line of its own."""
    last = "\n"
    for member in members:
        with member.open() as stream, text_of(stream) as text:
            if not last.endswith("\n"):
                yield "\n"
            for last in chunks_of(text):
                yield last
