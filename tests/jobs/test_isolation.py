"""Which jobs may share a worker: those that bring no torch into it."""

import json
import subprocess
import sys

import pytest

from adapters.registry import ADAPTERS
from classifiers.registry import CLASSIFIERS
from jobs.registry import KINDS

LIGHT_FEATURES = ("length", "tfidf")
_SCRIPT = """
import json, sys
from results.registry import build
from classifiers.registry import CLASSIFIERS
from classifiers import fitting, matrix
from jobs.registry import KINDS
for kind in ("labels", "split", "classify", "embed"):
    KINDS[kind].load()
for name in json.loads(sys.argv[1]):
    estimator = getattr(build("classifier", name, CLASSIFIERS, {}), "estimator", None)
    estimator and estimator(seed=0, threads=1)
print("torch" in sys.modules)
"""


@pytest.mark.parametrize("kind", ["adapt", "anomaly", "char_lm", "compress", "finetune"])
def test_what_trains_or_runs_a_network_has_a_process_of_its_own(kind: str) -> None:
    assert KINDS[kind].isolation({"classifier": "top_k", "adapter": "bert"}) == "process"


def test_small_jobs_share_workers_unless_they_bring_torch() -> None:
    shared = {
        name
        for name in CLASSIFIERS
        if KINDS["classify"].isolation({"classifier": name}) == "shared"
    }
    assert shared == set(CLASSIFIERS) - {"embedding_cnn"}
    light = {name for name in ADAPTERS if KINDS["embed"].isolation({"adapter": name}) == "shared"}
    assert light == set(LIGHT_FEATURES)
    assert KINDS["split"].isolation({}) == KINDS["labels"].isolation({}) == "shared"


def test_shared_jobs_bring_no_torch() -> None:
    names = [name for name in CLASSIFIERS if name != "embedding_cnn"]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps(names)], capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr
