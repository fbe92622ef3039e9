"""Coverage-guided fuzzing of the loaders, with the checks of `tests/corpora/test_any_corpus.py`.

    pip install atheris                      # Linux, CPython 3.11 to 3.13
    python tests/fuzz/fuzz_loaders.py [FOLDER] [-max_total_time=600] [-rss_limit_mb=3000]

The first byte of an input chooses a shape of corpus (a table, a folder, an archive, ...), the rest
are the bytes of one of its files. Seeds are made on the spot: every shape in order. FOLDER keeps
what reached new code; what failed lies in the current folder as `crash-*`, `timeout-*` or `oom-*`,
and `python tests/fuzz/fuzz_loaders.py crash-...` tries it again. Other options are libFuzzer's.
"""

import sys
from pathlib import Path
from zlib import crc32

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from fuzz.fuzzing import Target, fuzz  # noqa: E402  (the paths come first)


def target() -> Target:
    """Make the target: seeds, and what is done with an input."""
    from fuzz.corpus_check import check_shape, shapes

    from corpora import sessions

    sessions._FILES = 2  # making 128 for every input takes most of the time
    found = shapes()

    def check(data: bytes, here: Path) -> None:
        if data:
            briefly = crc32(data) % 8 > 0
            check_shape(found[data[0] % len(found)], data[1:], here, briefly=briefly)

    return Target([bytes([n]) + shape.valid for n, shape in enumerate(found)], check)


if __name__ == "__main__":
    fuzz(target, "corpora")
