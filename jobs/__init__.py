"""Logmark: One file per kind of job: parameters and input artifacts in, one artifact out."""
