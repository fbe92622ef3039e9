"""Distinct windows: found once in the whole corpus, in shards that edits leave alone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from adapters import windows
from embedders import cutting
from embedders.cutting import Cutter
from embedders.shard import Shard
from results.errors import InputError

Documents = list[tuple[str, list[str]]]


def corpus(number: int, *, seed: int = 0, length: int = 40) -> Documents:
    """Documents of numbers, half of them drawn from few lines, so that windows repeat."""
    generator = np.random.default_rng(seed)
    lines = [" ".join(map(str, generator.integers(0, 900, 8))) for _ in range(3)]
    documents = []
    for name in range(number):
        own = " ".join(map(str, generator.integers(0, 900, length)))
        parts = [lines[n] for n in generator.integers(0, 3, 4)] if name % 2 else [own]
        documents.append((f"d{seed}-{name}", parts))
    return documents


def cut(frame: Any, documents: Documents, **how: Any) -> tuple[Cutter, list[Shard]]:
    cutter = Cutter(frame, **how)
    return cutter, list(cutter.shards(documents))


def test_the_ledger_gives_every_window_of_every_document_back(fake: Any) -> None:
    documents = corpus(60)
    cutter, shards = cut(fake(), documents, shard_tokens=200)
    distinct = [window.tolist() for shard in shards for window in shard.windows()]
    assert len({tuple(window) for window in distinct}) == len(distinct) > 60
    assert len(shards) > 5
    for (name, parts), row, numbers in zip(
        documents, cutter.ledger.coverage, cutter.ledger.numbers, strict=True
    ):
        tokens = np.array([token for part in parts for token in fake().tokenize([part])[0]])
        expected = [w.tolist() for w in windows.cut([tokens], capacity=8, overlap=5)]
        assert [distinct[number] for number in numbers] == expected
        assert (row.id, row.tokens, row.windows) == (name, len(tokens), len(expected))


def test_shards_are_numbered_without_gaps_and_hold_half_to_twice_their_tokens(fake: Any) -> None:
    cutter, shards = cut(fake(), corpus(200), shard_tokens=300)
    assert [shard.first for shard in shards] == cutter.ledger.firsts
    sizes = [len(shard.lengths) for shard in shards]
    assert [shard.first for shard in shards] == [sum(sizes[:n]) for n in range(len(sizes))]
    tokens = [int((shard.lengths + 2).sum()) for shard in shards]
    assert all(150 <= size <= 600 + 10 for size in tokens[:-1])
    assert len(set(tokens)) > 3, "boundaries do not follow the windows"


def test_documents_that_come_or_go_leave_the_other_shards_as_they_are(fake: Any) -> None:
    documents = corpus(400)
    before = {shard.digest for shard in cut(fake(), documents, shard_tokens=400)[1]}
    assert len(before) > 20
    without = cut(fake(), documents[:100] + documents[104:], shard_tokens=400)[1]
    assert len(before - {shard.digest for shard in without}) <= 4
    more = cut(fake(), documents[:200] + corpus(6, seed=1) + documents[200:], shard_tokens=400)[1]
    assert len(before - {shard.digest for shard in more}) <= 4
    appended = cut(fake(), documents + corpus(9, seed=2), shard_tokens=400)[1]
    assert len(before - {shard.digest for shard in appended}) <= 1


def test_a_digest_tells_windows_and_their_order_apart(fake: Any) -> None:
    def digest(*texts: str) -> str:
        [shard] = cut(fake(), [(text, [text]) for text in texts])[1]
        return shard.digest

    assert digest("1 2", "3") == digest("1 2", "3", "1 2")
    assert len({digest("1 2", "3"), digest("3", "1 2"), digest("1", "2 3")}) == 3


def test_shards_come_before_a_document_ends(fake: Any) -> None:
    read = []

    def parts() -> Iterator[str]:
        for number in range(2000):
            read.append(number)
            yield " ".join(str((number * 7 + k) % 900) for k in range(600))

    shards = Cutter(fake(), shard_tokens=2000).shards([("endless", parts())])
    next(shards)
    assert len(read) < 500


def test_equal_parts_are_tokenized_once_while_they_are_remembered(
    fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counting(fake):  # type: ignore[misc, valid-type]  # the class comes from a fixture
        asked: list[str]

        def tokenize(self, texts: Any) -> Any:
            self.asked.extend(texts)
            return super().tokenize(texts)

    def asked(documents: Documents) -> list[str]:
        frame = Counting()
        frame.asked = []
        cut(frame, documents)
        return frame.asked

    documents = [("a", ["1 2", "3 4", "1 2"]), ("b", ["3 4"]), ("c", ["1 2"])]
    assert asked(documents) == ["1 2", "3 4"]
    monkeypatch.setattr(cutting, "_MEMO_TOKENS", 1)
    assert asked(documents) == ["1 2", "3 4", "3 4", "1 2"]


def test_a_document_without_tokens_is_named(fake: Any) -> None:
    with pytest.raises(InputError, match="document 'hollow' has no tokens"):
        cut(fake(), [("full", ["1"]), ("hollow", ["", " "])])
