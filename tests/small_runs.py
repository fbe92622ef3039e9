"""Small runs of real jobs, with a run folder as `logmark run` writes it, but without Ray."""

from pathlib import Path

from helpers import run_in_process, write_logs

from results.run import Run
from suite.recording import suite_hash
from suite.spec import read

SMALL = """
name: small
seeds: [0]
corpus: {loader: folder, path: logs}
models:
  - {name: words, adapter: tfidf, analyzer: word, ngram: [1, 1]}
classifiers: [decision_tree]
compute: {threads: 1}
"""


def write_small_run(folder: Path, text: str = SMALL) -> Path:
    """Run a suite's jobs in this process and return the run folder.

    Args:
        folder: receives `logs`, `suite.yaml`, `store` and the run.
        text: the suite file; its corpus is the folder `logs`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "logs").exists():
        write_logs(folder / "logs")
    made = run_in_process(folder, text)
    suite = read(folder / "suite.yaml")
    meta = {
        "suite": suite.name,
        "suite_hash": suite_hash(suite),
        "resolved": suite.model_dump(mode="json"),
        "store": made.store.uri,
        "command": "logmark run suite.yaml --quiet",
        "recorded_utc": "2026-01-01T00:00:00+00:00",
        "report": suite.report.model_dump(),
    }
    run_dir = folder / suite.name
    Run.write(run_dir, meta, made.records)
    return run_dir
