"""A training in stages, shared by two processes, takes the steps that one would take."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from adapters.huggingface import HuggingFaceAdapter
from adapters.masked_sentences import MaskedSentences
from adapters.tiny import build_tiny

SPECIAL = ("<hex>", "<num>", "<ipaddr>", "<newline>", "<endsample>")
SETTINGS = MaskedSentences(epochs=1, layer_groups=1, batch_size=4, block=48, validation_share=0.2)
WORKER = """
import json, os, sys
from pathlib import Path
import torch
from adapters.huggingface import HuggingFaceAdapter
from adapters.masked_sentences import MaskedSentences

root, rank = Path(sys.argv[1]), os.environ["RANK"]
torch.distributed.init_process_group("gloo")
card = MaskedSentences(**json.loads((root / "settings.json").read_text())).adapt(
    HuggingFaceAdapter(checkpoint=str(root / "tiny")),
    json.loads((root / "documents.json").read_text()),
    special_tokens=sys.argv[2:],
    out=root / f"out-{rank}",
    scratch=root / "scratch",
    workers=2,
)
(root / f"card-{rank}.json").write_text(json.dumps(card))
"""


def by_two(root: Path) -> dict[str, Any]:
    """Train in two processes; gives the first one's card."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(root), *SPECIAL],
            env={**os.environ, **shared, "RANK": str(rank), "OMP_NUM_THREADS": "1"},
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=240) for process in processes] == [0, 0]
    card: dict[str, Any] = json.loads((root / "card-0.json").read_text())
    return card


@pytest.mark.slow
def test_two_workers_take_the_steps_of_one_in_every_stage(
    tmp_path: Path, log_documents: list[list[str]]
) -> None:
    documents = log_documents[:8]
    tiny = build_tiny(tmp_path / "tiny", [part for parts in documents for part in parts])
    config = json.loads((tiny / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (tiny / "config.json").write_text(json.dumps(config))
    (tmp_path / "documents.json").write_text(json.dumps(documents))
    (tmp_path / "settings.json").write_text(json.dumps(asdict(SETTINGS)))
    one = SETTINGS.adapt(
        HuggingFaceAdapter(checkpoint=str(tiny)),
        documents,
        special_tokens=SPECIAL,
        out=tmp_path / "out",
        scratch=tmp_path / "one",
    )
    two = by_two(tmp_path)
    assert [stage["groups"] for stage in two["stages"]] == [1, 2, 3]
    assert two["steps"] == one["steps"]
    for name in ("heldout_loss_before", "heldout_loss_after", "heldout_top_5_after"):
        assert two[name] == pytest.approx(one[name], rel=1e-4), name
    assert two["heldout_loss_after"] != two["heldout_loss_before"]
