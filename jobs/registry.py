"""The kinds of job: name, version, function and the modules that decide its bytes, one entry each.

Raise a version whenever the same parameters and inputs would give other bytes; artifacts of the old
version are then computed again. `tests/jobs/test_versions.py` fails when a declared module changes
and its kind's version does not.
"""

from jobs.job import Kind

_SOURCE = (
    "corpora.document",
    "corpora.folder",
    "corpora.opening",
    "corpora.table",
    "corpora.tm500",
)
_TEXT = ("corpora.masking", "corpora.storage")
_MODEL = (
    "adapters.checkpoints",
    "adapters.encoder",
    "adapters.huggingface",
    "adapters.loading",
    "adapters.minilm",
)
_MLM = (
    "adapters.mlm",
    "adapters.mlm_masking",
    "adapters.mlm_model",
    "adapters.mlm_training",
)
_TRAINING = (
    "adapters.trainer",
    "adapters.training",
    "adapters.training_checkpoints",
    "adapters.training_guards",
    "adapters.training_order",
)
_CELL = ("corpora.splitting", "jobs.cells", "results.metrics")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="corpus",
            version=1,
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
            version=1,
            function="jobs.labels:run",
            modules=("jobs.labels", "corpora.selecting", *_SOURCE),
        ),
        Kind(
            name="split",
            version=1,
            function="jobs.split:run",
            modules=("jobs.split", "corpora.duplicates", "corpora.splitting", *_TEXT),
        ),
        Kind(
            name="adapt",
            version=1,
            function="jobs.adapt:run",
            modules=(
                "jobs.adapt",
                "adapters.mlm",
                "adapters.mlm_masking",
                "adapters.mlm_model",
                "adapters.mlm_training",
                *_MODEL,
                *_TRAINING,
                *_TEXT,
            ),
        ),
        Kind(
            name="embed",
            version=1,
            function="jobs.embed:run",
            modules=(
                "jobs.embed",
                "adapters.length",
                "adapters.tfidf",
                "embedders.batching",
                "embedders.engine",
                "embedders.pooling",
                "embedders.vectors",
                "embedders.windows",
                *_MODEL,
                *_TEXT,
            ),
        ),
        Kind(
            name="classify",
            version=1,
            function="jobs.classify:run",
            modules=(
                "jobs.classify",
                "classifiers.balanced_xgboost",
                "classifiers.fitting",
                "classifiers.matrix",
                "classifiers.scaling",
                *_CELL,
            ),
        ),
        Kind(
            name="reference",
            version=1,
            function="jobs.reference:run",
            modules=(
                "jobs.reference",
                "classifiers.characters",
                "classifiers.cnn_training",
                "classifiers.residual_cnn",
                "classifiers.residual_network",
                *_TRAINING,
                *_CELL,
                *_TEXT,
            ),
        ),
    )
}
