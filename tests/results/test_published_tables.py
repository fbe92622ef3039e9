import pytest

from results import published
from results.assessment import assess
from results.networks import table_one
from results.published_tables import table_two

MODELS = [
    {"name": "big", "adapter": "llama2-7b"},
    {"name": "t5", "adapter": "flan-t5-large", "adapt": {"rank": 16}},
    {"name": "mini", "adapter": "minilm"},
    {"name": "tuned", "adapter": "bigbird-roberta-base", "finetune": {"epochs": 1}},
]
REFERENCES = [{"name": "cnn"}, {"name": "long", "reference": "cnn", "bilstm": 8}]
RESOLVED = {"models": MODELS, "references": REFERENCES}


@pytest.fixture(scope="module")
def paper(invent, sketch):
    matrix = [(m["name"], c) for m in MODELS[:3] for c in ("random_forest-tuned", "embedding_cnn")]
    return invent(
        (
            *(sketch("matrix", *cell, 0.7) for cell in matrix),
            sketch("matrix", "tuned", "finetuned", 0.7),
            *(sketch("reference", "reference", row["name"], 0.9) for row in REFERENCES),
        ),
        seeds=(1,),
        classes=list(published.CLASSES),
    )


def test_models_correspond_by_adapter_and_adaptation() -> None:
    found = published.embedded(RESOLVED)
    assert list(found) == ["big", "t5"]
    assert found["big"]["xgboost"] == (0.822, 0.705)
    assert found["t5"]["random_forest"] == (0.77, 0.555)
    assert "embedding_cnn" not in found["t5"]


def test_networks_correspond_by_kind_and_adapter() -> None:
    assert published.networks(RESOLVED) == {
        "cnn": published.CNN, "long": published.BILSTM_CNN, "tuned": published.BIGBIRD,
    }  # fmt: skip
    assert published.networks({}) == published.embedded({}) == {}


def test_published_numbers_stand_beside_ours(paper) -> None:
    table = table_two(assess(paper), published.embedded(RESOLVED))
    assert [row.values[0].text for row in table.rows] == ["big", "t5"]
    assert [(c.group, c.title) for c in table.columns[1:]] == [
        ("Random forest", "published"), ("Random forest", "ours, tuned"),
        ("CNN", "published"), ("CNN", "ours"),
    ]  # fmt: skip
    values = table.rows[0].values
    assert values[1].text == "80.8 (0.683)"
    scores = paper.records[0].cell.scores
    assert values[2].text == f"{100 * scores.accuracy:.1f} ({scores.macro_f1:.3f})"
    assert table.rows[1].values[3].text == "–"
    assert "others and not public" in table.caption


def test_nothing_corresponds_no_table(judged) -> None:
    assert table_two(judged, {}).rows == []


def test_table_one_has_a_block_of_what_was_published(paper) -> None:
    (table,) = table_one(assess(paper), published.networks(RESOLVED))
    block = table.blocks[-1]
    assert block.title == "Published, on other documents"
    assert [row.values[0].text for row in block.rows] == ["CNN", "BiLSTM+CNN", "BigBird"]
    assert [value.text for value in block.rows[0].values[1:8]] == [
        "790,000", "3.16", "96.0", "0.902", ".999", "1.000", ".998",
    ]  # fmt: skip
    assert [row.values[-1].raw for row in table.rows] == [("ours",)] * 3 + [("published",)] * 3


def test_other_classes_have_nothing_published(judged) -> None:
    tables = table_one(judged, {"residual_cnn": published.CNN})
    assert all(block.title != "Published, on other documents" for t in tables for block in t.blocks)


def test_the_best_network_is_bold(paper) -> None:
    (table,) = table_one(assess(paper))
    bold = [any(piece.bold for piece in row.values[3].pieces) for row in table.rows]
    assert any(bold) and not all(bold)
