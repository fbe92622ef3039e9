"""The kinds of job: name, version, function and the modules that decide its bytes, one entry each.

Raise a version whenever the same parameters and inputs would give other bytes; artifacts of the old
version are then computed again. `tests/jobs/test_versions.py` fails when a declared module changes
and its kind's version does not.
"""

from jobs.job import Kind, Params

_LIGHT = {  # classifiers and adapters that import no torch; `tests/jobs/test_isolation.py`
    "decision_tree",
    "length",
    "linear_svc",
    "logistic_regression",
    "majority",
    "random_forest",
    "tfidf",
    "xgboost",
}
_SOURCE = (
    "corpora.alerts",
    "corpora.archives",
    "corpora.blocks",
    "corpora.document",
    "corpora.events",
    "corpora.folder",
    "corpora.hadoop",
    "corpora.hdfs",
    "corpora.matching",
    "corpora.opening",
    "corpora.rows",
    "corpora.sessions",
    "corpora.table",
    "corpora.tm500",
)
_TEXT = ("corpora.mask_grammar", "corpora.mask_words", "corpora.masking", "corpora.storage")
_MODEL = (
    "adapters.bert",
    "adapters.bigbird",
    "adapters.block_sparse",
    "adapters.checkpoints",
    "adapters.encoder",
    "adapters.family",
    "adapters.huggingface",
    "adapters.llama",
    "adapters.loading",
    "adapters.lora",
    "adapters.minilm",
    "adapters.mistral",
    "adapters.mixtral",
    "adapters.modernbert",
    "adapters.pretrained",
    "adapters.quantization",
    "adapters.qwen",
    "adapters.sentence_transformers",
    "adapters.t5",
)
_WINDOWS = (
    "jobs.windows",
    "embedders.batching",
    "embedders.forward",
    "embedders.pooling",
    "embedders.shard",
    *_MODEL,
)
_ADAPTATION = (
    "adapters.blocks",
    "adapters.causal",
    "adapters.causal_training",
    "adapters.gradual",
    "adapters.heads",
    "adapters.layer_groups",
    "adapters.lora_training",
    "adapters.masked_batches",
    "adapters.masked_sentences",
    "adapters.masked_sentences_training",
    "adapters.masked_start",
    "adapters.mlm",
    "adapters.mlm_masking",
    "adapters.mlm_model",
    "adapters.mlm_training",
    "adapters.objective",
    "adapters.paragraphs",
    "adapters.sentence_masking",
    "adapters.seq2seq",
    "adapters.seq2seq_training",
)
_TRAINING = (
    "adapters.trainer",
    "adapters.training",
    "adapters.training_checkpoints",
    "adapters.training_divergence",
    "adapters.training_guards",
    "adapters.training_history",
    "adapters.training_order",
    "adapters.training_rates",
    "adapters.training_saving",
    "adapters.training_validation",
    "adapters.training_workers",
)
_NETWORK = ("classifiers.losses", "classifiers.network_training", "classifiers.settings")
_CELL = ("corpora.splitting", "jobs.cells", "results.metrics")
_FINETUNE = (
    "jobs.finetune",
    "adapters.blocks",
    "adapters.objective",
    "classifiers.sequence",
    "classifiers.sequence_loading",
    "classifiers.sequence_merging",
    "classifiers.sequence_model",
    "classifiers.sequence_reading",
    "classifiers.sequence_training",
    "classifiers.sequence_updates",
    *_NETWORK,
    *_MODEL,
    *_TRAINING,
    *_CELL,
    *_TEXT,
)


def _always(params: Params) -> bool:
    return True


def _without_torch(params: Params) -> bool:
    """A classifier that is no network, or features that are no language model's."""
    return params.get("classifier", params.get("adapter")) in _LIGHT


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="corpus",
            version=2,
            function="jobs.corpus:run",
            modules=(
                "jobs.corpus",
                "corpora.cleaning",
                "corpora.line_rules",
                "corpora.selecting",
                *_SOURCE,
                *_TEXT,
            ),
        ),
        Kind(
            name="labels",
            version=2,
            is_light=_always,
            function="jobs.labels:run",
            modules=("jobs.labels", "corpora.selecting", *_SOURCE),
        ),
        Kind(
            name="split",
            version=1,
            is_light=_always,
            function="jobs.split:run",
            modules=(
                "jobs.split",
                "corpora.duplicates",
                "corpora.splitting",
                "corpora.thinning",
                *_TEXT,
            ),
        ),
        Kind(
            name="templates",
            version=1,
            function="jobs.templates:run",
            modules=("jobs.templates", "corpora.document", "corpora.templates", *_TEXT),
        ),
        Kind(
            name="alter",
            version=1,
            function="jobs.alter:run",
            modules=("jobs.alter", "corpora.altering", "corpora.document", "corpora.storage"),
        ),
        Kind(
            name="char_lm",
            version=1,
            function="jobs.char_lm:run",
            modules=(
                "jobs.char_lm",
                "adapters.blocks",
                "classifiers.char_lm",
                "classifiers.char_lm_network",
                "classifiers.char_lm_text",
                "classifiers.char_lm_training",
                "classifiers.characters",
                *_TRAINING,
                *_TEXT,
            ),
        ),
        Kind(
            name="adapt",
            version=3,
            function="jobs.adapt:run",
            modules=(
                "jobs.adapt",
                "jobs.cells",
                "corpora.normals",
                "corpora.splitting",
                *_ADAPTATION,
                *_MODEL,
                *_TRAINING,
                *_TEXT,
            ),
        ),
        Kind(
            name="embed",
            version=3,
            is_light=_without_torch,
            function="jobs.embed:run",
            modules=(
                "jobs.embed",
                "jobs.embedding",
                "adapters.length",
                "adapters.tfidf",
                "adapters.windows",
                "embedders.averaging",
                "embedders.cutting",
                "embedders.vectors",
                *_WINDOWS,
                *_TEXT,
            ),
        ),
        Kind(
            name="classify",
            version=2,
            is_light=_without_torch,
            function="jobs.classify:run",
            modules=(
                "jobs.classify",
                "classifiers.balanced_xgboost",
                "classifiers.embedding_cnn",
                "classifiers.embedding_estimator",
                "classifiers.embedding_network",
                "classifiers.fitting",
                "classifiers.matrix",
                "classifiers.scaling",
                *_NETWORK,
                *_TRAINING,
                *_CELL,
            ),
        ),
        Kind(
            name="reference",
            version=2,
            function="jobs.reference:run",
            modules=(
                "jobs.reference",
                "classifiers.char_lm",
                "classifiers.character_convolution",
                "classifiers.characters",
                "classifiers.cnn_training",
                "classifiers.residual_cnn",
                "classifiers.residual_network",
                *_NETWORK,
                *_TRAINING,
                *_CELL,
                *_TEXT,
            ),
        ),
        Kind(
            name="finetune",
            version=3,
            function="jobs.finetune:run",
            modules=_FINETUNE,
        ),
        Kind(
            name="compress",
            version=1,
            function="jobs.compress:run",
            modules=(
                "jobs.compress",
                "classifiers.pruning",
                "classifiers.pruning_criteria",
                "classifiers.pruning_layers",
                "classifiers.pruning_step",
                *_FINETUNE,
            ),
        ),
        Kind(
            name="anomaly",
            version=1,
            function="jobs.anomaly:run",
            modules=(
                "jobs.anomaly",
                "adapters.blocks",
                "adapters.masked_batches",
                "adapters.masked_loading",
                "adapters.mlm_model",
                "adapters.paragraphs",
                "adapters.sentence_masking",
                "classifiers.centroid",
                "classifiers.detection",
                "classifiers.detection_guessing",
                "classifiers.detection_lines",
                "classifiers.detection_paragraphs",
                "classifiers.detection_threshold",
                "classifiers.line_count",
                "classifiers.top_k",
                "classifiers.unseen_templates",
                "corpora.normals",
                "embedders.vectors",
                *_MODEL,
                *_CELL,
                *_TEXT,
            ),
        ),
    )
}

PIECES: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="windows",
            version=1,
            function="jobs.windows:WindowVectors",
            modules=_WINDOWS,
        ),
    )
}
"""The kinds of pieces that jobs are done in (`jobs/pieces.py`); their function is a class."""
