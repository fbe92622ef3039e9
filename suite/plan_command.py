"""`logmark plan SUITE.yaml`: what a suite's jobs will take, before anything is computed."""

import argparse
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.command import Output, Say, add, add_suite

if TYPE_CHECKING:
    from suite.plan_view import Plan


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    plan = add(
        commands,
        "plan",
        _plan,
        say,
        about="show a suite's jobs, what they take, what is done; computes nothing",
        example="logmark plan mine.yaml",
    )
    add_suite(plan)
    plan.add_argument(
        "--calibrate", action="store_true", help="time a few windows of each model at hand first"
    )


def _plan(options: argparse.Namespace, out: Output) -> int:
    """Print the plan."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a plan waits for no network
    from suite.forecast import forecast
    from suite.plan_view import as_lines, content

    out.progress("planning the jobs")
    plan = forecast(
        options.suite,
        workdir=options.workdir,
        store=options.store,
        tiny=options.tiny,
        calibrate=options.calibrate,
        step=out.progress,
    )
    if out.is_json:
        out.json(content(plan))
        return 0
    out.lines(as_lines(plan))
    out.remark(_next(plan, options))
    return 0


def _next(plan: "Plan", options: argparse.Namespace) -> str:
    """Say what to do with a plan."""
    words = ["logmark", "run", str(options.suite)]
    words += ["--workdir", str(options.workdir)] if options.workdir != Path("runs") else []
    words += ["--store", options.store] if options.store else []
    run = shlex.join([*words, *(["--tiny"] if options.tiny else [])])
    if plan.totals["cached"] == len(plan.nodes):
        return f"next: {run} (all is in the store: it only writes the report)"
    if plan.totals["unknown"]:
        return f"next: have the weights that are unknown (logmark adapters fetch NAME), then {run}"
    if any(plan.missing.values()):
        return f"next: {run} --address of a cluster that has what is missing (docs/cluster.md)"
    return f"next: {run}"
