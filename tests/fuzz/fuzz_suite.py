"""Coverage-guided fuzzing of the suite file's parser and of planning.

    pip install atheris                      # Linux, CPython 3.11 to 3.13
    python tests/fuzz/fuzz_suite.py [FOLDER] [-max_total_time=600] [-rss_limit_mb=3000]

An input is a suite file, or, where it begins with a zero byte, numbers that say which suite to
change and how. Seeds are the suites that ship, over generated documents, each section of theirs by
itself, and some changes. FOLDER keeps what reached new code; what failed lies in the current folder
as `crash-*`, and `python tests/fuzz/fuzz_suite.py crash-...` tries it again. The checks are those
of `tests/suite/test_any_suite.py`.
"""

import struct
import sys
from pathlib import Path
from zlib import crc32

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from fuzz.fuzzing import Target, fuzz  # noqa: E402  (the paths come first)


def target() -> Target:
    """Make the target: seeds, and what is done with an input."""
    from fuzz.suite_check import ELSEWHERE, EVERYTHING, check_text, mutated, shipped, written

    whole = [*ELSEWHERE, EVERYTHING, *(one for one in shipped() if len(one.get("models", [])) < 5)]
    small = [
        {"name": "x", "corpus": {"loader": "tm500"}, key: value}
        for content in whole
        for key, value in content.items()
    ]

    def check(data: bytes, here: Path) -> None:
        if data[:1] == b"\0" and len(data) > 1:
            numbers = struct.unpack_from(f"<{(len(data) - 2) // 2}H", data, 2)
            picks = list(zip(numbers[::2], numbers[1::2], strict=False))[:4]
            data = written(mutated(whole[data[1] % len(whole)], picks))
        check_text(data, here, briefly=crc32(data) % 4 > 0)  # a plan takes 20 times as long

    changes = [struct.pack("<BBHH", 0, n, 5 * n, 3 * n) for n in range(40)]
    return Target([*map(written, whole), *map(written, small), *changes], check)


if __name__ == "__main__":
    fuzz(target, "suite")
