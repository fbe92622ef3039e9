"""Models and adaptation objectives by name, and how a name in a suite file becomes an adapter.

A name is a family (`bert`), an entry of the catalogue (`llama2-7b`), a class in a file of the
user's (`path/to/file.py:MyAdapter`), or one that an installed package offers under the entry-point
group `logmark.adapters`. The code of the last two enters the key of whatever it computes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.adapter import Hasher
from adapters.catalogue import ENTRIES
from results.errors import InputError, nearest
from results.hashing import hash_file
from results.registry import build, build_class

ADAPTERS: dict[str, str] = {
    "bert": "adapters.bert:BertAdapter",
    "bigbird": "adapters.bigbird:BigBirdAdapter",
    "huggingface": "adapters.huggingface:HuggingFaceAdapter",
    "length": "adapters.length:LengthAdapter",
    "llama": "adapters.llama:LlamaAdapter",
    "minilm": "adapters.minilm:MiniLMAdapter",
    "mistral": "adapters.mistral:MistralAdapter",
    "mixtral": "adapters.mixtral:MixtralAdapter",
    "modernbert": "adapters.modernbert:ModernBertAdapter",
    "qwen": "adapters.qwen:QwenAdapter",
    "sentence_transformers": "adapters.sentence_transformers:SentenceTransformersAdapter",
    "t5": "adapters.t5:T5Adapter",
    "tfidf": "adapters.tfidf:TfidfAdapter",
}

OBJECTIVES: dict[str, str] = {
    "causal": "adapters.causal:Causal",
    "masked_sentences": "adapters.masked_sentences:MaskedSentences",
    "mlm": "adapters.mlm:Mlm",
    "seq2seq": "adapters.seq2seq:Seq2Seq",
}


def known(name: str) -> str:
    """Check that a name can become an adapter, without importing what it leads to.

    Raises:
        InputError: it is no family, entry, file or entry point.
    """
    if name in ADAPTERS or name in ENTRIES or _is_file(name):
        return name
    from adapters.outside import entry_points

    offered = entry_points()
    if name in offered:
        return name
    if name.endswith(".py"):
        raise InputError(f"adapter {name!r} names a file: name the class in it, {name}:CLASS")
    raise InputError(f"unknown adapter {name!r}: {nearest(name, [*ADAPTERS, *ENTRIES, *offered])}")


def family_of(name: str) -> str:
    """Name what stands in a key: an entry's family, a file's class, else the name itself."""
    if name in ENTRIES:
        return ENTRIES[name].family
    return name.rpartition(":")[2] if _is_file(name) else name


def make(name: str, settings: Mapping[str, Any]) -> Any:
    """Build an adapter from a name and the settings that stand beside it in the suite file.

    Raises:
        InputError: an unknown name or setting, or code of the user's that cannot be used.
    """
    known(name)
    if name in ENTRIES:
        entry = ENTRIES[name]
        own = {"checkpoint": entry.checkpoint, "context": entry.context}
        return build("adapter", entry.family, ADAPTERS, {**own, **settings})
    if name in ADAPTERS:
        return build("adapter", name, ADAPTERS, settings)
    from adapters.outside import load_class

    return build_class("adapter", name, load_class(name), settings)


def code_of(name: str, *, hasher: Hasher = hash_file) -> dict[str, str]:
    """Identify code from outside this package by its files' hashes; empty for our own.

    Raises:
        InputError: it cannot be found.
    """
    if name in ADAPTERS or name in ENTRIES:
        return {}
    from adapters.outside import source

    return {path.name: hasher(path) for path in source(name)}


def of_job(params: Mapping[str, Any], local: Mapping[str, str]) -> Any:
    """Build the adapter that a job's parameters describe, where its files lie on this machine.

    Raises:
        InputError: code from outside that is no longer what the plan saw, besides what `make` says.
    """
    name = local.get("adapter", params["adapter"])
    if code_of(name) != params.get("code", {}):
        raise InputError(f"adapter {name!r} has changed since the plan was made: run again")
    places = {key: value for key, value in local.items() if key != "adapter"}
    return make(name, {**params["settings"], **places})


def _is_file(name: str) -> bool:
    path, colon, _ = name.rpartition(":")
    return bool(colon) and Path(path).suffix == ".py"
