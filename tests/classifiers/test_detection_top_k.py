"""Top-k accuracy: ranks, counts by document, and that neither order nor company changes a score."""

import numpy as np
import pytest
import torch

from adapters.bert import BertAdapter
from adapters.masked_loading import MaskedLoaded, load_masked
from adapters.tiny import build_tiny
from classifiers.detection import Given
from classifiers.detection_guessing import Guesser, batches, guess, ranks
from classifiers.detection_paragraphs import Gathered
from classifiers.top_k import FittedTopK, TopK, one_less_accuracy
from results.errors import InputError

WORDS = ("open", "read", "write", "close", "block", "packet", "ok", "from", "to", "done")


def document(seed: int, lines: int = 6) -> list[str]:
    generator = np.random.default_rng(seed)
    said = [" ".join(generator.choice(WORDS, 1 + number % 7)) + "\n" for number in range(lines)]
    return ["".join(said[: lines // 2]), "".join(said[lines // 2 :])]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MaskedLoaded:
    folder = build_tiny(tmp_path_factory.mktemp("tiny"), [" ".join(WORDS)], mlm_head=True)
    adapter = BertAdapter(checkpoint=str(folder))
    return load_masked(adapter, adapted=None, attention="sdpa", precision="fp32")


def scorer(model: MaskedLoaded, seed: int = 0, **settings: object) -> FittedTopK:
    return TopK(thresholds="any", **settings).fit(  # type: ignore[arg-type]  # any setting
        [], Given(model=model, seed=seed)
    )


def test_a_rank_counts_the_tokens_that_are_more_likely() -> None:
    logits = torch.tensor([[0.1, 3.0, 2.0, 1.0], [5.0, 5.0, 5.0, 5.0], [0.0, 1.0, 2.0, 3.0]])
    nothing = torch.tensor([[float("nan"), 1.0, 2.0, 3.0]])
    assert ranks(logits, torch.tensor([2, 2, 0])).tolist() == [1, 2, 3]
    assert ranks(logits, torch.tensor([1, 0, 3])).tolist() == [0, 0, 0]
    assert ranks(nothing, torch.tensor([0])).tolist() == [3]


def test_a_rank_below_k_is_being_among_the_k_most_likely() -> None:
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 30)))
    tokens = torch.arange(50) % 30
    found = ranks(logits, tokens)
    for k in (1, 5, 15):
        among = (logits.topk(k).indices == tokens[:, None]).any(dim=1)
        assert torch.equal(found < k, among)


def test_the_score_is_one_less_the_share_of_hidden_tokens_among_the_k_most_likely() -> None:
    first_second_third = np.array([[2, 1, 0], [0, 0, 1], [0, 0, 0]])
    hidden = np.array([4, 1, 0])  # the last document has nothing that could be hidden
    values = one_less_accuracy(first_second_third, hidden, [1, 2, 3])
    assert values.tolist() == [[0.5, 0.25, 0.25], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_published_accuracies_become_thresholds_of_the_score(model: MaskedLoaded) -> None:
    settings = TopK(ks=(7, 5, 5), thresholds=(0.8, 0.9))
    scores = settings.fit([], Given(model=model)).score([document(0)])
    assert scores.ways == [{"k": 5}, {"k": 7}]
    assert scores.thresholds == pytest.approx([0.2, 0.1])
    accuracy = np.array([8, 9]) / 10  # at the threshold is not below it
    assert not (1.0 - accuracy > np.array(scores.thresholds)).any()
    defaults = TopK()
    assert defaults.ks == tuple(range(5, 16))
    assert defaults.thresholds[0] == 0.8 and defaults.thresholds[-1] == 0.99


def test_equal_documents_get_equal_scores_and_order_changes_nothing(model: MaskedLoaded) -> None:
    documents = [document(seed % 9, lines=4 + 9 * (seed % 9)) for seed in range(20)]
    one = scorer(model, batch_tokens=200)
    values = one.score(documents).values
    assert len(np.unique(values, axis=0)) > 5
    assert (values[:9] == values[9:18]).all()
    order = np.random.default_rng(1).permutation(20)
    assert (one.score([documents[i] for i in order]).values == values[order]).all()


def test_a_paragraph_scores_alike_wherever_it_stands(model: MaskedLoaded) -> None:
    long = ["open read write\n" * 30, "close ok done\n" * 30]
    gathered = Gathered(tokenizer=model.framed, size=32, most=None)
    (found,) = gathered.read([long])
    assert len(found.numbers) > len(gathered.distinct) > 1
    assert found.tokens == found.read == 180


def test_each_distinct_paragraph_is_computed_once(model: MaskedLoaded) -> None:
    computed: list[int] = []
    keep = model.model.register_forward_pre_hook(
        lambda module, args, given: computed.append(len(given["input_ids"])), with_kwargs=True
    )
    try:
        documents = [document(seed % 3) for seed in range(30)]
        figures = scorer(model, passes=2).score(documents).figures
    finally:
        keep.remove()
    assert figures["distinct_paragraphs"] == 3 and figures["paragraphs"] == 30
    assert figures["paragraphs_per_distinct"] == 10.0
    assert sum(computed) == 3 * 2


def test_seed_and_pass_decide_what_is_hidden(model: MaskedLoaded) -> None:
    gathered = Gathered(tokenizer=model.framed, size=64, most=None)
    gathered.read([document(0)])
    masks = []
    for seed, number in ((0, 0), (0, 0), (0, 1), (1, 0)):
        guesser = Guesser.of(TopK(), seed, model)
        masks.append(guesser._hide(gathered.distinct[0], gathered.digests[0], number)[0].tolist())
    assert masks[0] == masks[1]
    assert masks[0] != masks[2] != masks[3] != masks[0]


def test_paragraphs_of_equal_shape_are_not_hidden_alike(model: MaskedLoaded) -> None:
    gathered = Gathered(tokenizer=model.framed, size=64, most=None)
    gathered.read([[f"{word} ok done open\n" * 5] for word in WORDS])
    guesser = Guesser.of(TopK(), 0, model)
    pairs = zip(gathered.distinct, gathered.digests, strict=True)
    hidden = [tuple(guesser._hide(*pair, 0)[1] >= 0) for pair in pairs]
    assert len(set(hidden)) > 5


def test_counts_are_those_of_the_model_asked_by_hand(model: MaskedLoaded) -> None:
    gathered = Gathered(tokenizer=model.framed, size=64, most=None)
    gathered.read([document(0)])
    settings = TopK(ks=(1, 4))
    guesser = Guesser.of(settings, 0, model)
    seen, labels = map(
        torch.from_numpy, guesser._hide(gathered.distinct[0], gathered.digests[0], 0)
    )
    hidden = labels >= 0
    with torch.no_grad():
        logits = model.model.model(input_ids=seen[None]).logits[0][hidden]
    hits = [
        int((logits.topk(k).indices == labels[hidden][:, None]).any(dim=1).sum())
        for k in (1, 2, 3, 4)
    ]
    found = guess(settings, Given(model=model), [document(0)])
    assert found.ranks.cumsum(axis=1).tolist() == [hits]
    assert found.hidden.tolist() == [int(hidden.sum())]


def test_passes_add_up(model: MaskedLoaded) -> None:
    documents = [document(seed) for seed in range(5)]
    given = Given(model=model)
    one, three = (guess(TopK(passes=passes), given, documents) for passes in (1, 3))
    assert (three.hidden > 2 * one.hidden).all()
    assert (one.ranks.sum(axis=1) <= one.hidden).all()


def test_counts_are_those_of_each_document_computed_alone(model: MaskedLoaded) -> None:
    documents = [document(seed, lines=3 + 8 * seed) for seed in range(6)]
    given, settings = Given(model=model), TopK(batch_tokens=150)
    together = guess(settings, given, documents)
    alone = [guess(settings, given, [one]) for one in documents]
    assert together.hidden.tolist() == [int(one.hidden[0]) for one in alone]
    assert np.abs(together.ranks - np.concatenate([one.ranks for one in alone])).sum() <= 2


def test_batches_hold_every_paragraph_once_within_the_budget(model: MaskedLoaded) -> None:
    gathered = Gathered(tokenizer=model.framed, size=40, most=None)
    gathered.read([document(seed, lines=5 * seed) for seed in range(1, 9)])
    found = list(batches(gathered, 100))
    assert sorted(i for batch in found for i in batch) == list(range(len(gathered.distinct)))
    for batch in found:
        lengths = [len(gathered.distinct[i]) for i in batch]
        assert len(batch) == 1 or len(batch) * max(lengths) <= 100
    assert len(found) < len(gathered.distinct)


def test_batches_depend_on_the_set_of_paragraphs_alone(model: MaskedLoaded) -> None:
    documents = [[f"{word} ok\n" * (2 + number // 3)] for number, word in enumerate(WORDS)]
    plans = []
    for some in (documents, documents[::-1]):
        gathered = Gathered(tokenizer=model.framed, size=64, most=None)
        gathered.read(some)
        plans.append([[gathered.digests[i] for i in batch] for batch in batches(gathered, 60)])
    assert plans[0] == plans[1]


def test_fewer_paragraphs_are_spread_from_first_to_last_and_told(model: MaskedLoaded) -> None:
    long = document(3, lines=90)
    whole = scorer(model, block=32).score([long]).figures
    coverage = scorer(model, block=32, max_paragraphs=3).score([long]).figures["coverage"]
    assert whole["coverage"]["share"] == 1.0  # type: ignore[index,call-overload]  # a figure
    assert 0.0 < coverage["share"] < 0.5  # type: ignore[index,call-overload,operator]
    gathered = Gathered(tokenizer=model.framed, size=32, most=3)
    every = Gathered(tokenizer=model.framed, size=32, most=None)
    gathered.read([long])
    every.read([long])
    assert gathered.digests[0] == every.digests[0]
    assert gathered.digests[-1] == every.digests[-1]


def test_a_document_without_tokens_scores_zero_and_is_counted(model: MaskedLoaded) -> None:
    scores = scorer(model).score([document(0), [" \n"]])
    assert scores.values[1].tolist() == [0.0] * 11
    assert scores.figures["documents_without_hidden_tokens"] == 1


def test_progress_ends_at_one(model: MaskedLoaded) -> None:
    shares: list[float] = []
    given = Given(model=model, progress=shares.append)
    TopK(batch_tokens=64).fit([], given).score([document(seed) for seed in range(9)])
    assert len(shares) > 2
    assert shares == sorted(shares) and shares[-1] == 1.0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ks": ()}, "ks must be one or more numbers from 1 on"),
        ({"ks": (0, 5)}, "ks must be one or more numbers from 1 on"),
        ({"thresholds": (0.0,)}, "thresholds must lie above 0 and be at most 1"),
        ({"thresholds": ()}, "thresholds must lie above 0 and be at most 1"),
        ({"sentence_share": 1.5}, "sentence_share must lie above 0"),
        ({"token_share": 0.0}, "token_share must lie above 0"),
        ({"passes": 0}, "passes must be at least 1"),
        ({"max_paragraphs": 0}, "max_paragraphs must be at least 1"),
        ({"block": 0}, "block must be at least 1"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        TopK(**settings)  # type: ignore[arg-type]
