"""Logmark: Documents and an encoder in, one vector per document out: windows, pooling, batching."""
