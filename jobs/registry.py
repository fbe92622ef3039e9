"""The kinds of job: name, version, function and the modules that decide its bytes, one entry each.

Raise a version whenever the same parameters and inputs would give other bytes; artifacts of the old
version are then computed again. `tests/jobs/test_versions.py` fails when a declared module changes
and its kind's version does not.
"""

from jobs.job import Kind

_CORPUS = ("corpora.document", "corpora.folder", "corpora.table", "corpora.tm500")
_TEXT = ("corpora.masking", "corpora.storage")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="corpus",
            version=1,
            function="jobs.corpus:run",
            modules=("jobs.corpus", "corpora.cleaning", "corpora.selecting", *_CORPUS, *_TEXT),
        ),
        Kind(
            name="labels",
            version=1,
            function="jobs.labels:run",
            modules=("jobs.labels", "corpora.selecting", *_CORPUS),
        ),
        Kind(
            name="split",
            version=1,
            function="jobs.split:run",
            modules=("jobs.split", "corpora.splitting", *_TEXT),
        ),
        Kind(
            name="adapt",
            version=1,
            function="jobs.adapt:run",
            modules=("jobs.adapt", "adapters.objectives", "adapters.training", *_TEXT),
        ),
        Kind(
            name="embed",
            version=1,
            function="jobs.embed:run",
            modules=(
                "jobs.embed",
                "adapters.huggingface",
                "adapters.length",
                "adapters.loading",
                "adapters.minilm",
                "adapters.tfidf",
                "embedders.batching",
                "embedders.engine",
                "embedders.pooling",
                "embedders.vectors",
                "embedders.windows",
                *_TEXT,
            ),
        ),
        Kind(
            name="classify",
            version=1,
            function="jobs.classify:run",
            modules=(
                "jobs.classify",
                "jobs.cells",
                "classifiers.fitting",
                "classifiers.matrix",
                "corpora.splitting",
                "results.metrics",
            ),
        ),
        Kind(
            name="reference",
            version=1,
            function="jobs.reference:run",
            modules=(
                "jobs.reference",
                "jobs.cells",
                "adapters.training",
                "classifiers.residual_cnn",
                "corpora.splitting",
                "results.metrics",
                *_TEXT,
            ),
        ),
    )
}
