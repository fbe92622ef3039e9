from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.altering import OPERATIONS, Altered, Altering, altered
from results.errors import InputError

TEXT = "\n".join(f"  at {n} unit {'abc'[n % 3]}:\tstep {n} of 400 done" for n in range(400)) + "\n"
PARTS = st.lists(st.sampled_from(["a", "b", "  ", "\t", "\n", "\r\n", "a b", "x\n"]), max_size=40)


def alter(text: str, share: float, *, id: str = "d", seed: int = 0) -> tuple[str, Altered]:
    done = Altered()
    parts = [text[:900], text[900:]] if text[899:900] == "\n" else [text]
    return "".join(altered(parts, id, Altering(share=share, seed=seed), done)), done


def changed(text: str, share: float, *, id: str = "d", seed: int = 0) -> dict[int, str]:
    lines = alter(text, share, id=id, seed=seed)[0].split("\n")
    return {
        i: new
        for i, (old, new) in enumerate(zip(text.split("\n"), lines, strict=True))
        if old != new
    }


def test_a_smaller_share_lies_within_a_larger_one_altered_alike() -> None:
    small, large, whole = (changed(TEXT, share) for share in (0.1, 0.2, 1.0))
    assert small.items() < large.items() < whole.items()
    assert len(whole) == 400
    assert 20 < len(small) < 60 and 50 < len(large) < 110


@given(PARTS, st.floats(0, 1))
def test_no_line_comes_or_goes_and_none_is_emptied(pieces: list[str], share: float) -> None:
    text = "".join(pieces)
    new, done = alter(text, share)
    before, after = text.split("\n"), new.split("\n")
    assert [bool(line.split()) for line in before] == [bool(line.split()) for line in after]
    assert done.lines == sum(bool(line.split()) for line in before)
    assert done.operations.total() == sum(a != b for a, b in zip(before, after, strict=True))
    assert share < 1 or done.operations.total() == done.lines


@given(PARTS)
def test_a_share_of_nothing_changes_nothing(pieces: list[str]) -> None:
    assert alter("".join(pieces), 0.0)[0] == "".join(pieces)


def test_where_neighbours_are_equal_or_missing_another_operation_is_chosen() -> None:
    for line, impossible in (("x x", {"swap"}), ("x", {"swap", "remove"})):
        new, done = alter("\n".join([line] * 200), 1.0)
        assert set(done.operations) == set(OPERATIONS) - impossible and line not in new.split("\n")


def test_each_operation_does_to_the_words_what_its_name_says() -> None:
    _, done = alter(TEXT, 1.0)
    assert set(done.operations) == set(OPERATIONS) and min(done.operations.values()) > 60
    found: Counter[str] = Counter()
    for number, new in changed(TEXT, 1.0).items():
        old = TEXT.split("\n")[number].split()
        found[_operation(old, new.split())] += 1
    inserted = found["insert"] + found["repeat"]  # a word may be inserted beside its like
    assert inserted == done.operations["insert"] + done.operations["repeat"]
    assert (found["remove"], found["swap"]) == (done.operations["remove"], done.operations["swap"])


def _operation(old: list[str], new: list[str]) -> str:
    if len(new) == len(old):
        (first, second) = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        assert second == first + 1 and sorted(old) == sorted(new)
        return "swap"
    if len(new) < len(old):
        assert any(old[:i] + old[i + 1 :] == new for i in range(len(old)))
        return "remove"
    (place, *_) = [i for i in range(len(new)) if new[:i] + new[i + 1 :] == old]
    assert new[place] in TEXT.split()
    return "repeat" if new[place] in new[place - 1 : place] else "insert"


def test_everything_between_the_words_that_stay_stays() -> None:
    for number, new in changed(TEXT, 1.0).items():
        assert new.startswith("  ") and not new.endswith(" "), (number, new)
    assert alter("one\r\n", 1.0)[0].endswith("\r\n")


def test_seed_document_and_line_decide() -> None:
    base = changed(TEXT, 0.3)
    assert base == changed(TEXT, 0.3)
    assert base.keys() != changed(TEXT, 0.3, id="e").keys()
    assert base.keys() != changed(TEXT, 0.3, seed=1).keys()


def test_which_lines_are_altered_does_not_depend_on_where_parts_end() -> None:
    def lines(*parts: str) -> set[int]:
        new = "".join(altered(parts, "d", Altering(share=0.3, seed=0), Altered())).split("\n")
        return {i for i, line in enumerate(TEXT.split("\n")) if line != new[i]}

    cut = TEXT.index("\n", 3000) + 1
    assert lines(TEXT) == lines(TEXT[:cut], TEXT[cut:]) != set()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=f"`share: {share}` must lie between 0 and 1"):
        Altering(share=share, seed=0)
