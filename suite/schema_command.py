"""`logmark schema`: the suite file's JSON Schema, for editors."""

import argparse
from typing import Any

from suite.command import Output, Say, add


def register(commands: Any, say: Say) -> None:
    """Add the command to the parser; `say` prints one line, also to a stream."""
    add(
        commands,
        "schema",
        _schema,
        say,
        about="print the JSON Schema of the suite file, for editors",
        example="logmark schema > suite.schema.json",
        forms=("json",),
    )


def _schema(options: argparse.Namespace, out: Output) -> int:
    """Print the schema."""
    from suite.schema import schema

    out.json(schema())
    return 0
