"""Run a target under atheris: seeds into a folder, an empty folder for every input."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Target(NamedTuple):
    """What is fuzzed.

    Attributes:
        seeds: inputs to begin with.
        check: holds an input to the promises, in an empty folder.
    """

    seeds: list[bytes]
    check: Callable[[bytes, Path], None]


def fuzz(make: Callable[[], Target], *rooms: str) -> None:
    """Fuzz until told to stop; the code of `rooms` is watched for new paths.

    Args:
        make: makes the target; what it imports is watched.
        rooms: packages.
    """
    import atheris

    with atheris.instrument_imports(include=list(rooms)):
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        (folder / "seeds").mkdir()
        target, here = make(), folder / "here"

        def once(data: bytes) -> None:
            here.mkdir()
            try:
                target.check(data, here)
            finally:
                shutil.rmtree(here)

        for number, seed in enumerate(target.seeds):
            (folder / "seeds" / f"{number}").write_bytes(seed)
            once(seed)  # imports, too, what is imported where it is used

    known = any(not word.startswith("-") and Path(word).is_file() for word in sys.argv[1:])
    atheris.Setup(sys.argv if known else [*sys.argv, str(folder / "seeds")], once)
    atheris.Fuzz()
