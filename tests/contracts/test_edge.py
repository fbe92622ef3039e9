"""The edge model needs numpy and onnxruntime and nothing else, and little memory for any file."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from edge_run import EdgeRun, edge_run

from suite.house import PACKAGES

ROOT = Path(__file__).parents[2]

ALONE = """
import sys

class Refusing:
    "Finds nothing but the standard library, our rooms, numpy and onnxruntime."
    ALLOWED = {*sys.stdlib_module_names, "numpy", "onnxruntime", "suite", "adapters", "embedders",
               "classifiers", "jobs", "results", "corpora"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.ALLOWED:
            raise ModuleNotFoundError(f"refused: {name}", name=name)

sys.meta_path.insert(0, Refusing())
from suite.cli import main
status = main(sys.argv[1:])
assert "onnxruntime" in sys.modules and "torch" not in sys.modules
sys.exit(status)
"""

PEAK = """
import resource, sys
from suite.cli import main
status = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def run() -> EdgeRun:
    return edge_run()


def _files(run: EdgeRun) -> list[str]:
    return [str(path) for path in sorted(run.logs.rglob("*.log"))]


def _python(*words: object, cwd: Path, python: str = sys.executable) -> str:
    done = subprocess.run(
        [python, *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("file", ["model.onnx", "model.int8.onnx"])
def test_predict_imports_nothing_but_numpy_and_onnxruntime(run: EdgeRun, file: str) -> None:
    words = ["predict", run.exported["cnn"] / file, *_files(run), "--scores"]
    usual = _python("-m", "suite.cli", *words, cwd=ROOT)
    assert len(usual.splitlines()) == 42
    assert _python("-W", "error", "-c", ALONE, *words, cwd=ROOT) == usual


def test_without_onnxruntime_the_way_out_is_told(run: EdgeRun) -> None:
    refusing = ALONE.replace('"numpy", "onnxruntime",', '"numpy",')
    words = ["predict", run.exported["cnn"] / "model.onnx", _files(run)[0]]
    done = subprocess.run(
        [sys.executable, "-c", refusing.replace("assert", "0 and"), *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "logmark: onnxruntime is not installed" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("cell", "size"),
    [("cnn", 300), ("tail", 20), pytest.param("tail", 300, marks=pytest.mark.slow)],
)
def test_a_large_file_takes_no_more_memory_than_a_small_one(
    run: EdgeRun, cell: str, size: int, tmp_path: Path
) -> None:
    block = b"I: step 12 took 700 ms and " + b"x" * 40 + b" again\n"
    peaks = []
    for name, megabytes in (("small", 1), ("large", size)):
        with (tmp_path / name).open("wb") as file:
            for _ in range(megabytes):
                file.write(block * ((1 << 20) // len(block)))
        peaks.append(_peak_kb(run.exported[cell] / "model.int8.onnx", tmp_path / name))
    assert peaks[1] < 1.2 * peaks[0], f"{peaks[0]} KB for 1 MB, {peaks[1]} KB for the large one"


def _peak_kb(model: Path, file: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "predict", model, file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stderr.split()[-1])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_predict_works_where_nothing_else_is_installed(run: EdgeRun, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    _install(python, "--no-deps", str(_copy(tmp_path / "source")))
    _install(python, "-c", str(ROOT / "constraints.txt"), "numpy", "onnxruntime")
    listed = json.loads(_python("-m", "pip", "list", "--format=json", cwd=tmp_path, python=python))
    assert {"torch", "jaxtyping", "pydantic", "pyarrow"}.isdisjoint(one["name"] for one in listed)
    words = ["predict", run.exported["cnn"] / "model.onnx", *_files(run), "--format", "jsonl"]
    usual = _python("-m", "suite.cli", *words, "--scores", cwd=ROOT)
    alone = _python("-m", "suite.cli", *words, "--scores", cwd=tmp_path, python=python)
    for ours, theirs in zip(usual.splitlines(), alone.splitlines(), strict=True):
        assert json.loads(ours) == json.loads(theirs)


def _copy(folder: Path) -> Path:
    """What is installed from; a build leaves files beside its source."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for room in PACKAGES:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _install(python: str, *what: str) -> None:
    words = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pip cannot install {what[-1]}: {done.stderr.strip().splitlines()[-1][:200]}")
