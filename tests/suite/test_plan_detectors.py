"""Detectors in the plan: what they may learn from, what they read, and what is refused."""

from pathlib import Path

import pytest

from results.errors import InputError
from results.hashing import hash_file
from suite.node import Node
from suite.plan import make_plan
from suite.spec import read

SUITE = """
name: mine
seeds: [0, 1]
corpus: {loader: folder, path: logs}
models:
  - {name: plain, adapter: minilm}
  - {name: fit, adapter: minilm, adapt: {objective: masked_sentences}, adapt_on: normal}
anomaly:
  normal: ok
  validation_share: 0.25
  detectors:
    - {name: logfit, detector: top_k, model: fit}
    - {name: centroid, model: plain}
"""


def _plan(folder: Path, text: str = SUITE) -> dict[str, Node]:
    (folder / "suite.yaml").write_text(text)
    nodes = make_plan(read(folder / "suite.yaml"), hash_file)
    plan = {node.id: node for node in nodes}
    assert len(plan) == len(nodes), "an id stands there twice"
    return plan


def test_a_detector_is_a_cell_of_its_own_section(log_folder: Path, tmp_path: Path) -> None:
    cell = _plan(tmp_path)["anomaly:fit/logfit/1"].cell
    assert cell is not None
    assert (cell.section, cell.model, cell.classifier, cell.seed) == ("anomaly", "fit", "logfit", 1)
    assert cell.text == "masked"


def test_what_a_detector_reads_was_learnt_from_normal_documents_alone(
    log_folder: Path, tmp_path: Path
) -> None:
    plan = _plan(tmp_path)
    adapt = plan["adapt:fit/0"]
    assert adapt.params["only"] == {"normal": "ok", "validation_share": 0.25}
    assert set(adapt.needs) == {"corpus", "split", "labels"}
    detect = plan["anomaly:fit/logfit/0"]
    assert detect.needs["adapted"] == "adapt:fit/0"
    assert (detect.params["normal"], detect.params["validation_share"]) == ("ok", 0.25)


def test_a_model_is_embedded_only_where_its_vectors_are_read(
    log_folder: Path, tmp_path: Path
) -> None:
    plan = _plan(tmp_path)
    assert plan["anomaly:plain/centroid/0"].needs["vectors"] == "embed:plain"
    assert not any(name.startswith("embed:fit") for name in plan)


def test_trivial_detectors_are_always_there_and_named_once(
    log_folder: Path, tmp_path: Path
) -> None:
    plan = _plan(tmp_path)
    assert plan["anomaly:text/unseen_templates/0"].needs["corpus"] == "templates:split/0"
    assert plan["anomaly:text/line_count/1"].needs["corpus"] == "corpus"
    own = "- {name: rare, detector: unseen_templates, text: masked}\n    - {name: logfit"
    plan = _plan(tmp_path, SUITE.replace("- {name: logfit", own))
    assert "anomaly:text/unseen_templates/0" not in plan
    assert plan["anomaly:text/rare/0"].params["view"]["text"] == "masked"


def test_templates_are_a_form_of_the_documents_that_a_model_reads(
    log_folder: Path, tmp_path: Path
) -> None:
    text = SUITE.replace(
        "name: plain, adapter: minilm", "name: plain, adapter: minilm, text: templates"
    )
    plan = _plan(tmp_path, text.replace("path: logs", "path: logs, mining: {depth: 5}"))
    embed, cell = plan["embed:plain/0"], plan["anomaly:plain/centroid/0"].cell
    assert embed.needs["corpus"] == "templates:split/0"
    assert embed.params["view"]["text"] == "cleaned"
    assert plan["templates:split/0"].params["settings"]["depth"] == 5
    assert cell is not None and cell.text == "templates"
    assert (cell.roles["corpus"], cell.roles["documents"]) == ("corpus", "templates:split/0")


def test_altered_lines_are_read_but_never_learnt_from(log_folder: Path, tmp_path: Path) -> None:
    study = (
        "studies: [{name: s, rows: [fit/logfit, plain/centroid, text/unseen_templates],"
        " vary: {altered_lines: [0, 0.2]}, seeds: [0]}]\n"
    )
    plan = _plan(tmp_path, SUITE + study)
    added = {name: node for name, node in plan.items() if node.study}
    altered = "alter:split/0/0@0.2"
    assert added[altered].params == {"share": 0.2, "seed": 0}
    detect = added["anomaly:fit/s:logfit@altered_lines=0.2/0"]
    assert detect.needs["corpus"] == altered
    assert detect.needs["adapted"] == "adapt:fit/0", "the training is that of the row"
    vectors = added["anomaly:plain/s:centroid@altered_lines=0.2/0"].needs["vectors"]
    assert added[vectors].needs["corpus"] == altered
    unseen = added["anomaly:text/s:unseen_templates@altered_lines=0.2/0"].needs["corpus"]
    assert added[unseen].needs["corpus"] == altered
    unaltered = added["anomaly:fit/s:logfit@altered_lines=0/0"]
    assert unaltered.params == plan["anomaly:fit/logfit/0"].params
    assert unaltered.needs == plan["anomaly:fit/logfit/0"].needs


def test_a_study_varies_the_settings_of_a_detector(log_folder: Path, tmp_path: Path) -> None:
    study = "studies: [{name: s, rows: [fit/logfit], vary: {token_share: [0.5, 0.8]}}]\n"
    node = _plan(tmp_path, SUITE + study)["anomaly:fit/s:logfit@token_share=0.5/1"]
    assert node.params["detector_settings"]["token_share"] == 0.5
    assert node.cell is not None and node.cell.section == "study"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("adapt_on: normal", "adapt_on: train", "adapted on anomalies, too.*adapt_on: normal"),
        ("model: fit", "model: fitt", r"unknown model 'fitt'.*'fit'"),
        ("detector: top_k", "detector: topk", r"unknown detector 'topk'"),
        ("{name: centroid, model: plain}", "centroid", r"'centroid' .* needs `model`"),
        ("{name: centroid,", "{name: line_count,", r"reads the text itself: leave `model` out"),
        ("name: logfit,", "name: centroid,", r"'centroid' stands there twice"),
        ("model: fit}", "model: fit, text: masked}", r"give the model `text`"),
        ("validation_share: 0.25", "validation_share: 1.5", r"1.5 must be below 1"),
        ("name: plain, adapter: minilm", "name: text, adapter: minilm", r"always printed"),
    ],
)
def test_wrong_detectors_are_refused(
    log_folder: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in SUITE
    with pytest.raises(InputError, match=message):
        _plan(tmp_path, SUITE.replace(old, new))


def test_normal_documents_need_a_class_that_is_normal(log_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"needs `anomaly: \{normal: CLASS\}`"):
        _plan(tmp_path, SUITE[: SUITE.index("anomaly:")])


def test_a_finetuned_model_is_no_detectors_model(log_folder: Path, tmp_path: Path) -> None:
    text = SUITE.replace(
        "name: plain, adapter: minilm", "name: plain, adapter: minilm, finetune: true"
    )
    with pytest.raises(InputError, match="fine-tuned on labels: name another"):
        _plan(tmp_path, text)


@pytest.mark.parametrize("share", ["-0.1", "1.1", "true", "many"])
def test_a_share_of_altered_lines_lies_between_0_and_1(
    log_folder: Path, tmp_path: Path, share: str
) -> None:
    study = f"studies: [{{name: s, rows: [fit/logfit], vary: {{altered_lines: [{share}]}}}}]\n"
    with pytest.raises(InputError, match="a share of lines lies between 0 and 1"):
        _plan(tmp_path, SUITE + study)
