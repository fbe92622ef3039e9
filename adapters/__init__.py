"""Logmark: models; the registry, loading, adaptation objectives and the one training engine."""
