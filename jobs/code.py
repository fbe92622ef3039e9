"""Notice when code that decides bytes changes: a hash of each kind's modules, comments left out.

An artifact's key holds its kind's version, not its code (a comment must not embed LLaMA again). The
price is that somebody has to raise the version; `tests/jobs/test_versions.py` compares the hashes
below with the noted ones and fails when code changed and the version did not. If the change alters
no bytes, note the new hash with `make versions`.
"""

import ast
import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from jobs.job import Kind
from jobs.registry import KINDS, PIECES

NOTED = Path(__file__).parent.parent / "tests" / "jobs" / "versions.json"


def code_hash(kind: Kind) -> str:
    """Hash the syntax trees of a kind's modules, without docstrings, comments and layout."""
    digest = hashlib.sha256()
    for module in kind.modules:
        spec = find_spec(module)
        assert spec is not None and spec.origin is not None, module
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            _drop_docstring(node)
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


def _drop_docstring(node: ast.AST) -> None:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:]


def current() -> dict[str, dict[str, int | str]]:
    """Return each kind's version and the hash of its code."""
    return {
        name: {"version": kind.version, "code": code_hash(kind)}
        for name, kind in (KINDS | PIECES).items()
    }


if __name__ == "__main__":
    NOTED.write_text(json.dumps(current(), indent=1) + "\n", encoding="utf-8")
