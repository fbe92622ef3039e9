"""`logmark export RUN_DIR CELL`: the command line of `suite.exporting`."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from suite.command import Output, Say, add


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    export = add(
        commands,
        "export",
        _export,
        say,
        about="write a reference network as ONNX files, with a card",
        example="logmark export runs/mine reference/cnn/0",
        forms=("text",),
    )
    export.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    export.add_argument("cell", metavar="CELL", help="model/classifier/seed, as reference/cnn/0")
    export.add_argument("--format", choices=("onnx",), default="onnx", help="default: onnx")
    export.add_argument("--out", type=Path, help="folder (default: RUN_DIR/export/CELL)")


def _export(options: argparse.Namespace, out: Output) -> int:
    """Write the models and their card."""
    out.progress("loading the network")
    from suite.exporting import export_cell

    made = export_cell(options.run_dir, options.cell, options.out, step=out.progress)
    if out.is_json:
        out.json(made.content())
        return 0
    out.lines(made.lines())
    model = str(next(iter(made.models.values())).path)
    out.remark(f"next: {shlex.join(['logmark', 'predict', model])} FILE ...")
    return 0
