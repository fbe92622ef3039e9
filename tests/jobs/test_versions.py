"""Code that decides bytes cannot change unnoticed: every kind's modules are hashed and noted."""

import json
from importlib.util import find_spec

import pytest

from jobs.code import NOTED, current
from jobs.registry import KINDS, PIECES


def test_every_declared_module_exists() -> None:
    modules = {module for kind in (KINDS | PIECES).values() for module in kind.modules}
    assert len(modules) > 20
    assert [module for module in modules if find_spec(module) is None] == []


@pytest.mark.parametrize("name", KINDS | PIECES)
def test_changed_code_has_a_new_version_or_is_noted_as_harmless(name: str) -> None:
    noted, now = json.loads(NOTED.read_text())[name], current()[name]
    assert noted == now, (
        f"the code of {name!r} changed: raise its version in jobs/registry.py if the same inputs "
        f"now give other bytes, then run `make versions`"
    )
