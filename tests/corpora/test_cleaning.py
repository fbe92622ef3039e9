from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpora.cleaning import Cleaning, clean, tukey_fences
from corpora.document import Document, Field, blocks
from corpora.storage import read_documents
from results.errors import InputError


def run(folder: Path, texts: Mapping[str, str], rules: Cleaning) -> tuple[dict[str, str], Any]:
    documents = (Document(id, blocks([text]), {"label": "x"}) for id, text in texts.items())
    folder.mkdir(exist_ok=True)
    card = clean(documents, rules, folder)
    stored = read_documents(folder / "documents.parquet")
    assert sorted(path.name for path in folder.iterdir()) == ["documents.parquet"]
    return {document.id: "".join(document.parts) for document in stored}, card


def test_without_rules_every_character_is_kept(tmp_path: Path) -> None:
    texts = {"b": "one\r\n  two \n\n", "a": "x" * 200_000 + "\n" + "y" * 99}

    kept, card = run(tmp_path, texts, Cleaning())

    assert kept == texts
    assert (card["documents_read"], card["documents_kept"]) == (2, 2)
    assert card["removed"] == {"empty": 0, "tukey": 0, "max_bytes": 0}


def test_each_line_rule_drops_its_own_and_is_counted(tmp_path: Path) -> None:
    texts = {"a": "short longword end\nthis line is too long by far\nok\n"}

    kept, card = run(tmp_path, texts, Cleaning(max_word_chars=7, max_line_chars=15))

    assert kept == {"a": "short  end\nok\n"}
    assert card["dropped"] == {"words": 1, "lines": 1}


def test_tukeys_rule_looks_at_the_lengths_after_the_line_rules(tmp_path: Path) -> None:
    texts = {f"d{n}": "word " * 20 for n in range(10)}
    texts["long"], texts["was long"] = "word " * 200, "word " * 20 + "y" * 900

    kept, card = run(tmp_path, texts, Cleaning(max_word_chars=20, tukey=True))

    assert "long" not in kept and "was long" in kept
    assert card["removed"]["tukey"] == 1


def test_tukeys_fences_are_the_textbooks() -> None:
    assert tukey_fences([1, 2, 3, 4, 5]) == (2 - 1.5 * 2, 4 + 1.5 * 2)


def test_max_bytes_counts_utf8_before_the_line_rules(tmp_path: Path) -> None:
    texts = {"ascii": "a" * 100, "umlauts": "ü" * 51, "words": "a " + "b" * 99}

    kept, card = run(tmp_path, texts, Cleaning(max_word_chars=100, max_bytes=100))

    assert list(kept) == ["ascii"]
    assert card["removed"]["max_bytes"] == 2


def test_what_text_cannot_hold_is_replaced_and_counted(tmp_path: Path) -> None:
    kept, card = run(tmp_path, {"a": "x\x00\x00y\ufffdz\ud800"}, Cleaning())

    assert kept == {"a": "x\ufffd\ufffdy\ufffdz\ufffd"}
    assert card["characters"] == {"replacement": 1, "nul": 2, "surrogate": 1}


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_an_empty_document_is_refused_or_dropped(tmp_path: Path, text: str) -> None:
    texts = {"a": "text", "b": text}

    with pytest.raises(InputError, match=r"document 'b' is empty; set `clean: {empty: drop}`"):
        run(tmp_path / "refuse", texts, Cleaning())
    assert not (tmp_path / "refuse" / "spool.parquet").exists()

    kept, card = run(tmp_path / "drop", texts, Cleaning(empty="drop"))
    assert kept == {"a": "text"} and card["removed"]["empty"] == 1


def test_a_document_that_cleaning_removed_entirely_is_refused_or_dropped(tmp_path: Path) -> None:
    texts = {"a": "text\n", "b": "a line too long\n"}

    with pytest.raises(InputError, match=r"'b' has no text left .*`clean: {empty: drop}`"):
        run(tmp_path / "refuse", texts, Cleaning(max_line_chars=5))

    kept, _ = run(tmp_path / "drop", texts, Cleaning(max_line_chars=5, empty="drop"))
    assert list(kept) == ["a"]


def test_a_corpus_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no document \(removed: max_bytes 1\); loosen `clean:`"):
        run(tmp_path, {"a": "text"}, Cleaning(max_bytes=2))


def test_a_corpus_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no documents; check `path:`"):
        run(tmp_path, {}, Cleaning())


def test_two_documents_of_one_id_are_refused_whatever_the_loader(tmp_path: Path) -> None:
    documents = [Document("a", ["x"], {}), Document("a", ["y"], {})]

    with pytest.raises(InputError, match="two documents have the id 'a'"):
        clean(documents, Cleaning(), tmp_path)


@pytest.mark.parametrize("limit", ["max_word_chars", "max_line_chars", "max_bytes"])
def test_a_limit_below_one_is_refused(limit: str) -> None:
    with pytest.raises(InputError, match=rf"`{limit}: 0` must be at least 1"):
        Cleaning(**{limit: 0})


def test_the_card_shows_lengths_before_and_after_and_duplicates(tmp_path: Path) -> None:
    texts = {"a": "x" * 10, "b": "x" * 10, "c": "y" * 500, "d": "z" * 3000}

    _, card = run(tmp_path, texts, Cleaning(max_bytes=1000))

    lengths = card["lengths"]
    assert sum(lengths["before"]["counts"]) == 4 and sum(lengths["after"]["counts"]) == 3
    assert len(lengths["before"]["counts"]) == len(lengths["edges"]) - 1
    (full,) = np.flatnonzero(np.array(lengths["before"]["counts"]) == 2)
    assert lengths["edges"][full] <= 10 < lengths["edges"][full + 1]
    assert (lengths["after"]["min"], lengths["after"]["max"]) == (10, 500)
    assert card["duplicates_exact"] == 1


def test_groups_are_kept(tmp_path: Path) -> None:
    fields: list[dict[str, Field]] = [{"run": 1, "label": "\ud800"}, {"run": ""}, {}]
    documents = [Document(str(n), ["text"], field) for n, field in enumerate(fields)]

    clean(documents, Cleaning(), tmp_path, group="run")

    stored = list(read_documents(tmp_path / "documents.parquet"))
    assert [document.group for document in stored] == ["1", None, None]


def test_the_same_documents_give_the_same_files(tmp_path: Path) -> None:
    for name in ("1", "2"):
        run(tmp_path / name, {"a": "a text", "b": "or\nmore\n"}, Cleaning(max_word_chars=3))

    first, second = (tmp_path / name / "documents.parquet" for name in ("1", "2"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("duplicates", "left", "removed"),
    [
        ("keep", "a b c d e f", None),
        ("exact", "a b d e f", 1),
        ("masked", "a d e f", 2),
        ("numbers", "a d e", 3),
    ],
)
def test_of_equal_texts_the_first_is_kept_and_the_others_are_counted(
    tmp_path: Path, duplicates: Any, left: str, removed: int | None
) -> None:
    texts = {"a": "run_7 took 7 ms\n", "b": "run_7 took 8 ms\n", "c": "run_7 took 7 ms\n"}
    texts |= {"d": "run_7 took 7 s\n", "e": "", "f": "run_-12 took 7 ms\n"}
    rules = Cleaning(duplicates=duplicates, empty="drop")

    kept, card = run(tmp_path, texts, rules)

    assert list(kept) == [id for id in left.split() if id != "e"]
    assert card["removed"].get("duplicates") == removed
    assert card["documents_kept"] == len(kept)


def test_twins_are_looked_for_among_what_the_other_rules_leave(tmp_path: Path) -> None:
    texts = {"a": "x" * 90 + " same\n", "b": "y" * 20 + " same\n"}

    kept, card = run(tmp_path, texts, Cleaning(max_word_chars=9, max_bytes=50, duplicates="exact"))

    assert list(kept) == ["b"]  # its twin was too large
    assert card["removed"] == {"empty": 0, "tukey": 0, "max_bytes": 1, "duplicates": 0}


def test_twins_of_many_parts_are_found(tmp_path: Path) -> None:
    long = "a line of 24 characters\n" * 9000
    texts = {"a": long, "b": long + "more\n", "c": long, "d": "b" + long[1:]}

    kept, card = run(tmp_path, texts, Cleaning(duplicates="masked"))

    assert list(kept) == ["a", "b", "d"] and card["removed"]["duplicates"] == 1
