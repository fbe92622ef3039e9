"""The first jobs of every plan: the corpus, its labels, the splits, and other forms of the text."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corpora.registry import LOADERS
from corpora.templates import Templates
from results.errors import InputError
from results.hashing import hash_tree
from results.registry import build, build_class
from suite.node import Node, local_places, shareable
from suite.spec import Suite


def identify(suite: Suite, hash_file: Callable[[Path], str]) -> dict[str, Any]:
    """Identify the loader, its settings and the bytes it will read."""
    corpus = suite.corpus
    loader = build("loader", corpus.loader, LOADERS, corpus.settings)
    build_class("mining", "mining", Templates, corpus.mining)
    path = corpus.settings.get("path")
    root = Path(path) if path else Path()
    named = [(_name_in(root, file), hash_file(file)) for file in loader.files()]
    return {
        "loader": corpus.loader,
        "settings": shareable(loader),
        "source": hash_tree(named),
        "where": corpus.where,
        **({} if corpus.sample == 1 else {"sample": corpus.sample}),
    }


def corpus_node(suite: Suite, source: dict[str, Any]) -> Node:
    """Plan the job that cleans and stores the documents."""
    corpus = suite.corpus
    params = {
        **source,
        "clean": corpus.clean.model_dump(exclude={"drop_numbers"}),
        "group": corpus.group,
    }
    return Node(id="corpus", kind="corpus", params=params, local=local_places(corpus.settings))


def labels_node(suite: Suite, source: dict[str, Any]) -> Node:
    """Plan the job that collects the documents' labels."""
    corpus = suite.corpus
    params = {
        **source,
        "label": corpus.label,
        "group": corpus.group,
        "time": corpus.time,
        "split_column": corpus.split_column,
        "relabel": corpus.relabel.model_dump(),
    }
    return Node(
        id="labels",
        kind="labels",
        params=params,
        needs={"corpus": "corpus"},
        local=local_places(corpus.settings),
    )


def split_seed(suite: Suite, seed: int) -> int:
    """Return the seed that divides the documents: the run's, unless the suite fixes one."""
    return seed if suite.split.seed is None else suite.split.seed


def split_node(suite: Suite, seed: int, train_share: float) -> Node:
    """Plan the job that divides the documents, and leaves a share of the train side.

    Raises:
        InputError: the rule needs a column that the corpus does not name.
    """
    divides = split_seed(suite, seed)
    params = {
        "by": _split_rule(suite),
        "test_share": suite.split.test_share,
        "seed": divides,
        "leaks": suite.split.leaks,
    }
    name = f"split/{divides}"
    if train_share < 1:  # the split of a whole train side has the key it always had
        params["train_share"] = train_share
        name = f"{name}@train_share={train_share}"
    needs = {"corpus": "corpus", "labels": "labels"}
    return Node(id=name, kind="split", params=params, needs=needs)


def altered_node(split: str, share: float, seed: int) -> Node:
    """Plan the job that alters a share of the test documents' lines."""
    return Node(
        id=f"alter:{split}/{seed}@{share}",
        kind="alter",
        params={"share": share, "seed": seed},
        needs={"corpus": "corpus", "split": split},
    )


def templates_node(suite: Suite, documents: str, split: str) -> Node:
    """Plan the job that writes every line of `documents` as its template.

    Raises:
        InputError: an unknown setting, or the package that mines is not installed.
    """
    if find_spec("drain3") is None:
        raise InputError(
            "`text: templates` needs the package drain3: pip install 'logmark[templates]'"
        )
    settings = build_class("mining", "mining", Templates, suite.corpus.mining)
    return Node(
        id=f"templates:{split if documents == 'corpus' else documents}",
        kind="templates",
        params={"settings": shareable(settings)},
        needs={"corpus": documents, "split": split},
    )


def _split_rule(suite: Suite) -> str:
    """`auto` splits by the strongest structure the corpus declares."""
    corpus, by = suite.corpus, suite.split.by
    needed = {"column": ("split_column", corpus.split_column), "time": ("time", corpus.time)}
    needed["group"] = ("group", corpus.group)
    if by in needed and needed[by][1] is None:
        raise InputError(f"split.by: {by} needs corpus.{needed[by][0]} to name a column")
    if by != "auto":
        return by
    if corpus.split_column:
        return "column"
    return "group" if corpus.group else "stratified"


def _name_in(root: Path, file: Path) -> str:
    """Name a source file: its place in the folder, or its endings where the source is one file."""
    if root.is_dir():
        return file.relative_to(root).as_posix()
    return "".join(file.suffixes)
