"""Everything registered is an adapter, light to build, and known by an identity."""

import dataclasses
import json
from pathlib import Path

import pytest

from adapters.registry import ADAPTERS, make
from results.errors import InputError
from results.hashing import hash_json
from results.registry import find


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_every_adapter_has_the_verbs_of_its_kind(name: str, tiny: Path) -> None:
    fields = {field.name for field in dataclasses.fields(find("adapter", name, ADAPTERS))}
    settings = {"checkpoint": str(tiny)} if "checkpoint" in fields else {}
    adapter = make(name, settings)
    verbs = ["load_featurizer"] if adapter.fitted else ["folder", "load"]
    assert all(callable(getattr(adapter, verb)) for verb in verbs)
    assert adapter.fitted or hasattr(adapter, "context")
    assert hash_json(adapter.identity()) == hash_json(json.loads(json.dumps(adapter.identity())))
    assert find("adapter", name, ADAPTERS).__doc__


def test_an_unknown_adapter_names_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown adapter 'minilmm': did you mean 'minilm'"):
        make("minilmm", {})
