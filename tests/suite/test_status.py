"""A run that is watched, killed, robbed of its disk and resumed: what it leaves to read."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import run_in_process, run_logmark, write_logs

from results.hashing import hash_file
from results.run import Run
from results.store import Store
from suite import run_folder, state
from suite.board import Board
from suite.choice import Choice, chosen
from suite.cli import main
from suite.plan import make_plan
from suite.recorder import Recorder, statuses_of
from suite.spec import read
from suite.state import State

SUITE = """
name: small
corpus: {loader: folder, path: logs}
models: [{name: lines, adapter: length}]
classifiers: [decision_tree]
compute: {threads: 1}
"""


def _status(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[str]]:
    capsys.readouterr()
    status = main(["status", *map(str, words)])
    return status, capsys.readouterr().out.splitlines()


def _state(**changes: object) -> State:
    known = {
        "suite": "small", "command": "logmark run s.yaml", "phase": "running", "process": 1,
        "host": "here", "started_utc": "2026-01-01T00:00:00+00:00", "elapsed_s": 75.0, "total": 9,
        "updated_utc": "2026-01-01T00:01:15+00:00", "computed": 1, "cached": 2, "failed": 0,
        "blocked": 0, "running": 1, "waiting": 5, "left_s": 125.0, "failures": [],
        "jobs": [{"job": "embed:m", "node": "n7", "running_s": 60.0, "share": 0.5, "text": "9/18",
                  "left_s": 60.0}],
    }  # fmt: skip
    return State.model_validate({**known, **changes})


_FAILED = {"job": "embed:m", "reason": "ValueError: no", "fault": "code", "log": "/logs/m.log"}


def test_a_run_under_way_is_told_by_its_lock(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_folder.locked(tmp_path):
        state.write(tmp_path, _state())
        assert _status(capsys, tmp_path) == (
            0,
            [
                "small: running (process 1 on here)",
                "3/9 done (2 cached), 1 running, 5 waiting, about 2 min 5 s left; "
                "1 min 15 s since 2026-01-01T00:00:00+00:00",
                "  embed:m on n7: 50 %, 9/18, 1 min, about 1 min left",
            ],
        )
    status, lines = _status(capsys, tmp_path)
    assert status == 3 and lines[0] == (
        "small: killed or stopped (process 1 on here); "
        "the same command goes on where it stopped: logmark run s.yaml"
    )


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"phase": "ended"}, 0, "small: ended"),
        ({"phase": "ended", "failed": 1, "failures": [_FAILED]}, 1, "small: ended with failures"),
        ({"phase": "interrupted"}, 3, "small: interrupted; the same command goes on"),
        ({"phase": "stopped"}, 3, "small: killed or stopped"),
    ],
)
def test_the_exit_status_tells_how_a_run_stands(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    status: int,
    words: str,
) -> None:
    state.write(tmp_path, _state(**changes))
    told, lines = _status(capsys, tmp_path)
    assert told == status and lines[0].startswith(words)
    assert ("FAILED embed:m: ValueError: no" in lines) == bool(changes.get("failures"))
    told, (text,) = _status(capsys, tmp_path, "--format", "json")
    assert told == status and json.loads(text)["total"] == 9
    assert told == _status(capsys, tmp_path, "--follow")[0], "an ended run is not waited for"


def test_where_nothing_was_run_there_is_nothing_to_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", str(tmp_path)]) == 2
    assert "no run was started here (no state.json)" in capsys.readouterr().err
    (tmp_path / "state.json").write_text("{}")
    assert main(["status", str(tmp_path)]) == 2
    assert "cannot be read as a run's state" in capsys.readouterr().err


def test_looking_does_not_keep_a_run_from_starting(tmp_path: Path) -> None:
    with run_folder.locked(tmp_path):
        pass
    import fcntl

    with (tmp_path / ".lock").open() as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        threading_free = time.monotonic()
        with pytest.raises(Exception, match="being run here already"), run_folder.locked(tmp_path):
            pass
        assert time.monotonic() - threading_free > 0.9, "a glance is waited for"


def test_a_part_of_a_suite_leaves_the_records_of_the_rest(tmp_path: Path) -> None:
    write_logs(tmp_path / "logs")
    assert set(run_in_process(tmp_path, SUITE).reasons.values()) == {"ok"}
    text = SUITE.replace("classifiers: [decision_tree]", "classifiers: [decision_tree, linear_svc]")
    (tmp_path / "suite.yaml").write_text(text)
    suite, store = read(tmp_path / "suite.yaml"), Store(tmp_path / "store")
    nodes = make_plan(suite, hash_file)
    picked, _ = chosen(nodes, Choice(only=("majority/majority/0",)), ())
    board = Board(picked, store, tmp_path / "logs")
    assert board.advance() == []
    run_dir = tmp_path / "runs" / "small"
    Recorder(suite, nodes, store, run_dir, "logmark run").write(board)
    records = {record.name: record for record in Run.open(run_dir).records}
    assert records["lines/decision_tree/0"].status == "ok"
    missing = records["lines/linear_svc/0"]
    assert (missing.status, missing.reason) == ("blocked", "not run yet")


def test_what_failed_is_known_to_the_next_run_of_another_part(tmp_path: Path) -> None:
    write_logs(tmp_path / "logs")
    (tmp_path / "suite.yaml").write_text(SUITE)
    suite, store = read(tmp_path / "suite.yaml"), Store(tmp_path / "store")
    nodes = make_plan(suite, hash_file)
    board = Board(nodes, store, tmp_path / "logs")
    (first,) = board.advance()
    board.fail(first.id, "no", "code")
    board.advance()
    Recorder(suite, nodes, store, tmp_path, "logmark run").write(board)
    assert statuses_of(tmp_path)[first.id] == "failed"
    picked, _ = chosen(nodes, Choice(only=(first.id,)), ())
    Recorder(suite, nodes, store, tmp_path, "x").write(Board(picked, store, tmp_path / "logs"))
    assert statuses_of(tmp_path)[first.id] == "failed"
    assert statuses_of(tmp_path / "nowhere") == {}


def _computed(run_dir: Path) -> int:
    try:
        return len((run_dir / "events.jsonl").read_text().splitlines())
    except FileNotFoundError:
        return 0


@pytest.fixture
def killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Path]:
    """The folder of a run that was killed after a few jobs, and watched before."""
    write_logs(tmp_path / "logs")
    (tmp_path / "suite.yaml").write_text(SUITE)
    run_dir = tmp_path / "runs" / "small"
    words = [sys.executable, "-m", "suite.cli", "run", "suite.yaml"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, cwd=tmp_path, **quiet) as process:
        while _computed(run_dir) < 3:
            assert process.poll() is None
            time.sleep(0.02)
        status, lines = _status(capsys, run_dir)
        os.kill(process.pid, signal.SIGKILL)
    assert status == 0 and lines[0] == f"small: running (process {process.pid} on {os.uname()[1]})"
    yield run_dir


def test_a_killed_run_can_be_read_and_goes_on_also_after_a_full_disk(
    killed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines = _status(capsys, killed)
    assert status == 3 and "killed or stopped" in lines[0]
    assert main(["report", str(killed)]) == 0
    assert (killed / "report" / "report.html").is_file()

    folder = killed.parents[1]
    events = killed / "events.jsonl"
    kept = events.rename(killed / "kept.jsonl")
    events.symlink_to("/dev/full")
    full = run_logmark(folder, "run", "suite.yaml")
    assert full.returncode == 1, full.stderr
    last = full.stderr.splitlines()[-1]
    assert last.startswith(
        f"logmark: {killed}: no space left on the disk; free some and run the same"
    )
    assert "Traceback" not in full.stderr
    assert _status(capsys, killed)[0] == 3

    events.unlink()
    kept.rename(events)
    done = run_logmark(folder, "run", "suite.yaml", "--quiet")
    assert done.returncode == 0, done.stderr
    status, lines = _status(capsys, killed)
    assert status == 0 and lines[0] == "small: ended"
    assert {record.status for record in Run.open(killed).records} == {"ok"}
