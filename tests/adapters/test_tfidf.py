"""TF-IDF over parts, and the two named recipes on real crash logs."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from adapters.registry import ADAPTERS
from adapters.tfidf import TfidfAdapter
from results.errors import InputError
from results.registry import build

DOCUMENTS = [
    ["radio failed\n", "at code 17\n"],
    ["radio started\n", "cell 3 failed\n"],
    ["cell 3 lost\n", "radio failed\n"],
]


def features(settings: TfidfAdapter, documents: Any = DOCUMENTS) -> Any:
    featurizer = settings.load_featurizer()
    featurizer.fit(documents)
    return featurizer.transform(documents)


@pytest.mark.parametrize("analyzer", ["char_wb", "word"])
def test_terms_never_cross_parts(analyzer: Any) -> None:
    whole = [["".join(parts)] for parts in DOCUMENTS]
    settings = TfidfAdapter(analyzer=analyzer, min_df=1)
    featurizer = settings.load_featurizer()
    featurizer.fit(DOCUMENTS)
    terms = set(featurizer.vectorizer_.vocabulary_)
    assert ("radio failed" in terms) == (analyzer == "word")
    assert "failed at" not in terms
    featurizer.fit(whole)
    assert ("failed at" in featurizer.vectorizer_.vocabulary_) == (analyzer == "word")


def test_with_one_part_it_is_scikit_learns() -> None:
    texts = ["".join(parts) for parts in DOCUMENTS]
    plain = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
    expected = plain.fit_transform(texts)
    got = features(TfidfAdapter(), [[text] for text in texts])
    np.testing.assert_allclose(got.toarray(), expected.toarray(), rtol=1e-6)
    assert got.dtype == np.float32


def test_only_train_documents_decide_the_features() -> None:
    featurizer = TfidfAdapter(analyzer="word", min_df=1).load_featurizer()
    featurizer.fit(DOCUMENTS[:1])
    assert set(featurizer.vectorizer_.vocabulary_) == {
        "radio",
        "failed",
        "radio failed",
        "at",
        "code",
        "17",
        "at code",
        "code 17",
    }
    assert featurizer.transform(DOCUMENTS).shape == (3, 8)


def test_documents_may_be_streams() -> None:
    featurizer = TfidfAdapter().load_featurizer()
    featurizer.fit(parts for parts in DOCUMENTS)
    assert featurizer.transform(parts for parts in DOCUMENTS).shape[0] == 3


def test_the_recipes_differ_by_the_analyzer_alone() -> None:
    assert build("adapter", "tfidf", ADAPTERS, {}).identity()["ngram"] == [3, 5]
    word = build("adapter", "tfidf", ADAPTERS, {"analyzer": "word"})
    assert word.identity()["ngram"] == [1, 2]
    given = build("adapter", "tfidf", ADAPTERS, {"analyzer": "word", "ngram": [1, 1]})
    assert given.identity() == {**word.identity(), "ngram": [1, 1]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ngram": [5, 3]}, "must be 1 <= low <= high"),
        ({"min_df": 0}, "must be at least 1"),
        ({"analyzer": "words"}, "setting 'analyzer'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        build("adapter", "tfidf", ADAPTERS, settings)


def test_no_common_term_is_said() -> None:
    with pytest.raises(InputError, match="no term occurs in 2 train documents"):
        features(TfidfAdapter(analyzer="word"), [["one"], ["two"]])


@pytest.mark.shared_data
@pytest.mark.slow
def test_the_word_recipe_reaches_its_known_score_on_kernel_crashes() -> None:
    """SOURCE: DESIGN §5, word 1-2 balanced linear SVC .89 macro-F1, stratified 70/30."""
    from sklearn.metrics import f1_score
    from sklearn.model_selection import train_test_split
    from sklearn.svm import LinearSVC

    shared = Path(os.environ.get("LOGMARK_SHARED", Path(__file__).parents[3] / "shared"))
    path = shared / "data" / "syzkaller_kernel_crashes" / "docs.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    counts = Counter(row["label"] for row in rows if row["os"] == "linux")
    chosen = [r for r in rows if r["os"] == "linux" and r["label"] and counts[r["label"]] >= 10]
    labels = [row["label"] for row in chosen]
    assert len(labels) == 645
    scores = []
    for seed in range(3):
        train, test = train_test_split(
            np.arange(645), test_size=0.3, stratify=labels, random_state=seed
        )
        featurizer = TfidfAdapter(analyzer="word").load_featurizer()
        featurizer.fit([chosen[i]["text"]] for i in train)
        row = [featurizer.transform([chosen[i]["text"]] for i in side) for side in (train, test)]
        model = LinearSVC(class_weight="balanced").fit(row[0], [labels[i] for i in train])
        truth = [labels[i] for i in test]
        scores.append(f1_score(truth, model.predict(row[1]), average="macro", zero_division=0))
    assert np.mean(scores) == pytest.approx(0.89, abs=0.03)
