"""`logmark show RUN_DIR NAME`: where a printed number comes from, and how to compute it again.

Exit statuses: 0 found; 2 there is no such run or name. What the store no longer has is said, and
is no error: the number stands in the records.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.again import again
from suite.command import Output, Say, add

if TYPE_CHECKING:
    from results.entries import Entry, Verdict
    from results.records import Costs, Provenance
    from results.run import Run
    from results.tracing import Kept, Trace, Traced

_WIDTH = 13


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    show = add(
        commands,
        "show",
        _show,
        say,
        about="trace a printed number to its run, data, command and artifacts",
        example="logmark show runs/mine minilm/xgboost/0",
        notes="Exit status: 0 found; 2 no such run or name.",
    )
    show.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="a run folder or a bundle")
    show.add_argument(
        "name",
        metavar="NAME",
        help="a cell (minilm/xgboost/0), a row over its seeds (minilm/xgboost), or the name of a "
        "macro in numbers.tex",
    )


def _show(options: argparse.Namespace, out: Output) -> int:
    """Print what a name stands for.

    Raises:
        InputError: no such run, cell, row or macro.
    """
    from results.run import Run
    from results.tracing import trace

    out.progress("reading the run")
    run = Run.open(options.run_dir)
    out.progress("judging the cells")
    found = trace(run, options.name)
    if out.is_json:
        out.json(_content(options.run_dir, run, found))
    else:
        out.lines(_lines(options.run_dir, run, found))
    return 0


def _lines(place: Path, run: "Run", found: "Trace") -> Iterator[str]:
    if found.macro is not None:
        yield f"\\{found.macro.name} of {run.suite}: {found.macro.text}"
        yield _line("what it is", found.macro.about)
    elif found.entry is not None:
        yield f"{found.name} of {run.suite}, over {len(found.cells)} seeds"
        yield from _scores(found.entry)
    if found.unjudged:
        yield _line("no intervals", found.unjudged)
    if not found.cells:
        yield from _of_run(place, run)
    for traced in found.cells:
        yield f"{traced.record.name} of {run.suite}"
        yield from _scores(traced.entry)
        yield from _comparison(traced.verdict, found.baseline)
        yield from _facts(traced)
        yield _recorded(place, run)
        yield from _source(traced.record.provenance, traced.record.name)
        yield f"  artifacts in {run.meta['store']}"
        for kept in traced.artifacts:
            yield from _artifact(kept)


def _line(label: str, text: str) -> str:
    return f"  {label:<{_WIDTH}} {text}"


def _recorded(place: Path, run: "Run") -> str:
    return _line("run", f"{place}, recorded {run.meta.get('recorded_utc', 'at unknown time')}")


def _of_run(place: Path, run: "Run") -> Iterator[str]:
    """Say where a number comes from that is of the run as a whole."""
    yield _recorded(place, run)
    yield _line("suite", f"hash {run.meta.get('suite_hash', 'unknown')}")
    yield _line("command", str(run.meta.get("command", "unknown")))


def _scores(entry: "Entry") -> Iterator[str]:
    from results.scores import accuracy_of, macro_f1_of, over_seeds, status_of

    if entry.accuracy is None or entry.macro_f1 is None:
        for record in entry.broken:
            yield _line(status_of(entry), record.reason or "no reason recorded")
        return
    measures = [v.measures for v in entry.verdicts if v.measures]
    judged = len(measures) == len(entry.cells)
    plain = f"{100 * entry.accuracy.mean:.1f}", f"{entry.macro_f1.mean:.3f}"
    yield _line("accuracy, %", accuracy_of(entry).text if judged else plain[0])
    yield _line("macro-F1", macro_f1_of(entry).text if judged else plain[1])
    for name in measures[0] if judged else ():
        if name not in ("accuracy", "macro_f1"):
            value = over_seeds([one[name] for one in measures], ".3f")
            yield _line(name, "; ".join([value.text, *value.notes]))


def _comparison(verdict: "Verdict", baseline: str | None) -> Iterator[str]:
    from results.scores import p_text, signed

    if (paired := verdict.paired) is None:
        if verdict.unpaired:
            yield _line("compared", verdict.unpaired)
        return
    interval = paired.gain_interval
    yield _line(
        "compared",
        f"with {baseline}: macro-F1 {signed(paired.gain)} "
        f"[{signed(interval.low)}, {signed(interval.high)}], {paired.only_cell} : "
        f"{paired.only_baseline} documents, p {p_text(paired.p)}"
        + (f", {p_text(verdict.p_holm)} (Holm)" if verdict.p_holm is not None else ""),
    )


def _facts(traced: "Traced") -> Iterator[str]:
    record = traced.record
    if record.marks:
        yield _line("caveats", "; ".join(record.marks))
    if record.cell is not None:
        documents = f"{record.cell.train_documents:,} train, {record.cell.test_documents:,} test"
        yield _line("documents", documents)
        if record.cell.best_params:
            yield _line("chosen", json.dumps(record.cell.best_params))
    if record.study is not None:
        vary = ", ".join(f"{key} {json.dumps(value)}" for key, value in record.study.vary.items())
        yield _line("study", f"{record.study.name}: {record.study.row} with {vary}")
    yield _line("text", record.text)
    yield _line("seed", str(record.seed))


def _source(source: "Provenance", name: str) -> Iterator[str]:
    yield _line("suite", f"hash {source.suite_hash}")
    yield _line("corpus", f"digest {source.corpus_digest or 'unknown'}")
    yield _line("split", f"hash {source.split_hash or 'unknown'}")
    yield _line("computed", f"{source.started_utc} on {source.hardware}")
    versions = (f"{name} {version}" for name, version in source.versions.items())
    yield _line("versions", ", ".join(versions))
    yield _line("recorded by", f"{source.command} (code: {_code(source)})")
    if (command := again(source.command, name)) is not None:
        yield _line("once more", command)


def _code(source: "Provenance") -> str:
    if source.git_commit is None:
        return "an installed copy, no git commit known"
    return f"git {source.git_commit}{', with uncommitted changes' if source.git_dirty else ''}"


def _artifact(kept: "Kept") -> Iterator[str]:
    size = "" if kept.size_bytes is None else f", {kept.size_bytes:,} bytes"
    yield f"    {kept.role} ({kept.ref.kind}): {kept.state}{size}{_spent(kept.costs)}"
    yield f"      digest {kept.ref.digest}"
    yield f"      {kept.ref.path}"


def _spent(costs: "Costs | None") -> str:
    if costs is None:
        return ""
    device = costs.peak_device_bytes
    on_device = "" if device is None else f", {device / 1e6:,.0f} MB of the device"
    return f"; took {costs.spent_s:,.1f} s, {costs.peak_rss_bytes / 1e6:,.0f} MB{on_device}"


def _content(place: Path, run: "Run", found: "Trace") -> dict[str, Any]:
    """Everything that is known, for `--format json`."""
    macro = found.macro
    return {
        "run": {
            "folder": str(place),
            **{key: run.meta.get(key) for key in ("suite", "suite_hash", "store", "recorded_utc")},
        },
        "name": found.name,
        "number": None if macro is None else macro.text,
        "about": None if macro is None else macro.about,
        "unjudged": found.unjudged or None,
        "baseline": found.baseline,
        "cells": [_cell(traced) for traced in found.cells],
    }


def _cell(traced: "Traced") -> dict[str, Any]:
    from dataclasses import asdict

    record, verdict = traced.record, traced.verdict
    return {
        "name": record.name,
        **record.model_dump(mode="json", exclude={"artifacts", "costs", "suite", "version"}),
        "measures": {name: asdict(measure) for name, measure in verdict.measures.items()},
        "compared": None
        if verdict.paired is None
        else {**asdict(verdict.paired), "p_holm": verdict.p_holm},
        "uncompared": verdict.unpaired,
        "once_more": again(record.provenance.command, record.name),
        "artifacts": [
            {
                "role": kept.role,
                **kept.ref.model_dump(),
                "there": kept.is_there,
                "state": kept.state,
                "bytes": kept.size_bytes,
                "costs": None if kept.costs is None else kept.costs.model_dump(mode="json"),
            }
            for kept in traced.artifacts
        ],
    }
