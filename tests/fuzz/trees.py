"""Folders of all kinds: odd names, links, empty files, folders within folders."""

import os
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(
    [
        *("a.log", "b.log", "A.log", "a", ".log", ".hidden", "a b.log", "x.log.gz", "-.log"),
        *("e\u0301.log", "\u00e9.log", "\u202e.log", "\x1b[31m.log", "\udcff.log", "\udcfe.log"),
        *("\u3000.log", "\u2028.log", "${HOME}.log", "~.log", "*.log", "a.log.log", "a\nb.log"),
        "x" * 200,
    ]
)
CLASSES = st.sampled_from(
    ["ok", "bad", "a\nb", "e\u0301", "\u00e9", "no", "null", "\udcff", " ", "1", "?"]
)
TREES = st.lists(
    st.tuples(
        CLASSES,
        st.lists(NAMES, max_size=2),
        NAMES,
        st.sampled_from(["file", "link", "loop", "dead", "empty"]),
        st.binary(max_size=20),
    ),
    max_size=8,
)


def grown(root: Path, tree: list[Any]) -> Path:
    """Make a tree of class folders, with files and links; what cannot be made is left out."""
    root.mkdir()
    for label, within, name, kind, content in tree:
        path = root.joinpath(label, *(f"{one}.d" for one in within), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path):
            continue
        targets = {"link": path.parent, "loop": path, "dead": root / "nowhere"}
        if kind in targets:
            path.symlink_to(targets[kind])
        else:
            path.write_bytes(content if kind == "file" else b"")
    return root
