"""What all commands share: help with an example, --json, --quiet, streams without escape codes."""

import argparse
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import run_logmark
from small_runs import write_small_run

from results.store import Store
from suite import state
from suite.cli import _parser, main
from suite.command import Output
from suite.waiting import Waiting, told

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
CELL = "words/decision_tree/0"

COMMANDS = {
    "init": ["logs", "--out", "new.yaml", "--force"],
    "plan": ["suite.yaml", "--store", "store"],
    "status": ["small"],
    "report": ["small"],
    "show": ["small", CELL],
    "compare": ["small", "small"],
    "bundle": ["small"],
    "predict": ["small", CELL, "logs/ok/1.log"],
    "store ls": ["--store", "store", "--runs"],
    "store verify": ["--store", "store", "--kind", "split"],
    "store gc": ["--store", "store"],
    "corpora list": [],
    "corpora check": ["suite.yaml"],
    "adapters list": [],
    "schema": [],
}
"""Commands that take no model and no Ray, with what they are given."""

ELSEWHERE = {"run", "export", "adapters check", "adapters fetch"}  # beside what they need to run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that has ended."""
    folder = tmp_path_factory.mktemp("commands")
    state.write(write_small_run(folder), _ended())
    return folder


def _ended(**changes: object) -> state.State:
    known = {
        "suite": "small", "command": "logmark run suite.yaml", "phase": "ended", "process": 1,
        "host": "here", "started_utc": "2026-01-01T00:00:00+00:00", "elapsed_s": 1.0, "total": 9,
        "updated_utc": "2026-01-01T00:00:01+00:00", "computed": 9, "cached": 0, "failed": 0,
        "blocked": 0, "running": 0, "waiting": 0, "left_s": None, "failures": [], "jobs": [],
    }  # fmt: skip
    return state.State.model_validate({**known, **changes})


def _parsers(
    parser: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser."""
    deeper = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    for action in deeper:
        for name, below in action.choices.items():
            yield from _parsers(below, (*words, name))
    if not deeper:
        yield " ".join(words), parser


def test_every_command_shows_an_example_that_it_takes() -> None:
    known = dict(_parsers(_parser()))
    assert set(known) == {*COMMANDS, *ELSEWHERE}
    for name, parser in known.items():
        (example,) = re.findall(r"^example:\n  (.*)$", parser.format_help(), re.MULTILINE)
        words = shlex.split(example.partition(" >")[0])
        assert words[0] == "logmark" and " ".join(words[1:]).startswith(name)
        options = _parser().parse_args([*words[1:], "--json", "--quiet"])
        assert options.quiet and options.form.startswith("json")


def test_the_exit_statuses_are_documented() -> None:
    from suite import cli

    listed = re.findall(r"^  (\d+) ", _parser().epilog or "", re.MULTILINE)
    assert listed == ["0", "1", "2", "3", "4", "130"]
    assert cli.__doc__ is not None and all(f"{status} " in cli.__doc__ for status in listed)
    assert re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE) == listed


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_writes_one_document_or_only_its_result(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    words = [*name.split(), *COMMANDS[name]]
    said = []
    for more in (["--json", "--quiet"], ["--quiet"], []):
        if name != "report" or not said:  # once is enough of what takes so long
            assert main([*words, *more]) == 0
            said.append(capfd.readouterr())
    of_program, quiet, usual = said if len(said) == 3 else said * 3
    assert not any("\x1b" in text or "\r" in text for one in said for text in one)
    content = json.loads(of_program.out)
    assert of_program.err == quiet.err == "" and quiet.out != ""
    assert set(quiet.out.splitlines()) <= {*usual.out.splitlines(), "wrote new.yaml"}
    if name != "schema":  # its keys are those of JSON Schema
        section = PAGE.read_text().partition(f"| `{name}` |")[2].partition("\n")[0]
        keys = {key for key in content if key not in ("classes", "version")}
        assert not keys - set(re.findall(r"`(\w+)`", section)), f"{name}: keys without a word"


@pytest.mark.parametrize(
    ("words", "step"),
    [
        (["init", "logs", "--out", "new.yaml", "--force"], "logmark run new.yaml"),
        (["corpora", "check", "suite.yaml"], "next: logmark plan suite.yaml"),
        (["plan", "suite.yaml", "--workdir", "w"], "next: logmark run suite.yaml --workdir w"),
        (["plan", "suite.yaml", "--store", "store"], "(all is in the store: it only writes the"),
        (["status", "small"], "next: open small/report/report.html"),
        (["bundle", "small"], "small-bundle.zip writes its report anywhere"),
        (["corpora", "list"], "`corpus: {loader: NAME, ...}`"),
        (["adapters", "list"], "next: logmark adapters check NAME --tiny"),
    ],
)
def test_the_next_step_is_said(
    words: list[str],
    step: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    (folder / "small" / "report").mkdir(exist_ok=True)
    (folder / "small" / "report" / "report.html").touch()
    assert main(words) == 0
    assert step in "".join(capsys.readouterr())


def test_the_step_after_a_failure_retries_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "logmark run s.yaml --tiny --only m/*"
    state.write(tmp_path, _ended(failed=1, command=command))
    assert main(["status", str(tmp_path)]) == 1
    assert "then logmark run s.yaml --tiny --retry-failed" in capsys.readouterr().err


def test_an_error_is_one_line_on_standard_error_in_any_form(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for more in ([], ["--json"], ["--quiet"]):
        assert main(["show", "small", "no/such\x1b[2J\ncell", *more]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1
        assert "no cell, row or macro" in err and "\x1b" not in err


def test_each_exit_status_is_produced(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2 and "exit statuses:" in capsys.readouterr().err
    assert main(["store", "ls", "--store", str(folder / "store")]) == 0
    copied = shutil.copytree(folder / "store", tmp_path / "store")
    next(copied.rglob("split.parquet")).write_bytes(b"harm")
    assert main(["store", "verify", "--store", str(copied)]) == 1
    assert main(["status", "nowhere"]) == 2
    state.write(tmp_path, _ended(phase="interrupted"))
    assert main(["status", str(tmp_path)]) == 3
    worse = _worse(folder, tmp_path / "worse")
    assert main(["compare", str(folder / "small"), str(worse)]) == 4
    out, err = capsys.readouterr()
    assert f"next: logmark show {worse} {CELL} (and of RUN_A)" in err and "next:" not in out


def _worse(folder: Path, there: Path) -> Path:
    """Copy a run, with other predictions: all of one class."""
    import pandas as pd

    from results.run import Run

    run = Run.open(folder / "small")
    shutil.copytree(folder / "small", there)
    store = Store(folder / "store")
    (record,) = [one for one in run.records if one.name == CELL]
    ref = record.artifacts["cell"]
    attempt = store.new_attempt(ref.kind, "0" * len(ref.key))
    shutil.copytree(store.root / ref.path, attempt, dirs_exist_ok=True)
    table = pd.read_parquet(attempt / "predictions.parquet")
    table.assign(predicted=table["label"].iloc[0]).to_parquet(attempt / "predictions.parquet")
    commit = store.publish(ref.kind, "0" * len(ref.key), attempt, notes={})
    known = {
        "key": commit.key,
        "digest": commit.digest,
        "path": f"{ref.kind}/{commit.key}/attempts/{commit.attempt}",
    }
    other = {**record.artifacts, "cell": ref.model_copy(update=known)}
    records = [
        one.model_copy(update={"artifacts": other}) if one is record else one for one in run.records
    ]
    Run.write(there, run.meta, records)
    return there


def test_progress_is_told_while_a_command_waits(folder: Path) -> None:
    """A file that does not come to its end is waited for: the log on standard input."""
    words = [sys.executable, "-m", "suite.cli", "predict", "small", CELL, "-"]
    ours, theirs = os.openpty()
    env = {**os.environ, "TERM": "xterm"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": folder, "env": env}
    terminal = subprocess.Popen(words, stderr=theirs, **pipes)
    plain = subprocess.Popen(words, stderr=subprocess.PIPE, **pipes)
    quiet = subprocess.Popen([*words, "--quiet"], stderr=subprocess.PIPE, **pipes)
    os.close(theirs)
    said = _until(ours, b"reading files: 0 of 1 (0 %), ")
    assert plain.stderr is not None and quiet.stderr is not None
    assert plain.stderr.readline().endswith(b" s\n"), "one line now and then, in a pipe"
    for process in (terminal, plain, quiet):
        assert process.communicate(b"I: job 3 done\n" * 5, timeout=60)[0].startswith(b"-  ")
        assert process.returncode == 0
    said += _until(ours, None)
    shown = said.decode().replace("\r\n", "\n").split("\r\x1b[J")
    assert any(re.fullmatch(r"reading files: 0 of 1 \(0 %\), [\d. ms]+", line) for line in shown)
    assert not any(re.search(r"reading files.*\n", line) for line in shown), "one line, rewritten"


def _until(handle: int, sign: bytes | None) -> bytes:
    """Read a terminal until something stands there, or to its end."""
    said = b""
    while sign is None or sign not in said:
        assert select.select([handle], [], [], 60)[0], said
        try:
            said += os.read(handle, 1 << 16)
        except OSError:
            break
    return said


def test_an_interrupted_command_says_so_and_exits_with_130(folder: Path) -> None:
    words = [sys.executable, "-m", "suite.cli", "predict", "small", CELL, "-", "--quiet"]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": folder}
    process = subprocess.Popen(words, **pipes)
    while b"pandas" not in Path(f"/proc/{process.pid}/maps").read_bytes():
        time.sleep(0.05)  # it has come to its work
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == b"logmark: interrupted; the same command starts again\n"


def test_the_version_is_printed(tmp_path: Path) -> None:
    done = run_logmark(tmp_path, "--version")
    assert re.fullmatch(r"logmark \d+\.\d+\S*\n", done.stdout) and done.stderr == ""


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (("reading documents", 12345, None), "reading documents: 12,345"),
        (("reading documents", 0, None), "reading documents"),
        (("verifying bytes", 3 << 30, 12 << 30), "verifying bytes: 3.0 GiB of 12.0 GiB (25 %)"),
        (("packing artifacts", 0, 0), "packing artifacts: 0 of 0"),
    ],
)
def test_a_step_is_told_in_a_few_words(step: tuple[str, int, int | None], words: str) -> None:
    assert told(*step) == words


def test_names_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Waiting("waiting", quiet=True)
    out = Output("text", False, progress, lambda text, stream=None: print(text, file=stream))
    out.line("a\x1b[2Jb\nc")
    out.remark("d\x1be")
    assert capsys.readouterr() == ("a\\x1b[2Jb c\n", "d\\x1be\n")
