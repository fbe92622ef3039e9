"""Which jobs a run is about: some with what they need, what failed, some once more."""

import pytest

from results.errors import InputError
from suite.choice import Choice, chosen
from suite.node import CellPlan, Node


def _cell(model: str, classifier: str) -> CellPlan:
    return CellPlan(
        section="matrix",
        model=model,
        classifier=classifier,
        seed=0,
        text="cleaned",
        marks=(),
        roles={},
    )


def _job(name: str, *needs: str, cell: CellPlan | None = None) -> Node:
    return Node(
        id=name, kind="classify", params={}, needs=dict(zip(needs, needs, strict=True)), cell=cell
    )


PLAN = [
    _job("corpus"),
    _job("split/0", "corpus"),
    _job("embed:a", "corpus"),
    _job("embed:b", "corpus"),
    _job("classify:a/tree/0", "embed:a", "split/0", cell=_cell("a", "tree")),
    _job("classify:b/tree/0", "embed:b", "split/0", cell=_cell("b", "tree")),
    _job("classify:b/svc/0", "embed:b", "split/0", cell=_cell("b", "svc")),
]


def _ids(choice: Choice, *failed: str) -> tuple[list[str], frozenset[str]]:
    nodes, forced = chosen(PLAN, choice, failed)
    return [node.id for node in nodes], forced


def test_everything_is_chosen_unless_something_is_asked_for() -> None:
    assert chosen(PLAN, Choice(), ["embed:a"]) == (PLAN, frozenset())


@pytest.mark.parametrize("pattern", ["a/tree/0", "a/*", "classify:a/*", "classify:a/tree/0"])
def test_a_job_or_a_cell_comes_with_all_that_it_needs_in_the_plan_s_order(pattern: str) -> None:
    assert _ids(Choice(only=(pattern,)))[0] == [
        *("corpus", "split/0", "embed:a", "classify:a/tree/0")
    ]


def test_patterns_add_up() -> None:
    names, _ = _ids(Choice(only=("embed:b", "split/*")))
    assert names == ["corpus", "split/0", "embed:b"]


def test_what_is_forced_is_computed_beside_all_others() -> None:
    names, forced = _ids(Choice(force=("embed:*",)))
    assert names == [node.id for node in PLAN] and forced == {"embed:a", "embed:b"}
    names, forced = _ids(Choice(only=("a/*",), force=("embed:b",)))
    assert "embed:b" in names and "classify:b/tree/0" not in names and forced == {"embed:b"}


def test_what_failed_is_tried_again_with_what_it_held_up() -> None:
    names, forced = _ids(Choice(retry_failed=True), "embed:b")
    assert names == ["corpus", "split/0", "embed:b", "classify:b/tree/0", "classify:b/svc/0"]
    assert not forced
    names, _ = _ids(Choice(only=("b/svc/*",), retry_failed=True), "embed:b", "embed:a")
    assert names == ["corpus", "split/0", "embed:b", "classify:b/svc/0"]


@pytest.mark.parametrize("failed", [(), ("embed:gone",)])
def test_nothing_to_try_again_is_said(failed: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="--retry-failed: none of these jobs failed"):
        _ids(Choice(retry_failed=True), *failed)


def test_a_pattern_without_a_match_names_what_is_near() -> None:
    with pytest.raises(InputError, match=r"--only 'embed:c': no such job .*did you mean 'embed:"):
        _ids(Choice(only=("embed:a", "embed:c")))
    with pytest.raises(InputError, match=r"did you mean 'classify:\*'"):
        _ids(Choice(only=("clasify:*",)))
    with pytest.raises(InputError, match=r"--force 'zzz\*': .*`logmark plan` lists them"):
        _ids(Choice(force=("zzz*",)))


def test_brackets_of_a_study_s_values_need_no_escape() -> None:
    node = _job("classify:a/s:tree@grid=[1,2]/0")
    nodes, _ = chosen([*PLAN, node], Choice(only=(node.id,)), [])
    assert [one.id for one in nodes] == [node.id]
