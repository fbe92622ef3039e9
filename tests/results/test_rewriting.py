"""A report is written again when what it is made of has changed, and only then."""

import dataclasses
from pathlib import Path

import pytest

from results import report, rewriting
from results.report import write


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for every report that is really made; its files are two short texts."""
    made: list[str] = []

    def fill(run, results, folder: Path, step):
        made.append(run.suite)
        for name in ("report.html", "quality.csv"):
            (folder / name).write_text(f"{run.suite} {name}")
            yield Path(name)

    monkeypatch.setattr(report, "_fill", fill)
    return made


def test_a_report_of_the_same_is_left_as_it_is(small, tmp_path: Path, counted) -> None:
    out = tmp_path / "report"
    first = write(small, out, unless_written=True)
    stamps = [path.stat().st_mtime_ns for path in first]
    assert write(small, out, unless_written=True) == first
    assert [path.stat().st_mtime_ns for path in first] == stamps and len(counted) == 1
    write(small, out)
    assert len(counted) == 2, "who asks for a report gets one"


@pytest.mark.parametrize("change", ["records", "settings", "code"])
def test_a_change_of_what_it_is_made_of_writes_it_again(
    small, tmp_path: Path, counted, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(small, tmp_path / "report", unless_written=True)
    if change == "records":
        first = small.records[0].model_copy(update={"reason": "another"})
        small = dataclasses.replace(small, records=[first, *small.records[1:]])
    elif change == "settings":
        small = dataclasses.replace(small, meta={**small.meta, "report": {"text": False}})
    else:
        monkeypatch.setattr(rewriting, "_code", lambda: [["page.py", "other"]])
    write(small, tmp_path / "report", unless_written=True)
    assert len(counted) == 2


@pytest.mark.parametrize("touch", ["edit", "delete", "note"])
def test_a_report_that_was_touched_is_written_again(
    small, tmp_path: Path, counted, touch: str
) -> None:
    out = tmp_path / "report"
    write(small, out, unless_written=True)
    if touch == "edit":
        (out / "quality.csv").write_text("mine")
    elif touch == "delete":
        (out / "quality.csv").unlink()
    else:
        (tmp_path / ".report.made-of.json").write_text("{")
    write(small, out, unless_written=True)
    assert len(counted) == 2 and (out / "quality.csv").read_text() == f"{small.suite} quality.csv"
