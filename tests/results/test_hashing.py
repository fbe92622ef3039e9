"""Identity: equal values share a hash, other things are refused."""

import os
from pathlib import Path
from typing import Any

import pytest

from results.hashing import HashCache, canonical_json, hash_file, hash_json, write_atomically


def test_the_order_of_keys_does_not_count() -> None:
    assert hash_json({"a": 1, "b": [1, 2]}) == hash_json({"b": [1, 2], "a": 1})


def test_equal_content_has_one_known_hash() -> None:
    # printf '{"a":1}' | sha256sum
    expected = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert hash_json({"a": 1}) == expected


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, object(), {1: "a"}, [{2: 3}]])
def test_what_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_and_infinity_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": value})


def test_the_cache_reads_a_file_again_only_when_it_changed(tmp_path: Path) -> None:
    data, memory = tmp_path / "data", tmp_path / "cache.json"
    data.write_text("one")
    cache = HashCache(memory)
    first = cache.hash(data)
    cache.save()
    assert first == hash_file(data)

    stamp = data.stat().st_mtime_ns
    data.write_text("two")
    os.utime(data, ns=(stamp, stamp))
    assert HashCache(memory).hash(data) == first, "same size and time: taken from the cache"
    os.utime(data, ns=(stamp + 1, stamp + 1))
    assert HashCache(memory).hash(data) == hash_file(data) != first


def test_a_damaged_cache_is_only_a_loss_of_time(tmp_path: Path) -> None:
    (tmp_path / "cache.json").write_text("{half")
    (tmp_path / "data").write_text("x")
    assert HashCache(tmp_path / "cache.json").hash(tmp_path / "data") == hash_file(
        tmp_path / "data"
    )


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
