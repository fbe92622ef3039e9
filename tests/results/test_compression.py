"""Tables I to IV of fine-tuned and pruned models, with the published numbers beside ours."""

from dataclasses import replace

import pytest

from results import efficiency
from results.assessment import assess
from results.compression import edge, lines, quality, sizes, training
from results.compression_figures import draw
from results.detection import measured
from results.published import COMPRESSED, compressed
from results.table_files import make_tables


def texts(table) -> list[list[str]]:
    return [[value.text for value in row.values] for row in table.rows]


def column(table, field: str) -> list:
    place = [column.fields[0] for column in table.columns].index(field)
    return [row.values[place].raw[0] for row in table.rows]


def tables(run) -> list:
    return [make(run, assess(run)) for make in (quality, training, sizes, edge)]


def test_models_stand_with_their_pruned_ones_and_say_how_they_were_made(compressed) -> None:
    for table in tables(compressed):
        assert [row[:3] for row in texts(table)] == [
            ["bert-full", "full", "\N{EN DASH}"],
            ["bert-qlora", "QLoRA", "\N{EN DASH}"],
            ["bert-qlora", "QLoRA", "50 %"],
            ["bert-qlora", "QLoRA", "90 %"],
        ]


def test_scores_are_of_the_anomalies_where_there_are_such_with_the_published_beside(
    compressed,
) -> None:
    table = quality(compressed, assess(compressed))
    own = [measured(compressed, record)["f1"] for record in compressed.records[:4]]
    assert column(table, "f1") == pytest.approx([one.value for one in own], abs=1e-6)
    assert f"[{own[0].interval.low:.3f}, {own[0].interval.high:.3f}]" in texts(table)[0][3]
    assert column(table, "published_f1") == [0.919, 0.916, 0.899, 0.944]
    assert column(table, "published_recall") == [0.957, 0.952, 0.917, 0.941]


def test_other_classes_are_scored_by_their_means(invent_compressed) -> None:
    run = invent_compressed(classes=["a", "b", "c"], seeds=(1, 2))
    table = quality(run, assess(run))
    cells = [record.cell for record in run.records[:2]]
    expected = sum(cell.scores.macro_f1 for cell in cells) / 2
    assert column(table, "f1")[0] == pytest.approx(expected, abs=1e-6)
    recalls = [s.recall for cell in cells for s in cell.scores.per_class.values()]
    assert column(table, "recall")[0] == pytest.approx(sum(recalls) / 6, abs=1e-6)


def test_a_pruned_model_took_all_steps_up_to_it(compressed) -> None:
    table = training(compressed, assess(compressed))
    assert column(table, "train_s") == [100, 100, 100 + 5 * 50 + 100, 100 + 9 * 50 + 100]
    assert column(table, "epochs") == [4, 4, 4 + 5 * 2 + 4, 4 + 9 * 2 + 4]
    assert column(table, "train_device_mb") == [2500, 380, 380, 380]
    assert column(table, "published_peak_mb") == [2528.87, 378.34, 370.57, 370.57]
    assert column(table, "published_epochs") == [2, 4, 12, 20]


def test_sizes_and_times_are_told_relative_to_the_full_model(compressed) -> None:
    table = sizes(compressed, assess(compressed))
    assert column(table, "model_mb")[::3] == [418, 226]
    assert column(table, "model_of_full")[3] == pytest.approx(0.54, abs=0.01)
    assert column(table, "latency_1_ms") == pytest.approx([20, 20, 15, 11])
    assert column(table, "latency_1_of_full")[3] == pytest.approx(0.55)
    assert column(table, "published_ms_of_full")[3] == pytest.approx(0.55, abs=0.005)
    assert "paper's GPU" in table.caption


def test_the_edge_is_a_cpu_and_its_published_numbers_are_the_raspberrys(compressed) -> None:
    table = edge(compressed, assess(compressed))
    assert column(table, "published_edge_ms") == [1344, 1366, 1060, 795]
    assert column(table, "published_edge_of_full")[3] == pytest.approx(0.59, abs=0.005)
    assert "Raspberry Pi 5" in table.caption
    record = compressed.records[0]
    on_gpu = record.costs["cell"].model_copy(update={"peak_device_bytes": 5})
    moved = record.model_copy(update={"costs": {**record.costs, "cell": on_gpu}})
    run = replace(compressed, records=[moved, *compressed.records[1:]])
    assert [row[0] for row in texts(edge(run, assess(run)))] == ["bert-qlora"] * 3
    assert "not exactly one model" in edge(run, assess(run)).caption


def test_what_was_not_measured_says_why(compressed) -> None:
    record = compressed.records[0]
    extra = {"train_s_missing": "resumed at 40%", "latency_1_s_missing": "too slow"}
    cost = record.costs["cell"].model_copy(update={"extra": extra})
    broken = record.model_copy(update={"costs": {"cell": cost}})
    run = replace(compressed, records=[broken, *compressed.records[1:]])
    assert "resumed at 40%" in training(run, assess(run)).footnotes
    assert "too slow" in sizes(run, assess(run)).footnotes
    entry = assess(run).entries[0]
    assert efficiency.figure(entry, "epochs") == efficiency.Figure(None, "not measured")
    assert column(training(run, assess(run)), "train_s")[0] is None


def test_a_method_that_nobody_told_has_no_published_numbers(compressed) -> None:
    run = replace(compressed, cell_cards={})
    assert {line.published for line in lines(run, assess(run))} == {None}
    hidden = [c.title for c in quality(run, assess(run)).columns if c.fields[0] == "published_f1"]
    assert hidden == [""]


def test_without_anything_to_compare_there_are_no_such_tables(small, run, invent, sketch) -> None:
    alone = invent((sketch("matrix", "bigbird", "finetuned", 0.7),))
    for one in (small, run, alone):
        assert all(not table.rows for table in tables(one))
        assert draw(one, assess(one)) == []


def test_published_numbers_are_those_of_the_paper() -> None:
    assert len(COMPRESSED) == 9
    assert all(0 < one.f1 <= 1 and 200 < one.size_mb < 420 for one in COMPRESSED)
    for one in COMPRESSED:  # F1 follows from precision and recall, up to the rounding of all three
        expected = 2 * one.precision * one.recall / (one.precision + one.recall)
        assert one.f1 == pytest.approx(expected, abs=0.0016)
    last = compressed_at("qlora", 0.9)
    assert (last.train_s, last.size_mb, last.edge_s) == (3601.71, 224, 0.795)
    assert compressed("lora", 0.5) is None and compressed(None, 0.0) is None


def compressed_at(method: str, pruned: float):
    found = compressed(method, pruned)
    assert found is not None
    return found


def test_figures_have_ours_with_intervals_and_the_published_line(compressed) -> None:
    drawn = {one.name: one.figure for one in draw(compressed, assess(compressed))}
    assert set(drawn) == {"compression-f1", "compression-use"}
    (axes,) = drawn["compression-f1"].axes
    ours, theirs = axes.lines[0], axes.lines[-1]
    assert list(ours.get_xdata()) == [0, 50, 90]
    assert list(theirs.get_xdata()) == [0, 50, 60, 70, 80, 90]
    assert theirs.get_ydata()[-1] == 0.944 and theirs.get_label() == "published"
    record = compressed.records[1]
    assert ours.get_ydata()[0] == pytest.approx(measured(compressed, record)["f1"].value)
    low, high = axes.collections[0].get_segments()[0][:, 1]
    interval = measured(compressed, record)["f1"].interval
    assert (low, high) == pytest.approx((interval.low, interval.high))
    size, time = drawn["compression-use"].axes
    assert size.lines[0].get_ydata()[-1] == pytest.approx(226 / 418)
    assert time.lines[0].get_ydata()[-1] == pytest.approx(0.55)
    assert time.lines[1].get_ydata()[-1] == pytest.approx(0.00418 / 0.0076)


def test_only_tables_of_costs_tell_times(compressed) -> None:
    slower = [
        r.model_copy(
            update={
                "costs": {
                    k: c.model_copy(update={"extra": {**c.extra, "latency_1_s": 9, "train_s": 9}})
                    for k, c in r.costs.items()
                }
            }
        )
        for r in compressed.records
    ]
    made = [
        make_tables(run, assess(run)) for run in (compressed, replace(compressed, records=slower))
    ]
    files = [one.csv() for one in made]
    assert {name for name in files[0] if files[0][name] != files[1][name]} == {
        "compression2.csv", "compression3.csv", "compression4.csv", "costs.csv",
    }  # fmt: skip
    assert {"compression1.csv", "detection.csv", "quality.csv"} <= set(files[0])
