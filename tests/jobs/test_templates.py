"""`templates`: mined on train alone, every document rewritten, nothing of the logs on the card."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from corpora.document import PART_CHARS, blocks
from corpora.storage import DocumentWriter, StoredDocument, read_documents
from jobs import templates
from jobs.job import Context
from results.errors import InputError

TEST, UNUSED = "d3", "d4"
TEXTS = {
    f"d{n}": "".join(f"link eth{n} is up after {n + i} ms\njob {'xyz'[i % 3]} done\n"
                     for i in range(20)) + f"secret{'abcdefgh'[n]} of this log alone {'!' * n}\n"
    for n in range(6)
}  # fmt: skip


def inputs(folder: Path, texts: dict[str, str]) -> dict[str, Path]:
    folders = {name: folder / name for name in ("corpus", "split")}
    for one in folders.values():
        one.mkdir(parents=True)
    with DocumentWriter(folders["corpus"] / "documents.parquet") as writer:
        for name, text in texts.items():
            writer.add(name, blocks([text]), f"of {name}" if name != "d1" else None)
    rows = [name for name in texts if name != "d5"]  # d5 has no label
    sides = [{TEST: "test", UNUSED: "unused"}.get(name, "train") for name in rows]
    pd.DataFrame({"id": rows, "side": sides}).to_parquet(folders["split"] / "split.parquet")
    return folders


def run(
    folder: Path, texts: dict[str, str] = TEXTS, **settings: Any
) -> tuple[list[StoredDocument], dict[str, Any]]:
    out = folder / "out"
    out.mkdir(parents=True)
    folders = inputs(folder, texts)
    assert templates.run({"settings": settings}, folders, out, Context(scratch=folder)) == {}
    assert {path.name for path in out.iterdir()} == {"documents.parquet", "card.json"}
    card = json.loads((out / "card.json").read_text())
    return list(read_documents(out / "documents.parquet")), card


def test_ids_groups_order_and_lines_stay(tmp_path: Path) -> None:
    found, _ = run(tmp_path)
    assert [(one.id, one.group) for one in found] == [
        (name, f"of {name}" if name != "d1" else None) for name in TEXTS
    ]
    for one in found:
        text = "".join(one.parts)
        assert text.count("\n") == TEXTS[one.id].count("\n")
        assert text.startswith("link <*> is up after <*> ms\njob <*> done\n")


def test_only_train_documents_are_learnt_from(tmp_path: Path) -> None:
    found, card = run(tmp_path / "a")
    others = dict.fromkeys((TEST, UNUSED, "d5"), "link zero was up before 3 ms\n")
    changed, _ = run(tmp_path / "b", TEXTS | others)
    train = ("d0", "d1", "d2")
    assert [d for d in changed if d.id in train] == [d for d in found if d.id in train]
    assert [d.parts for d in changed if d.id in others] == [
        ("link zero was up before <*> ms\n",)
    ] * 3
    assert card["unmatched_lines"]["train"] == 0


def test_the_card_counts_and_holds_no_text(tmp_path: Path) -> None:
    _, card = run(tmp_path)
    assert card == {
        "templates": 5,
        "distinct_train_lines": 9,
        "lines": {"train": 123, "other": 123},
        "unmatched_lines": {"train": 0, "other": 3},
        "most_frequent": [60, 60, 1, 1, 1],
    }


def test_the_same_inputs_give_the_same_bytes_and_settings_are_obeyed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(tmp_path / name)
    one, other = (tmp_path / name / "out" / "documents.parquet" for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()
    assert run(tmp_path / "c", sim_th=1.0)[1]["templates"] == 9


def test_long_documents_stay_in_blocks(tmp_path: Path) -> None:
    long = "job x done\n" * 20_000 + "y" * (PART_CHARS + 10)
    found, _ = run(tmp_path, TEXTS | {TEST: long})
    (document,) = (one for one in found if one.id == TEST)
    assert list(document.parts) == list(blocks(document.parts)) and len(document.parts) > 3
    assert "".join(document.parts).count("\n") == 20_000


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="templates 'templates' has no setting 'similarity'"):
        run(tmp_path, similarity=0.5)
