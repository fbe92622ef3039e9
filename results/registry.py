"""How every registry is read: a literal dict of names to ``"module:Class"``, imported on use.

Each room keeps its own dict (`corpora/registry.py`, `adapters/registry.py`, ...); this module only
finds and builds an entry, so that an unknown name or setting gets the same message everywhere.
"""

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import TypeAdapter, ValidationError

from results.errors import InputError, nearest
from results.faults import told


def find(kind: str, name: str, registry: Mapping[str, str]) -> Any:
    """Import the class or function registered under `name`.

    Args:
        kind: what the registry holds, for the message ("loader", "adapter", ...).
        name: the registered name.
        registry: name -> ``"module:attribute"``.

    Raises:
        InputError: the name is not registered.
    """
    if name not in registry:
        raise InputError(f"unknown {kind} {name!r}: {nearest(name, registry)}")
    module, _, attribute = registry[name].partition(":")
    return getattr(import_module(module), attribute)


def build(kind: str, name: str, registry: Mapping[str, str], settings: Mapping[str, Any]) -> Any:
    """Construct a registered dataclass from settings that came from outside, checking each one.

    Raises:
        InputError: unknown name, unknown or missing setting, or a value of the wrong type.
    """
    return build_class(kind, name, find(kind, name, registry), settings)


def build_class(kind: str, name: str, cls: Any, settings: Mapping[str, Any]) -> Any:
    """Construct a dataclass from settings that came from outside, checking each one.

    Raises:
        InputError: unknown or missing setting, or a value of the wrong type.
    """
    known = [field.name for field in dataclasses.fields(cls) if field.init]
    for key in settings:
        if key not in known:
            raise InputError(f"{kind} {name!r} has no setting {key!r}: {nearest(key, known)}")
    try:
        return TypeAdapter(cls).validate_python(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        refused = first.get("ctx", {}).get("error")
        if isinstance(refused, InputError):  # the class's own words, from its __post_init__
            raise refused from error
        where = ".".join(str(part) for part in first["loc"]) or "settings"
        raise InputError(f"{kind} {name!r}, setting {where!r}: {told([first])}") from error
