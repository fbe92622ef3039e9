"""The models Logmark knows by name: adapter name -> ``"module:Class"``, imported on use."""

ADAPTERS: dict[str, str] = {
    "huggingface": "adapters.huggingface:HuggingFaceAdapter",
    "length": "adapters.length:LengthAdapter",
    "minilm": "adapters.minilm:MiniLMAdapter",
    "tfidf": "adapters.tfidf:TfidfAdapter",
}
