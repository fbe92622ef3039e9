"""A run as pandas frames."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from written_runs import RunWriter

import results
from results.errors import InputError
from results.frames import Results
from results.records import Curve, StudyPoint

IDS = [f"doc-{i:02d}" for i in range(20)]
TRUTH = ["A&B"] * 10 + ["50%"] * 10
CLASSES = ("A&B", "50%")
CURVE = {"name": "valid_loss", "unit": "epoch", "at": [1.0, 2.0], "values": [3.0, 2.5]}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model on dense vectors, a network with curves, a failed cell, a study's point."""
    writer = RunWriter(tmp_path_factory.mktemp("frames"), "odd & even")
    labels = pd.DataFrame({"id": IDS, "label": TRUTH, "group": [""] * 20})
    matrix = np.arange(60, dtype=np.float32).reshape(20, 3)
    shared = {
        "labels": writer.publish("labels", frames={"labels": labels}),
        "split": writer.split(labels, IDS, by="stratified"),
    }
    embedded = writer.publish(
        "embed", frames={"ids": labels[["id"]]}, vectors=np.array_split(matrix, [7]), wall_s=9.0,
        extra={"tokens_per_s": 5.5, "notes": ["no column"]},
    )  # fmt: skip
    adapted = writer.publish("adapt", card={"curves": [CURVE]})
    base = {"text": "cleaned", "seed": 0, "section": "matrix"}
    for number, classifier in enumerate(("logistic_regression", "svc", "s:svc@x=1")):
        said = labels[["id", "label"]].assign(predicted=TRUTH[number:] + TRUTH[:number])
        artifact, cell = writer.cell("classify", said, CLASSES, train_documents=40)
        artifacts = {**shared, "adapted": adapted, "vectors": embedded, "cell": artifact}
        study = StudyPoint(name="s", row="m/svc", vary={"x": 1}) if "@" in classifier else None
        writer.add(
            artifacts, model="m" if number else "tfidf-char", classifier=classifier,
            status="ok", cell=cell, study=study,
            **{**base, "section": "study" if study else "matrix" if number else "trivial"},
        )  # fmt: skip
    said = labels[["id", "label"]].assign(predicted=TRUTH)
    curve = Curve(name="train_loss", unit="epoch", at=[1.0], values=[0.5])
    artifact, cell = writer.cell("reference", said, CLASSES, train_documents=40, curves=[curve])
    known = {**base, "section": "reference", "model": "reference", "classifier": "cnn"}
    writer.add({**shared, "cell": artifact}, status="ok", cell=cell, **known)
    known = {**base, "model": "m", "classifier": "broken"}
    writer.add(shared, status="failed", reason="no\nmemory", **known)
    return writer.finish()


@pytest.fixture
def loaded(run_dir: Path) -> Results:
    return results.load(run_dir)


def test_every_planned_cell_has_a_row_and_missing_values_a_reason(loaded: Results) -> None:
    cells = loaded.cells.set_index("name")
    assert list(cells.index) == [record.name for record in loaded.run.records]
    svc = cells.loc["m/svc/0"]
    assert svc["accuracy"] == pytest.approx(0.9)
    assert svc["accuracy_low"] < 0.9 < svc["accuracy_high"]
    assert svc["n_train"] == 40 and cells["n_train"].dtype == "Int64"
    broken = cells.loc["m/broken/0"]
    assert broken["accuracy"] is pd.NA and broken["reason"] == "no\nmemory"
    point = cells.loc["m/s:svc@x=1/0"]
    assert (point["study"], point["row"], point["vary"]) == ("s", "m/svc", {"x": 1})
    assert point["accuracy"] == pytest.approx(0.8) and point["accuracy_low"] is pd.NA


def test_measures_and_classes_carry_intervals_or_reasons(loaded: Results) -> None:
    measures = loaded.measures.set_index(["name", "measure"])
    area = measures.loc["m/svc/0", "roc_auc"]
    assert area["value"] is pd.NA and area["reason"] == "predictions without scores"
    assert measures.loc["m/svc/0", "mcc"]["low"] < 0.8
    classes = loaded.classes
    assert set(classes["class"]) == set(CLASSES) and "m/broken/0" not in set(classes["name"])
    ours = classes[(classes["name"] == "m/svc/0") & (classes["class"] == "50%")].iloc[0]
    assert ours["recall"] == 0.9 and ours["recall_low"] <= 0.9 <= ours["recall_high"]


def test_comparisons_say_why_there_is_none(loaded: Results) -> None:
    found = loaded.comparisons.set_index("name")
    assert found.loc["tfidf-char/logistic_regression/0", "reason"] == "the baseline itself"
    assert found.loc["m/broken/0", "reason"] == "the cell is failed"
    svc = found.loc["m/svc/0"]
    assert svc["accuracy_gain"] == pytest.approx(-0.1) and svc["only_baseline"] == 2
    assert svc["gain_low"] <= svc["gain"] <= svc["gain_high"] and svc["p_holm"] == 1.0


def test_costs_name_every_job_and_count_shared_ones_once_by_key(loaded: Results) -> None:
    costs = loaded.costs
    embedded = costs[costs["role"] == "vectors"]
    assert list(embedded["tokens_per_s"]) == [5.5] * 3 and "notes" not in costs
    assert len(embedded.drop_duplicates("key")) == 1
    assert costs.drop_duplicates("key")["wall_s"].sum() == 2 + 9 + 1 + 4


def test_curves_are_those_of_the_cell_and_of_what_it_stands_on(loaded: Results) -> None:
    curves = loaded.curves
    network = curves[curves["name"] == "reference/cnn/0"]
    assert list(network["role"]) == ["cell"] and list(network["value"]) == [0.5]
    adapted = curves[curves["name"] == "m/svc/0"]
    assert list(adapted["at"]) == [1.0, 2.0] and list(adapted["value"]) == [3.0, 2.5]


def test_a_cell_gives_predictions_confusion_and_vectors_by_id(loaded: Results) -> None:
    assert list(loaded.predictions("m/svc/0")["id"]) == IDS
    confusion = loaded.confusion("m/svc/0")
    assert confusion.loc["50%", "A&B"] == 1 and confusion.to_numpy().sum() == 20
    vectors = loaded.vectors("m/svc/0")
    assert vectors.shape == (20, 3) and vectors.loc["doc-10", 0] == 30.0
    assert (vectors.dtypes == np.float32).all()


def test_sparse_features_stay_sparse(tmp_path: Path) -> None:
    from scipy import sparse

    writer = RunWriter(tmp_path, "sparse")
    labels = pd.DataFrame({"id": IDS, "label": TRUTH})
    features = writer.publish("embed", frames={"ids": labels[["id"]]})
    said = labels.assign(predicted=TRUTH)
    artifact, cell = writer.cell("classify", said, CLASSES, train_documents=9)
    writer.add(
        {"vectors": features, "cell": artifact}, section="matrix", model="m", classifier="svc",
        seed=0, text="cleaned", status="ok", cell=cell,
    )  # fmt: skip
    run = results.load(writer.finish())
    folder = run.run.folder(run.run.records[0], "vectors")
    assert folder is not None
    with pytest.raises(InputError, match="m/svc/0: no vectors in .*--no-embeddings has none"):
        run.vectors("m/svc/0")
    sparse.save_npz(folder / "features.npz", sparse.eye(20, format="csr", dtype=np.float32))
    vectors = run.vectors("m/svc/0")
    assert vectors.sparse.density == pytest.approx(1 / 20) and vectors.loc["doc-03", 3] == 1
    assert list(run.curves.columns)[-5:] == ["role", "curve", "unit", "at", "value"]
    assert run.curves.empty


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda run: run.predictions("m/svx/0"), "no cell 'm/svx/0'; there are m/svc/0"),
        (lambda run: run.predictions("m/broken/0"), "m/broken/0: failed, so it has no scores .no"),
        (lambda run: run.confusion("m/broken/0"), "m/broken/0: failed, so it has no scores"),
        (lambda run: run.vectors("reference/cnn/0"), "reference/cnn/0: stands on no vectors"),
        (lambda run: results.load("/nowhere"), "not a run folder"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(loaded: Results, ask, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        ask(loaded)
    assert "\n" not in str(caught.value)


def test_importing_results_imports_no_pandas() -> None:
    code = "import sys, results; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
