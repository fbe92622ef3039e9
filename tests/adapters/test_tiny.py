"""Tiny checkpoints: the same in every process, and marked as untrained."""

import json
import subprocess
import sys
from pathlib import Path

from adapters.checkpoints import identify
from adapters.tiny import TinySize, build_tiny

TEXTS = ["radio failed at code 17", "cell started", "radio stopped: cell 3 lost", "a b c d e f"]


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    here = identify(build_tiny(tmp_path / "here", TEXTS))
    code = (
        "import sys; from pathlib import Path; from adapters.tiny import build_tiny; "
        f"build_tiny(Path(sys.argv[1]), {TEXTS!r})"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], check=True)
    assert identify(tmp_path / "there") == here


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    one, two = (identify(build_tiny(tmp_path / str(s), TEXTS, seed=s))["files"] for s in (1, 2))
    assert isinstance(one, dict) and isinstance(two, dict)
    assert one["model.safetensors"] != two["model.safetensors"]
    assert one["tokenizer.json"] == two["tokenizer.json"]


def test_it_declares_itself_random_and_has_the_size_asked_for(tmp_path: Path) -> None:
    build_tiny(tmp_path, TEXTS, size=TinySize(hidden=16, layers=1, context=40, vocabulary=50))
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["logmark_random_weights"] is True
    assert (config["hidden_size"], config["num_hidden_layers"]) == (16, 1)
    assert config["max_position_embeddings"] == 40
    assert config["vocab_size"] <= 50
