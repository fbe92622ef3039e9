from dataclasses import fields
from pathlib import Path

import pytest

from corpora.registry import LOADERS
from results.errors import InputError
from results.registry import build, find


@pytest.mark.parametrize("name", LOADERS)
def test_every_loader_has_the_two_verbs_and_no_setting_of_the_suite_files_own(name: str) -> None:
    loader = find("loader", name, LOADERS)
    own = {"loader", "label", "group", "time", "split", "where", "relabel", "clean", "mask"}

    assert callable(loader.files) and callable(loader.documents)
    assert own.isdisjoint(field.name for field in fields(loader))


def test_a_loader_is_built_from_suite_file_settings(tmp_path: Path) -> None:
    table = build("loader", "table", LOADERS, {"path": str(tmp_path), "text": "log"})

    assert (table.path, table.text) == (tmp_path, "log")


def test_an_unknown_loader_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'folder'"):
        build("loader", "folders", LOADERS, {})
