import re
import tracemalloc
from collections.abc import Iterator

from corpora.sessions import Sessions

ID = re.compile(rb"id\d+")


def interleaved(sessions: int, steps: int) -> Iterator[bytes]:
    """Lines of which the neighbours belong to different sessions."""
    for step in range(steps):
        for number in range(sessions):
            yield b"step %03d of id%d, told at some length %s\n" % (step, number, b"x" * 100)


def test_each_session_has_its_lines_in_order_and_ids_are_known_before() -> None:
    with Sessions(ID) as sessions:
        sessions.read(interleaved(300, 4))
        assert sessions.ids == {f"id{number}" for number in range(300)}
        found = dict(sessions)

    assert found.keys() == {f"id{number}" for number in range(300)}
    for id, lines in found.items():
        assert [line.split()[1] for line in lines] == [b"000", b"001", b"002", b"003"]
        assert all(f" {id}," in line.decode() for line in lines)


def test_memory_holds_a_small_part_of_the_log() -> None:
    size = sum(map(len, interleaved(500, 120)))
    tracemalloc.start()
    with Sessions(ID) as sessions:
        sessions.read(interleaved(500, 120))
        count = sum(len(session.lines) for session in sessions)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 60_000 and size > 8_000_000
    assert peak < size / 4  # most of it the buffers of 128 files
