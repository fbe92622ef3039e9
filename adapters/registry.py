"""Models and adaptation objectives by name: name -> ``"module:Class"``, imported on use."""

ADAPTERS: dict[str, str] = {
    "huggingface": "adapters.huggingface:HuggingFaceAdapter",
    "length": "adapters.length:LengthAdapter",
    "minilm": "adapters.minilm:MiniLMAdapter",
    "tfidf": "adapters.tfidf:TfidfAdapter",
}

OBJECTIVES: dict[str, str] = {
    "mlm": "adapters.mlm:Mlm",
}
