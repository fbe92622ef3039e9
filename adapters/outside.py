"""Adapters from outside this package: a class in one Python file, or in an installed package.

Such a class is a frozen dataclass of settings with the verbs of `adapters.adapter.Adapter`; nothing
is inherited. See `examples/`.
"""

import dataclasses
import importlib.util
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from results.errors import InputError
from results.hashing import hash_file

GROUP = "logmark.adapters"
_VERBS = ("identity", "folder", "load")
_FITTED_VERBS = ("identity", "load_featurizer")


def entry_points() -> dict[str, metadata.EntryPoint]:
    """Find the adapters that installed packages offer, by name."""
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def load_class(name: str) -> type:
    """Import the adapter class that a file (`file.py:Class`) or an entry point names.

    Raises:
        InputError: no such file or class, code that fails, or a class that is no adapter.
    """
    offered = entry_points()
    try:
        found = offered[name].load() if name in offered else _from_file(name)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever a stranger's code raises is told
        raise InputError(
            f"adapter {name!r}: its code fails when imported ({type(error).__name__}: {error})"
        ) from error
    return _checked(name, found)


def source(name: str) -> list[Path]:
    """Find the files whose bytes stand for an adapter's code: the file, or the package's Python.

    Raises:
        InputError: the file does not exist.
    """
    offered = entry_points()
    if name not in offered:
        return [_file(name)]
    spec = importlib.util.find_spec(offered[name].module)
    assert spec is not None and spec.origin is not None, f"{name} was offered by a package"
    origin = Path(spec.origin)
    return sorted(origin.parent.glob("*.py")) if origin.name == "__init__.py" else [origin]


def _file(name: str) -> Path:
    path = Path(name.rpartition(":")[0]).expanduser()
    if not path.is_file():
        raise InputError(f"adapter {name!r}: {str(path)!r} is not a file: check the path")
    return path


def _from_file(name: str) -> Any:
    """Import one file under a name of its own; nothing beside it can be imported from it."""
    path, attribute = _file(name), name.rpartition(":")[2]
    unique = f"logmark_adapter_{hash_file(path)[:16]}"
    if unique not in sys.modules:
        spec = importlib.util.spec_from_file_location(unique, path)
        assert spec is not None and spec.loader is not None, f"{path} ends in .py"
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[unique]
            raise
    found = getattr(sys.modules[unique], attribute, None)
    if found is None:
        raise InputError(
            f"adapter {name!r}: {path.name} has no class {attribute!r}: check the name"
        )
    return found


def _checked(name: str, found: Any) -> type:
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise InputError(f"adapter {name!r} is not a dataclass: put @dataclass(frozen=True) on it")
    if not isinstance(getattr(found, "fitted", None), bool):
        raise InputError(f"adapter {name!r}: say `fitted: ClassVar[bool] = False` (see examples/)")
    verbs = _FITTED_VERBS if found.fitted else _VERBS  # type: ignore[attr-defined]  # just checked
    missing = [verb for verb in verbs if not callable(getattr(found, verb, None))]
    if missing:
        raise InputError(
            f"adapter {name!r} lacks {', '.join(missing)}(): see adapters.adapter and examples/"
        )
    return found
