"""The conformance kit: every family and named model passes it, every check of it can fail."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adapters.catalogue import ENTRIES
from adapters.registry import ADAPTERS
from adapters.tiny import build_twin
from jobs.conformance import CHECKS, Verdict, run_checks, tiny_settings
from jobs.conformance_adaptation import learns
from jobs.conformance_process import compute_elsewhere, request
from jobs.conformance_subject import Adapted, Broken, Inapplicable, Subject
from results.errors import InputError

NAMES = [*sorted(ADAPTERS), *sorted(ENTRIES)]
FITTED = ("length", "tfidf")
CHECK_NAMES = [check.name for check in CHECKS]
BROKEN = {name: "".join(word.title() for word in name.split()) for name in CHECK_NAMES}
BROKEN["4 bits"] = "FourBits"
HERE = Path(__file__).parent.parent / "broken_adapters.py"


class Fleet:
    """A tiny twin of every adapter, built once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: dict[str, dict[str, Any]] = {}

    def subject(self, name: str) -> Subject:
        if name not in self.settings:
            self.settings[name] = tiny_settings(name, {}, self.folder / name)
        return Subject(name, self.settings[name], "cpu", "fp32", self.folder)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return Fleet(tmp_path_factory.mktemp("fleet"))


@pytest.fixture
def check(fleet: Fleet, tmp_path: Path) -> Callable[..., dict[str, Verdict]]:
    """Run the kit; returns the verdicts by the check's name."""

    def run(name: str, settings: dict[str, Any] | None = None, **how: Any) -> dict[str, Verdict]:
        given = fleet.subject(name).settings if settings is None else settings
        options = {"device": "cpu", "precision": "fp32", "scratch": tmp_path / "scratch", **how}
        return {verdict.name: verdict for verdict in run_checks(name, given, **options)}

    return run


def test_everything_registered_is_checked() -> None:
    assert len(NAMES) == len(ADAPTERS) + len(ENTRIES) >= 13
    assert len(CHECKS) == len(set(CHECK_NAMES)) >= 15


@pytest.mark.parametrize("name", NAMES)
def test_every_family_and_named_model_behaves(
    name: str, check: Callable[..., dict[str, Verdict]]
) -> None:
    verdicts = check(name, leave_out=["other process"])
    assert not [verdict for verdict in verdicts.values() if verdict.status == "FAIL"]
    skipped = {verdict.name for verdict in verdicts.values() if verdict.status == "skip"}
    if name == "minilm":
        assert skipped == {"4 bits"}
    elif name not in FITTED:
        assert not skipped


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Hold torch to one thread: in a long test run the second does not always take part."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_every_one_computes_the_same_bits_in_a_fresh_process(
    fleet: Fleet, tmp_path: Path, one_thread: None
) -> None:
    subjects = [fleet.subject(name) for name in NAMES]
    compute_elsewhere([request(subject, tmp_path / subject.name) for subject in subjects])
    for subject in subjects:
        elsewhere = np.load(tmp_path / f"{subject.name}.npy")
        np.testing.assert_array_equal(elsewhere, subject.vectors, subject.name)


def test_there_is_a_broken_adapter_for_every_check() -> None:
    source = HERE.read_text()
    assert len(BROKEN) == len(CHECKS)
    assert [name for name in BROKEN.values() if f"class {name}(Good)" not in source] == []


@pytest.mark.parametrize("name", CHECK_NAMES)
def test_every_check_can_fail(
    name: str, fleet: Fleet, check: Callable[..., dict[str, Verdict]]
) -> None:
    settings = fleet.subject("bert").settings
    others = [other for other in CHECK_NAMES if other != name]
    verdict = check(f"{HERE}:{BROKEN[name]}", settings, leave_out=others)[name]
    assert verdict.status == "FAIL", verdict
    assert verdict.found and verdict.hint and "\n" not in verdict.found


def test_the_unbroken_one_passes_them_all(
    fleet: Fleet, check: Callable[..., dict[str, Verdict]]
) -> None:
    verdicts = check(f"{HERE}:Good", fleet.subject("bert").settings, leave_out=["other process"])
    assert {verdict.status for verdict in verdicts.values()} == {"ok"}
    assert not any(verdict.hint for verdict in verdicts.values())


def test_what_does_not_load_fails_once_and_stops_nothing(
    fleet: Fleet, check: Callable[..., dict[str, Verdict]]
) -> None:
    told: list[Verdict] = []
    settings = fleet.subject("bert").settings
    verdicts = check(f"{HERE}:Loads", settings, tell=told.append)
    assert list(verdicts.values()) == told and len(told) == len(CHECKS)
    assert [verdict.name for verdict in told if verdict.status == "FAIL"] == ["loads"]
    assert verdicts["loads"].found == "RuntimeError: not today"
    assert verdicts["identity"].status == "ok"
    assert verdicts["windows"].found == "it does not load"


def test_an_adaptation_that_raises_fails_once(
    fleet: Fleet, check: Callable[..., dict[str, Verdict]]
) -> None:
    settings = fleet.subject("bert").settings
    others = [name for name in CHECK_NAMES if not name.startswith(("adaptation", "special"))]
    verdicts = check(f"{HERE}:AdaptationLearns", settings, leave_out=others)
    assert [verdict.status for verdict in verdicts.values()] == ["FAIL", "skip", "skip"]
    assert verdicts["special tokens"].found.startswith("nothing was adapted: ")


@pytest.mark.parametrize("losses", [[2.0, 2.0], [2.0, 1.5, 2.5], [2.0, float("nan")]])
def test_a_loss_that_does_not_fall_is_no_learning(losses: list[float], fleet: Fleet) -> None:
    subject = fleet.subject("bert")
    curves = [{"name": "train_loss", "values": losses}]
    adapted = Adapted(Path(), {"objective": "mlm", "curves": curves})
    vars(subject)["_adapted"] = (adapted, "")
    with pytest.raises(Broken, match="mlm: training loss 2.000 became"):
        learns(subject)


def test_a_large_model_is_not_trained_on_the_cpu(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.conformance_subject.LARGE", 1000)
    subject = fleet.subject("bert")
    with pytest.raises(Inapplicable, match="too many to train on the CPU: use `--tiny`"):
        learns(subject)
    assert subject.reach == 512


def test_a_twin_takes_the_place_of_the_checkpoint_alone(tmp_path: Path) -> None:
    given = {"checkpoint": "some/model", "revision": "0" * 40, "context": 32}
    settings = tiny_settings("bert", given, tmp_path / "twin")
    assert settings == {"checkpoint": str(tmp_path / "twin"), "context": 32}


def test_a_twin_has_the_architecture_of_the_checkpoint(tmp_path: Path) -> None:
    build_twin(tmp_path / "source", {"model_type": "roberta"}, ["link failed"])
    given = {"checkpoint": str(tmp_path / "source")}
    tiny_settings("huggingface", given, tmp_path / "twin")
    assert json.loads((tmp_path / "twin" / "config.json").read_text())["model_type"] == "roberta"


def test_what_has_no_checkpoint_is_checked_as_it_is(tmp_path: Path) -> None:
    assert tiny_settings("tfidf", {"min_df": 1}, tmp_path / "twin") == {"min_df": 1}
    assert not (tmp_path / "twin").exists()


def test_a_fresh_process_that_fails_says_why(fleet: Fleet, tmp_path: Path) -> None:
    wanted = request(fleet.subject("bert"), tmp_path / "vectors")
    with pytest.raises(Broken, match="exit status 1: .*unknown adapter 'brt'"):
        compute_elsewhere([{**wanted, "name": "brt"}])


def test_impossible_settings_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no setting 'contxt': did you mean 'context'"):
        run_checks(
            "bert",
            {"checkpoint": "x", "contxt": 3},
            device="cpu",
            precision="fp32",
            scratch=tmp_path,
        )
