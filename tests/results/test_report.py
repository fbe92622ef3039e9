import hashlib
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from results.errors import InputError
from results.report import write

QUALITY = (
    "quality.md", "quality.csv", "quality.tex", "table1.tex", "table1.csv", "table2.tex",
    "classes.tex", "classes.csv", "studies.tex", "studies.csv",
)  # fmt: skip
ALL = (
    "report.html", "provenance.json", *QUALITY, "costs.md", "costs.csv", "costs.tex", "report.tex",
    "figures/accuracy-cost.pdf", "figures/accuracy-cost.png", "figures/lengths.pdf",
    "figures/classes.png", "figures/study-context.pdf", "figures/study-train-size.png",
    "figures/curves-residual_cnn.residual_cnn.pdf", "figures/char-lm-residual_cnn.pdf",
    "figures/adaptation-minilm-adapted.pdf", "figures/map-minilm.png",
)  # fmt: skip


@pytest.fixture(scope="module")
def written(run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("report") / "out"
    paths = write(run, out)
    assert paths[0] == out / "report.html"
    assert set(paths) == {path for path in out.rglob("*") if path.is_file()}
    return out


def bytes_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_everything_is_written(written) -> None:
    assert set(ALL) <= set(bytes_of(written))


def test_every_file_can_be_traced_to_its_run(written, judged) -> None:
    told = json.loads((written / "provenance.json").read_text(encoding="utf-8"))
    files = bytes_of(written)
    del files["provenance.json"]
    assert told["files"] == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    assert told["results_digest"] == judged.digest
    assert {"suite_hash", "split_hash", "corpus_digest", "command", "git_commit"} <= set(told)
    digest = judged.digest.encode()
    figures = [name for name in files if name.startswith("figures/")]
    assert figures and all(digest in files[name] for name in figures)


def test_nothing_else_is_left_behind(written) -> None:
    assert list(written.parent.iterdir()) == [written]


@pytest.fixture(scope="module")
def of_small_models(compressed, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("compressed") / "out"
    write(compressed, out)
    return out


def test_files_of_small_models_and_anomalies_are_written_where_there_are_such(
    written, of_small_models
) -> None:
    names = {f"compression{i}.{kind}" for i in (1, 2, 3, 4) for kind in ("csv", "tex")}
    names |= {"detection.csv", "detection.tex", "figures/compression-f1.pdf"}
    assert names <= set(bytes_of(of_small_models))
    assert not names & set(bytes_of(written))
    report = (of_small_models / "report.tex").read_text()
    assert "\\input{compression4.tex}" in report and "\\input{detection.tex}" in report
    quality, costs = ((of_small_models / f"{n}.md").read_text() for n in ("quality", "costs"))
    assert "Published: F1" in quality and "Anomalies found" in quality
    assert "Raspberry Pi 5" in costs and "Raspberry" not in quality


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("kind", ["written", "of_small_models"])
def test_the_report_compiles(kind, request, tmp_path) -> None:
    folder = tmp_path / "tex"
    shutil.copytree(request.getfixturevalue(kind), folder)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"], cwd=folder,
        capture_output=True, check=False, timeout=200,
    )  # fmt: skip
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-3000:]
    assert "Overfull" not in log
    assert (folder / "report.pdf").stat().st_size > 50_000


def test_a_second_report_is_the_same_to_the_byte(small, tmp_path) -> None:
    write(small, tmp_path / "a")
    write(small, tmp_path / "b")
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_quality_files_know_no_time_host_path_or_cost(small, tmp_path) -> None:
    elsewhere = [
        r.model_copy(
            update={
                "costs": {k: c.model_copy(update={"wall_s": 77.7}) for k, c in r.costs.items()},
                "provenance": r.provenance.model_copy(
                    update={"hardware": "other", "started_utc": "2031", "command": "/x/y"}
                ),
            }
        )
        for r in small.records
    ]
    write(small, tmp_path / "a")
    write(replace(small, records=elsewhere), tmp_path / "b")
    here, there = bytes_of(tmp_path / "a"), bytes_of(tmp_path / "b")
    differing = {name for name in here if here[name] != there[name]}
    assert differing == {
        "report.html", "provenance.json", "costs.md", "costs.csv", "costs.tex",
        "figures/accuracy-cost.pdf", "figures/accuracy-cost.png",
    }  # fmt: skip


def test_writing_again_replaces_the_report_and_keeps_other_files(small, tmp_path) -> None:
    out = tmp_path / "out"
    write(small, out)
    (out / "notes.txt").write_text("mine")
    (out / "quality.md").write_text("old")
    write(small, out)
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "quality.md").read_text() != "old"


def test_a_report_that_fails_leaves_the_old_one(small, tmp_path) -> None:
    out = tmp_path / "out"
    write(small, out)
    before = bytes_of(out)
    with pytest.raises(InputError, match=r"report\.baseline"):
        write(replace(small, meta={**small.meta, "report": {"baseline": "no/such"}}), out)
    assert bytes_of(out) == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_run_in_which_everything_failed_is_reported(invent, sketch, tmp_path) -> None:
    write(invent((sketch("matrix", "m", "xgboost", reason="no memory"),)), tmp_path / "out")
    assert "failed: no memory" in (tmp_path / "out/quality.md").read_text()
    assert (
        "m,xgboost,1,matrix,cleaned,failed,no memory" in (tmp_path / "out/quality.csv").read_text()
    )


@pytest.mark.parametrize("section", ["matrix", "compress", "anomaly", "reference", "trivial"])
def test_a_run_with_one_kind_of_row_is_reported(invent, sketch, tmp_path, section) -> None:
    run = invent((sketch(section, "m", "c", 0.7),), seeds=(1,), classes=["a", "b"])
    write(run, tmp_path / "out")
    assert "| m " in (tmp_path / "out/quality.md").read_text()
