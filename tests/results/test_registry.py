"""Registries: unknown names and settings are answered with the nearest known ones."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from results.errors import InputError
from results.registry import build, find


@dataclass(frozen=True, kw_only=True)
class Sample:
    path: Path
    size: int = 3

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InputError("sample: `size` must be at least 1")


_REGISTRY = {"sample": "registry_sample:Sample"}


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown thing 'sampel': did you mean 'sample'"):
        find("thing", "sampel", _REGISTRY)


def test_an_unknown_setting_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="no setting 'pat': did you mean 'path'"):
        _build({"pat": "x"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [({}, "path"), ({"path": "x", "size": "many"}, "'size'.*whole number")],
)
def test_a_missing_or_wrong_setting_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _build(settings)


def test_what_a_class_refuses_itself_is_said_in_its_own_words() -> None:
    with pytest.raises(InputError, match=r"^sample: `size` must be at least 1$"):
        _build({"path": "x", "size": "0"})


def test_settings_are_converted_to_their_types() -> None:
    assert _build({"path": "x"}).path == Path("x")


def _build(settings: dict[str, str]) -> Sample:
    sys.modules.setdefault("registry_sample", sys.modules[__name__])
    built = build("thing", "sample", _REGISTRY, settings)
    assert isinstance(built, Sample)
    return built
