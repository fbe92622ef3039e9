"""`logmark init` over whatever lies there: a suite that is read and planned, or one line."""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from effort import drawn
from fuzz.suite_check import check_line, check_text
from fuzz.trees import CLASSES, NAMES, TREES, grown
from helpers import write_logs
from hypothesis import given
from hypothesis import strategies as st

from results.errors import InputError
from suite import init_command


@contextmanager
def inside() -> Iterator[Path]:
    """An empty folder for one example, to be in."""
    before = Path.cwd()
    with TemporaryDirectory(prefix="any-") as name:
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(before)


def check_init(path: Path) -> bool:
    """Let `init` look at a path: a suite that can be planned, or one line and no file."""
    parser, said = argparse.ArgumentParser(), []
    init_command.register(parser.add_subparsers(), lambda text, stream=None: said.append(text))
    options = parser.parse_args(["init", str(path), "--out", "made.yaml"])
    made = Path("made.yaml")
    try:
        assert options.command(options) == 0
    except InputError as error:
        check_line(str(error))
        assert not made.exists()
        return False
    assert all(line.isprintable() for line in said), said
    found = check_text(made.read_bytes(), Path.cwd())
    assert found.suite is not None and found.refusal is None, found.refusal
    return True


@drawn()
@given(TREES)
def test_any_folder_gives_a_suite_or_one_line(tree: list[Any]) -> None:
    with inside() as here:
        check_init(grown(here / "logs", tree))


LOGS = st.lists(
    st.tuples(CLASSES, st.lists(NAMES, max_size=1), NAMES, st.just("file"), st.just(b"a line\n")),
    min_size=12,
    max_size=30,
)


@drawn()
@given(LOGS)
def test_folders_with_odd_names_give_a_suite_that_reads_them(tree: list[Any]) -> None:
    with inside() as here:
        check_init(grown(here / "logs", tree))


TEXT = st.integers(0, 99).map(lambda n: f"step {n} of a job that went well")
LABELS = st.sampled_from(["a b", "#c", "no"])
CELLS = st.sampled_from(["a", "b", "", None, "a line of a log\n", "x\ny", "\u2028", "\ud800", 7])
COLUMNS = st.sampled_from(
    ["text", "label", "run", "x\ny", "# a", "key: value", "null", "\ud800", "*a", "'", "\u2028"]
)


@drawn()
@given(
    st.lists(COLUMNS, unique=True, max_size=4).flatmap(
        lambda names: st.lists(
            st.fixed_dictionaries({"text": TEXT, "label": LABELS, **dict.fromkeys(names, CELLS)}),
            min_size=4, max_size=16,
        )
    )
)  # fmt: skip
def test_any_table_gives_a_suite_or_one_line(rows: list[dict[str, Any]]) -> None:
    with inside() as here:
        (here / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        check_init(here / "t.jsonl")


NAMES_OF_FOLDERS = [
    *("~", "-x", " ", "*", "null", "a: b #c", "\"'", "\x1b[31m", "\u2028", "caf\u00e9", "\udce9"),
    "x" * 200,
]


@pytest.mark.parametrize("name", NAMES_OF_FOLDERS)
def test_a_folder_may_have_any_name_of_one_line(name: str) -> None:
    with inside() as here:
        assert check_init(write_logs(here / name))


@pytest.mark.parametrize("name", ["a\nb", "${HOME}"])
def test_a_name_that_no_suite_file_can_hold_is_refused(name: str) -> None:
    with inside() as here:
        assert not check_init(write_logs(here / name))
