"""The families that tiny twins are built of: their objective, and their type in transformers."""

OBJECTIVES = {
    "bert": "mlm",
    "bigbird": "mlm",
    "huggingface": "mlm",
    "llama": "causal",
    "mistral": "causal",
    "mixtral": "causal",
    "modernbert": "mlm",
    "qwen": "causal",
    "sentence_transformers": "mlm",
    "t5": "seq2seq",
}
MODEL_TYPES = {
    "bigbird": "big_bird",
    "huggingface": "roberta",
    "qwen": "qwen3",
    "sentence_transformers": "bert",
}
