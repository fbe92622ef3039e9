"""`logmark export RUN_DIR CELL`: the command line of `suite.exporting`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def register(commands: Any, say: Callable[[str], None]) -> None:
    """Add the command to the parser; `say` prints one line."""
    export = commands.add_parser("export", help="write a reference network as an ONNX file")
    export.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    export.add_argument("cell", metavar="CELL", help="model/classifier/seed, as reference/cnn/0")
    export.add_argument("--format", choices=("onnx",), default="onnx", help="default: onnx")
    export.add_argument("--out", type=Path, help="folder (default: RUN_DIR/export/CELL)")
    export.set_defaults(command=lambda options: _export(options, say))


def _export(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Write the models and their card."""
    from suite.exporting import export_cell

    export_cell(options.run_dir, options.cell, options.out, say)
    return 0
