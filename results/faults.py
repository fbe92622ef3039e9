"""What pydantic found wrong with a value, in the words of whoever wrote the value."""

import difflib
import re
from collections.abc import Sequence
from typing import Any

from pydantic_core import ErrorDetails

_MOST_CHARS = 60  # of a value that a message shows

_WANTED = {
    **dict.fromkeys(("string_type", "invalid_key", "invalid-json-value"), "text"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("dict_type", "model_type", "dataclass_type"), "a section with keys"),
    **dict.fromkeys(("path_type", "is_instance_of"), "a path"),
    "literal_error": "{expected}",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
    "string_too_short": "at least {min_length} character(s) long",
    "string_too_long": "at most {max_length} characters long",
}


def told(faults: Sequence[ErrorDetails]) -> str:
    """Say what a value must be instead.

    Args:
        faults: of one value; of several, each is what one of its alternatives lacks.
    """
    for fault in faults:
        refused = fault.get("ctx", {}).get("error")
        if isinstance(refused, ValueError):  # our own words, from a validator
            return str(refused)
    first = faults[0]
    if first["type"] == "missing":
        return "this key is missing"
    wanted = dict.fromkeys(map(_wanted, faults))
    return f"{shown(first['input'])} must be {' or '.join(wanted)}{_near(faults)}"


def shown(value: Any) -> str:
    """Show a value within a line, as a file would hold it."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, dict):
        return "a section with keys" if value else "a section without keys"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    text = repr(value) if isinstance(value, str) else _plain(value)
    return text if len(text) <= _MOST_CHARS else f"{text[:_MOST_CHARS]}..."


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wanted(fault: ErrorDetails) -> str:
    kind, value = fault["type"], fault["input"]
    if kind not in _WANTED:
        return fault["msg"].removeprefix("Input should be ").lower()
    wanted = _WANTED[kind].format(**{key: _limit(one) for key, one in fault.get("ctx", {}).items()})
    if value is not None and not isinstance(value, list | tuple | dict):
        example = {"text": f"'{_plain(value)}'", "a list": f"[{_plain(value)}]"}.get(wanted)
        if example and len(example) <= _MOST_CHARS and example.isprintable():
            return f"{wanted}, such as {example}"
    return wanted


def _limit(value: Any) -> Any:
    """Write 1.0 as 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _near(faults: Sequence[ErrorDetails]) -> str:
    """Guess which of the names that are allowed was meant."""
    expected = " ".join(fault.get("ctx", {}).get("expected", "") for fault in faults)
    meant = difflib.get_close_matches(
        str(faults[0]["input"]), re.findall(r"'([^']*)'", expected), n=1
    )
    return f"; did you mean {meant[0]!r}?" if meant else ""
