"""Every block of code in the documents is done, by somebody who has a small folder of logs."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from documents import PAGES, ROOT, Block, blocks
from helpers import write_logs
from stranger import Stranger

from adapters.tiny import TinySize, build_tiny

_MINE = """
name: mine
corpus: {loader: folder, path: logs}
models: [{name: minilm, adapter: minilm, context: 128}]
classifiers: [{name: random_forest, trees: 10}]
references: [{name: cnn, context: 300, epochs: 2, channels: 8, dense: 8}]
compute: {threads: 1}
"""
_ADAPTER = """
from dataclasses import dataclass

from adapters.bert import BertAdapter


@dataclass(frozen=True, kw_only=True)
class MyAdapter(BertAdapter):
    \"\"\"A BERT checkpoint of ours.\"\"\"

    checkpoint: str = "./my-checkpoint"
"""


def _write_data(folder: Path) -> None:
    """Logs as a folder and as a table, new ones, published data's names, folders of a checkout."""
    for name in ("suites", "examples", "deploy", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    logs = sorted(write_logs(folder / "logs").rglob("*.log"))
    (folder / "new").mkdir()
    for path in logs[:3]:
        (folder / "new" / path.name).write_bytes(path.read_bytes())
        (folder / "new" / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    (folder / "new.log").write_bytes(logs[0].read_bytes())
    rows = [
        {
            "message": path.read_text(),
            "verdict": path.parent.name,
            "machine": f"m{number % 7}",
            "started": f"2026-01-{number % 28 + 1:02d}",
            "side": "test" if number % 3 else "train",
            "os": "linux",
        }
        for number, path in enumerate(logs)
    ]
    table = "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "logs.jsonl.gz").write_bytes(gzip.compress(table.encode()))
    for name in ("HDFS_v1.zip", "BGL.zip", "Hadoop.zip", "event_sequences.jsonl.gz"):
        (folder / name).write_bytes(b"planned, never read")
    (folder / "event_templates.json").write_text("{}")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages take for granted: logs, a checkpoint, an adapter, and a run called `mine`."""
    folder = tmp_path_factory.mktemp("prepared")
    _write_data(folder)
    texts = [path.read_text() for path in (folder / "logs").rglob("*.log")]
    build_tiny(folder / "my-checkpoint", texts, size=TinySize(context=512))
    (folder / "my_adapter.py").write_text(_ADAPTER)
    with pytest.MonkeyPatch.context() as patch:
        reader = Stranger(folder, patch)
        for name in ("mine", "quickstart"):
            (folder / "suite.yaml").write_text(_MINE.replace("name: mine", f"name: {name}"))
            reader.type("logmark run suite.yaml")
        reader.type("logmark bundle runs/quickstart --out kept.zip")
    shutil.copytree(folder / "runs" / "quickstart", folder / "kept" / "quickstart")
    return folder


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_a_page_can_be_followed(
    page: str, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Stranger(shutil.copytree(prepared, tmp_path / "work"), monkeypatch)
    for block in blocks(page):
        reader.do(block)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("", "something\n"),
        ("rust", "fn main() {}\n"),
        ("text", "never said\n"),
        ("python", "import nothing_of_this_name\n"),
        ("yaml", "models: [{name: words, adaptor: tfidf}]\n"),
        ("yaml", "corpus: {loader: folder, path: not-here}\n"),
        ("sh", "frobnicate logs\n"),
        ("sh", "logmark frobnicate\n"),
        ("sh", "logmark plan mine.yaml --frobnicate\n"),
        ("sh", "logmark plan not-here.yaml\n"),
        ("sh", "logmark init logs --out new.yaml && logmark init 'lo gs'\n"),
        ("sh", "kubectl apply -f deploy/not_here.yaml\n"),
        ("sh", "sbatch deploy/slurm.sh suites/paper.yaml --frobnicate\n"),
        ("sh", "make frobnicate\n"),
        ("sh", "pip install 'logmark[frobnicate]'\n"),
        ("sh", "pip install frobnicate\n"),
        ("sh", "python benchmarks/families.py --frobnicate\n"),
        ("sh", "logmark init $(echo logs\n"),
    ],
)
def test_what_cannot_be_done_is_noticed(
    language: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_data(tmp_path)
    reader = Stranger(tmp_path, monkeypatch)
    with pytest.raises(BaseException) as caught:
        reader.do(Block("page.md", 7, language, text))
    assert "page.md:7" in "".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
