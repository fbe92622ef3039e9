"""Is embedding as fast as the machine: the table of docs/performance.md.

    python benchmarks/embedding.py [--quick] [--envs DIR]

Each part can be run by itself: embedding_speed (ceiling, sentence-transformers), embedding_memory,
embedding_workers, masking, prefixes, and peers, which lie in environments of their own
(`python benchmarks/peers.py --install`). `--quick` measures the same on less, within a minute, and
leaves out the peers.
"""

import argparse
from pathlib import Path

import embedding_memory
import embedding_speed
import embedding_workers
import masking
import peers
import prefixes


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    parser.add_argument("--envs", type=Path, help="where the peers' environments lie")
    chosen = parser.parse_args()
    for part in (embedding_speed, embedding_memory, masking, embedding_workers):
        part.measure(quick=chosen.quick)
    if not chosen.quick:
        prefixes.measure(quick=False)
        peers.measure(quick=False, envs=chosen.envs)


if __name__ == "__main__":
    main()
