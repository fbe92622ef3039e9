"""How much memory does a training of a BERT-base-shaped classifier take?

The figure compares trainings in fresh processes, each of which runs this file:

    python benchmarks/compression_memory.py CHECKPOINT --method qlora --tokens 436 --steps 4

It prints one JSON object: bytes that the process held at most beyond what the imports took (host
memory, what is read of the checkpoint's file included), the same without the loading, and on a GPU
the most that was allocated there.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from figures import peak_bytes

BATCH = 4  # the paper's
BERT_BASE = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "vocab_size": 30522,
}
WORD = "link"
_CLEAR = Path("/proc/self/clear_refs")


def write_checkpoint(folder: Path, **changes: Any) -> Path:
    """Write a checkpoint of BERT-base's shape with random weights and a small tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    from adapters.loading import RANDOM_WEIGHTS, quiet
    from adapters.tiny_tokenizers import BERT, train_tokenizer

    tokenizer = train_tokenizer(BERT, [WORD, "setup timer ok"], size=100, context=512)
    config = BertConfig(**{**BERT_BASE, **changes, "pad_token_id": tokenizer.pad_token_id})
    setattr(config, RANDOM_WEIGHTS, True)
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def measured(checkpoint: Path, *, method: str, tokens: int, steps: int, **more: Any) -> Any:
    """Train in a fresh process and return what it says of its memory."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in more.items()]
    command = [sys.executable, __file__, str(checkpoint), f"--method={method}"]
    command += [f"--tokens={tokens}", f"--steps={steps}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return json.loads(done.stdout.splitlines()[-1])


def train(options: argparse.Namespace) -> dict[str, int | None]:
    """Fine-tune for a few steps; little is learnt, but every tensor of a training is there."""
    import torch

    from adapters.huggingface import HuggingFaceAdapter
    from classifiers import sequence_training
    from classifiers.sequence import Finetune, Source

    texts = [[f"{WORD} " * (options.tokens - 2)]] * (BATCH * options.steps + 1)
    labels = ["anomaly" if number % 2 else "normal" for number in range(len(texts))]
    settings = Finetune(
        method=options.method,
        epochs=1,
        patience=1,
        batch_size=BATCH,
        rank=2,
        alpha=4,
        dropout=0.005,
        gradient_checkpointing=bool(options.checkpointing),
    )
    source = Source(
        adapter=HuggingFaceAdapter(checkpoint=str(options.checkpoint)), precision=options.precision
    )
    loading = sequence_training.load
    held = {"imported": _held(), "loading": 0}

    def load(*args: Any, **kwargs: Any) -> Any:
        loaded = loading(*args, **kwargs)
        held["loading"] = peak_bytes()
        _CLEAR.write_text("5")  # the peak starts anew from what is held: man proc_pid_clear_refs
        return loaded

    sequence_training.load = load
    with tempfile.TemporaryDirectory() as workdir:
        settings.fit(
            texts,
            labels,
            np.arange(len(texts)) == 0,
            source=source,
            seed=0,
            workdir=Path(workdir),
        )
    device = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    peak = peak_bytes()
    return {
        "with_loading_bytes": max(held["loading"], peak) - held["imported"],
        "training_bytes": peak - held["imported"],
        "device_bytes": device,
    }


def _held() -> int:
    """Bytes held now; the imports' own peak is forgotten."""
    _CLEAR.write_text("5")
    return peak_bytes()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--method", default="full")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--tokens", type=int, default=436)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--checkpointing", type=int, default=0)
    print(json.dumps(train(parser.parse_args())))
