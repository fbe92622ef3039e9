"""Findings in plain words: what there is, then what is suspicious, then what is only worth knowing.

Nothing of a log is shown but class names, column names and short tokens, cut and made printable.
"""

from collections.abc import Iterator, Mapping

from corpora.inspect_fields import shown
from corpora.inspect_findings import Findings, Twins
from corpora.inspect_leaks import Leak
from corpora.naming import printable

_CLASSES = 12
_LEAKS = 12
_TELLING = 6


def facts(found: Findings) -> Iterator[str]:
    """Yield what there is."""
    unlabelled = f"; {found.unlabelled:,} without a class" * bool(found.unlabelled)
    yield f"documents: {found.documents:,}{unlabelled}"
    yield f"classes: {len(found.classes):,} ({_sizes(found.classes)})"
    if found.rare:
        yield f"left out by `relabel:` as rare: {_sizes(found.rare)}"
    if not found.is_whole and found.read < sum(found.classes.values()):
        yield (
            f"of these the text of {found.read:,} was read, chosen by their ids; what follows "
            "holds for those"
        )
    sizes = found.lengths
    yield f"characters: median {sizes.median:,}, 95 % below {sizes.p95:,}, at most {sizes.max:,}"
    yield f"duplicates, exact: {_twins(found.exact)}; once masked: {_twins(found.masked)}"
    yield _encoding(found)
    for use in found.uses:
        yield shown(use)
    for name, number in found.counted.items():
        yield f"{name.replace('_', ' ')}: {number:,}"


def warnings(found: Findings) -> Iterator[str]:
    """Yield what is suspicious, each with its evidence."""
    if found.empty:
        yield f"{found.empty:,} documents hold nothing but blanks (`clean: {{empty: drop}}`)"
    if found.encoding.no_text_documents:
        ids = ", ".join(repr(id) for id in found.encoding.no_text)
        kind = "UTF-16" if found.encoding.is_utf16 else "no text"
        yield f"{found.encoding.no_text_documents:,} documents are {kind}, as {ids}"
    if found.exact.across:
        yield (
            f"{found.exact.across:,} documents have the very text of a document of another class: "
            "no model can tell them apart"
        )
    for leak in found.leaks[:_LEAKS]:
        yield leak_line(leak)
    if len(found.leaks) > _LEAKS:
        yield f"and {len(found.leaks) - _LEAKS} more suspected leaks (--format json lists all)"


def information(found: Findings) -> Iterator[str]:
    """Yield what is worth knowing and no fault."""
    for telling in found.telling[:_TELLING]:
        more = f" and {telling.more} more" * bool(telling.more)
        yield (
            f"telling words of {printable(telling.label)!r} (no leak by themselves): "
            f"{', '.join(telling.words)}{more}"
        )
    if len(found.telling) > _TELLING:
        yield f"and telling words of {len(found.telling) - _TELLING} more classes"


def leak_line(leak: Leak) -> str:
    """Say what is suspected, and why, in one line."""
    where = f" after {leak.place!r}" if leak.place not in ("", "line start", "name") else ""
    hidden = {True: "masking hides it", False: "masking does not hide it"}[leak.is_masked]
    if leak.source == "file name":
        hidden = "no model reads file names, but the classes were recorded apart"
    if leak.label is None:
        more = f" (and {leak.more} more places)" * bool(leak.more)
        what = "first date" if leak.kind == "date" else leak.kind
        return (
            f"suspected leak, {leak.kind}: the {what}{where}{more} alone tells the class of "
            f"{leak.share:.0%} of {leak.documents:,} documents ({leak.share_else:.0%} by the "
            f"largest class; {leak.values:,} values); {hidden}"
        )
    more = f" (and {leak.more} more)" * bool(leak.more)
    source = {"text": "the text", "file name": "the file name"}[leak.source]
    return (
        f"suspected leak, {leak.kind}: {leak.value!r}{where} stands in {source} of "
        f"{leak.share:.0%} of {printable(leak.label)!r} and {_percent(leak.share_else)} of the "
        f"others{more}; {hidden}"
    )


def _percent(share: float) -> str:
    return "none" if share == 0 else f"{max(share, 0.001):.1%}"


def _sizes(classes: Mapping[str, int]) -> str:
    listed = [f"{printable(name)} {number:,}" for name, number in classes.items()]
    more = f", and {len(listed) - _CLASSES} more" * (len(listed) > _CLASSES)
    return ", ".join(listed[:_CLASSES]) + more


def _twins(twins: Twins) -> str:
    return f"{twins.within:,} within a class, {twins.across:,} across classes"


def _encoding(found: Findings) -> str:
    odd = found.encoding
    if not odd.documents:
        return "encoding: UTF-8 throughout"
    return (
        f"encoding: {odd.undecodable:,} undecodable bytes (or U+FFFD) and {odd.nul:,} NUL in "
        f"{odd.documents:,} documents"
    )
