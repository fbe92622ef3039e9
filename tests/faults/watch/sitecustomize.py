"""Notes every attempt at an artifact, in every process that has this folder on its PYTHONPATH.

Python imports a module of this name when it starts. What it sees is a folder being made, not what
the product says of itself: each attempt begins with a folder `<store>/<kind>/<key>/attempts/<id>`.
A note stands beside the store, in `attempts.jsonl`, and holds how many commits there were already.
With `LOGMARK_CLOCKS_JUMP` the time of day is not to be trusted either.
"""

import json
import os
import sys
import time


def _note(event, arguments):
    if event != "os.mkdir":
        return
    words = os.fspath(arguments[0])
    words = (os.fsdecode(words) if isinstance(words, bytes) else words).split("/")
    if len(words) < 6 or words[-2] != "attempts":
        return
    try:
        beside = [entry.name for entry in os.scandir("/".join(words[:-2]))]
    except FileNotFoundError:
        beside = []
    note = {
        "pid": os.getpid(),
        "kind": words[-4],
        "key": words[-3],
        "attempt": words[-1],
        "commits": sum(name.startswith("COMMIT.") for name in beside),
    }
    path = "/".join([*words[:-5], "attempts.jsonl"])
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(handle, json.dumps(note).encode() + b"\n")  # one write: no line is torn
    os.close(handle)


sys.addaudithook(_note)

if os.environ.get("LOGMARK_CLOCKS_JUMP"):
    _SPAN_S = 2 * 86_400
    _time, _monotonic = time.time, time.monotonic

    def _jumping() -> float:
        """The time of day of a clock that jumps by days, each process's at another moment."""
        is_ahead = int(2 * _monotonic() + os.getpid()) % 2
        return _time() + (_SPAN_S if is_ahead else -_SPAN_S)

    time.time = _jumping
    time.time_ns = lambda: int(1e9 * _jumping())
