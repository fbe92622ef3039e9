"""A user's YAML file, read with limits: one `InputError` line for whatever is wrong with it.

Nothing in a file runs code, stands for much more than it holds (aliases of aliases), or means
something else than it seems to: a key that stands twice is refused, and only `true` and `false` are
truth values (YAML 1.2), so that a class named `no` or `on` stays a name.
"""

import re
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from results.errors import InputError

_MOST_BYTES = 256 * 1024
_MOST_VALUES = 100_000
_MAPPING = yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG
_BOOL = "tag:yaml.org,2002:bool"
_SAID = {
    "character '\\t'": "a tab; indent with blanks",
    "found another document": "a second document begins; give it a file of its own",
    "mapping values are not allowed here": "a second `: ` in a line; put the value into quotes",
    "constructor for the tag": "a tag (`!...`), which stands for code or a type; leave it out",
    "recursive node": "an alias that contains itself; write the value out",
}
"""The parser's words, where they say little to who wrote the file, in plainer ones."""


def load(path: Path, what: str) -> Any:
    """Read the one YAML document of a file.

    Args:
        path: the file.
        what: it is expected to be, for the messages ("suite file").

    Raises:
        InputError: it cannot be read, or is no such file.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; name a {what}") from error
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path}: more than {_MOST_BYTES >> 10} KiB; name a {what}")
    try:
        return _parsed(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 text at byte {error.start}; save it as UTF-8"
        ) from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {_problem(error)}") from error
    except ValueError as error:  # an escape that stands for no character
        raise InputError(f"{path}: not YAML: {error}; put the value into single quotes") from error
    except RecursionError as error:
        raise InputError(f"{path}: not YAML that can be read: nested too deeply") from error


class Loader(yaml.SafeLoader):
    """YAML's safe loader, with the differences that the module's head names."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make a value; what only looks like one (`2024-13-45`, `0x_`) or is endless is refused."""
        try:
            value = super().construct_object(node, deep=deep)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise _fault("a value that cannot be read; put it into quotes", node) from error
        if isinstance(value, float) and not isfinite(value):
            raise _fault("a number that is infinite or none; leave it out", node)
        return value


def _mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode):
            raise _fault("a key is one word, not a list or keys of its own", key_node)
        if key in seen:
            raise _fault(f"the key {key!r} stands twice", key_node)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


Loader.add_implicit_resolver(
    _BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
Loader.add_constructor(_MAPPING, _mapping)


def _parsed(text: str) -> Any:
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _values(node, {}) > _MOST_VALUES:
            raise _fault(f"aliases make more than {_MOST_VALUES:,} values of it", node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _values(node: yaml.Node, known: dict[int, int]) -> int:
    """Count what a node stands for; each is looked at once, however often it is repeated."""
    if id(node) in known or isinstance(node, yaml.ScalarNode):
        return known.get(id(node), 1)
    known[id(node)] = 1  # in a circle, which is refused later
    parts = [
        part
        for entry in node.value
        for part in (entry if isinstance(node, yaml.MappingNode) else (entry,))
    ]
    known[id(node)] = 1 + sum(_values(part, known) for part in parts)
    return known[id(node)]


def _fault(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _problem(error: yaml.YAMLError) -> str:
    """Say what is wrong and where, without the parser's excerpt of the file."""
    if isinstance(error, yaml.reader.ReaderError):
        return f"character {error.character!r} at position {error.position} is not allowed"
    problem = str(getattr(error, "problem", None) or error)
    for found, said in _SAID.items():
        problem = said if found in problem else problem
    mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return " ".join(problem.split()) + where
