import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from corpora.document import Loader
from corpora.registry import LOADERS
from jobs.registry import KINDS
from results.errors import InputError
from results.registry import build, find
from suite.sections import Corpus

SYNTHETIC = {"blocks", "tm500"}


@pytest.mark.parametrize("name", LOADERS)
def test_every_loader_has_the_two_verbs_and_no_setting_of_the_suite_files_own(name: str) -> None:
    loader = find("loader", name, LOADERS)
    own = {"mask", "split"} | set(Corpus.model_fields)

    assert callable(loader.files)
    assert inspect.signature(loader.documents) == inspect.signature(Loader.documents)
    assert own.isdisjoint(field.name for field in fields(loader))


@pytest.mark.parametrize("name", LOADERS)
def test_every_loader_says_whether_its_documents_are_made_up(name: str) -> None:
    assert find("loader", name, LOADERS).synthetic is (name in SYNTHETIC)


@pytest.mark.parametrize("name", LOADERS)
def test_every_loader_is_documented_and_decides_the_version_of_the_corpus(name: str) -> None:
    module = LOADERS[name].partition(":")[0]
    page = (Path(__file__).parents[2] / "docs" / "corpora.md").read_text()

    assert f"`{name}`" in page
    assert module in KINDS["corpus"].modules and module in KINDS["labels"].modules


def test_a_loader_is_built_from_suite_file_settings(tmp_path: Path) -> None:
    table = build("loader", "table", LOADERS, {"path": str(tmp_path), "text": "log"})

    assert (table.path, table.text) == (tmp_path, "log")


def test_an_unknown_loader_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'folder'"):
        build("loader", "folders", LOADERS, {})
