"""What a run tells while it goes on: counts, time left, the block on a terminal, plain lines."""

import fcntl
import json
import os
import pty
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.task import Task
from results.records import Costs
from results.store import Commit, Store
from suite import live, state
from suite.asking import Ask
from suite.board import Outcome
from suite.conclusion import last_of_trace, summary
from suite.durations import in_words
from suite.flight import Flight
from suite.node import Node
from suite.pace import Pace, own_rest_s
from suite.progress import Progress
from suite.queue import Shape
from suite.retries import Tries
from suite.scheduler import Settled
from suite.state import Running, State
from suite.tally import Tally
from suite.under_way import UnderWay
from suite.watching import Watch
from suite.wire import Word


def _task(name: str, folder: Path = Path("logs")) -> Task:
    kind = name.partition(":")[0]
    return Task(
        id=name,
        kind=kind,
        key=name,
        params={},
        store=Store(folder / "store"),
        log=folder / f"{name.replace(':', '_').replace('/', '_')}.log",
        threads=1,
    )


def _ended(name: str, wall_s: float = 1.0, folder: Path = Path("logs")) -> Settled:
    costs = Costs(wall_s=wall_s, cpu_s=wall_s, peak_rss_bytes=1).model_dump()
    commit = Commit(
        kind="classify",
        key=name,
        n=0,
        attempt="a",
        digest="d",
        files=[],
        created_utc="2026-01-01T00:00:00+00:00",
        notes={"costs": costs},
    )
    return Settled(_task(name, folder), commit)


def _moment(**changes: object) -> State:
    nodes = [Node(id=f"embed:{n}", kind="embed", params={}) for n in range(8)]
    tally = Tally("small", "logmark run small.yaml", nodes, {})
    return tally.look({}, (), "running").model_copy(update=changes)


def _job(name: str = "embed:minilm", **changes: object) -> Running:
    job = Running(job=name, node="", running_s=72.0, share=0.63, text="6.1k tokens/s", left_s=42.3)
    return job.model_copy(update=changes)


@contextmanager
def _terminal(width: int, height: int) -> Iterator[tuple[Callable[[], bytes], int]]:
    """A terminal of its own as standard error: what was written to it, and its handle."""
    ours, theirs = pty.openpty()
    _resize(ours, width, height)
    os.set_blocking(ours, False)

    def heard() -> bytes:
        time.sleep(0.02)
        parts = []
        try:
            while part := os.read(ours, 1 << 16):
                parts.append(part)
        except BlockingIOError:
            pass
        return b"".join(parts)

    with pytest.MonkeyPatch.context() as patch, os.fdopen(theirs, "w") as stream:
        patch.setattr(sys, "stderr", stream)
        yield heard, ours
    os.close(ours)


def _resize(handle: int, width: int, height: int) -> None:
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


class _Screen:
    """As much of a terminal as the display needs: text, new lines, up, clear to the end."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[str] = [""]
        self.row = self.column = 0

    def feed(self, text: str) -> "_Screen":
        index = 0
        while index < len(text):
            if text[index] == "\x1b":
                end = next(i for i in range(index + 2, len(text)) if text[i].isalpha())
                self._control(text[index + 2 : end], text[end])
                index = end
            elif text[index] == "\r":
                self.column = 0
            elif text[index] == "\n":
                self._down()
            else:
                self._put(text[index])
            index += 1
        return self

    def _control(self, number: str, letter: str) -> None:
        if letter == "A":
            assert int(number) <= self.row, "went above the first line"
            self.row -= int(number)
        elif letter == "J":
            self.rows = [*self.rows[: self.row], self.rows[self.row][: self.column]]
        else:
            assert letter == "m", letter

    def _down(self) -> None:
        self.row += 1
        self.rows += [""] * (self.row + 1 - len(self.rows))

    def _put(self, char: str) -> None:
        if self.column == self.width:
            self._down()
            self.column = 0
        line = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = line[: self.column] + char + line[self.column + 1 :]
        self.column += 1


def _frames(monkeypatch: pytest.MonkeyPatch, width: int = 60) -> _Screen:
    """Three moments of a run, with two notes in between, as they stand on a terminal."""
    monkeypatch.setenv("TERM", "xterm")
    with _terminal(width, 10) as (heard, _):
        progress = Progress()
        progress.show(_moment(running=2, jobs=[_job(), _job("adapt:b")]))
        progress.note("first")
        progress.show(_moment(running=1, jobs=[_job()]))
        progress.note("second")
        progress.close()
        return _Screen(width).feed(heard().decode())


def test_what_ended_stays_and_the_block_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [row for row in _frames(monkeypatch).rows if row] == ["first", "second"]


@pytest.mark.parametrize(("width", "height"), [(200, 50), (80, 24), (20, 6), (5, 3), (1, 1)])
def test_the_block_fits_any_terminal(width: int, height: int) -> None:
    jobs = [_job(f"classify:model-{n}/{'x' * n}/0") for n in range(100)]
    lines = live.block(_moment(total=200, running=150, jobs=jobs), width, height)
    assert len(lines) <= max(1, height - 1)
    assert all(len(line) < max(1, width) for line in lines)
    assert len(lines) == 1 or lines[-1] == f"  ... and {150 - len(lines) + 2} more"[: width - 1]


def test_a_terminal_that_gets_narrower_is_cleared_of_wrapped_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with _terminal(80, 10) as (heard, handle):
        progress = Progress()
        progress.show(_moment(running=1, jobs=[_job()]))
        before = heard().decode()
        _resize(handle, 20, 10)
        progress.note("a note")
        progress.show(_moment())
        after = heard().decode()
        progress.close()
    rows = before.split("\x1b[J")[-1].split("\r\n")
    wrapped = sum(-(-len(row) // 20) for row in rows)
    assert len(rows) == 2 and f"\x1b[{wrapped - 1}A" in after


def test_colours_are_left_out_where_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = replace(_ended("classify:a"), commit=None, reason="no")
    said = {}
    for wish in ("", "1"):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", wish)
        with _terminal(80, 24) as (heard, _):
            progress = Progress()
            progress.settled(failed, 1, 2)
            progress.close()
            said[wish] = heard().decode()
    assert "\x1b[31mFAILED\x1b[0m: no" in said[""]
    assert "m" not in said["1"].replace("classify:a  FAILED: no", "").replace("[1/2]", "")


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with _terminal(80, 24) as (heard, _):
        progress = Progress()
        progress.settled(_ended("classify:a", 0.34), 1, 2)
        progress.show(_moment(running=1, waiting=7, jobs=[_job()]))
        progress.close()
        said = heard().decode()
    assert said == (
        "[1/2] classify:a  0.3 s\r\n"
        "0/8 done, 1 running, 7 waiting; "
        "embed:minilm: 63 %, 6.1k tokens/s, 1 min 12 s, about 42 s left\r\n"
    )


def test_a_log_gets_a_line_per_job_and_a_summary_now_and_then(
    capfd: pytest.CaptureFixture[str],
) -> None:
    now = [0.0]
    progress = Progress(clock=lambda: now[0])
    summaries = 0
    for second in range(7200):
        now[0] = float(second)
        if progress.due:
            progress.show(_moment(running=1, jobs=[_job()]))
            summaries += 1
    progress.settled(_ended("classify:a"), 1, 1)
    progress.close()
    said = capfd.readouterr().err.splitlines()
    assert len(said) == summaries + 1 and said[-1] == "[1/1] classify:a  1.0 s"
    assert 40 < summaries < 120, "every half minute at first, every few minutes in a long run"


def test_quiet_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    progress = Progress(quiet=True)
    progress.settled(_ended("classify:a"), 1, 1)
    assert not progress.due
    progress.show(_moment(running=1, jobs=[_job()]))
    progress.close()
    assert capfd.readouterr() == ("", "")


def test_a_run_goes_on_when_nobody_can_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        progress = Progress()
        monkeypatch.undo()
    os.close(read)  # the reader has gone
    for _ in range(3):
        progress.note("to nobody")
    progress.close()


def test_control_characters_do_not_reach_the_terminal() -> None:
    lines = live.block(_moment(running=1, jobs=[_job(text="a\x1b[2Jb\nc")]), 100, 10)
    assert "a [2Jb c" in lines[1]


def test_thousand_short_jobs_are_not_held_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    nodes = [Node(id=f"classify:{n}", kind="classify", params={}) for n in range(1000)]
    outcomes: dict[str, Outcome] = {}
    with _terminal(80, 24) as (heard, _):
        progress = Progress()
        watch = Watch(Tally("s", "c", nodes, {}), progress, outcomes, tmp_path)
        began = time.process_time()
        for node in nodes:
            ended = _ended(node.id)
            outcomes[node.id] = Outcome(status="computed", commit=ended.commit)
            watch.settled(ended)
            watch.tick([UnderWay(_task(nodes[-1].id), 0.001)])
            if len(outcomes) % 50 == 0:
                heard()
        took_s = time.process_time() - began
        watch.close()
        progress.close()
    assert took_s < 1.0, "a millisecond each, at most"


def test_the_time_left_follows_from_jobs_of_the_same_kind() -> None:
    kinds = {**{f"embed:{n}": "embed" for n in range(4)}, **{f"cell:{n}": "cell" for n in range(9)}}
    pace = Pace(kinds, {name: 10.0 if kind == "embed" else 1.0 for name, kind in kinds.items()})
    assert pace.left_s(kinds, [], 0.0) is None, "nothing is known"
    pace.ended("embed:0", 40.0)
    others = [name for name in kinds if name != "embed:0"]
    assert Pace(kinds, {}).left_s(others, [], 40.0) is None, "too little was done to tell"
    alone_s = 3 * 40.0 + 9 * 4.0  # of cells nothing is known but their proportion to embeddings
    assert pace.left_s(others, [], 40.0) == pytest.approx(alone_s)
    assert pace.left_s(others, [], 20.0) == pytest.approx(alone_s / 2), "two at a time"
    pace.ended("cell:0", 1.0)
    others.remove("cell:0")
    assert pace.left_s(others, [], 41.0) == pytest.approx(3 * 40.0 + 8 * 1.0)


def test_a_job_that_tells_its_share_tells_the_time_left() -> None:
    pace = Pace({"embed:a": "embed", "embed:b": "embed"}, {})
    running = [UnderWay(replace(_task("embed:a")), running_s=30.0, share=0.25)]
    assert pace.left_s(["embed:b"], running, 30.0) == pytest.approx(90.0 + 120.0)
    silent = [replace(running[0], share=0.0)]
    assert pace.left_s(["embed:b"], silent, 30.0) is None


def test_what_comes_before_a_jobs_first_share_is_no_pace() -> None:
    flight = Flight(_task("embed:a"), Shape(Ask(())), Tries())
    for now, share in ((100.0, 0.0), (160.0, 0.01), (170.0, 0.11)):
        flight.hear(Word(share, "", "here"), now)
    assert flight.first == (60.0, 0.01)
    told = UnderWay(flight.task, running_s=70.0, share=0.11, first=flight.first)
    assert own_rest_s(told) == pytest.approx(89.0)
    assert own_rest_s(replace(told, first=(69.0, 0.1))) is None, "a hundredth is too little to tell"


def test_every_job_is_counted_once() -> None:
    nodes = [Node(id=f"embed:{n}", kind="embed", params={}) for n in range(6)]
    tally = Tally("s", "c", nodes, {})
    tally.settled(replace(_ended("embed:1"), commit=None, reason="why"))
    outcomes = {
        "embed:0": Outcome(status="cached"),
        "embed:1": Outcome(status="failed", reason="why"),
        "embed:2": Outcome(status="blocked", reason="blocked by embed:1"),
    }
    under_way = [UnderWay(_task("embed:3"), 3.0), UnderWay(_task("embed:4"))]
    now = tally.look(outcomes, under_way, "running")
    assert (now.cached, now.failed, now.blocked, now.running, now.waiting) == (1, 1, 1, 1, 2)
    assert now.done == 3 and [failure.job for failure in now.failures] == ["embed:1"]
    assert live.summary(now) == (
        "3/6 done (1 cached), 1 failed, 1 held up by them, 1 running, 2 waiting"
    )


def test_the_state_and_the_events_of_a_run_are_kept(tmp_path: Path) -> None:
    nodes = [Node(id="classify:a", kind="classify", params={})]
    progress = Progress(quiet=True)
    watch = Watch(Tally("s", "c", nodes, {}), progress, {}, tmp_path)
    watch.enter("running")
    assert state.read(tmp_path).waiting == 1
    lost = replace(_ended("classify:a", folder=tmp_path / "logs"), commit=None, reason="why")
    watch.settled(replace(lost, log_text="Traceback\nlast words\n"))
    watch.enter("ended")
    watch.close()
    progress.close()
    assert state.read(tmp_path).phase == "ended"
    event = json.loads((tmp_path / "events.jsonl").read_text())
    assert event["job"] == "classify:a" and event["status"] == "failed"
    assert lost.task.log.read_text().endswith("last words\n"), "the log of another machine"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.9, "9.9 s"), (9.97, "10 s"), (59.6, "1 min"), (200, "3 min 20 s"),
     (7510, "2 h 5 min"), (86400, "1 d"), (90061, "1 d 1 h"), (86461, "1 d")],
)  # fmt: skip
def test_durations_read_well(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_failures_are_named_once_with_trace_and_log(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(
        "noise\nTraceback (most recent call last):\n  old\nOSError: old\nmore noise\n"
        "Traceback (most recent call last):\n"
        + "".join(f'  File "x.py", line {n}, in f\n' for n in range(20))
        + "ValueError: no\n"
    )
    assert last_of_trace(log)[-1] == "ValueError: no" and len(last_of_trace(log)) == 6
    failed = Outcome(status="failed", reason="ValueError: no", fault="code", log=log)
    failures = {f"classify:{n}": failed for n in range(8)}
    failures["embed:b"] = replace(failed, reason="no such file", fault="input", log=None)
    lines = list(summary(failures))
    assert lines[0] == "FAILED classify:0: ValueError: no"
    assert lines[1].endswith(
        "classify:1, classify:2, classify:3, classify:4, classify:5 and 2 more"
    )
    assert lines[2:9] == [f"       | {line}" for line in last_of_trace(log)] + [
        f"       full output: {log}"
    ]
    assert lines[9:] == ["FAILED embed:b: no such file"]
    assert last_of_trace(tmp_path / "none.log") == []
    log.write_text(
        "Traceback (most recent call last):\nOSError: old\n"
        "Traceback (most recent call last):\n  in f\nValueError: new\n"
    )
    assert last_of_trace(log) == ["  in f", "ValueError: new"]
