"""The seeded sweep: `python tests/faults/sweep.py --moments 50 --seed 1`.

Prints one line for each moment. What was seen to hold is kept in `--log`, so that the same command
goes on where it stopped; `--only N` replays one moment.
"""

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ |= {
    "OMP_NUM_THREADS": "1",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TOKENIZERS_PARALLELISM": "false",
}
os.environ.pop("RAY_ADDRESS", None)

from faults.batch import make_base
from faults.moments import draw, happen
from faults.nodes import cluster


def main() -> int:
    """Run the sweep; returns the number of moments at which something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("LOGMARK_FAULT_SEED", 1)))
    parser.add_argument("--only", type=int, nargs="*", help="numbers of moments")
    parser.add_argument("--log", type=Path, help="what has held already, and will")
    parser.add_argument("--keep", action="store_true", help="keep the folders of what failed")
    options = parser.parse_args()
    held = _held(options.log)
    numbers = options.only or [n for n in range(options.moments) if (options.seed, n) not in held]
    folder, failed = Path(tempfile.mkdtemp(prefix="faults-")), 0
    try:
        base = make_base(folder / "base")
        with cluster() as nodes:
            for number in numbers:
                moment, own = draw(base, options.seed, number), folder / f"moment-{number}"
                try:
                    line = f"held   {happen(base, nodes, moment, own)}"
                except Exception:  # noqa: BLE001 - the other moments count, too
                    line, failed = f"FAILED {moment}\n{traceback.format_exc()}", failed + 1
                    if options.keep:
                        line += f"left in {own}\n"
                else:
                    shutil.rmtree(own)
                _tell(line, options.log)
    finally:
        if not (options.keep and failed):
            shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{len(numbers)} moments, {failed} failed, {len(held)} held before\n")
    return min(failed, 1)


def _held(log: Path | None) -> set[tuple[int, int]]:
    """Read which moments have held: `held   NUMBER (seed SEED) ...`."""
    if log is None or not log.is_file():
        return set()
    lines = [line.split() for line in log.read_text().splitlines() if line.startswith("held ")]
    return {(int(words[3].rstrip(")")), int(words[1])) for words in lines}


def _tell(line: str, log: Path | None) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    if log is not None:
        with log.open("a") as stream:
            stream.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
