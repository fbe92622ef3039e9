"""A small real run with two character networks, exported; made once for all tests that need it."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from helpers import run_in_process, write_logs

from results.run import Run
from suite.exporting import export_cell
from suite.spec import read

_SMALL = "channels: 16, embedding: 8, dense: 16, learning_rate: 0.02"
_SUITE = f"""
name: edge
corpus:
  loader: folder
  path: PATH
  clean: {{max_word_chars: 30, max_line_chars: 60, drop_numbers: true}}
references:
  - {{name: cnn, context: 120, epochs: 4, {_SMALL}}}
  - {{name: tail, reference: cnn, keep: tail, padding: paper, context: 90, epochs: 1, {_SMALL}}}
studies:
  - {{name: size, rows: [cnn], vary: {{train_share: [0.5]}}}}
compute: {{threads: 1}}
"""

_STRANGE = {
    "disk/0.log": b"\xef\xbb\xbfa byte order mark\r\nI: caf\xe9 \xff\xfe is not UTF-8\r\n",
    "disk/1.log": "I: NUL \x00, emoji \U0001f600, cut \ud800 in two\n".encode(
        "utf-8", "surrogatepass"
    ),
    "net/0.log": b"I: "
    + b"x" * 31
    + b" goes, so does the line behind\n"
    + b"ab " * 21
    + b"\nC: 12 ms",
    "net/1.log": b" \n" * 100 + b"I: text behind many blanks 7 7 7\n",
    "ok/0.log": b"1 2 3\n44\n",
    "ok/1.log": b"I: short\n",
    "ok/2.log": b"C: link 10.0.0.1 up\n" * 5_000,
}


class EdgeRun(NamedTuple):
    """Where everything lies: raw logs, the run's folder, the exported files by cell."""

    logs: Path
    run_dir: Path
    exported: dict[str, Path]


@cache
def edge_run() -> EdgeRun:
    """Run the suite in this process and export both networks."""
    folder = Path(tempfile.mkdtemp(prefix="logmark-edge-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    logs = write_logs(folder / "logs")
    for name, content in _STRANGE.items():
        (logs / name).write_bytes(content)
    text = _SUITE.replace("PATH", str(logs))
    done = run_in_process(folder, text)
    assert set(done.reasons.values()) == {"ok"}, done.reasons
    meta = {
        "suite": "edge",
        "store": str(done.store.root),
        "resolved": read(folder / "suite.yaml").model_dump(mode="json"),
    }
    Run.write(folder / "run", meta, done.records)
    exported = {}
    for name in ("cnn", "tail"):
        exported[name] = folder / "exported" / name
        export_cell(folder / "run", f"reference/{name}/0", exported[name])
    return EdgeRun(logs, folder / "run", exported)
