"""What the documents show is accepted by the code."""

import re
from pathlib import Path

import pytest

from results.hashing import hash_file
from suite.plan import make_plan
from suite.spec import read

ROOT = Path(__file__).parents[2]


def _blocks(name: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


def test_the_reference_of_the_suite_file_is_a_suite_file(tmp_path: Path) -> None:
    for_editors, all_keys = _blocks("docs/suite.md")
    (tmp_path / "suite.yaml").write_text(for_editors)
    assert read(tmp_path / "suite.yaml").name == "mine"
    (tmp_path / "suite.yaml").write_text(all_keys)
    assert len(read(tmp_path / "suite.yaml").models) == 10


def test_the_readme_plans_the_logs_it_describes(log_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(_blocks("README.md")[0])
    assert len(make_plan(read(tmp_path / "mine.yaml"), hash_file)) > 10


@pytest.mark.parametrize("path", sorted((ROOT / "suites").glob("*.yaml")), ids=lambda p: p.name)
def test_every_suite_that_ships_is_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGMARK_SHARED", "/nowhere")
    suite = read(path)
    assert suite.name == path.stem


def test_every_link_in_the_documents_leads_somewhere() -> None:
    names = ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert ((ROOT / name).parent / target).exists(), f"{name} links to {target}"
