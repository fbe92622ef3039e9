"""`logmark report` on the folder of a real run."""

from pathlib import Path

import pytest
from browser import MISSING, chromium
from small_runs import write_small_run

from results import rewriting
from results.run import Run
from suite.cli import main

_TEXTS = (
    "(async () => JSON.stringify(opened(await unpack("
    "document.getElementById('packed').textContent.trim())).corpora))()"
)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_run(tmp_path_factory.mktemp("small"))


@pytest.mark.skipif(MISSING, reason="chromium is not installed")
def test_texts_stand_on_the_page_unless_left_out(run_dir: Path, tmp_path: Path) -> None:
    assert main(["report", str(run_dir)]) == 0
    assert main(["report", str(run_dir), "--no-text", "--out", str(tmp_path / "bare")]) == 0
    found = {}
    with chromium(tmp_path) as browser:
        for folder in (run_dir / "report", tmp_path / "bare"):
            browser.open(folder / "report.html")
            browser.until("document.getElementById('verdict').textContent !== ''")
            found[folder.name] = browser.run(_TEXTS)
        assert browser.complaints == []
    lines = [path.read_text().split("\n")[0] for path in run_dir.parent.glob("logs/*/*")]
    assert any(line[:20] in found["report"] for line in lines)
    assert not any(line[:20] in found["bare"] for line in lines)


def test_a_report_without_texts_is_another_report(run_dir: Path) -> None:
    run = Run.open(run_dir)
    with_texts = rewriting.made_of(run)
    run.meta["report"] = {**run.meta["report"], "text": False}
    assert rewriting.made_of(run) != with_texts
