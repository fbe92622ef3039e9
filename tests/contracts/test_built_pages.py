"""The documents as pages: built without a warning, whole without a network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT

pytest.importorskip("sphinx", reason="the extra `docs` is not installed")

_LOADS = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?P<target>[^"]*)"')


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, as `make docs` builds them: every warning is an error."""
    folder = tmp_path_factory.mktemp("pages")
    strict = ["-W", "--keep-going", "-n", "-q", "-d", str(folder / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *strict, str(ROOT / "docs"), str(folder / "html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_every_page_can_be_reached_from_the_first_one(built: Path) -> None:
    index = (built / "index.html").read_text()
    pages = [path.stem for path in (ROOT / "docs").glob("*.md")]
    assert [page for page in pages if f'href="{page}.html"' not in index] == ["index"]


def test_no_page_loads_anything_from_elsewhere(built: Path) -> None:
    loaded = {
        match["target"]
        for page in built.glob("*.html")
        for match in _LOADS.finditer(page.read_text())
    }
    assert len(loaded) > 5
    assert [target for target in loaded if re.match(r"(https?:)?//", target)] == []


def test_formulas_are_shown_without_a_script(built: Path) -> None:
    page = (built / "science.html").read_text()
    source = (ROOT / "docs" / "science.md").read_text()
    assert page.count('<math xmlns="http://www.w3.org/1998/Math/MathML"') == (
        source.count("$$") // 2 + source.replace("$$", "").count("$") // 2
    )
