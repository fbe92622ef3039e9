"""What the documents name is there: options, files, keys of the suite file, things in the code."""

import argparse
import contextlib
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from documents import PAGES, ROOT, Block, blocks, links, spans
from stranger import DRAWN, ELSEWHERE, FOR_RUN, INSTEAD, ONLY_PARSED, PRINTED_BY, commands

from suite.cli import _parser
from suite.house import PACKAGES
from suite.schema import schema
from suite.spec import read

_OTHERS: Mapping[str, str] = {
    "--quick": "benchmarks",
    "--artifacts-destination": "mlflow server",
}
"""Options of other commands that stand alone in inline code, and whose they are."""

_NOT_OURS: Mapping[str, str] = {"max_length": "sentence-transformers"}
"""Keys in inline code that are no suite file's, and whose they are."""

_SHOWS_MISTAKES: Mapping[str, str] = {"docs/messages.md": "keys as they must not be"}

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def _parsers(
    parser: argparse.ArgumentParser, name: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """List a command and all below it, by their words."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from _parsers(below, (*name, word))


COMMANDS = dict(_parsers(_parser()))


def _options(name: tuple[str, ...]) -> set[str]:
    known = {option for action in COMMANDS[name]._actions for option in action.option_strings}
    return {option for option in known if option.startswith("--")} - {"--help"}


ALL = set().union(*map(_options, COMMANDS))


def _named(text: str) -> list[tuple[str, ...]]:
    """Commands that a text begins with: several for `store ls|verify`, none for other texts."""
    words = text.removeprefix("logmark ").split()
    if words[:1] == [] or (words[0],) not in COMMANDS:
        return []
    verbs = words[1].split("|") if len(words) > 1 else []
    return [(words[0], verb) for verb in verbs if (words[0], verb) in COMMANDS] or [(words[0],)]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_inline_code_has_the_options_it_is_shown_with(page: str) -> None:
    for span in spans(page):
        if re.match("logmark [a-z]", span):
            assert _named(span), f"{page}: no such command: {span}"
        asked = set(_OPTION.findall(span))
        for name in _named(span):
            known = _options(name) | set().union(
                *(_options(one) for one in COMMANDS if one[:-1] == name)
            )
            assert asked <= known, f"{page}: {span}: has no {asked - known}"
        if span.startswith("--"):
            assert asked <= ALL | _OTHERS.keys(), f"{page}: nothing has the option {span}"


def test_every_option_is_in_a_document() -> None:
    said = set()
    for page in PAGES:
        for text in (*spans(page), *(block.text for block in blocks(page))):
            said |= set(_OPTION.findall(text))
    missing = sorted(ALL - said)
    assert not missing
    assert _OTHERS.keys() <= said


def test_every_command_is_in_a_document() -> None:
    said = {name for page in PAGES for span in spans(page) for name in _named(span)}
    ends = {name for name, parser in COMMANDS.items() if parser.get_default("command")}
    missing = sorted(ends - said)
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_every_path_of_ours_leads_somewhere(page: str) -> None:
    for target in links(page):
        if ":" not in target and not target.startswith("#"):
            path = (ROOT / page).parent / target.partition("#")[0]
            assert path.exists(), f"{page} links to {target}"
    rooms = (*PACKAGES, "suites", "examples", "deploy", "benchmarks", "docs", "tests")
    shown = {block.file for block in blocks(page)}
    for span in spans(page):
        if Path(span).name not in shown and re.fullmatch(rf"({'|'.join(rooms)})/[\w./-]*", span):
            assert (ROOT / span).exists(), f"{page} names {span}"


@pytest.mark.parametrize("page", PAGES)
def test_every_name_of_the_code_is_there(page: str) -> None:
    for span in spans(page):
        if re.fullmatch(rf"({'|'.join(PACKAGES)})(\.\w+)+(\(.*\))?", span):
            words = span.partition("(")[0].split(".")
            assert _found(words), f"{page} names {span}"


def _found(words: list[str]) -> bool:
    if words[-1] in ("py", "yaml", "parquet", "json", "csv"):
        return True
    for number in range(len(words), 0, -1):
        try:
            thing = importlib.import_module(".".join(words[:number]))
        except ImportError:
            continue
        for word in words[number:]:
            if not hasattr(thing, word):
                return word in getattr(thing, "__dataclass_fields__", {})
            thing = getattr(thing, word)
        return True
    return False


def _keys(content: object) -> Iterator[str]:
    """Keys of a suite's mapping and of all below it; `map` holds names of classes."""
    if isinstance(content, Mapping):
        for key, part in content.items():
            yield str(key)
            yield from () if key == "map" else _keys(part)
    elif isinstance(content, list):
        for part in content:
            yield from _keys(part)


def _properties(content: object) -> Iterator[str]:
    """Names of all that a JSON Schema describes."""
    if isinstance(content, Mapping):
        yield from content.get("properties", {})
        for part in content.values():
            yield from _properties(part)
    elif isinstance(content, list):
        for part in content:
            yield from _properties(part)


@pytest.fixture(scope="module")
def known_keys() -> set[str]:
    return set(_properties(schema()))


@pytest.mark.parametrize("page", sorted({*PAGES} - _SHOWS_MISTAKES.keys()))
def test_every_key_of_a_suite_in_inline_code_is_in_the_schema(
    page: str, known_keys: set[str]
) -> None:
    for span in spans(page):
        with contextlib.suppress(yaml.YAMLError):
            content = yaml.safe_load(span) if re.match("[a-z_]+: ", span) else None
            unknown = set(_keys(content)) - known_keys - _NOT_OURS.keys() - {"..."}
            assert not unknown, f"{page}: {span}"


def test_what_is_said_about_the_documents_here_is_still_so() -> None:
    typed = [words for page in PAGES for block in blocks(page) for words in _typed(block)]
    words = {word for line in typed for word in line}
    assert {line[0] for line in typed} >= ELSEWHERE.keys()
    assert words >= {*INSTEAD, *FOR_RUN}
    for begin in ONLY_PARSED:
        assert any(tuple(line[1 : len(begin) + 1]) == begin for line in typed), begin
    texts = {block.page for page in PAGES for block in blocks(page) if block.language == "text"}
    assert texts >= {*DRAWN, *PRINTED_BY}
    assert {span.partition(":")[0] for page in PAGES for span in spans(page)} >= _NOT_OURS.keys()
    said_here = (ELSEWHERE, INSTEAD, ONLY_PARSED, DRAWN, PRINTED_BY, _NOT_OURS, _SHOWS_MISTAKES)
    assert sum(map(len, said_here)) < 30


def _typed(block: Block) -> Iterator[list[str]]:
    return commands(block.text) if block.language == "sh" else iter(())


@pytest.mark.parametrize("path", sorted((ROOT / "suites").glob("*.yaml")), ids=lambda p: p.name)
def test_every_suite_that_ships_is_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGMARK_SHARED", "/nowhere")
    assert read(path).name == path.stem
