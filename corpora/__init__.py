"""Logmark: Log documents in: loaders, cleaning, masking, splitting, the synthetic generator."""
