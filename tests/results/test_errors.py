"""A refusal is one line, whatever names from data stand in it."""

import pickle

import pytest

from results.errors import InputError


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202eevil\u2028", r"\u202eevil\u2028"),
        ("caf\udce9", r"caf\udce9"),
        ("café 日本", "café 日本"),
    ],
)
def test_what_breaks_a_line_or_steers_a_terminal_is_written_out(name: str, shown: str) -> None:
    error = InputError(f"{name}: is wrong; mend it")
    assert str(error) == f"{shown}: is wrong; mend it"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301  (our own)
