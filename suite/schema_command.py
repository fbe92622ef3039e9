"""`logmark schema`: the suite file's JSON Schema, for editors."""

import argparse
from collections.abc import Callable
from typing import Any


def register(commands: Any, say: Callable[[str], None]) -> None:
    """Add the command to the parser; `say` prints one line."""
    schema = commands.add_parser("schema", help="print the JSON Schema of the suite file")
    schema.set_defaults(command=lambda options: _schema(options, say))


def _schema(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Print the schema."""
    import json

    from suite.schema import schema

    say(json.dumps(schema(), indent=1))
    return 0
