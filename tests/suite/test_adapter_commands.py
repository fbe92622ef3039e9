"""`logmark adapters`: what is listed, verdicts line by line, and a hub that cannot be reached."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from adapters import catalogue
from adapters.registry import ADAPTERS
from adapters.tiny import build_twin
from jobs.conformance import CHECKS
from suite.adapter_commands import summary
from suite.cli import main

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BROKEN = Path(__file__).parent.parent / "broken_adapters.py"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty hub cache and no network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    return build_twin(tmp_path / "twin", {"model_type": "bert"}, ["link 3 failed"])


def test_every_family_is_listed_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapters", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, target in ADAPTERS.items():
        (line,) = [line for line in lines if line.split()[:1] == [name] and summary(target) in line]
        assert len(line) > 25


def test_named_models_are_listed_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapters", "list"]) == 0
    table = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert table[0].split() == [
        "name",
        "family",
        "context",
        "dimension",
        "parameters",
        "licence",
        "gated",
    ]
    assert len(table) == 1 + len(catalogue.ENTRIES)
    (llama,) = [line for line in table if line.startswith("llama2-7b ")]
    assert re.search(r"llama +2,048 +4,096 +6,\d{3},\d{3},\d{3}", llama) and llama.endswith("yes")


def test_every_check_is_a_line_and_the_last_one_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["adapters", "check", "bert", "--tiny", "--setting", "context=64"]) == 0
    said = capsys.readouterr()
    *lines, last = said.out.splitlines()
    assert (
        "models: [{name: mine, adapter: bert, context: 64, checkpoint: ./my-checkpoint}]"
        in said.err
    )
    assert [line[6:24].strip() for line in lines] == [check.name for check in CHECKS]
    assert {line[:4].strip() for line in lines} == {"ok"}
    assert "random weights" in lines[0] and "of a context of 64" in lines[3]
    assert last == f"{len(CHECKS)} ok, 0 failed, 0 skipped"


def test_a_failed_check_gives_a_hint_and_status_2(
    capsys: pytest.CaptureFixture[str], twin: Path
) -> None:
    assert main(["adapters", "check", f"{BROKEN}:Loads", "--checkpoint", str(twin)]) == 2
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert "next:" not in said.err
    assert lines[0].startswith("FAIL  loads ") and "not today  -> `load` returns" in lines[0]
    assert re.fullmatch(r"1 ok, 1 failed, \d+ skipped", lines[-1])


def test_verdicts_are_written_for_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapters", "check", "length", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert set(content) == {"adapter", "checks", "ok", "failed", "skipped"}
    assert content["checks"][0]["status"] == "ok" and content["failed"] == 0
    assert [check["name"] for check in content["checks"]] == [check.name for check in CHECKS]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["brt"], "unknown adapter 'brt': did you mean 'bert'"),
        (["bert"], "'checkpoint': this key is missing: name one with --checkpoint, or say --tiny"),
        (["bert", "--tiny", "--setting", "context"], "'context': write it as key=value"),
        (["bert", "--tiny", "--setting", "context=[1"], "its value is not YAML: quote it"),
        (["bert", "--tiny", "--setting", "contxt=9"], "no setting 'contxt': did you mean"),
        (["nowhere.py:Mine"], "'nowhere.py' is not a file: check the path"),
    ],
)
def test_what_cannot_be_checked_is_said_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adapters", "check", *words]) == 2
    output = capsys.readouterr()
    assert said in output.err and output.err.count("\n") == 1 and output.out == ""


def test_a_cached_model_is_found_and_its_commit_said(
    capsys: pytest.CaptureFixture[str], offline: Path, twin: Path
) -> None:
    repo = offline / "models--some--model"
    shutil.copytree(twin, repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    assert main(["adapters", "fetch", "some/model"]) == 0
    said, beside = capsys.readouterr()
    assert f"some/model at commit {COMMIT}" in said and str(repo / "snapshots" / COMMIT) in said
    assert f"models: [{{name: mine, checkpoint: some/model, revision: {COMMIT}}}]" in beside
    assert main(["adapters", "fetch", "some/model", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    folder = str(repo / "snapshots" / COMMIT)
    assert content == {"checkpoint": "some/model", "revision": COMMIT, "folder": folder}


@pytest.mark.parametrize("words", [[], ["--revision", COMMIT]])
def test_a_hub_that_cannot_be_reached_is_one_line_and_status_2(
    words: list[str], capsys: pytest.CaptureFixture[str], offline: Path
) -> None:
    assert main(["adapters", "fetch", "some/model", *words]) == 2
    output = capsys.readouterr()
    assert "'some/model'" in output.err and "cannot be had from the hub" in output.err
    assert output.err.count("\n") == 1 and output.out == ""


def test_a_named_model_is_fetched_by_its_hub_name(
    capsys: pytest.CaptureFixture[str], offline: Path
) -> None:
    assert main(["adapters", "fetch", "llama2-7b"]) == 2
    assert catalogue.ENTRIES["llama2-7b"].checkpoint in capsys.readouterr().err


def test_a_folder_needs_no_fetching(capsys: pytest.CaptureFixture[str], twin: Path) -> None:
    assert main(["adapters", "fetch", str(twin)]) == 2
    assert "is on this machine already" in capsys.readouterr().err


def test_help_needs_none_of_the_heavy_rooms(logmark) -> None:
    code = "import sys, suite.cli; print(sorted({'torch', 'adapters', 'jobs'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n" and "check" in logmark("adapters", "--help").stdout
