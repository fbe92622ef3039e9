"""Reads a report's page as a browser without scripts would: nesting, text, tables, scripts."""

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "hr", "img", "input"}
_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"}


class Reader(HTMLParser):
    """Checks nesting and collects tags, attributes, text, scripts and the cells of tables.

    Attributes:
        rows: caption's id of each table -> its rows, each the text of its cells; letters of
            footnotes (`sup`) are no part of it.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.rows: dict[str, list[list[str]]] = {}
        self._table = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "table":
            self._table = dict(attrs).get("aria-labelledby") or ""
            self.rows.setdefault(self._table, [])
        elif tag == "tr":
            self.rows[self._table].append([])
        elif tag in ("td", "th"):
            self.rows[self._table][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] == "script":
            self.scripts.append(data)
            return
        self.text.append(data)
        if "tr" in self.stack and "sup" not in self.stack and self.rows[self._table][-1]:
            self.rows[self._table][-1][-1] += data

    @property
    def words(self) -> str:
        """All text, with single blanks."""
        return one_line(" ".join(self.text))


def read(text: str) -> Reader:
    """Read a page; whatever is open must be closed."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.stack == []
    return reader


def one_line(text: str) -> str:
    """Collapse blanks, as a browser does."""
    return re.sub(r"\s+", " ", text).strip()


def seen(text: str) -> str:
    """Return what a page shows of a text: controls as their pictures, on one line."""
    return one_line(text.translate(_PICTURES))
