"""`logmark store ls | verify | gc`: what a store holds, whether it is whole, what can go."""

import argparse
from typing import TYPE_CHECKING, Any

from suite.command import Output, Run, Say, add, add_store

if TYPE_CHECKING:
    from results.collecting import Garbage
    from results.keeping import NamedRun
    from results.store import Store

_KEPT_DAYS = 30.0
_VERIFIED = "Exit status: 0 all is whole; 1 something is damaged; 2 there is no such store."


def register(commands: Any, say: Say) -> None:
    """Add the command and its verbs to the parser; `say` prints one line, also to a stream."""
    store = commands.add_parser("store", help="list, verify and clean up a store of artifacts")
    verbs = store.add_subparsers(required=True, metavar="VERB")

    ls = _add(verbs, "ls", _ls, say, "count the artifacts by kind, and name the runs")
    ls.add_argument("--runs", action="store_true", help="list the runs that the store knows")

    about = "read every byte; the next run mends what is damaged"
    verify = _add(verbs, "verify", _verify, say, about, notes=_VERIFIED)
    verify.add_argument("--kind", action="append", default=[], help="only of this kind; repeatable")

    gc = _add(verbs, "gc", _gc, say, "show what no run needs; with --yes, delete it")
    gc.add_argument("--yes", action="store_true", help="delete what is shown")
    gc.add_argument("--forget", action="append", default=[], metavar="RUN", help="drop a run first")
    gc.add_argument(
        "--days",
        type=float,
        default=_KEPT_DAYS,
        help="keep what only saves work (windows, work half done) so long (default: 30)",
    )


def _add(
    verbs: Any, name: str, run: Run, say: Say, about: str, notes: str = ""
) -> argparse.ArgumentParser:
    example = f"logmark store {name} --workdir runs"
    verb = add(verbs, name, run, say, about=about, example=example, notes=notes)
    add_store(verb)
    return verb


def _open(options: argparse.Namespace, *, writable: bool = False) -> "Store":
    """Open the store named; a folder has to be there."""
    from results.errors import InputError
    from suite.opening import open_store

    store = open_store(options.store, options.workdir.absolute(), writable=writable)
    if not store.is_remote and not store.root.is_dir():
        raise InputError(f"store {store.uri}: is not there; pass --workdir or --store")
    return store


def _ls(options: argparse.Namespace, out: Output) -> int:
    """Count what the store holds."""
    from results.holdings import contents
    from results.keeping import named_runs

    store = _open(options)
    kinds: dict[str, list[int]] = {}
    out.progress("listing the store")
    for holding in contents(store).holdings:
        counts = kinds.setdefault(holding.kind, [0, 0])
        counts[0] += bool(holding.commits)
        counts[1] += holding.size_bytes
    runs = named_runs(store) if options.runs else {}
    if out.is_json:
        rows = [{"kind": k, "artifacts": n, "bytes": b} for k, (n, b) in kinds.items()]
        told: dict[str, Any] = {"store": store.uri, "kinds": rows}
        if options.runs:
            told["runs"] = {run_id: run.model_dump() for run_id, run in runs.items()}
        out.json(told)
        return 0
    out.line(f"{'kind':<12} {'artifacts':>9} {'bytes':>18}")
    everything = [sum(column) for column in zip(*kinds.values(), strict=True)] or [0, 0]
    for kind, (number, size) in [*sorted(kinds.items()), ("total", everything)]:
        out.line(f"{kind:<12} {number:>9,} {size:>18,}")
    for run_id, run in runs.items():
        out.line(f"run {run_id}: {len(run.artifacts):,} artifacts, {_state(store, run)}")
    return 0


def _state(store: "Store", run: "NamedRun") -> str:
    """Say how far a run is, as far as is known on this machine."""
    from results.leases import read_sign

    if run.driver is None:
        return f"finished {run.recorded_utc}"
    sign = read_sign(store.files, run.driver)
    if sign is None or sign.is_dead:
        return f"not finished, last heard of {run.recorded_utc}"
    return f"under way on {sign.host}"


def _verify(options: argparse.Namespace, out: Output) -> int:
    """Read everything, and name what is damaged."""
    from results.holdings import verify

    store = _open(options)
    verdicts = []
    out.progress("listing the store")
    for verdict in verify(store, options.kind, step=out.progress):
        verdicts.append(verdict)
        if verdict.damage is not None and not out.is_json:
            job = f" ({verdict.job})" if verdict.job else ""
            out.line(f"DAMAGED {verdict.holding.name}{job}: {verdict.damage}")
    damaged = [verdict for verdict in verdicts if verdict.damage is not None]
    if out.is_json:
        rows = [{"artifact": v.holding.name, "job": v.job, "damage": v.damage} for v in damaged]
        told = {"store": store.uri, "artifacts": len(verdicts), "damaged": rows}
        out.json(told)
    else:
        size = sum(verdict.holding.size_bytes for verdict in verdicts)
        rest = "; the next run that needs them computes them again" if damaged else ""
        out.line(
            f"{len(verdicts):,} artifacts verified, {size:,} bytes, {len(damaged)} damaged{rest}"
        )
    return 1 if damaged else 0


def _gc(options: argparse.Namespace, out: Output) -> int:
    """Show, and with --yes delete, what no run needs."""
    from jobs.registry import PIECES
    from results.collecting import free, look
    from results.keeping import forget, named_runs
    from results.steps import counted

    store = _open(options, writable=options.yes)
    runs = named_runs(store)
    forgotten = [forget(store, run, dry=not options.yes) for run in options.forget]
    kept = {run_id: run for run_id, run in runs.items() if run_id not in forgotten}
    out.progress("listing the store")
    by, found = look(store, kept, pieces={*PIECES, "memory"}, days=options.days)
    if options.yes:
        for something in counted(found, "deleting", out.progress):
            free(store, something)
    if out.is_json:
        told = {
            "store": store.uri,
            "deleted": options.yes,
            "runs": sorted(kept),
            "forgotten": forgotten,
            "live": sorted(by.live),
            "bytes": sum(something.size_bytes for something in found),
            "garbage": [{"what": g.what, "why": g.why, "bytes": g.size_bytes} for g in found],
        }
        out.json(told)
    else:
        _tell_garbage(found, sorted(by.live), len(kept), out, deleted=options.yes)
    return 0


def _tell_garbage(
    found: "list[Garbage]", live: list[str], runs: int, out: Output, *, deleted: bool
) -> None:
    for something in found:
        out.line(f"{something.what}: {something.size_bytes:,} bytes, {something.why}")
    if live:
        out.line(
            f"runs may be under way ({', '.join(live)}): artifacts that no run needs stay until "
            f"they have ended"
        )
    size = sum(something.size_bytes for something in found)
    done = "deleted" if deleted else "to be deleted; pass --yes to do it"
    out.line(f"{runs} named runs; {len(found)} things of {size:,} bytes {done}")
