"""Another distribution in place of one of our packages is named, with the way out."""

import subprocess
import sys
from pathlib import Path

import pytest


def _start(folder: Path) -> subprocess.CompletedProcess[str]:
    """Start the command line with `folder` first on the import path."""
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); from suite.cli import main; main_ = main"
    )
    code += "; sys.exit(main_(['adapters', 'list']))"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("name", ["adapters", "results", "jobs"])
def test_a_shadowing_package_is_named_with_its_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text('"""Another."""\nraise SystemExit(9)\n')
    done = _start(tmp_path)
    assert done.returncode == 2
    assert f"{name!r} is imported from {tmp_path}/{name}/__init__.py" in done.stderr
    assert "python -m venv" in done.stderr and "Traceback" not in done.stderr


def test_a_folder_without_code_does_not_shadow(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "table.csv").write_text("a,b\n")
    assert _start(tmp_path).returncode == 0
