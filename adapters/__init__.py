"""Logmark: Models: the registry, loading, domain-adaptation objectives and the one training engine."""
