"""The seeded sweep: `python tests/faults/sweep.py --moments 50 --seed 1`.

Prints one line for each moment: `held`, `missed` where it came too late to strike anything (it does
not count), or `FAILED`. With `--log` the same command goes on where it stopped, and tries what
failed again; `--only N` replays one moment.
"""

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import traceback
from collections import Counter
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

from faults.batch import Base, make_base
from faults.moments import Moment, draw, happen
from faults.nodes import Nodes, cluster


def main() -> int:
    """Run the sweep; returns 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=50, help="that strike something")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("LOGMARK_FAULT_SEED", "1")))
    parser.add_argument("--only", type=int, nargs="*", help="numbers of moments")
    parser.add_argument("--log", type=Path, help="what has held already, and will")
    parser.add_argument("--keep", action="store_true", help="keep the folders of what failed")
    options = parser.parse_args()
    folder, told = Path(tempfile.mkdtemp(prefix="faults-")), _told(options.log, options.seed)
    try:
        base = make_base(folder / "base")
        with cluster() as nodes:
            for number in options.only or range(2 * options.moments):
                if not options.only and list(told.values()).count("held") >= options.moments:
                    break
                if options.only or told.get(number, "FAILED") == "FAILED":
                    moment, own = draw(base, options.seed, number), folder / f"moment-{number}"
                    told[number], line = _try(base, nodes, moment, own)
                    _tell(f"{told[number]} {line}", options.log)
                    if told[number] != "FAILED" or not options.keep:
                        shutil.rmtree(own, ignore_errors=True)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    counts = Counter(told.values())
    _tell(", ".join(f"{counts[word]} {word}" for word in ("held", "missed", "FAILED")), None)
    return min(counts["FAILED"], 1)


def _try(base: Base, nodes: Nodes, moment: Moment, own: Path) -> tuple[str, str]:
    try:
        held = happen(base, nodes, moment, own)
    except Exception:  # noqa: BLE001 - the other moments count, too
        return "FAILED", f"{moment}, in {own}\n{traceback.format_exc()}"
    return "held" if held.struck else "missed", held.line


def _told(log: Path | None, seed: int) -> dict[int, str]:
    """Read how moments went: `held NUMBER (seed SEED) ...`, or `missed`, or `FAILED`."""
    lines = log.read_text().splitlines() if log is not None and log.is_file() else []
    told = [line.split() for line in lines if f"(seed {seed})" in line]
    return {int(words[1]): words[0] for words in told if words[0] in ("held", "missed", "FAILED")}


def _tell(line: str, log: Path | None) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    if log is not None:
        with log.open("a") as stream:
            stream.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
