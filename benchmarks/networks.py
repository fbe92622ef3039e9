"""The reference networks: are they good, quick to train, small in memory, fast at the edge?

    python benchmarks/networks.py [--quick]

Each part can be run by itself: `network_quality.py`, `network_training.py`, `network_latency.py`.
"""

import argparse

import network_latency
import network_quality
import network_training


def main() -> None:
    """Print every figure, one JSON object per line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure the same on less")
    options = parser.parse_args()
    for part in (network_training, network_latency, network_quality):
        part.measure(quick=options.quick)


if __name__ == "__main__":
    main()
