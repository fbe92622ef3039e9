"""The paper's suite from end to end, every checkpoint replaced by its tiny twin."""

import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from classifiers.characters import CharVocabulary
from classifiers.cnn_training import build_network
from classifiers.registry import REFERENCES
from results.records import Record
from results.registry import build
from results.run import Run
from suite.spec import read

SUITE = Path(__file__).parents[2] / "suites" / "paper.yaml"
EMBEDDED = ("llama2", "mixtral", "flan-t5", "flan-t5-adapted", "bert", "bert-adapted")
TREES = ("random_forest", "decision_tree", "xgboost")
COLUMNS = (*TREES, *(f"{name}-tuned" for name in TREES), "embedding_cnn")
TABLE_2 = {*product(EMBEDDED, COLUMNS), ("bigbird", "finetuned")}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def _rehearse(workdir: Path) -> str:
    """Run the command line, which takes a minute or two; returns its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "suite.cli", "run", SUITE, "--tiny", "--workdir", workdir],
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    assert _rehearse(folder) == "computed 76, cached 5, failed 0"  # 5 points are rows
    return folder


@pytest.fixture
def records(workdir: Path) -> dict[tuple[str, str], Record]:
    found = Run.open(workdir / "paper-tiny").records
    return {(record.model, record.classifier): record for record in found}


def test_every_row_of_table_2_is_there(records: dict[tuple[str, str], Record]) -> None:
    assert len(TABLE_2) == 43
    assert set(records) >= TABLE_2 | {("reference", "cnn"), ("majority", "majority")}
    assert {name for name, record in records.items() if record.status != "ok"} == set()


def test_every_number_of_a_model_is_marked_as_random(
    records: dict[tuple[str, str], Record],
) -> None:
    for name in TABLE_2:
        assert set(records[name].marks) == {"synthetic data", "random weights"}, name
    assert records["reference", "cnn"].marks == ["synthetic data"]


def test_the_large_models_were_in_four_bits(records: dict[tuple[str, str], Record]) -> None:
    for model in EMBEDDED:
        audit = records[model, "xgboost"].audit
        assert audit is not None
        share = audit["share_4bit_linear"]
        assert share >= 0.99 if model in ("llama2", "mixtral") else share == 0.0


def test_adapted_models_read_masked_text_and_the_others_cleaned(
    records: dict[tuple[str, str], Record],
) -> None:
    for model in EMBEDDED:
        record = records[model, "xgboost"]
        assert record.text == ("masked" if model.endswith("-adapted") else "cleaned")
        assert ("adapted" in record.artifacts) is model.endswith("-adapted")


NETWORKS = {("reference", "cnn"), ("reference", "bilstm-cnn")}
STUDIES = {"context": 4, "layers": 2, "embedding": 2, "train-size": 6}


def test_both_networks_of_table_1_start_from_one_char_lm(
    records: dict[tuple[str, str], Record],
) -> None:
    used = {records[name].artifacts["char_lm"].digest for name in NETWORKS}
    assert len(used) == 1
    sizes = [records[name].cell.parameters for name in sorted(NETWORKS)]
    assert sizes[0] > sizes[1], "the one with the BiLSTM is larger"


def test_networks_have_the_papers_sizes_at_97_characters() -> None:
    characters = "".join(map(chr, range(95)))  # padding and unknown make it 97
    sizes = {}
    for reference in read(SUITE).references:
        settings = build("reference", reference.kind, REFERENCES, reference.settings)
        network = build_network(settings, CharVocabulary(characters), 4, seed=0)
        sizes[reference.name] = sum(weight.numel() for weight in network.parameters())
    assert round(sizes["cnn"] / 1e6, 2) == 0.79
    assert round(sizes["bilstm-cnn"] / 1e6, 1) == 2.1


def test_every_study_has_its_points(records: dict[tuple[str, str], Record]) -> None:
    found = [record.study.name for record in records.values() if record.study]
    assert {name: found.count(name) for name in found} == STUDIES


def test_report_holds_the_papers_tables_and_figures(workdir: Path) -> None:
    report = workdir / "paper-tiny" / "report"
    figures = {path.stem for path in (report / "figures").glob("*.pdf")}
    wanted = {"lengths", "classes", "adaptation-bert-adapted", "char-lm-cnn", "map-llama2"}
    wanted |= {f"study-{name}" for name in STUDIES}
    wanted |= {"curves-reference.cnn", "confusion-reference.cnn", "curves-bigbird.finetuned"}
    assert not wanted - figures, sorted(figures)
    for name in ("table1", "table2", "studies"):
        assert "\\toprule" in (report / f"{name}.tex").read_text()
    assert "bilstm-cnn" in (report / "table1.tex").read_text()


def test_a_second_rehearsal_computes_nothing(workdir: Path) -> None:
    assert _rehearse(workdir) == "computed 0, cached 81, failed 0"
