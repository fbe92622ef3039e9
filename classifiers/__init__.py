"""Logmark: The classifier matrix on embeddings and the reference networks."""
