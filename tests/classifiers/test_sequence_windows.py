"""Fine-tuning on long documents by windows: which are read, what they add up to, what they cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapters import windows
from adapters.encoder import Tokenizer
from adapters.huggingface import HuggingFaceAdapter
from adapters.tiny import build_twin
from classifiers.sequence import Finetune, FittedSequence, Source
from classifiers.sequence_loading import load
from classifiers.sequence_model import SequenceModel
from classifiers.sequence_reading import Reader, Reading
from classifiers.sequence_training import Collate
from results.errors import InputError

QUICK = Finetune(epochs=2, patience=2, learning_rate=1e-3, windows=3)
SIGNS = {"a": "fault", "b": "faint", "c": "fail"}
FAMILIES = ("bert", "big_bird", "modernbert", "t5")
CONTEXT = {"bert": 32, "big_bird": 256, "modernbert": 32, "t5": 32}
NUMBERS = Tokenizer(lambda texts: [list(map(int, t.split())) for t in texts], [-1], [-2], 0)


def logs(
    count: int, seed: int = 0, words: tuple[int, int] = (10, 120)
) -> tuple[list[list[str]], list[str]]:
    """Documents whose last words tell the class."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for number in range(count):
        label = "abc"[number % 3]
        said = generator.choice(["link", "setup", "timer", "ok"], generator.integers(*words))
        texts.append([" ".join(said) + "\n", " ".join([SIGNS[label]] * 3)])
        labels.append(label)
    return texts, labels


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, texts = tmp_path_factory.mktemp("twins"), ["".join(parts) for parts in logs(60)[0]]
    return {kind: build_twin(folder / kind, {"model_type": kind}, texts) for kind in FAMILIES}


def source(folder: Path, kind: str = "bert") -> Source:
    return Source(adapter=HuggingFaceAdapter(checkpoint=str(folder), context=CONTEXT[kind]))


def fitted_on(
    folder: Path, workdir: Path, settings: Finetune, *, kind: str = "bert", count: int = 30
) -> FittedSequence:
    texts, labels = logs(count, words=(10, 4 * CONTEXT[kind]))
    valid = np.arange(count) % 5 == 0
    start = source(folder, kind)
    return settings.fit(texts, labels, valid, source=start, seed=0, workdir=workdir)


def read(tokens: int, *, most: int, room: int, overlap: int) -> Reading:
    settings = replace(QUICK, windows=most)
    reader = Reader(settings=settings, tokenizer=NUMBERS, room=room, overlap=overlap)
    return reader.read([" ".join(map(str, range(tokens)))])


SHAPES = st.integers(2, 20).flatmap(
    lambda room: st.tuples(
        st.integers(1, 300), st.integers(2, 9), st.just(room), st.integers(0, room - 1)
    )
)


@given(SHAPES)
def test_windows_are_those_of_equation_4_spread_from_end_to_end(
    shape: tuple[int, int, int, int],
) -> None:
    tokens, most, room, overlap = shape
    reading = read(tokens, most=most, room=room, overlap=overlap)
    pieces = windows.cut([np.arange(tokens)], capacity=room, overlap=overlap)
    all_of_them = [NUMBERS.wrap(window.tolist()) for window in pieces]
    places = [all_of_them.index(window.tolist()) for window in reading.windows]
    assert len(places) == min(most, len(all_of_them))
    assert (places[0], places[-1]) == (0, len(all_of_them) - 1)
    assert np.ptp(np.diff(places)) <= 1 if len(places) > 2 else True
    seen = {i for window in reading.windows for i in window[1:-1].tolist()}
    assert (reading.read, reading.tokens) == (len(seen), tokens)


def test_document_without_tokens_has_one_window() -> None:
    assert [w.tolist() for w in read(0, most=3, room=8, overlap=4).windows] == [[-1, -2]]


@pytest.mark.parametrize("overlap", [30, 31])
def test_overlap_that_does_not_fit_the_context_is_refused(
    twins: dict[str, Path], tmp_path: Path, overlap: int
) -> None:
    message = f"overlap {overlap} must be at least 0 and below 30.*set a smaller `overlap`"
    with pytest.raises(InputError, match=message):
        fitted_on(twins["bert"], tmp_path, replace(QUICK, overlap=overlap))


def test_what_stands_at_the_end_is_learnt_with_windows_and_not_without(
    twins: dict[str, Path], tmp_path: Path
) -> None:
    found = []
    for most in (1, 3):
        settings = replace(QUICK, epochs=10, patience=10, learning_rate=3e-3, windows=most)
        fitted = fitted_on(twins["bert"], tmp_path / str(most), settings, count=90)
        texts, labels = logs(45, seed=1, words=(60, 120))
        predictions, coverage = fitted.predict(texts)
        found.append((np.mean(predictions.labels == np.array(labels)), coverage.share))
    assert found[0][0] < 0.6 < 0.9 < found[1][0]
    assert found[0][1] < found[1][1] <= 1.0


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_trains_on_windows_and_predicts_a_document_by_itself(
    twins: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    method = "lora" if kind in ("big_bird", "t5") else "full"
    settings = replace(QUICK, method=method, batch_size=4)
    fitted = fitted_on(twins[kind], tmp_path, settings, kind=kind, count=12)
    texts, _ = logs(7, seed=3, words=(10, 4 * CONTEXT[kind]))
    together, coverage = fitted.predict(texts)
    alone = [fitted.predict([text])[0].scores for text in texts]
    assert together.scores is not None
    np.testing.assert_allclose(together.scores, np.concatenate(alone), atol=1e-6)
    assert 0 < coverage.cut < coverage.documents
    assert coverage.read < coverage.tokens


def test_score_is_that_of_the_windows_mean_logits(twins: dict[str, Path], tmp_path: Path) -> None:
    fitted = fitted_on(twins["bert"], tmp_path, replace(QUICK, epochs=1), count=12)
    text = logs(1, words=(100, 101))[0][0]
    reading = Reader.of(fitted.settings, fitted.loaded).read(text)
    assert len(reading.windows) == 3
    with torch.no_grad():
        each = [
            fitted.loaded.model(torch.tensor(window)[None]).logits for window in reading.windows
        ]
    expected = torch.cat(each).double().mean(dim=0).softmax(dim=0)
    scores = fitted.predict([text])[0].scores
    assert scores is not None
    np.testing.assert_allclose(scores[0], expected.numpy(), atol=1e-6)


def test_same_seed_gives_the_same_bytes_with_windows(
    twins: dict[str, Path], tmp_path: Path
) -> None:
    settings = replace(QUICK, batch_size=4)
    states = [
        fitted_on(twins["bert"], tmp_path / name, settings, count=12).loaded.model.state_dict()
        for name in ("a", "b")
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def batch_of(folder: Path, kind: str, method: Any, at_once: int) -> tuple[SequenceModel, Any]:
    """A network in training, and a batch of four documents with up to three windows each."""
    settings = replace(QUICK, method=method, rank=4)
    loaded = load(settings, source(folder, kind), ["a", "b", "c"], seed=0)
    network = SequenceModel(loaded.model, torch.ones(3), rows_at_once=at_once).train()
    reader = Reader.of(settings, loaded)
    texts = logs(4, words=(2 * CONTEXT[kind], 4 * CONTEXT[kind]))[0]
    readings = [*(reader.read(text) for text in texts[:3]), reader.read(["fault ok"])]
    collate = Collate(loaded.framed.pad_id)
    return network, collate([(reading, i % 3) for i, reading in enumerate(readings)])


def without_dropout(network: SequenceModel) -> None:
    network.model.config.attention_probs_dropout_prob = 0.0  # BigBird makes its modules anew
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name, value in vars(module).items():
            if "dropout" in name and isinstance(value, float):  # T5's attention, for one
                setattr(module, name, 0.0)


def gradients(network: SequenceModel, batch: Any) -> dict[str, torch.Tensor]:
    network.zero_grad()
    network(**batch)["loss"].backward()
    weights = network.named_parameters()
    return {name: w.grad.clone() for name, w in weights if w.grad is not None}


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_gradients_are_exact_whatever_goes_through_the_model_at_once(
    twins: dict[str, Path], kind: str, method: str
) -> None:
    network, batch = batch_of(twins[kind], kind, method, at_once=100)
    without_dropout(network)
    rows: list[int] = []
    network.model.register_forward_pre_hook(
        lambda _, args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    expected = gradients(network, batch)
    assert max(rows) > 2
    rows.clear()
    network.rows_at_once = 2
    found = gradients(network, batch)
    assert max(rows) == 2
    assert sum(rows) == 2 * len(batch["lengths"]), "once forward, once more for the gradients"
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4, msg=name)


def test_dropout_is_drawn_alike_when_windows_are_computed_again(twins: dict[str, Path]) -> None:
    network, batch = batch_of(twins["bert"], "bert", "full", at_once=2)
    found = []
    for keeps_states in (False, True):
        if keeps_states:
            network._computed = lambda ids, lengths, rows: network._logits(  # type: ignore[method-assign]
                ids[rows], lengths[rows]
            )
        with torch.random.fork_rng():
            torch.manual_seed(0)
            found.append(gradients(network, batch))
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


@contextmanager
def kept_bytes() -> Iterator[list[int]]:
    """Sizes of the tensors that autograd keeps for the backward pass, weights included."""
    sizes: list[int] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        sizes.append(tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield sizes


def test_no_states_are_kept_of_windows_that_wait(twins: dict[str, Path]) -> None:
    network, batch = batch_of(twins["bert"], "bert", "full", at_once=100)
    found = []
    for at_once in (100, 2):
        network.rows_at_once = at_once
        with kept_bytes() as sizes:
            network(**batch)
        found.append(sum(sizes))
    assert found[1] < found[0] / 50
