"""Logmark: Artifacts, records, metrics, tables, figures, the report; every room stands on it."""
