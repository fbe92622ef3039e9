"""Planted leaks are found; corpora without one raise no alarm."""

import random
from collections.abc import Callable

import pytest

from corpora import inspect_leaks
from corpora.blocks import Blocks
from corpora.inspect_leaks import Evidence, Leak, told
from corpora.tm500 import Tm500

WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india"]
CLASSES = ("ok", "slow", "broken")

Plant = Callable[[str, int, random.Random], str]


def _evidence(plant: Plant, number: int = 120, seed: int = 0) -> Evidence:
    """Documents of three classes: the same words and numbers, and a planted line each."""
    rng = random.Random(seed)
    evidence = Evidence()
    for n in range(number):
        label = CLASSES[n % 3]
        lines = [
            f"job={rng.randrange(10**4, 10**5)} {rng.choice(WORDS)} on node{rng.randrange(40):02d}"
            for _ in range(20)
        ]
        lines.insert(rng.randrange(20), plant(label, n, rng))
        evidence.add(label, "\n".join(lines) + "\n")
    return evidence


def _leaks(plant: Plant) -> list[Leak]:
    return _evidence(plant).leaks(CLASSES)


@pytest.mark.parametrize(
    ("plant", "kind", "value"),
    [
        (lambda c, n, r: f"day 2024-03-0{1 + CLASSES.index(c)}", "date", "2024-03-01"),
        (lambda c, n, r: f"{c == 'ok' and 'day 2024-03-01' or 'no day'}", "date", "2024-03-01"),
        (lambda c, n, r: f"host=web{CLASSES.index(c)}", "host", "web0"),
        (lambda c, n, r: f"from 10.0.0.{1 + CLASSES.index(c)}:{n + 1000}", "address", "10.0.0.1"),
        (lambda c, n, r: f"cd /home/{c}user/src/{n}", "folder", "/home/okuser"),
        (lambda c, n, r: f"build=77{CLASSES.index(c)}01", "number", "77001"),
        (lambda c, n, r: f"session {CLASSES.index(c)}badcafe{CLASSES.index(c)}", "id", "0badcafe0"),
        (lambda c, n, r: f"version 4.{CLASSES.index(c)}.12", "version", "4.0.12"),
    ],
)
def test_a_value_that_only_one_class_has_is_found(plant: Plant, kind: str, value: str) -> None:
    found = [leak for leak in _leaks(plant) if leak.label == "ok"]
    assert [(leak.kind, leak.value) for leak in found] == [(kind, value)]
    assert found[0].share == 1 and found[0].share_else == 0


def test_values_that_only_together_tell_the_classes_are_found() -> None:
    def plant(label: str, n: int, rng: random.Random) -> str:
        return f"runner=lab{CLASSES.index(label) * 10 + rng.randrange(8)}"

    (leak,) = _leaks(plant)
    assert (leak.kind, leak.place, leak.label) == ("host", "runner", None)
    assert leak.share > 0.9 and leak.share_else < 0.4 and leak.values > 12
    assert not leak.is_masked


def test_whether_masking_hides_it_is_said() -> None:
    found = _leaks(
        lambda c, n, r: f"from 10.0.0.{1 + CLASSES.index(c)} build=77{CLASSES.index(c)}01"
    )
    assert {leak.kind: leak.is_masked for leak in found} == {"address": True, "number": True}


@pytest.mark.parametrize(
    "plant",
    [
        lambda c, n, r: {"ok": "all fine", "slow": "timer late", "broken": "panic stop"}[c],
        lambda c, n, r: f"errno={r.choice([5000, 2800])}" if c == "broken" else "fine",
        lambda c, n, r: "errno=28000" if c == "broken" else "fine",
        lambda c, n, r: {"ok": "code 0", "slow": "code 17", "broken": "code 404"}[c],
        lambda c, n, r: f"request 6f{n:06x}aa done",
        lambda c, n, r: f"2024-03-{1 + n % 7:02d} up",
        lambda c, n, r: f"serial {n + 100000} host=web{n}",
    ],
)
def test_words_small_numbers_and_what_varies_by_itself_are_no_leaks(plant: Plant) -> None:
    assert _leaks(plant) == []


@pytest.mark.parametrize("seed", range(6))
def test_chance_raises_no_alarm_however_small_the_classes(seed: int) -> None:
    rng = random.Random(seed)
    evidence = Evidence()
    for n in range(12):
        numbers = [
            f"job={rng.randrange(1000, 1060)} host=web{rng.randrange(9)}" for _ in range(300)
        ]
        evidence.add("ab"[n % 4 == 0], "\n".join(numbers))
    assert evidence.leaks("ab") == []


@pytest.mark.parametrize(
    "loader",
    [
        Tm500(num_documents=150, median_chars=1500, seed=3),
        Blocks(num_documents=400, form="lines", seed=3),
        Blocks(num_documents=400, form="events", seed=4),
    ],
)
def test_the_generators_which_are_clean_raise_no_alarm(loader: Tm500 | Blocks) -> None:
    evidence, classes = Evidence(), set()
    for document in loader.documents():
        label = str(document.fields["label"])
        classes.add(label)
        evidence.add(label, "".join(document.parts)[:30_000])
    assert evidence.leaks(classes) == []


def test_telling_words_are_told_apart() -> None:
    signs = {"ok": "finished cleanly", "slow": "timer late", "broken": "panic stop"}
    evidence = _evidence(lambda c, n, r: signs[c])
    assert evidence.leaks(CLASSES) == []
    found = {telling.label: set(telling.words) for telling in evidence.telling(CLASSES)}
    assert found == {label: set(sign.split()) for label, sign in signs.items()}


def test_names_of_files_are_evidence_of_their_own() -> None:
    evidence = Evidence()
    for n in range(40):
        label = "ab"[n % 2]
        evidence.add(label, f"line {n}\n", f"2024-03-0{1 + n % 2}_{n}.log")
    found = evidence.leaks("ab")
    assert [(leak.source, leak.label, leak.value) for leak in found] == [
        ("file name", "a", "2024-03-01"),
        ("file name", "b", "2024-03-02"),
    ]


def test_classes_that_are_left_out_are_no_evidence() -> None:
    evidence = _evidence(lambda c, n, r: f"day 2024-03-0{1 + (c == 'broken')}")
    assert evidence.leaks(CLASSES) and evidence.leaks(["ok", "slow"]) == []


def test_memory_is_bounded_and_what_is_frequent_is_still_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inspect_leaks, "MOST_COUNTED", 500)
    evidence = _evidence(lambda c, n, r: f"host=web{CLASSES.index(c)}", number=300)
    assert sum(map(len, evidence._tokens.of.values())) <= 500
    assert {(leak.label, leak.value) for leak in evidence.leaks(CLASSES) if leak.label} == {
        ("ok", "web0"),
        ("slow", "web1"),
        ("broken", "web2"),
    }


def test_values_that_never_repeat_tell_nothing() -> None:
    alone = told({str(n): {"ab"[n % 3 == 0]: 1} for n in range(30)})
    assert alone.right == alone.largest == pytest.approx(2 / 3)
    assert not alone.is_suspicious


def test_a_document_does_not_vouch_for_itself() -> None:
    pairs = told({str(n): {"a": 1, "b": 1} for n in range(50)})
    assert pairs.right == 0
    assert told({str(n): {"a": 2, "b": 1} for n in range(50)}).right == 0
    assert told({"x": {"a": 50}, "y": {"b": 50}}).right == 1


def test_large_classes_are_no_trouble() -> None:
    evidence = Evidence()
    for n in range(3000):
        evidence.add("ab"[n % 2], f"build=77{n % 2}01 of {n % 13 + 1000}\n")
    assert [(leak.label, leak.value) for leak in evidence.leaks("ab")] == [
        ("a", "77001"),
        ("b", "77101"),
    ]


def test_a_class_of_one_document_accuses_nothing() -> None:
    evidence = Evidence()
    for n in range(40):
        evidence.add("a" if n else "b", f"day 2024-03-0{1 + (n == 0)} host=web{n % 4} {n + 5000}\n")
    assert evidence.leaks("ab") == []
