"""The board: what runs when, what is found in the store, what a failure blocks."""

from dataclasses import replace
from pathlib import Path

from jobs.task import Task
from results.store import Commit, Found, Store
from suite.board import Board
from suite.node import Node

PLAN = [
    Node(id="a", kind="corpus", params={"x": 1}),
    Node(id="b", kind="labels", params={}, needs={"corpus": "a"}),
    Node(id="c", kind="embed", params={}, needs={"corpus": "a"}, cpus=2),
    Node(id="d", kind="classify", params={}, needs={"labels": "b", "vectors": "c"}),
    Node(id="e", kind="classify", params={"y": 1}, needs={"labels": "b"}),
]


def _publish(store: Store, task: Task, text: str = "payload") -> Commit:
    attempt = store.new_attempt(task.kind, task.key)
    (attempt / "f").write_text(text)
    return store.publish(task.kind, task.key, attempt, notes={}, n=task.n)


def _run(board: Board, store: Store, text: str = "payload") -> list[str]:
    """Run everything that becomes ready, in the order handed out."""
    order = []
    ready = board.advance()
    while ready:
        task = ready.pop(0)
        order.append(task.id)
        board.finish(task.id, _publish(store, task, text))
        ready += board.advance()
    return order


def _statuses(board: Board) -> dict[str, str]:
    return {name: outcome.status for name, outcome in board.outcomes.items()}


def test_a_job_is_handed_out_once_and_only_when_its_inputs_are_done(tmp_path: Path) -> None:
    board = Board(PLAN, Store(tmp_path), tmp_path)
    first = board.advance()
    assert [task.id for task in first] == ["a"]
    assert board.advance() == []
    board.finish("a", _publish(Store(tmp_path), first[0]))
    assert {task.id for task in board.advance()} == {"b", "c"}


def test_the_longest_path_comes_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert _run(Board(PLAN, store, tmp_path), store) == ["a", "c", "b", "d", "e"]


def test_what_a_job_is_expected_to_take_decides_before_its_kind_does(tmp_path: Path) -> None:
    store = Store(tmp_path)
    plan = [replace(node, expected_s=900.0 if node.id == "b" else None) for node in PLAN]
    assert _run(Board(plan, store, tmp_path), store) == ["a", "b", "c", "e", "d"]


def test_a_second_run_finds_everything_in_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _run(Board(PLAN, store, tmp_path), store)
    again = Board(PLAN, store, tmp_path)
    assert again.advance() == []
    assert set(_statuses(again).values()) == {"cached"} and again.finished


def test_a_failure_blocks_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    board = Board(PLAN, store, tmp_path)
    board.finish("a", _publish(store, board.advance()[0]))
    ready = {task.id: task for task in board.advance()}
    board.fail("c", "no memory", "system")
    board.finish("b", _publish(store, ready["b"]))
    (task,) = board.advance()
    board.finish(task.id, _publish(store, task))
    assert board.advance() == [] and board.finished
    assert _statuses(board) == {
        "a": "computed", "b": "computed", "c": "failed", "d": "blocked", "e": "computed",
    }  # fmt: skip
    assert board.outcomes["d"].reason == "blocked by c"


def test_a_blocked_chain_names_its_first_cause(tmp_path: Path) -> None:
    store = Store(tmp_path)
    board = Board(PLAN, store, tmp_path)
    board.advance()
    board.fail("a", "broken", "code")
    board.advance()
    assert board.outcomes["d"].reason == "blocked by a"


def test_an_upstream_change_with_the_same_outcome_invalidates_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _run(Board(PLAN, store, tmp_path), store)
    changed = [Node(id="a", kind="corpus", params={"x": 2}), *PLAN[1:]]
    assert _run(Board(changed, store, tmp_path), store, "payload") == ["a"]
    other = [Node(id="a", kind="corpus", params={"x": 3}), *PLAN[1:]]
    assert set(_run(Board(other, store, tmp_path), store, "new payload")) == set("abcde")


def test_a_damaged_artifact_is_computed_again_and_said_aloud(tmp_path: Path) -> None:
    store, said = Store(tmp_path), list[str]()
    _run(Board(PLAN, store, tmp_path), store)
    commit = Board(PLAN, store, tmp_path)
    commit.advance()
    (store.folder(commit.commit("c")) / "f").write_text("pay")
    again = Board(PLAN, store, tmp_path, say=said.append)
    assert _run(again, store) == ["c"]
    assert again.commit("c").n == 1
    assert "c: the stored artifact is damaged" in said[0]


def test_two_nodes_with_one_key_make_one_artifact(tmp_path: Path) -> None:
    store = Store(tmp_path)
    twins = [Node(id=name, kind="corpus", params={"x": 1}) for name in ("one", "two")]
    board = Board(twins, store, tmp_path)
    assert _run(board, store) == ["one"]
    assert _statuses(board) == {"one": "computed", "two": "cached"}


def test_what_could_not_be_made_is_not_tried_again_for_its_twin(tmp_path: Path) -> None:
    store = Store(tmp_path)
    twins = [Node(id=name, kind="corpus", params={"x": 1}) for name in ("one", "two")]
    board = Board(twins, store, tmp_path)
    assert [task.id for task in board.advance()] == ["one"]
    board.fail("one", "no such file", "input")
    assert board.advance() == [] and board.finished
    assert board.outcomes["two"] == board.outcomes["one"]


def test_logs_of_points_that_differ_in_signs_alone_are_two_files(tmp_path: Path) -> None:
    values = ("[1,2]", "[1;2]", "x" * 500)
    nodes = [Node(id=f"corpus:s@k={x}", kind="corpus", params={"x": x}) for x in values]
    logs = {task.log for task in Board(nodes, Store(tmp_path), tmp_path).advance()}
    assert len(logs) == 3 and max(len(log.name) for log in logs) < 200


def test_states_say_what_a_plan_would_do(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert Board(PLAN, store, tmp_path).states() == {
        "a": "ready", "b": "waiting", "c": "waiting", "d": "waiting", "e": "waiting",
    }  # fmt: skip
    _run(Board(PLAN[:2], store, tmp_path), store)
    assert Board(PLAN, store, tmp_path).states()["c"] == "ready"


def test_forced_nodes_are_computed_once_more_and_what_stays_equal_is_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _run(Board(PLAN, store, tmp_path), store)
    forced = Board(PLAN, store, tmp_path, forced=frozenset({"c"}))
    assert _run(forced, store) == ["c"]
    assert forced.commit("c").n == 1 and forced.commit("d").n == 0
    assert _run(Board(PLAN, store, tmp_path), store) == []


def test_a_forced_artifact_of_two_nodes_is_computed_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    twins = [Node(id=name, kind="corpus", params={"x": 1}) for name in ("one", "two")]
    _run(Board(twins, store, tmp_path), store)
    board = Board(twins, store, tmp_path, forced=frozenset({"one", "two"}))
    assert _run(board, store) == ["one"]
    assert board.commit("two") == board.commit("one")


def test_an_input_found_damaged_is_made_again_and_its_finder_after_it(tmp_path: Path) -> None:
    store, said = Store(tmp_path), list[str]()
    board = Board(PLAN[:2], store, tmp_path, say=said.append)
    board.finish("a", _publish(store, board.advance()[0]))
    (finder,) = board.advance()
    (store.folder(board.commit("a")) / "f").unlink()
    assert board.mend(finder.id, "corpus")
    (again,) = board.advance()
    assert (again.id, again.n) == ("a", 1)
    assert "b: its input a is damaged in the store" in said[0]
    board.finish("a", _publish(store, again))
    assert [task.id for task in board.advance()] == ["b"]


def test_an_input_that_only_its_reader_finds_damaged_is_made_again_at_last(tmp_path: Path) -> None:
    store = Store(tmp_path)
    board = Board(PLAN[:2], store, tmp_path)
    board.finish("a", _publish(store, board.advance()[0]))
    board.advance()
    assert board.mend("b", "corpus")
    assert [task.id for task in board.advance()] == ["b"], "the store finds nothing wrong"
    assert board.mend("b", "corpus")
    (again,) = board.advance()
    assert (again.id, again.n) == ("a", 1)
    board.finish("a", _publish(store, again))
    board.advance()
    assert not board.mend("b", "corpus"), "it would never end"


def test_two_readers_of_a_damaged_input_wait_for_one_computation(tmp_path: Path) -> None:
    store = Store(tmp_path)
    board = Board(PLAN[:3], store, tmp_path)
    board.finish("a", _publish(store, board.advance()[0]))
    board.advance()
    (store.folder(board.commit("a")) / "f").unlink()
    assert board.mend("b", "corpus")
    (again,) = board.advance()
    assert board.mend("c", "corpus") and board.advance() == []
    board.finish("a", _publish(store, again))
    assert {task.id for task in board.advance()} == {"b", "c"}


class CountingStore(Store):
    """Counts how often it is asked for an artifact."""

    asked = 0

    def find(self, kind: str, key: str) -> Found:
        self.asked += 1
        return super().find(kind, key)


def test_a_step_looks_only_at_what_has_changed(tmp_path: Path) -> None:
    store = CountingStore(tmp_path)
    cells = [
        Node(id=f"cell{n}", kind="classify", params={"n": n}, needs={"corpus": "a"})
        for n in range(200)
    ]
    board = Board([PLAN[0], *cells], store, tmp_path)
    board.finish("a", _publish(store, board.advance()[0]))
    ready = board.advance()
    assert len(ready) == 200
    for task in ready:
        board.fail(task.id, "x", "code")
        board.advance()
    assert board.finished and store.asked == 201
