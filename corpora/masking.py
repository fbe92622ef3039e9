r"""Replace what varies without meaning: hex strings, numbers, addresses, line ends.

The grammar. A *word* is a maximal run of letters, digits, underscores and inner dots (a dot
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
characters of a word, so masking twice is masking once. Masking is the seed paper's domain
adaptation step ("Convolutional vs Large Language Models for Software Log Classification in
Edge-Deployable Cellular Network Testing"); it names the four tokens, the grammar is ours.
"""

import re
from dataclasses import dataclass
from typing import Literal

SPECIAL_TOKENS = ("<hex>", "<num>", "<ipaddr>", "<newline>", "<endsample>")
"""What is added to a tokenizer; ``<endsample>`` ends each document of a training corpus."""

_H = r"[0-9a-fA-F]"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_V4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_V6_TAIL = rf"(?:(?:{_H}{{1,4}}:){{0,6}}(?:{_V4}|{_H}{{1,4}})|(?![\w.:<]))"
_V6 = (
    rf"(?=[a-fA-F:]{{0,38}}[0-9])(?:(?:{_H}{{1,4}}:){{7}}{_H}{{1,4}}"
    rf"|(?:{_H}{{1,4}}(?::{_H}{{1,4}}){{0,6}}|(?<![\w.:>]))::{_V6_TAIL})(?:%\w+)?"
)
_LEFT = r"(?<!\w)(?<!\w\.)"
_RIGHT = r"(?!\w|\.\w)"
_PORT = r"(?::[0-9]{1,5})"

_PATTERN = re.compile(
    rf"(?=[\r\n0-9a-fA-F:\[])(?:(?P<newline>\r?\n)|{_LEFT}(?:"
    rf"(?P<iso>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:[.,][0-9]+)?)?"
    rf"(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?{_RIGHT}"
    rf"|[0-9]{{8}}T[0-9]{{6}}(?:\.[0-9]+)?Z?{_RIGHT})"
    rf"|(?P<dump>{_H}{{2}}(?: {_H}{{2}}){{7,}}){_RIGHT}"
    rf"|(?P<hex>0[xX]{_H}+"
    rf"|{_H}{{8}}-(?:{_H}{{4}}-){{3}}{_H}{{12}}"
    rf"|{_H}{{2}}(?:(?::{_H}{{2}}){{5,}}|(?:-{_H}{{2}}){{5,}})"
    rf"|{_H}{{16,}}"
    rf"|(?=[0-9]*[a-fA-F]){_H}{{8,}}){_RIGHT}"
    rf"|(?P<ipaddr>\[(?:{_V6}|::)\]{_PORT}{_RIGHT}|{_V6}{_RIGHT}|{_V4}{_PORT}?{_RIGHT})"
    rf"|(?P<num>[0-9]+(?:\.[0-9]+)*(?:[eE][+-]?[0-9]{{1,3}})?){_RIGHT}"
    rf"))"
)
_TOKENS = {"newline": "<newline>", "hex": "<hex>", "num": "<num>", "ipaddr": "<ipaddr>"}
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LETTER = re.compile(r"[a-fA-F]")


def mask(text: str) -> str:
    """Replace hex strings, numbers, IP addresses and newlines by their tokens.

    Idempotent. The grammar stands in the module's docstring.
    """
    return _PATTERN.sub(_token, text)


def drop_numbers(text: str) -> str:
    """Remove what `mask` would call ``<num>``, and nothing else."""
    return _PATTERN.sub(_without_number, text)


@dataclass(frozen=True, kw_only=True)
class TextView:
    """Which view of a document a model reads.

    Attributes:
        text: ``cleaned`` is the text as stored, ``masked`` has it masked.
        drop_numbers: remove standalone numbers (from the cleaned view; in the masked one they
            have become ``<num>`` before, so there is nothing to remove).
    """

    text: Literal["cleaned", "masked"] = "cleaned"
    drop_numbers: bool = False

    def apply(self, part: str) -> str:
        """Return one part of a document as the model is to read it."""
        if self.text == "masked":
            part = mask(part)
        return drop_numbers(part) if self.drop_numbers else part


def _token(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    if kind in _TOKENS:
        return _TOKENS[kind]
    found = match[0]
    if kind == "dump" and _LETTER.search(found):
        return "<hex>"
    return _DIGITS.sub("<num>", found)


def _without_number(match: re.Match[str]) -> str:
    token = _token(match)
    return token.replace("<num>", "") if "<num>" in token else match[0]
