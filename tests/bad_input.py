"""What a row of the table of bad input is, and the table as docs/messages.md shows it.

The rows are in `bad_suite_files` and `bad_surroundings`; `tests/contracts/test_bad_input_table.py`
makes every mistake and reads the message. `python tests/bad_input.py` writes the page anew.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[1] / "docs" / "messages.md"

CORPUS = "corpus: {loader: tm500, num_documents: 40}\n"
WORDS = "models: [{name: m, adapter: tfidf, analyzer: word}]\n"
PLAN = ("plan", "bad.yaml")
RUN = ("run", "bad.yaml")

_HEAD = """# Messages

Where the input is wrong, a command says so in one line on standard error, ends with status 2 and
writes nothing; a job that finds something wrong with its input fails with such a line, `logmark
status` shows it, and the rest of the suite goes on. A traceback is a fault of Logmark's: please
report it. The tests make every mistake of these tables and hold the message against it; names and
values in the messages are those of the tests.
"""


class Bad(NamedTuple):
    """One way to get something wrong.

    Attributes:
        what: is wrong.
        message: its essential words.
        remedy: what to do about it.
        suite: the suite file `bad.yaml`, if any.
        make: makes further files in a folder.
        command: what is given to `logmark`; without one the suite's jobs run, and `job` finds it.
        job: the first job that fails, with that message.
    """

    what: str
    message: str
    remedy: str
    suite: str | bytes | None = None
    make: Callable[[Path], object] = lambda folder: None
    command: Sequence[str] = PLAN
    job: str = ""


def suite(*sections: str, corpus: str = CORPUS) -> str:
    """Write a suite file: a corpus that is good unless another is given, and these sections."""
    return "".join(("name: bad\n", corpus, *sections))


def file(name: str, content: str | bytes) -> Callable[[Path], object]:
    """Make one file."""

    def make(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return make


def files(contents: Mapping[str, str | bytes]) -> Callable[[Path], object]:
    """Make several files."""
    return lambda folder: [file(name, content)(folder) for name, content in contents.items()]


def page(tables: Mapping[str, Sequence[Bad]]) -> str:
    """Write the page: a table for each group."""
    parts = [_HEAD]
    for title, rows in tables.items():
        parts.append(f"## {title}\n\n| what is wrong | the message says | what to do |\n")
        parts.append("| --- | --- | --- |\n")
        parts += [f"| {row.what} | `{_cell(row.message)}` | {row.remedy} |\n" for row in rows]
        parts.append("\n")
    return "\n".join(("".join(parts[:1]), "".join(parts[1:]))).rstrip("\n") + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")


if __name__ == "__main__":
    from bad_tables import TABLES

    PAGE.write_text(page(TABLES), encoding="utf-8")
