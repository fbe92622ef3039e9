"""Mistakes beside the suite file: models, stores, run folders, words of a command."""

import json
from collections.abc import Callable
from pathlib import Path

from bad_input import RUN, Bad, file, files, suite

_CONFIG = json.dumps({"model_type": "bert", "max_position_embeddings": 64})
_CHECKPOINT = {"ck/config.json": _CONFIG, "ck/model.safetensors": b"x", "ck/tokenizer.json": "{}"}
_OWN = suite("models: [{name: m, adapter: './own.py:Own'}]\n")
_CK = suite("models: [{name: m, checkpoint: ./ck}]\n")
_VERBS = """from dataclasses import dataclass
from typing import ClassVar
@dataclass(frozen=True)
class Own:
    fitted: ClassVar[bool] = False
    def identity(self, *, hasher): raise KeyError("weights")
    def folder(self): ...
    def load(self, **where): ...
"""


def _own(code: str) -> Callable[[Path], object]:
    return file("own.py", code)


MODELS = (
    Bad(
        "a file of one's own that is not there",
        "own.py' is not a file: check the path",
        "mend the path",
        _OWN,
    ),
    Bad(
        "a file without its class",
        "adapter './own.py' names a file: name the class in it, ./own.py:CLASS",
        "name it",
        _OWN.replace(":Own", ""),
        _own(""),
    ),
    Bad(
        "a class that is not in it",
        "own.py has no class 'Own': check the name",
        "mend the name",
        _OWN,
        _own(""),
    ),
    Bad(
        "code that is no Python",
        "its code fails when imported (SyntaxError: ",
        "correct it",
        _OWN,
        _own("def ("),
    ),
    Bad(
        "code that raises",
        "its code fails when imported (ValueError: no)",
        "correct it",
        _OWN,
        _own("raise ValueError('no')"),
    ),
    Bad(
        "code that ends the process",
        "its code fails when imported (SystemExit: 3)",
        "remove that",
        _OWN,
        _own("import sys; sys.exit(3)"),
    ),
    Bad(
        "code that needs a package",
        "No module named 'nonesuch'",
        "install it",
        _OWN,
        _own("import nonesuch"),
    ),
    Bad(
        "a class that is no dataclass",
        "is not a dataclass: put @dataclass(frozen=True) on it",
        "put it there",
        _OWN,
        _own("class Own: ..."),
    ),
    Bad(
        "a class without the verbs",
        "lacks identity, folder, load()",
        "see [models](models.md)",
        _OWN,
        _own(_VERBS.split("    def")[0]),
    ),
    Bad(
        "an identity that fails",
        "its identity() fails or is no JSON (KeyError: 'weights')",
        "correct it",
        _OWN,
        _own(_VERBS),
    ),
    Bad(
        "a checkpoint folder that is not there",
        "ck' is not a folder: check the path",
        "mend the path",
        _CK,
        command=RUN,
    ),
    Bad(
        "one without weights and vocabulary",
        "ck' lacks model.safetensors, tokenizer.json: complete the folder",
        "complete it",
        _CK,
        file("ck/config.json", _CONFIG),
        RUN,
    ),
    Bad(
        "one without a tokenizer",
        "ck' lacks tokenizer.json",
        "complete it",
        _CK,
        files({name: text for name, text in _CHECKPOINT.items() if "token" not in name}),
        RUN,
    ),
    Bad(
        "one with pickled weights only",
        "holds pickled weights only (pytorch_model.bin), which Logmark never loads",
        "convert them",
        _CK,
        files({"ck/config.json": _CONFIG, "ck/tokenizer.json": "{}", "ck/pytorch_model.bin": b"x"}),
        RUN,
    ),
    Bad(
        "one whose shard is missing",
        "ck' lacks model-2.safetensors",
        "complete it",
        _CK,
        files(
            {
                **_CHECKPOINT,
                "ck/model.safetensors.index.json": '{"weight_map": {"a": "model-2.safetensors"}}',
            }
        ),
        RUN,
    ),
    Bad(
        "one with a damaged configuration",
        "config.json is no JSON object",
        "get it anew",
        _CK,
        files({**_CHECKPOINT, "ck/config.json": "[1]"}),
        RUN,
    ),
    Bad(
        "a hub model that is not here, offline",
        "fetch it where there is a network with 'logmark adapters fetch nobody/nothing'",
        "fetch it",
        suite("models: [{name: m, checkpoint: nobody/nothing}]\n"),
        command=RUN,
    ),
)

STORES = (
    Bad(
        "a store that is a file",
        "bad.yaml: is a file; pass a folder",
        "name a folder",
        suite(),
        command=("plan", "bad.yaml", "--store", "bad.yaml"),
    ),
    Bad(
        "an unknown protocol",
        "Protocol not known: ftpp; pass a folder, or an address such as s3://",
        "correct it",
        suite(),
        command=("run", "bad.yaml", "--store", "ftpp://a/b"),
    ),
    Bad(
        "a folder of another machine",
        "names the machine 'host'; write file:///FOLDER",
        "mount it, and name the folder",
        suite(),
        command=("plan", "bad.yaml", "--store", "file://host/x"),
    ),
    Bad(
        "a folder of runs that cannot be made",
        "bad.yaml/bad: cannot be made (Not a directory); pass another --workdir",
        "name another",
        suite(),
        command=("run", "bad.yaml", "--workdir", "bad.yaml", "--store", "s"),
    ),
    Bad(
        "an address without a bucket",
        "s3://: names no bucket; write s3://BUCKET/FOLDER",
        "name one",
        suite(),
        command=("run", "bad.yaml", "--store", "s3://"),
    ),
    Bad(
        "a store where no folder can be",
        "no folder can be made there; name another place",
        "name another",
        suite(),
        command=("run", "bad.yaml", "--store", "/proc/none", "--workdir", "../runs"),
    ),
    Bad(
        "a store to list that is not there",
        "none: is not there; pass --workdir or --store",
        "correct it",
        command=("store", "ls", "--store", "none"),
    ),
)

RUNS = (
    Bad(
        "the status of no run",
        "none: no run was started here (no state.json); pass WORKDIR/<suite name>",
        "mend the path",
        command=("status", "none"),
    ),
    Bad(
        "of a file",
        "f/state.json: cannot be read",
        "name the folder",
        make=file("f", "x"),
        command=("status", "f"),
    ),
    Bad(
        "a report of no run",
        "none: not a run folder (no run.json)",
        "mend the path",
        command=("report", "none"),
    ),
    Bad(
        "of a run that has not ended",
        "r/records.jsonl: missing; run the suite to its end first",
        "run it",
        make=file("r/run.json", "{}"),
        command=("report", "r"),
    ),
    Bad(
        "of a damaged run folder",
        "r: damaged run folder; run the suite again",
        "run it again",
        make=file("r/run.json", "{"),
        command=("report", "r"),
    ),
    Bad(
        "of a run folder of something else",
        "r: damaged run folder; run the suite again",
        "run it again",
        make=files({"r/run.json": "[]", "r/records.jsonl": ""}),
        command=("report", "r"),
    ),
    Bad(
        "of a damaged bundle",
        "b.zip: damaged, or no zip file",
        "get it again",
        make=file("b.zip", "PK"),
        command=("report", "b.zip"),
    ),
    Bad(
        "a comparison with no run",
        "a: not a run folder",
        "mend the path",
        command=("compare", "a", "b"),
    ),
    Bad(
        "a name shown of no run", "a: not a run folder", "mend the path", command=("show", "a", "x")
    ),
    Bad(
        "a network exported of no run",
        "a: not a run folder",
        "mend the path",
        command=("export", "a", "x"),
    ),
    Bad(
        "a prediction with no run",
        "r: not a run folder",
        "mend the path",
        make=file("r/x.log", "x"),
        command=("predict", "r", "m/c/0", "r/x.log"),
    ),
    Bad(
        "with no network",
        "n.onnx: no such file; give a model.onnx",
        "export one",
        command=("predict", "n.onnx", "x.log"),
    ),
    Bad(
        "logs to begin with that are not there",
        "none: does not exist; name a folder of logs",
        "mend the path",
        command=("init", "none"),
    ),
    Bad(
        "that lie in no class folder",
        "lie in no class folder; put them into one folder per class",
        "make folders",
        make=file("logs/1.log", "x"),
        command=("init", "logs"),
    ),
    Bad(
        "a suite file that is there already",
        "bad.yaml: is there already; name another file with --out, or replace it with --force",
        "name another",
        suite(),
        files({"logs/a/1.log": "x", "logs/b/1.log": "y"}),
        ("init", "logs", "--out", "bad.yaml"),
    ),
    Bad(
        "a corpus to check that is not there",
        "logs does not exist; check 'path:'",
        "mend the path",
        suite(corpus="corpus: {loader: folder, path: logs}\n"),
        command=("corpora", "check", "bad.yaml"),
    ),
)
