"""Adapters from files: what is wrong with one is said in one line."""

from pathlib import Path

import pytest

from adapters import registry
from results.errors import InputError

GOOD = """
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True, kw_only=True)
class Mine:
    checkpoint: str = "x"
    fitted: ClassVar[bool] = False
    def identity(self, *, hasher=None): return {}
    def folder(self): return None
    def load(self, *, device, dtype, checkpoint=None, attention="sdpa"): return None
"""


def _file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.py"
    path.write_text(text)
    return f"{path}:Mine"


def test_a_class_in_a_file_is_built_from_settings(tmp_path: Path) -> None:
    adapter = registry.make(_file(tmp_path, GOOD), {"checkpoint": "y"})
    assert (type(adapter).__name__, adapter.checkpoint) == ("Mine", "y")


def test_its_bytes_are_its_code_and_its_place_is_not(tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    code = registry.code_of(_file(tmp_path, GOOD))
    assert code == registry.code_of(_file(other, GOOD))
    assert code != registry.code_of(_file(other, GOOD + "\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise ImportError('no such thing')", "its code fails when imported.*no such thing"),
        ("class Other: pass", "mine.py has no class 'Mine': check the name"),
        ("class Mine: pass", "is not a dataclass: put @dataclass"),
        (GOOD.replace("fitted: ClassVar[bool] = False", ""), "say `fitted: ClassVar"),
        (GOOD.replace("def load", "def lod"), r"lacks load\(\)"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        registry.make(_file(tmp_path, text), {})


def test_an_unknown_setting_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no setting 'chekpoint': did you mean 'checkpoint'"):
        registry.make(_file(tmp_path, GOOD), {"chekpoint": "y"})


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.py' is not a file: check the path"):
        registry.make(f"{tmp_path}/nowhere.py:Mine", {})


def test_a_file_that_changed_after_the_plan_is_refused(tmp_path: Path) -> None:
    name = _file(tmp_path, GOOD)
    params = {"adapter": "Mine", "settings": {}, "code": registry.code_of(name)}
    assert registry.of_job(params, {"adapter": name}).checkpoint == "x"
    _file(tmp_path, GOOD + "# later\n")
    with pytest.raises(InputError, match="has changed since the plan was made: run again"):
        registry.of_job(params, {"adapter": name})
