r"""What in a log says where and when it was written, rather than what happened.

A text is cut into words at blanks and at ``= , ; ( ) [ ] { } " | < >``. A word is an *identifier*
if its form names something: a day, an address, an id, a host, a build, a home folder, a number.
Its *place* is what stands before it on the line, identifiers there being replaced by their kind:
in ``job=4711 on web07`` the number 4711 has the place ``job``, the host web07 the place ``on``.
The place tells an identifier that every log has, with another value in each, from a message that
only some logs have.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from corpora.mask_grammar import V4

Kind = Literal["date", "address", "id", "host", "version", "folder", "number"]

LONGEST_WORD: Final = 128
"""Longer words name nothing that a reader could check."""

_REMEMBERED: Final = 1 << 16
_WORD = re.compile(r"""[^\s=,;()\[\]{}"'|<>]+|\n""")
_TELLING = re.compile(r"[^\W\d_]{3,40}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SYSLOG = re.compile(
    r"^(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? ([A-Za-z0-9][\w.-]*) ", re.M
)
_COMPACT = re.compile(r"^(\d\d)([01]\d)([0-3]\d) [0-2]\d[0-5]\d[0-5]\d ", re.M)
_TIME = re.compile(r"\d{1,2}:\d\d(:\d\d)?(\.\d+)?Z?")
_DAY = re.compile(
    r"(?P<iso>[12]\d{3}[-/.][01]\d[-/.][0-3]\d)(?:[T_].*)?"
    r"|(?P<european>[0-3]\d[-/.][01]\d[-/.][12]\d{3})"
    r"|(?P<apache>[0-3]\d/[A-Z][a-z]{2}/\d{4})(?::.*)?"
    r"|(?P<digits>20[0-4]\d[01]\d[0-3]\d)(?:[T_-]?[0-2]\d[0-5]\d[0-5]\d.*)?"
    r"|(?P<epoch>1[0-9]{9})(?:\.\d+)?"
)
_KINDS: Final[dict[Kind, re.Pattern[str]]] = {
    "address": re.compile(rf"({V4})(?::\d+)?|((?:[0-9a-fA-F]{{2}}[:-]){{5}}[0-9a-fA-F]{{2}})"),
    "folder": re.compile(r"(?:.*:)?((?:/home|/Users|[A-Za-z]:\\Users)[/\\][^/\\:]+).*"),
    "id": re.compile(
        r"(0x[0-9a-fA-F]{6,}|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
        r"|(?=[0-9]*[a-fA-F])(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}|[0-9a-fA-F]{16,}"
        r"|[A-Za-z]\w*_-?\d{6,}\w*)(?::\d+)?"
    ),
    "version": re.compile(r"(v?\d+\.\d+(?:\.\d+)+(?:[-+~][\w.+~-]*)?)"),
    "host": re.compile(
        r"([A-Za-z]{2}(?:[A-Za-z0-9]*-)*[A-Za-z]*\d{1,4}(?:\.[A-Za-z][\w-]*)*)(?::\d+)?"
    ),
    "number": re.compile(r"#?(\d{4,15})"),
}
_NOWHERE = re.compile(
    r"127\.\d+\.\d+\.\d+|0\.0\.0\.0|255\..*|0x0+|0x[fF]+|[fF]+|0+|(?:00[:-]){5}00"
)


class Token(NamedTuple):
    """An identifier: what it is, what stands before it, and itself."""

    kind: Kind
    place: str
    value: str


def identifiers(text: str) -> Iterator[Token]:
    """Yield the distinct identifiers of a text, in the order in which they first occur."""
    words = _WORD.findall(text)
    for before, word in dict.fromkeys(zip(["\n", *words], words, strict=False)):
        found = _known(word)
        if found is not None:
            yield Token(found[0], _place(before), found[1])
        elif word.isdigit() and before[:3].lower() in _MONTHS and len(word) <= 2:
            yield Token("date", "", f"{before[:3]} {word}")
    yield from (Token("host", "<time>", host) for host in dict.fromkeys(_SYSLOG.findall(text)))
    for year, month, day in dict.fromkeys(_COMPACT.findall(text)):
        yield Token("date", "", f"20{year}-{month}-{day}")


def words(text: str) -> set[str]:
    """Return the plain words of a text, without digits."""
    return set(_TELLING.findall(text))


def name_parts(name: str) -> Iterator[Token]:
    """Yield what a file's name says beside its class: dates, numbers, hosts and prefixes."""
    before = "name"
    for part in re.split(r"[/\s_]+|\.(?=[A-Za-z]+\b)|(?<=[A-Za-z])-", name):
        found = _known(part)
        if found is not None:
            yield Token(found[0], before, found[1])
        elif part:
            before = part.lower()


def day_of(value: object) -> str | None:
    """Return the day that a value names, as ``2024-03-05``, or None where it names none."""
    text = str(value).strip()
    match = _DAY.fullmatch(text.replace(" ", "T", 1))
    return None if match is None else _day(match)


def _known(word: str) -> tuple[Kind, str] | None:
    """Return kind and value of a word; both are functions of the word, remembered for speed."""
    try:
        return _memory[word]
    except KeyError:
        pass
    if len(_memory) >= _REMEMBERED:
        _memory.clear()
    found = _memory[word] = _look(word)
    return found


_memory: dict[str, tuple[Kind, str] | None] = {}


def _look(word: str) -> tuple[Kind, str] | None:
    word = word.rstrip(".:,!?")
    if len(word) > LONGEST_WORD or len(word) < 2:
        return None
    if (day := _DAY.fullmatch(word)) is not None and (named := _day(day)) is not None:
        return "date", named
    for kind, pattern in _KINDS.items():
        if (match := pattern.fullmatch(word)) is not None:
            value = next(group for group in match.groups() if group)
            return None if _NOWHERE.fullmatch(value) else (kind, value)
    return None


def _day(match: re.Match[str]) -> str | None:
    kind, text = match.lastgroup, match[match.lastgroup or 0]
    if kind == "epoch":
        return datetime.fromtimestamp(int(text), UTC).date().isoformat()
    forms = {"digits": ["%Y%m%d"], "apache": ["%d/%b/%Y"], "iso": ["%Y-%m-%d"]}
    plain = text if kind == "apache" else re.sub(r"[/.]", "-", text)
    for form in forms.get(kind or "", ["%d-%m-%Y", "%m-%d-%Y"]):
        try:
            return datetime.strptime(plain, form).replace(tzinfo=UTC).date().isoformat()
        except ValueError:
            continue
    return None


def _place(before: str) -> str:
    if before == "\n":
        return "line start"
    found = _known(before)
    if found is not None:
        return f"<{found[0]}>"
    if _TIME.fullmatch(before):
        return "<time>"
    return re.sub(r"\d+", "0", before.rstrip(":").lower())[:40]
