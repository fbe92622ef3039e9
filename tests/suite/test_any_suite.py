"""Whatever a suite file says: a suite that can be planned comes out, or one line says why not.

The promises are stated in `fuzz.suite_check`, which the fuzzer uses, too. `LOGMARK_EXAMPLES=300
LOGMARK_SEED=3` draws more, and others.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from effort import drawn
from fuzz.suite_check import (
    ELSEWHERE,
    EVERYTHING,
    VALUES,
    Outcome,
    check_text,
    faults,
    mutated,
    shipped,
    written,
)
from hypothesis import given
from hypothesis import strategies as st

from suite.corpus_size import guess
from suite.spec import Suite

SMALL = [suite for suite in shipped() if len(suite.get("models", [])) < 4]
PICKS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=3)
WORDS = st.sampled_from(
    [
        *("name: x\n", "corpus: {loader: tm500}\n", "corpus:\n", "  loader: folder\n", "- ", "? "),
        *("[", "]", "{", "}", ": ", "&a ", "*a", "<<: ", "!!int ", "!!set ", "!x ", "| ", "> "),
        *("---\n", "...\n", "%YAML 1.1\n", "# x\n", "\t", "\n", '"', "'", "\\U0011FFFF", "\x85"),
        *("0x_", "2024-13-45", "9" * 5000, ".nan", "1e999", "190:20", "null", "~", "yes", "\ufeff"),
    ]
)


def outcome(content: bytes) -> Outcome:
    """Hold a suite file to the promises, in a folder of its own."""
    with TemporaryDirectory(prefix="any-") as here:
        return check_text(content, Path(here))


@drawn(6)
@given(st.lists(WORDS | st.text(max_size=4), max_size=12).map("".join))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    outcome(text.encode("utf-8", "surrogatepass"))


@drawn(3)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_one_line(content: bytes) -> None:
    outcome(content)


@drawn(3)
@given(st.sampled_from([EVERYTHING, *SMALL, *ELSEWHERE]), PICKS)
def test_a_mutated_suite_is_planned_or_refused_and_the_schema_agrees(content, picks) -> None:
    content = mutated(content, picks)
    found = outcome(written(content))
    if found.refusal is None:
        # the parser takes true for 1 and "2" for 2, which no schema says
        assert not faults(content) or any(VALUES[v % len(VALUES)] is True for _, v in picks)
    elif re.search(": unknown key; |: this key is missing", found.refusal):
        assert faults(content)


def test_the_suites_that_are_mutated_are_in_order() -> None:
    jobs = [outcome(written(content)).jobs for content in (EVERYTHING, *SMALL)]
    assert jobs[0] > 50 and all(jobs[1:]) and len(jobs) > 4
    assert set(EVERYTHING) == set(Suite.model_fields)
    assert all(outcome(written(content)).suite for content in ELSEWHERE)


@pytest.mark.parametrize(
    "value",
    ["2024-13-45", "0x_", "!!int x", "!!timestamp x", "!!bool x", "!!map [x]", ".nan", "-.inf"],
)
def test_what_only_looks_like_a_value_is_refused_where_it_stands(value: str) -> None:
    refusal = outcome(f"name: x\nseeds: [{value}]\n".encode()).refusal
    assert refusal is not None and re.search(r"not YAML: a (value|number) .*\(line 2, col", refusal)


def test_a_plan_generates_few_documents_however_many_there_will_be() -> None:
    corpus = {"loader": "blocks", "num_documents": 10**9, "anomaly_share": 1e-6}
    size = guess(Suite.model_validate({"name": "x", "corpus": corpus}))
    assert size.documents == 10**9 and len(size.sizes) == 4000
    assert 10**11 < size.characters < 10**13


def test_mutations_reach_every_value(content: dict[str, Any] = EVERYTHING) -> None:
    found = [mutated(content, [(0, number)])["name"] for number in range(len(VALUES))]
    assert repr(found) == repr(VALUES)


@pytest.mark.parametrize(
    ("path", "message"),
    [("~no_such_user/x", "no such user; write the folder out"), ("./~", "/~ does not exist")],
)
def test_a_tilde_is_a_home_only_where_a_path_begins_with_it(path: str, message: str) -> None:
    refusal = outcome(written({"name": "x", "corpus": {"loader": "folder", "path": path}})).refusal
    assert refusal is not None and re.search(message, refusal)
    assert str(Path.home()) not in refusal
