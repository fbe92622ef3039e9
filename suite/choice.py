"""Which of a plan's jobs a run is about: all of them, some with what they need, some once more."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from results.errors import InputError
from suite.node import Node


@dataclass(frozen=True)
class Choice:
    """What was asked for.

    Attributes:
        only: patterns of job ids and of cells (`model/classifier/seed`); empty for all jobs.
        retry_failed: only what failed in the run before, and what that held up.
        force: patterns of jobs to compute although they are in the store.
    """

    only: tuple[str, ...] = ()
    retry_failed: bool = False
    force: tuple[str, ...] = ()


def chosen(
    nodes: Sequence[Node], choice: Choice, failed: Collection[str]
) -> tuple[list[Node], frozenset[str]]:
    """Choose the jobs of a run.

    Args:
        nodes: the plan, each node behind those it needs.
        choice: what was asked for.
        failed: ids of the jobs that failed in the run before.

    Returns:
        The jobs with all that they need, in the plan's order, and the ids of those to compute
        although they are in the store.

    Raises:
        InputError: a pattern that matches nothing, or nothing that failed.
    """
    forced = matching(nodes, choice.force, "--force")
    wanted = {node.id for node in nodes}
    if choice.only:
        wanted = matching(nodes, choice.only, "--only") | forced
    if choice.retry_failed:
        wanted = (wanted & _held_up(nodes, failed)) | forced
        if not wanted:
            raise InputError(
                "--retry-failed: none of these jobs failed when the suite was last run here; "
                "run it without --retry-failed"
            )
    wanted = _with_needs(nodes, wanted)
    return [node for node in nodes if node.id in wanted], frozenset(forced)


def matching(nodes: Sequence[Node], patterns: Iterable[str], option: str) -> set[str]:
    """List the ids of the jobs that one of the patterns matches, by id or as a cell.

    Raises:
        InputError: a pattern that matches no job.
    """
    names = {name: node.id for node in nodes for name in _names(node)}
    found = set()
    for pattern in patterns:
        ids = {id for name, id in names.items() if name == pattern or fnmatchcase(name, pattern)}
        if not ids:
            raise InputError(f"{option} {pattern!r}: no such job or cell: {_near(pattern, names)}")
        found |= ids
    return found


def _names(node: Node) -> list[str]:
    cell = node.cell
    return [node.id, *([f"{cell.model}/{cell.classifier}/{cell.seed}"] if cell else [])]


def _near(pattern: str, names: Collection[str]) -> str:
    """Name a few near ones, or patterns of them; a plan may hold thousands."""
    heads = {match[0] + "*" for name in names if (match := re.match(r"[^:/]+[:/]", name))}
    close = get_close_matches(pattern, [*names, *sorted(heads)], n=3)
    return f"did you mean {', '.join(map(repr, close))}?" if close else "`logmark plan` lists them"


def _held_up(nodes: Sequence[Node], failed: Collection[str]) -> set[str]:
    """List what failed and all that needs it."""
    held_up = set(failed)
    for node in nodes:
        if held_up & set(node.needs.values()):
            held_up.add(node.id)
    return held_up & {node.id for node in nodes}


def _with_needs(nodes: Sequence[Node], wanted: set[str]) -> set[str]:
    """Add all that the wanted jobs need."""
    found = set(wanted)
    for node in reversed(nodes):
        if node.id in found:
            found |= set(node.needs.values())
    return found
