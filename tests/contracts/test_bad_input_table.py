"""Every kind of bad input gets its one line: what, where, and the way out; nothing is written."""

from pathlib import Path

import pytest
from bad_input import PAGE, Bad, page, suite
from bad_tables import TABLES
from helpers import run_in_process

from suite.cli import main

ROWS = [
    pytest.param(row, id=f"{title}-{row.what}") for title, rows in TABLES.items() for row in rows
]
AT_THE_DOOR = [row for row in ROWS if not row.values[0].job]
BY_JOBS = [row for row in ROWS if row.values[0].job]


def _plain(text: str) -> str:
    return text.replace("`", "'")


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, where no hub is asked and no shared data is known."""
    from huggingface_hub import constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.delenv("LOGMARK_SHARED", raising=False)


def _make(row: Bad, folder: Path) -> None:
    row.make(folder)
    if row.suite is not None:
        text = row.suite if isinstance(row.suite, bytes) else row.suite.encode()
        (folder / "bad.yaml").write_bytes(text)


@pytest.mark.parametrize("row", AT_THE_DOOR)
def test_a_command_says_it_in_one_line_and_writes_nothing(
    row: Bad, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _make(row, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main([*row.command, "--quiet"]) == 2  # or a slow machine says that it is at work
    said = capsys.readouterr()
    assert said.out == ""
    assert row.message in _plain(said.err)
    assert said.err.startswith("logmark: ") and said.err.count("\n") == 1
    assert said.err[:-1].isprintable()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("row", BY_JOBS)
def test_a_job_says_it_in_one_line(row: Bad, tmp_path: Path) -> None:
    row.make(tmp_path)
    assert isinstance(row.suite, str)
    reasons = run_in_process(tmp_path, row.suite).reasons
    assert row.message in _plain(reasons[row.job])
    assert reasons[row.job].isprintable()


@pytest.mark.skipif(any(Path("/dev").glob("nvidia[0-9]*")), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.yaml").write_text(suite("compute: {device: cuda}\n"))
    assert main(["plan", "bad.yaml"]) == 2
    assert "this machine has no NVIDIA device; say auto or cpu" in capsys.readouterr().err


def test_there_are_many_and_each_is_another() -> None:
    assert len(ROWS) >= 100
    assert len({row.id for row in ROWS}) == len(ROWS)


def test_the_page_shows_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(TABLES), "run `python tests/bad_input.py`"
