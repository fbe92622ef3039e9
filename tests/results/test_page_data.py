"""What the page carries is what the run said, within bounds."""

import base64
import dataclasses
import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from corpora.storage import DOCUMENTS, DocumentWriter
from results import page_data
from results.assessment import assess
from results.page_data import pack


def unpack(text: str) -> tuple[dict, bytes]:
    raw = zlib.decompress(base64.b64decode(text), wbits=-zlib.MAX_WBITS)
    length = int.from_bytes(raw[:4], "little")
    return json.loads(raw[4 : 4 + length]), raw[4 + length :]


def packed(run) -> tuple[dict, bytes]:
    return unpack(pack(run, assess(run), ("a", "b")))


def with_corpus(run, folder: Path, ids):
    with DocumentWriter(folder / DOCUMENTS) as writer:
        for name in ids:
            writer.add(name, [f"secret text of {name} " * 40], None)
    return dataclasses.replace(run, folders={"corpus": folder})


@pytest.fixture
def texted(small, tmp_path: Path):
    return with_corpus(small, tmp_path, small.frames["minilm/xgboost/7"]["id"])


def test_predictions_come_back_as_they_were(run) -> None:
    header, numbers = packed(run)
    codes = np.frombuffer(numbers, np.uint8)
    sizes = [len(one["documents"]) for one in header["sets"]]
    cuts = np.cumsum([*sizes, *(sizes[cell["set"]] for cell in header["cells"])])
    parts = np.split(codes, cuts)
    assert len(parts[-1]) == 0
    labels, said = parts[: len(sizes)], parts[len(sizes) : -1]
    assert len(said) == sum(record.cell is not None for record in run.records)
    for cell, code in zip(header["cells"], said, strict=True):
        test_set = header["sets"][cell["set"]]
        ids = np.array(header["corpora"][test_set["corpus"]]["ids"])[test_set["documents"]]
        frame = run.frames[cell["name"]].set_index("id").loc[ids]
        truth = labels[cell["set"]]
        guess = np.where(code == 0, truth, code - 1)
        assert [header["classes"][i] for i in truth] == list(frame["label"])
        assert [header["classes"][i] for i in guess] == list(frame["predicted"])


def test_cells_of_one_seed_share_their_documents(run) -> None:
    header, _ = packed(run)
    assert len(header["sets"]) == 3 and len(header["corpora"]) == 1
    assert {cell["group"] for cell in header["cells"]} >= {"Trivial rows", "Study context"}


def test_more_than_254_classes_take_two_bytes(small) -> None:
    classes = [*(f"class {i}" for i in range(300)), "good", "bad"]
    records = [
        r.model_copy(update={"cell": r.cell.model_copy(update={"classes": classes})})
        for r in small.records
    ]
    header, numbers = packed(dataclasses.replace(small, records=records))
    codes = np.frombuffer(numbers, "<u2").reshape(len(records) + 1, -1)
    frame = small.frames[records[0].name].sort_values("id", kind="stable")
    assert [header["classes"][i] for i in codes[0]] == list(frame["label"])
    guess = np.where(codes[1] == 0, codes[0], codes[1] - 1)
    assert [header["classes"][i] for i in guess] == list(frame["predicted"])


def test_only_documents_on_which_cells_differ_have_texts(texted) -> None:
    header, _ = packed(texted)
    corpus = header["corpora"][0]
    frames = list(texted.frames.values())
    differ = {
        name
        for name, *said in zip(frames[0]["id"], *(f["predicted"] for f in frames), strict=True)
        if len(set(said)) > 1
    }
    texts = dict(zip(corpus["ids"], corpus["texts"], strict=True))
    assert {name for name, text in texts.items() if text} == differ
    assert all(len(texts[name]) == 300 and texts[name].endswith("…") for name in differ)
    assert header["note"].startswith("Of each text the first 300 characters")


def test_texts_can_be_left_out(texted) -> None:
    run = dataclasses.replace(texted, meta={**texted.meta, "report": {"text": False}})
    header, _ = packed(run)
    assert "secret" not in json.dumps(header)
    assert header["note"].startswith("The texts of the documents were left out")


def test_a_run_without_its_corpus_says_so(small) -> None:
    header, _ = packed(small)
    assert "without its corpus" in header["note"]
    assert set(header["corpora"][0]["texts"]) == {None}


def test_texts_are_cut_to_fit(texted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_data, "MAX_TEXT_CHARS", 1000)
    header, _ = packed(texted)
    texts = [text for text in header["corpora"][0]["texts"] if text]
    assert len(texts) == 1000 // 80 and all(len(text) <= 80 for text in texts)
    assert "first 80 characters" in header["note"] and "only of 12 of" in header["note"]


def test_the_same_results_are_packed_alike(small) -> None:
    results = assess(small)
    assert pack(small, results, ("a", "b")) == pack(small, assess(small), ("a", "b"))
