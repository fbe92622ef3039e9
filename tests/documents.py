"""The pages that users read, taken apart: code blocks, inline code, links."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")),
    "examples/README.md",
)
_FILE = re.compile(r"# (?P<name>[\w./-]+\.(?:py|yaml))\n")


class Block(NamedTuple):
    """A fenced block of code; `line` is that of its opening fence."""

    page: str
    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that it is, where its first line is a comment with nothing but a name."""
        named = _FILE.match(self.text)
        return named["name"] if named else None

    def __str__(self) -> str:
        return f"{self.page}:{self.line} ({self.language or 'no language'})"


@cache
def _tokens(page: str) -> list[Token]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return MarkdownIt("commonmark").enable("table").parse(text)


def blocks(page: str) -> list[Block]:
    """Code blocks of a page, indented ones too, in their order."""
    return [
        Block(page, token.map[0] + 1, token.info.strip(), token.content)
        for token in _tokens(page)
        if token.type in ("fence", "code_block") and token.map
    ]


def _inline(page: str) -> Iterator[Token]:
    for token in _tokens(page):
        yield from token.children or ()


def spans(page: str) -> list[str]:
    """Inline code of a page, tables and headings included."""
    return [
        token.content.replace("\\|", "|") for token in _inline(page) if token.type == "code_inline"
    ]


def links(page: str) -> list[str]:
    """Targets of a page's links and pictures."""
    targets = [token.attrs.get("href", token.attrs.get("src")) for token in _inline(page)]
    return [str(target) for target in targets if target]
