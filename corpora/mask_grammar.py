r"""What masking replaces: the grammar, and the plain one-pattern version that defines it.

A *word* is a maximal run of letters, digits, underscores and inner dots (a dot
between two such characters), so ``eth0``, ``L0_L1``, ``v4.16.0``, ``12.5ms`` and ``syslog.1`` are
single words and stay as they are: digits attached to a word belong to it. What is replaced begins
and ends at the ends of words, the first rule that fits from the left:

=============  =====================================================================================
``<newline>``  ``\n`` or ``\r\n``.
``<hex>``      a UUID; at least six pairs of hex digits joined by ``:`` or ``-`` (MAC addresses,
               longer identifiers); at least eight pairs separated by blanks (a dump) of which one
               holds a letter; ``0x`` and hex digits; a word of hex digits that is at least 8 long
               and holds a letter (``deadbeef``, ``ffff88003a``, digests) or at least 16 long
               (registers, digests that happen to hold none).
``<ipaddr>``   IPv4 (four decimal numbers up to 255) or IPv6 (eight groups, or ``::``; at least one
               decimal digit, as ``a::b`` is a name in C++; an IPv4 tail and a ``%zone`` may
               follow; a ``::`` at either end touches no word), with its port:
               ``10.0.0.1:8080``, ``[fe80::1]:443``.
``<num>``      decimal digits with inner dots (``7``, ``12.5``, ``4.16.0``), with an exponent
               (``1e-05``). A sign stays outside: ``-<num>``. So ``12:00:01,250`` becomes
               ``<num>:<num>:<num>,<num>``; an ISO 8601 time keeps its letters:
               ``<num>-<num>-<num>T<num>:<num>:<num>Z``.
=============  =====================================================================================

The tokens themselves hold nothing that a rule could match, and no rule looks past the neighbouring
characters of a word, so masking twice is masking once. Only ``<newline>`` and the dump reach across
a blank or a line end. `corpora.mask_words` gives the same output faster; tests hold it to this one.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

Rewrite: TypeAlias = Callable[[str, str], str]
"""From the kind of a match and what was found to what is put in its place."""

HEX = r"[0-9a-fA-F]"
LEFT = r"(?<!\w)(?<!\w\.)"
RIGHT = r"(?!\w|\.\w)"
PORT = r"(?::[0-9]{1,5})"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
V4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_V6_TAIL = rf"(?:(?:{HEX}{{1,4}}:){{0,6}}(?:{V4}|{HEX}{{1,4}})|(?![\w.:<]))"
V6 = (
    rf"(?=[a-fA-F:]{{0,38}}[0-9])(?:(?:{HEX}{{1,4}}:){{7}}{HEX}{{1,4}}"
    rf"|(?:{HEX}{{1,4}}(?::{HEX}{{1,4}}){{0,6}}|(?<![\w.:>]))::{_V6_TAIL})(?:%\w+)?"
)


def rules(v6: str) -> str:
    """Return the rules within a line, the first that fits wins; `v6` is the pattern for IPv6."""
    return (
        rf"(?P<iso>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:[.,][0-9]+)?)?"
        rf"(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?{RIGHT}"
        rf"|[0-9]{{8}}T[0-9]{{6}}(?:\.[0-9]+)?Z?{RIGHT})"
        rf"|(?P<dump>{HEX}{{2}}(?: {HEX}{{2}}){{7,}}){RIGHT}"
        rf"|(?P<hex>0[xX]{HEX}+"
        rf"|{HEX}{{8}}-(?:{HEX}{{4}}-){{3}}{HEX}{{12}}"
        rf"|{HEX}{{2}}(?:(?::{HEX}{{2}}){{5,}}|(?:-{HEX}{{2}}){{5,}})"
        rf"|{HEX}{{16,}}"
        rf"|(?=[0-9]*[a-fA-F]){HEX}{{8,}}){RIGHT}"
        rf"|(?P<ipaddr>\[(?:{v6}|::)\]{PORT}{RIGHT}|{v6}{RIGHT}|{V4}{PORT}?{RIGHT})"
        rf"|(?P<num>[0-9]+(?:\.[0-9]+)*(?:[eE][+-]?[0-9]{{1,3}})?){RIGHT}"
    )


_PATTERN = re.compile(rf"(?=[\r\n0-9a-fA-F:\[])(?:(?P<newline>\r?\n)|{LEFT}(?:{rules(V6)}))")
_TOKENS = {"newline": "<newline>", "hex": "<hex>", "num": "<num>", "ipaddr": "<ipaddr>"}
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LETTER = re.compile(r"[a-fA-F]")


def plainly(rewrite: Rewrite, text: str) -> str:
    """Rewrite every match in `text` from the left: the definition of masking."""
    return _PATTERN.sub(lambda match: rewrite(match.lastgroup or "", match[0]), text)


def token(kind: str, found: str) -> str:
    """Return what masking puts in the place of a match."""
    if kind in _TOKENS:
        return _TOKENS[kind]
    if kind == "dump" and _LETTER.search(found):
        return "<hex>"
    return _DIGITS.sub("<num>", found)


def without_numbers(kind: str, found: str) -> str:
    """Return a match without what masking would call ``<num>``."""
    masked = token(kind, found)
    return masked.replace("<num>", "") if "<num>" in masked else found
