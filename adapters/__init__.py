"""Logmark: models; the registry, loading, adaptation objectives and the one training engine."""

import logging

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # else it remarks on kernels CPUs lack
