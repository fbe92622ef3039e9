"""What names something, and where it stands."""

import pytest

from corpora.inspect_tokens import Token, day_of, identifiers, name_parts, words
from corpora.naming import printable


@pytest.mark.parametrize(
    ("line", "token"),
    [
        ("started 2024-03-05 well", Token("date", "started", "2024-03-05")),
        ("2024-03-05T12:00:01.250Z up", Token("date", "line start", "2024-03-05")),
        ("[05/Mar/2024:12:00:01 +0000] GET", Token("date", "line start", "2024-03-05")),
        ("20240305-120001 up", Token("date", "line start", "2024-03-05")),
        ("- 1117838570 up", Token("date", "-", "2005-06-03")),
        ("Mar  5 12:00:01 combo sshd[1]: up", Token("date", "", "Mar 5")),
        ("Mar  5 12:00:01 combo sshd[1]: up", Token("host", "<time>", "combo")),
        ("081109 203518 143 INFO up", Token("date", "", "2008-11-09")),
        ("to 10.0.0.7:8080 lost", Token("address", "to", "10.0.0.7")),
        ("mac 00:1b:44:11:3a:b7 up", Token("address", "mac", "00:1b:44:11:3a:b7")),
        ("in /home/alice/run/x.py", Token("folder", "in", "/home/alice")),
        ("block blk_-1608999687919862906 ok", Token("id", "block", "blk_-1608999687919862906")),
        ("commit=deadbeef01", Token("id", "commit", "deadbeef01")),
        ("kernel 4.19.0-rc3 up", Token("version", "kernel", "4.19.0-rc3")),
        ("on web07.example.com now", Token("host", "on", "web07.example.com")),
        ("job=4711 done", Token("number", "job", "4711")),
        ("at 10.0.0.7: job 4711", Token("number", "job", "4711")),
    ],
)
def test_an_identifier_is_found_with_its_kind_and_place(line: str, token: Token) -> None:
    assert token in set(identifiers(line + "\n"))


@pytest.mark.parametrize(
    "line",
    [
        "took 12.5 ms, 17 of 300 retries",
        "12:00:01,250 INFO up",
        "bound to 127.0.0.1 and 0.0.0.0",
        "event x7 in state L0",
        "register 0x0 0xffffffff 00000000",
        "month 99/99/9999",
        "",
    ],
)
def test_what_is_common_or_small_names_nothing(line: str) -> None:
    assert list(identifiers(line)) == []


def test_each_identifier_is_given_once_in_the_order_of_the_text() -> None:
    found = list(identifiers("job=5000 a\njob=4000 b\njob=5000 c\n"))
    assert [token.value for token in found] == ["5000", "4000"]


def test_a_place_does_not_depend_on_the_values_before_it() -> None:
    one, other = (next(identifiers(f"disk{n} job 4711")) for n in (1, 2))
    found = [{t.place for t in identifiers(f"core{n} 4711")} for n in (11, 12)]
    assert one.kind == other.kind == "host"
    assert found[0] == found[1] == {"line start", "<host>"}


def test_words_hold_no_digits() -> None:
    assert words("alpha beta2 no kernel-panic état") == {"alpha", "beta", "kernel", "panic", "état"}


def test_a_file_name_is_read_by_its_parts() -> None:
    found = {(token.kind, token.value) for token in name_parts("2024-03-05_web07_run-4711.log")}
    assert found == {("date", "2024-03-05"), ("host", "web07"), ("number", "4711")}


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2024-03-05", "2024-03-05"),
        ("2024-03-05 12:00:01", "2024-03-05"),
        (1117838570, "2005-06-03"),
        ("yesterday", None),
        ("2024-02-31", None),
        (17, None),
    ],
)
def test_days_are_read_from_columns(value: object, day: str | None) -> None:
    assert day_of(value) == day


def test_what_is_shown_is_short_and_harmless() -> None:
    assert printable("a\x1b[31m\nb\u202e") == "a\ufffd[31m\ufffdb\ufffd"
    assert len(printable("x" * 1000)) == 40
