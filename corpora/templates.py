"""Log templates: what is left of a line once everything that varies is a wildcard.

Masking knows what numbers and addresses look like; a template miner learns from the lines
themselves which words vary. The miner is Drain (He et al., ICWS 2017) as packaged by Drain3. It
sees the masked lines of train documents alone; `Miner.matcher` then gives the template of any line.

Every distinct line is given to Drain once, in the order in which the lines first occur. That is
much less work, since logs repeat themselves, and it keeps a common line from being judged again by
a template that has become general since: Drain counts no wildcard as similar, and would begin a
second template for it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from corpora.masking import SPECIAL_TOKENS, TextView
from results.errors import InputError

if TYPE_CHECKING:
    from drain3.drain import Drain

WILDCARD: Final = "<*>"
MOST_CHARS: Final = 1 << 26
"""Characters of distinct lines that are remembered; then all are forgotten at once."""

_MASKED = TextView(text="masked")
_TOKENS = re.compile("|".join(SPECIAL_TOKENS))


@dataclass(frozen=True, kw_only=True)
class Templates:
    """Drain's settings under Drain3's names, with its defaults.

    Attributes:
        sim_th: least share of a line's words that agree with a template which takes it in.
        depth: of the prefix tree; lines are compared where they have the same number of words and
            the same first `depth - 3` words.
        max_children: most branches of a node of that tree; further words share one.
        max_clusters: most templates, beyond which the least recently used one is forgotten; where
            it is not set, memory grows with the number of templates.
        extra_delimiters: texts that part words as blanks do, and are dropped as they are.
        parametrize_numeric_tokens: whether words with a digit share a branch of the tree.
    """

    sim_th: float = 0.4
    depth: int = 4
    max_children: int = 100
    max_clusters: int | None = None
    extra_delimiters: tuple[str, ...] = ()
    parametrize_numeric_tokens: bool = True

    def __post_init__(self) -> None:
        """Refuse what Drain cannot work with."""
        if not 0 < self.sim_th <= 1:
            raise InputError(
                f"templates: `sim_th: {self.sim_th}` must lie above 0 and be at most 1"
            )
        for name, least in (("depth", 3), ("max_children", 2), ("max_clusters", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"templates: `{name}: {value}` must be at least {least}")
        if "" in self.extra_delimiters:
            raise InputError("templates: an empty text in `extra_delimiters` parts no words")

    def miner(self) -> "Miner":
        """Return a miner that has seen nothing.

        Raises:
            InputError: Drain3 is not installed.
        """
        try:
            from drain3.drain import Drain
        except ImportError as error:
            raise InputError(
                "templates need drain3, which is not installed: pip install 'logmark[templates]'"
            ) from error
        return Miner(Drain(**asdict(self), param_str=WILDCARD))


def plain_lines(part: str) -> list[str]:
    """Return the lines of a part of a document, masked, with a wildcard for every token of ours."""
    masked = _MASKED.apply(part.replace("<newline>", WILDCARD))
    return [_TOKENS.sub(WILDCARD, line) for line in masked.split("<newline>")]


class Miner:
    """Learns templates from lines.

    Attributes:
        lines: how many it was given, blank ones not counted.
        distinct: how many of them were new to its memory.
    """

    def __init__(self, drain: "Drain") -> None:
        """Start from nothing."""
        self._drain = drain
        self._seen = _Memory()
        self.lines = self.distinct = 0

    def add(self, parts: Iterable[str]) -> None:
        """Learn from a document of the train side."""
        for line in (line for part in parts for line in plain_lines(part)):
            if line not in self._seen:
                words = self._drain.get_content_as_tokens(line)
                self._seen.keep(line, " ".join(words))
                if words:
                    self._drain.add_log_message(line)
                    self.distinct += 1
            self.lines += self._seen[line] != ""

    def matcher(self) -> "Matcher":
        """Return what gives lines their templates, as they are known by now."""
        found = (cluster.log_template_tokens for cluster in self._drain.clusters)
        return Matcher(dict.fromkeys(found), self._drain.get_content_as_tokens)


@dataclass
class Matched:
    """What was found in some documents.

    Attributes:
        lines: how many they have, blank ones not counted.
        unmatched: how many of them no template covers.
        counts: template -> lines.
    """

    lines: int = 0
    unmatched: int = 0
    counts: Counter[str] = field(default_factory=Counter)


class Matcher:
    """Gives every line the template that covers it: equal to it but for the template's wildcards.

    Of several such templates it is the one whose first wildcard stands furthest right, and so on.
    Drain's own search looks along one branch of its tree only; this one finds a template for every
    line that was learnt from.
    """

    def __init__(
        self, templates: Iterable[tuple[str, ...]], cut: Callable[[str], list[str]]
    ) -> None:
        """Build a tree of the templates for each number of words; `cut` cuts lines into words."""
        self._cut = cut
        self._trees: dict[int, dict[str, Any]] = {}
        self._seen = _Memory()
        self.templates = 0
        for words in templates:
            node = self._trees.setdefault(len(words), {})
            for word in words[:-1]:
                node = node.setdefault(word, {})
            node[words[-1]] = " ".join(words)
            self.templates += 1

    def rewrite(self, parts: Iterable[str], matched: Matched) -> Iterator[str]:
        """Yield a document with each line's template in its place; line ends stay.

        A line that no template covers stays as it is masked, its words joined by single blanks.

        Args:
            parts: the document.
            matched: is told what was found.
        """
        for part in parts:
            yield "\n".join(self._told(line, matched) for line in plain_lines(part))

    def _told(self, line: str, matched: Matched) -> str:
        if line.isspace() or not line:
            return ""
        template = self._seen.get(line)
        if template is None:
            template = self.match(self._cut(line)) or ""
            self._seen.keep(line, template)
        matched.lines += 1
        if template:
            matched.counts[template] += 1
        else:
            matched.unmatched += 1
        return template or " ".join(self._cut(line) or line.split())

    def match(self, words: Sequence[str]) -> str | None:
        """Return the template of a line's words, `None` where there is none."""
        waiting: list[tuple[Any, int]] = [(self._trees.get(len(words)), 0)]
        while waiting:
            node, at = waiting.pop()
            if node is None or at == len(words):
                return None if node is None else str(node)
            for word in dict.fromkeys((WILDCARD, words[at])):  # what is put last is tried first
                if word in node:
                    waiting.append((node[word], at + 1))
        return None


class _Memory(dict[str, str]):
    """Line -> what was made of it; emptied when full."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._chars = 0

    def keep(self, line: str, made: str) -> None:
        """Remember a line."""
        self._chars += len(line)
        if self._chars > MOST_CHARS:
            self.clear()
            self._chars = len(line)
        self[line] = made
