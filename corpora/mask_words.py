r"""Masking at speed: word by word, since the words of a log repeat.

*Words* are what stands between blanks and line ends. No rule but the dump reaches across those, so
a text is cut at blanks, every word is looked up, and the results are joined again: all of it in C.
Lines in which there may be a dump go whole through the second sieve.

A word not met before goes through three sieves:

1. *Its form*: the digits 1 to 9 are all the same to the grammar but for the octets of an IPv4
   address. So if every digit of ``ta=147`` was replaced (``ta=<num>``), or nothing was
   (``eth0``), that settles every word of the same form (``ta=111``, ``eth0``).
2. *The sharp pattern*: the grammar's rules behind a check that fails early, and frequent spellings
   that can be decided at a glance before them.
3. *The plain definition*, where two matches may touch, which the sharp pattern cannot see.

Where too many words need the second sieve, whole texts go through it at once (`_Known.pays`).

What is remembered are functions of the word alone, so no result depends on what was masked before.
Two tables of at most `MOST` words of at most `LONGEST` characters are kept, and emptied when full.
Every step is a single operation on a dict, so threads may share them.
"""

import re
from collections.abc import Callable
from typing import Final

from corpora.mask_grammar import HEX, LEFT, PORT, RIGHT, V4, V6, Rewrite, plainly, rules

MOST: Final = 1 << 13
LONGEST: Final = 128

_START = 16  # what it costs to start the sharp pattern on a word, in characters, about
_LATELY = 1 << 17  # characters

_ONE_DIGIT = bytes.maketrans(b"23456789", b"11111111")
_NEW = "\n"  # no word becomes this
_DIGIT = re.compile(r"[0-9]")
_NEUTRAL = re.compile(r"""([\t"'=/(){};|&#@!?*]{1,64})""")
"""Characters that no rule reads and that end every word of the grammar, as a blank does."""

_DUMP = re.compile(rf" {HEX}{{2}}(?: {HEX}{{2}}){{5}} ")
"""Stands in every dump: at least eight pairs, the first and last of which may touch other text."""

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
_ENDS = rf"(?![\w.:-]| {HEX}{{2}} )"
_FREQUENT = {
    "number": ("num", "1", rf"[0-9]{{1,15}}(?:\.[0-9]+)?{_ENDS}"),
    "time": ("iso", "00:00:00", rf"{_TIME}{_ENDS}"),
    "address": ("ipaddr", "1.1.1.1", rf"{V4}{PORT}?{RIGHT}"),
    "register": ("hex", "0x0", rf"0x{HEX}+{RIGHT}"),
    "day": ("iso", "2000-01-01", rf"{_DAY}{_ENDS}"),
    "stamp": ("iso", "2000-01-01T00:00:00Z", rf"{_DAY}T{_TIME}Z{RIGHT}"),
}
"""Spelling -> the rule's kind (three numbers are rewritten as a time is), an example, a pattern
that fits only where the rules would come to the same."""

_EXAMPLES = {"num": "1", "hex": "0x0", "ipaddr": "::1"}
"""Kinds whose matches are all rewritten alike, or all stay, each with an example."""

_HOPEFUL = (
    rf"(?:(?=[0-9])(?!{HEX}*[g-su-wyzG-SU-WYZ_])"
    rf"|(?={HEX}{{8}}|{HEX}{{1,4}}:|{HEX}{{2}}[- ]|::|\[{HEX}{{0,4}}:))"
)
"""What every match begins with: fails early on most words that nothing matches."""

_COLONS = rf"(?=(?:{HEX}{{1,4}}:){{1,7}}+:|(?:{HEX}{{1,4}}:){{7}}|::)"
"""What every IPv6 address begins with: times of day fail here."""

_SHARP = re.compile(
    rf"[^0-9A-Za-z_](?=[0-9a-fA-F:\[]){LEFT}{_HOPEFUL}(?:"
    + "|".join(f"(?P<{name}>{pattern})" for name, (_, _, pattern) in _FREQUENT.items())
    + rf"|{rules(_COLONS + V6)})"
)
"""Takes the character before a match along, so that the search skips from one such to the next."""


class Words:
    """Apply a rewriting of the grammar's matches to texts, each distinct word once.

    Line ends stay as they are, whatever the rewriting would make of them.
    """

    def __init__(self, rule: Rewrite) -> None:
        """Remember what to do with a match."""
        self._sharply = _sharp(rule)
        self._known = _Known(self._sharply)

    def rewrite(self, text: str) -> str:
        """Return `text` rewritten."""
        if not self._known.pays():
            return self._sharply(text)
        if _DUMP.search(text) is None:
            return self._by_words(text)
        done: list[str] = []
        at = 0
        while (dump := _DUMP.search(text, at)) is not None:
            start = text.rfind("\n", at, dump.start()) + 1 or at
            stop = text.find("\n", dump.start())
            stop = len(text) if stop < 0 else stop
            done += self._by_words(text[at:start]), self._sharply(text[start:stop])
            at = stop
        return "".join([*done, self._by_words(text[at:])])

    def _by_words(self, text: str) -> str:
        words = text.replace("\n", " \n ").split(" ")
        self._known.looked_up += len(text)
        return " ".join(map(self._known.__getitem__, words)).replace(" \n ", "\n")


class _Known(dict[str, str]):
    """Word -> what it becomes; filled on demand, emptied when full."""

    def __init__(self, sharply: Callable[[str], str]) -> None:
        """Know nothing yet."""
        self._sharply = sharply
        self._forms: dict[bytes, str | None] = {}
        self.looked_up, self._learned, self._turn = _LATELY, 0, 0

    def pays(self) -> bool:
        """Whether looking up is faster for the next text, as it was lately; tried every 8th time.

        What is counted decides about speed alone: both ways give the same result.
        """
        if self.looked_up > 2 * _LATELY:
            self.looked_up, self._learned = self.looked_up // 2, self._learned // 2
        self._turn += 1
        return self._learned * 3 < self.looked_up or self._turn % 8 == 0

    def __missing__(self, word: str) -> str:
        """Work out a word that was not met before, or not lately."""
        if len(word) > LONGEST:
            parts = _NEUTRAL.split(word)
            return "".join(map(self.__getitem__, parts)) if len(parts) > 1 else self._sharply(word)
        form = word.encode("utf-8", "surrogatepass").translate(_ONE_DIGIT)
        done = self._forms.get(form, _NEW)
        if done is _NEW:
            done = self._learn(word, form)
        elif done is None:
            done = word
        if len(self) >= MOST:
            self.clear()
        self[word] = done
        return done

    def _learn(self, word: str, form: bytes) -> str:
        """Rewrite a word; remember its form, with None for "stays", if that settles the form."""
        self._learned += len(word) + _START
        done = self._sharply(word)
        if word.count(".") < 3 and (done == word or not _DIGIT.search(done)):
            if len(self._forms) >= MOST:
                self._forms.clear()
            self._forms[form] = None if done == word else done
        return done


def _sharp(rule: Rewrite) -> Callable[[str], str]:
    """Return what applies `rule` to the matches within lines by the sharp pattern."""
    kinds = {name: kind for name, (kind, _, _) in _FREQUENT.items()}
    examples = _EXAMPLES | {name: example for name, (_, example, _) in _FREQUENT.items()}
    rewritten = {name: rule(kinds.get(name, name), found) for name, found in examples.items()}
    fixed = {name: done for name, done in rewritten.items() if done != examples[name]}

    def put(match: re.Match[str]) -> str:
        name, found = match.lastgroup or "", match[0]
        if name in fixed:
            return found[0] + fixed[name]
        return found[0] + rule(kinds.get(name, name), found[1:])

    def sharply(text: str) -> str:
        if "::[" in text:
            return "\n".join([plainly(rule, line) for line in text.split("\n")])
        return _SHARP.sub(put, "\n" + text)[1:]

    return sharply
