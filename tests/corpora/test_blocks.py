from collections import Counter
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from corpora.blocks import ANOMALIES, RARE, TEMPLATES, Blocks
from corpora.masking import mask
from results.errors import InputError

EVENT_OF = {
    text.format(block="<*>", host="<*>", number="<*>"): event for event, text in TEMPLATES.items()
}


class Session(NamedTuple):
    kind: object
    lines: int
    text: str
    events: list[str]


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    return [
        Session(
            d.fields["kind"],
            int(str(d.fields["lines"])),
            text := "".join(d.parts),
            [EVENT_OF[line] for line in text.splitlines()],
        )
        for d in Blocks(form="events").documents()
    ]


def odd(events: list[str]) -> set[str]:
    """The anomalies of a session, told from its structure."""
    sealed = events.index("seal")
    found = {
        "missing": events.count("open") != events.count("commit"),
        "order": "commit" in events[sealed:],
        "unresolved": any(events.count(a) > events.count(b) for a, b in RARE),
        "retries": any(a == b == "retry" for a, b in pairwise(events)),
    }
    return {kind for kind, is_so in found.items() if is_so}


def test_a_session_has_just_the_anomaly_it_is_labelled_with(sessions: list[Session]) -> None:
    assert [odd(s.events) for s in sessions] == [{s.kind} - {None} for s in sessions]
    kinds = Counter(s.kind for s in sessions)
    assert kinds == {None: 3840, **dict.fromkeys(ANOMALIES, 40)}


def test_every_message_of_an_anomaly_occurs_in_normal_sessions_too(
    sessions: list[Session],
) -> None:
    normal = {event for s in sessions if s.kind is None for event in s.events}

    assert normal == set(TEMPLATES)


def test_length_does_not_give_an_anomaly_away(sessions: list[Session]) -> None:
    truth = [s.kind is not None for s in sessions]

    assert abs(roc_auc_score(truth, [s.lines for s in sessions]) - 0.5) < 0.07


def test_counting_words_finds_many_but_not_all(sessions: list[Session]) -> None:
    truth = np.array([s.kind is not None for s in sessions])
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pipeline = make_pipeline(words, LinearSVC(class_weight="balanced"))
    texts = [s.text for s in sessions]
    scores = cross_val_predict(pipeline, texts, truth, cv=3, method="decision_function")

    assert 0.7 < average_precision_score(truth, scores) < 0.95


def test_both_forms_tell_the_same_sessions() -> None:
    lines, events = (
        list(Blocks(num_documents=60, form=form).documents())  # type: ignore[arg-type]
        for form in ("lines", "events")
    )

    assert [d.fields for d in lines] == [d.fields for d in events]
    assert [d.id for d in lines] == [d.id for d in events]
    for raw, templates in zip(lines, events, strict=True):
        wildcards = "".join(templates.parts).splitlines()
        for line, template in zip("".join(raw.parts).splitlines(), wildcards, strict=True):
            assert line.split("] ", 1)[1].split()[:2] == template.split()[:2]


def test_a_raw_session_is_masked_to_words_alone() -> None:
    for document in Blocks(num_documents=60).documents():
        masked = mask("".join(document.parts))
        assert "obj-<hex>" in masked and "<ipaddr>" in masked
        assert not any(character.isdigit() for character in masked)


def digest(settings: Blocks) -> str:
    text = (part for d in settings.documents() for part in (d.id, str(d.fields), *d.parts))
    return sha256("\0".join(text).encode()).hexdigest()


def test_a_seed_determines_every_byte() -> None:
    assert digest(Blocks(num_documents=40, anomaly_share=0.1)) == GOLDEN
    assert digest(Blocks(num_documents=40, anomaly_share=0.1, seed=1)) != GOLDEN
    assert Blocks().files() == []


GOLDEN = "9928f2cb10cd9b2316acb876c7c1c6467a2eaae9bad06813b928019d2ef1e7e0"
"""Whoever changes the generator changes every number measured on it, and this line."""


@pytest.mark.parametrize(
    "wrong", [{"num_documents": 19}, {"anomaly_share": 0}, {"anomaly_share": 1}]
)
def test_a_corpus_without_both_classes_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"loader 'blocks': .* above none and below all"):
        Blocks(**wrong)  # type: ignore[arg-type]
