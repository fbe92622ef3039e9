"""`logmark compare RUN_A RUN_B`: what changed from one run to another, and is it significant.

Exit statuses: 0 nothing that `--fail-on` asks for; 2 the input is wrong, a run is not finished, or
nothing in the two runs can be compared; 4 what `--fail-on` asks for.
"""

import argparse
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from suite.command import Output, Say, add

if TYPE_CHECKING:
    from results.changes import Changes, Row, State
    from results.pairing import Common
    from results.run import Run

FailOn = Literal["worse", "any", "never"]

CHANGED = 4
"""Exit status of a comparison that found what it was asked to look for."""

_ASKED: dict[FailOn, tuple["State", ...]] = {
    "worse": ("worse", "lost"),
    "any": ("worse", "lost", "better", "repaired", "incomparable"),
    "never": (),
}
_NOTES = """\
A row is worse where its accuracy or its macro-F1 fell significantly (--alpha, Holm over all rows
whose predictions changed) and by more than --margin, or where it failed and had scores before.
--fail-on any: also a row that is better, works again, or cannot be compared.
Exit status: 0 none of it; 2 wrong input, an unfinished run, nothing to compare; 4 found."""


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    compare = add(
        commands,
        "compare",
        _compare,
        say,
        about="say what changed between two runs, and whether it is significant",
        example="logmark compare kept/mine runs/mine",
        forms=("text", "json", "markdown"),
        notes=_NOTES,
    )
    compare.add_argument("first", type=Path, metavar="RUN_A", help="as it was: a run or a bundle")
    compare.add_argument("second", type=Path, metavar="RUN_B", help="as it is: a run or a bundle")
    compare.add_argument(
        "--alpha", type=_level, default=0.05, help="chance of a false alarm (default: 0.05)"
    )
    compare.add_argument(
        "--margin", type=_share, default=0.0, help="smaller changes do not count (default: 0)"
    )
    compare.add_argument(
        "--fail-on", choices=tuple(_ASKED), default="worse", help="what exits with 4 (worse)"
    )


def _level(text: str) -> float:
    """Read a number between 0 and 1, neither of which makes sense."""
    value = _share(text)
    if value in (0, 1):
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return value


def _share(text: str) -> float:
    """Read a number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return value


def _compare(options: argparse.Namespace, out: Output) -> int:
    """Print what changed.

    Raises:
        InputError: a run cannot be read or is not finished, or nothing can be compared.
    """
    from results.changes import set_against
    from results.errors import InputError
    from results.run import Run
    from suite import compare_view

    out.progress("reading the runs")
    runs = Run.open(options.first), Run.open(options.second)
    _brought_up(*runs)
    if options.fail_on != "never":
        _refuse_unfinished(*runs)
    found = set_against(*runs, alpha=options.alpha, margin=options.margin, step=out.progress)
    asked = found.of(*_ASKED[options.fail_on])
    status = CHANGED if asked else 0
    heads = tuple(_head(run, place) for run, place in zip(runs, _places(options), strict=True))
    if out.is_json:
        out.json({"runs": heads, **_content(found), "exit_status": status})
    else:
        out.lines(compare_view.FORMATS[out.form](heads, found))
    if asked:
        name = shlex.join(["logmark", "show", str(options.second), asked[0].cells[0].name])
        out.remark(f"next: {name} (and of RUN_A) says where the numbers of a row come from")
    if not (asked or options.fail_on == "never" or found.of("worse", "better", "changed", "same")):
        raise InputError("nothing can be compared: no row has scores on the same documents in both")
    return status


def _places(options: argparse.Namespace) -> tuple[str, str]:
    return str(options.first), str(options.second)


def _brought_up(first: "Run", second: "Run") -> None:
    """Give both suites every setting of today: one that is newer than a run has its default."""
    from pydantic import ValidationError

    from suite.spec import Suite

    try:
        known = [Suite.model_validate(run.meta["resolved"]) for run in (first, second)]
    except (KeyError, ValidationError):
        return  # of another version: they are shown as they were written
    for run, suite in zip((first, second), known, strict=True):
        run.meta["resolved"] = suite.model_dump(mode="json")


def _refuse_unfinished(first: "Run", second: "Run") -> None:
    from results.errors import InputError
    from results.pairing import planned, unfinished

    for run, other in ((first, second), (second, first)):
        scored = {record.name for record in planned(other) if record.cell}
        missing = [name for name in unfinished(run) if name in scored]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise InputError(
                f"{run.home}: not finished, {missing[0]}{more} not run yet; let `"
                f"{run.meta['command']}` go on, or only look with --fail-on never"
            )


def _head(run: "Run", place: str) -> dict[str, Any]:
    known = ("suite", "suite_hash", "recorded_utc", "command")
    return {"folder": place, **{key: run.meta.get(key) for key in known}}


def _content(found: "Changes") -> dict[str, Any]:
    """Everything that was found, for `--json`."""
    return {
        **asdict(found.differences),
        "only_first": found.only_first,
        "only_second": found.only_second,
        "study_points": found.studies,
        "tests": found.family,
        "alpha": found.alpha,
        "margin": found.margin,
        "unresolvable": found.unresolvable or None,
        "texts": None if found.texts is None else asdict(found.texts),
        "rows": [_row(row) for row in found.rows],
    }


def _row(row: "Row") -> dict[str, Any]:
    alone = {cell.name: asdict(comparison) for cell, comparison in row.by_seed}
    return {
        "name": row.name,
        "state": row.state,
        "scores": [asdict(one) for one in row.scores],
        "cells": [{**_cell(cell), "comparison": alone.get(cell.name)} for cell in row.cells],
    }


def _cell(cell: "Common") -> dict[str, Any]:
    return {
        "name": cell.name,
        "standing": cell.standing,
        "reason": cell.reason or None,
        "differing_documents": cell.num_differing,
        "changed_inputs": cell.inputs,
        "not_reproduced": cell.is_unstable,
    }
