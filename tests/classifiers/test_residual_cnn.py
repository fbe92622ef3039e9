"""The reference CNN: alphabet, padding, learning, saving."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from classifiers.char_lm import CharEmbeddings
from classifiers.characters import PADDING, UNKNOWN, CharVocabulary
from classifiers.cnn_training import build_network, class_weights, start_embedding
from classifiers.registry import REFERENCES
from classifiers.residual_cnn import FittedCnn, ResidualCnn, load
from results.errors import InputError
from results.registry import build

SMALL = ResidualCnn(context=400, embedding=8, channels=16, dense=16, learning_rate=0.01)
CLASSES = ["L2", "Pass"]


def logs(count: int, seed: int = 0) -> tuple[list[tuple[str, ...]], list[str]]:
    """Documents of like words; "L2" has the word `fault` somewhere, "Pass" has `faint`."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for number in range(count):
        words = generator.choice(
            ["link", "setup", "timer", "ok", "cell"], generator.integers(5, 60)
        )
        words[generator.integers(len(words))] = ["fault", "faint"][number % 2]
        text = " ".join(words)
        texts.append((text[:20], text[20:]))
        labels.append(CLASSES[number % 2])
    return texts, labels


def fitted_on(count: int, workdir: Path, settings: ResidualCnn = SMALL, seed: int = 1) -> FittedCnn:
    texts, labels = logs(count)
    valid = np.arange(count) % 5 >= 3
    return settings.fit(texts, labels, valid, classes=CLASSES, seed=seed, workdir=workdir)


def network_of(settings: ResidualCnn) -> torch.nn.Module:
    return build_network(settings, CharVocabulary("abcdefgh"), 3, seed=0).eval()


def test_alphabet_is_sorted_by_frequency_then_code_point() -> None:
    vocabulary = CharVocabulary.learn([("ccb", "aé"), ("c",)], max_size=256)
    assert vocabulary.characters == "cabé"
    assert CharVocabulary.learn([("ccba",)], max_size=4).characters == "ca"


def test_ids_leave_room_for_padding_and_unknown() -> None:
    document = CharVocabulary("ab").encode(("ab", "z\U0001f600"), context=9, keep="head")
    assert document.ids.tolist() == [2, 3, UNKNOWN, UNKNOWN]
    assert document.ids.dtype == np.uint8
    assert (document.chars, document.unknown) == (4, 2)
    assert PADDING not in document.ids


def test_alphabet_beyond_a_byte_takes_wider_ids() -> None:
    characters = "".join(chr(code) for code in range(1000, 1400))
    document = CharVocabulary(characters).encode((characters,), context=999, keep="head")
    assert document.ids.tolist() == list(range(2, 402))


@given(st.lists(st.text(alphabet="abc\n")), st.integers(1, 12))
def test_head_and_tail_read_the_ends_of_the_joined_parts(parts: list[str], context: int) -> None:
    vocabulary, text = CharVocabulary("abc\n"), "".join(parts)
    whole = vocabulary.encode(parts, context=10_000, keep="head").ids.tolist()
    assert len(whole) == len(text)
    head = vocabulary.encode(parts, context=context, keep="head")
    tail = vocabulary.encode(parts, context=context, keep="tail")
    assert head.ids.tolist() == whole[:context]
    assert tail.ids.tolist() == whole[-context:]
    assert head.chars == tail.chars == len(text)


def test_default_network_has_fewer_than_800_000_parameters() -> None:
    characters = "".join(chr(code) for code in range(256))
    for layers in (1, 2, 3, 4):
        network = build_network(ResidualCnn(layers=layers), CharVocabulary(characters), 20, seed=0)
        assert sum(weight.numel() for weight in network.parameters()) < 800_000


def both_ways(network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> list[list[torch.Tensor]]:
    """Class scores and all gradients, with the stem as a look-up and as a plain convolution."""
    found = []
    for looks_up in (True, False):
        network.looks_up = looks_up
        network.zero_grad()
        logits = network(**batch)["logits"]
        logits.square().sum().backward()
        gradients = [w.grad for w in network.parameters() if w.grad is not None]
        found.append([logits.detach(), *(gradient.clone() for gradient in gradients)])
    return found


@pytest.mark.parametrize("padding", ["masked", "paper"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("width", "stride", "pool"), [(12, 2, 4), (5, 5, 3), (7, 1, 2)])
def test_stem_as_a_look_up_is_the_convolution_of_embedded_characters(
    padding: str, layers: int, width: int, stride: int, pool: int
) -> None:
    sizes = {"layers": layers, "stem_width": width, "stem_stride": stride, "pool": pool}
    network = network_of(replace(SMALL, padding=padding, **sizes)).double()
    ids = torch.randint(1, 10, (3, 41), generator=torch.Generator().manual_seed(0))
    ids[1, 17:], ids[2, 1:] = PADDING, PADDING
    looked_up, convolved = both_ways(network, {"ids": ids, "lengths": torch.tensor([41, 17, 1])})
    assert len(looked_up) > 5
    for ours, theirs in zip(looked_up, convolved, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("bilstm", [0, 3])
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_padding_does_not_change_a_prediction(layers: int, bilstm: int) -> None:
    network = network_of(replace(SMALL, layers=layers, bilstm=bilstm))
    generator = torch.Generator().manual_seed(0)
    for length in (1, 3, 4, 5, 17, 64):
        ids = torch.randint(1, 10, (1, length), generator=generator).to(torch.uint8)
        alone = network(ids, torch.tensor([length]))["logits"]
        padded = functional.pad(ids, (0, 301 - length))
        other = torch.randint(1, 10, (1, 301), generator=generator).to(torch.uint8)
        beside = network(torch.cat([padded, other]), torch.tensor([length, 301]))["logits"]
        torch.testing.assert_close(beside[:1], alone, rtol=1e-5, atol=1e-5)


def test_papers_padding_reaches_the_network() -> None:
    settings = replace(SMALL, padding="paper")
    network, ids = network_of(settings), torch.full((1, 400), 3)
    ids[:, 30:] = PADDING
    long = network(ids, torch.tensor([400]))["logits"]
    short = network(ids[:, :30], torch.tensor([30]))["logits"]
    assert not torch.allclose(long, short, atol=1e-3)


def test_network_learns_to_tell_two_words_apart(tmp_path: Path) -> None:
    settings = replace(SMALL, stem_stride=1, layers=2, epochs=10)
    fitted = fitted_on(160, tmp_path, settings)
    texts, labels = logs(80, seed=9)
    predictions = fitted.predict(texts)
    assert np.mean(predictions.labels == np.array(labels)) > 0.9
    assert predictions.scores is not None
    assert predictions.scores.sum(axis=1) == pytest.approx(np.ones(80))
    assert predictions.classes == CLASSES
    names = {curve.name for curve in fitted.curves}
    assert {"train_loss", "valid_loss", "valid_macro_f1", "refit_train_loss"} <= names


def test_prediction_does_not_depend_on_the_other_documents(tmp_path: Path) -> None:
    fitted = fitted_on(40, tmp_path, replace(SMALL, epochs=2))
    texts, _ = logs(40, seed=9)
    together = fitted.predict([*texts, (), ("a" * 5000,)]).scores
    alone = np.concatenate([fitted.predict([text]).scores for text in [*texts, (), ("a" * 5000,)]])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_same_seed_gives_the_same_weights_and_leaves_the_generator_alone(tmp_path: Path) -> None:
    settings = replace(SMALL, epochs=2)
    before = torch.get_rng_state()
    first = fitted_on(40, tmp_path / "a", settings).network.state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    second = fitted_on(40, tmp_path / "b", settings).network.state_dict()
    other = fitted_on(40, tmp_path / "c", settings, seed=2).network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["stem.weight"], other["stem.weight"])


def test_validation_documents_teach_nothing_but_when_to_stop(tmp_path: Path) -> None:
    texts, labels = logs(20)
    valid = np.arange(20) >= 16
    odd = [*texts[:16], *[("\u00e9" * 30,)] * 4]
    settings = replace(SMALL, epochs=1, refit=False)
    fits = [
        settings.fit(t, labels, valid, classes=CLASSES, seed=0, workdir=tmp_path / str(i))
        for i, t in enumerate([texts, odd])
    ]
    assert "\u00e9" not in fits[1].vocabulary.characters
    first, second = (fit.network.state_dict() for fit in fits)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_all_documents_may_be_trained_on(tmp_path: Path) -> None:
    texts, labels = logs(20)
    settings = replace(SMALL, epochs=2)
    none = np.zeros(20, dtype=bool)
    fitted = settings.fit(texts, labels, none, classes=CLASSES, seed=0, workdir=tmp_path)
    assert fitted.best_epoch is None
    assert [curve.name for curve in fitted.curves] == ["train_loss"]


def test_refit_learns_from_every_document_for_the_best_number_of_epochs(tmp_path: Path) -> None:
    texts, labels = logs(40)
    texts[39] = ("\u00e9",)  # a validation document: its character is met in the second training
    valid = np.arange(40) >= 30
    settings = replace(SMALL, epochs=6, patience=1, learning_rate=0.1)
    known = {"classes": CLASSES, "seed": 0}
    fitted = settings.fit(texts, labels, valid, workdir=tmp_path / "a", **known)
    curves = {curve.name: curve for curve in fitted.curves}
    best = 1 + int(np.argmin(curves["valid_loss"].values[1:]))
    assert fitted.best_epoch == best < 6
    assert len(curves["refit_train_loss"].values) == best
    assert "\u00e9" in fitted.vocabulary.characters
    nobody, same = np.zeros(40, dtype=bool), replace(settings, epochs=best)
    alone = same.fit(texts, labels, nobody, workdir=tmp_path / "b", **known)
    ours, theirs = fitted.network.state_dict(), alone.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_embedding_starts_from_the_vectors_it_is_given(tmp_path: Path) -> None:
    vectors = np.array([[1.0, 0.0], [0.0, -3.0], [5.0, 5.0]], dtype=np.float32)
    given = CharEmbeddings("ab\u00e9", vectors)
    network = build_network(replace(SMALL, embedding=2), CharVocabulary("bxa"), 3, seed=0)
    before = network.embedding.weight.detach().clone()
    start_embedding(network, CharVocabulary("bxa"), given)
    after = network.embedding.weight.detach()
    scale = 1 / torch.from_numpy(vectors).std()
    torch.testing.assert_close(after[2], torch.tensor([0.0, -3.0]) * scale)  # b
    torch.testing.assert_close(after[4], torch.tensor([1.0, 0.0]) * scale)  # a
    assert torch.equal(after[[0, 1, 3]], before[[0, 1, 3]])  # padding, unknown, x
    with pytest.raises(InputError, match="embedding is 8 wide and char_lm's 2: make"):
        start_embedding(network_of(SMALL), CharVocabulary("abcdefgh"), given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"context": 0}, "context must be at least 1"),
        ({"stem_width": 2, "stem_stride": 3}, "stem_width must be at least stem_stride"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"validation_share": -0.1}, "validation_share must be at least 0 and below 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"alphabet": 2}, "alphabet must be at least 3"),
        ({"bilstm": -1}, "bilstm and l2 must be at least 0"),
    ],
)
def test_impossible_setting_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(SMALL, **change)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    for name, layers in (("a", 2), ("b", 3)):
        (tmp_path / name).mkdir()
        settings = replace(SMALL, epochs=1, layers=layers)
        fitted_on(20, tmp_path / f"work-{name}", settings).save(tmp_path / name)
    (tmp_path / "a" / "weights.safetensors").replace(tmp_path / "b" / "weights.safetensors")
    with pytest.raises(InputError, match="holds another network than config.json describes"):
        load(tmp_path / "b")


def test_bf16_is_close_to_fp32_and_not_the_same(tmp_path: Path) -> None:
    settings = replace(SMALL, epochs=2)
    texts, labels = logs(40)
    valid = np.arange(40) >= 30
    losses = []
    for precision in ("fp32", "bf16"):
        fitted = replace(settings, precision=precision).fit(
            texts,
            labels,
            valid,
            classes=CLASSES,
            seed=0,
            workdir=tmp_path / precision,
        )
        assert fitted.settings.precision == precision
        losses.append(fitted.curves[0].values[-1])
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_saved_network_predicts_the_same(tmp_path: Path) -> None:
    fitted = fitted_on(20, tmp_path / "work", replace(SMALL, epochs=1))
    (tmp_path / "saved").mkdir()
    fitted.save(tmp_path / "saved")
    assert {p.name for p in (tmp_path / "saved").iterdir()} == {
        "weights.safetensors",
        "config.json",
    }
    again = load(tmp_path / "saved")
    texts, _ = logs(10, seed=3)
    assert np.array_equal(again.predict(texts).scores, fitted.predict(texts).scores)
    assert (again.settings, again.classes) == (fitted.settings, fitted.classes)
    assert again.parameters == fitted.parameters


def test_folder_that_holds_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no config.json; give a folder"):
        load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"version": 9}))
    (tmp_path / "weights.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="version 9 is not known; expected 1"):
        load(tmp_path)


def test_coverage_counts_what_is_cut_off_and_unknown(tmp_path: Path) -> None:
    fitted = fitted_on(20, tmp_path, replace(SMALL, epochs=1, context=100))
    coverage = fitted.coverage([("link" * 10, "link" * 40), ("\u00e9\u00e9",)])
    assert (coverage.documents, coverage.cut) == (2, 1)
    assert (coverage.chars, coverage.read, coverage.unknown) == (202, 102, 2)
    assert coverage.share == 102 / 202


def test_class_weights_are_n_over_present_classes_times_class_size() -> None:
    labels = np.array([0, 0, 0, 2])
    assert class_weights(labels, 3).tolist() == pytest.approx([4 / 6, 0, 4 / 2])
    assert class_weights(labels, 3)[labels].mean() == pytest.approx(1.0)


def test_loss_weighs_classes_and_adds_the_penalty_only_while_training() -> None:
    settings = replace(SMALL, l2=0.5, dropout=0.0)
    weights = np.array([3.0, 0.5, 1.0])
    network = build_network(settings, CharVocabulary("ab"), 3, seed=0, weights=weights)
    batch = {"ids": torch.tensor([[2, 3], [3, 3]]), "lengths": torch.tensor([2, 2])}
    labels = torch.tensor([0, 1])
    output = network.eval()(**batch, labels=labels)
    each = functional.cross_entropy(output["logits"], labels, reduction="none")
    assert output["loss"].item() == pytest.approx((each @ torch.tensor([3.0, 0.5])).item() / 2)
    kernels = [w for name, w in network.named_parameters() if name.endswith("weight")]
    named = sum(w.square().sum() for w in kernels if w is not network.embedding.weight)
    trained = network.train()(**batch, labels=labels)["loss"]
    assert trained.item() == pytest.approx((output["loss"] + 0.5 * named).item(), rel=1e-5)


def test_reference_is_registered_and_its_settings_are_checked() -> None:
    assert build("reference", "cnn", REFERENCES, {"layers": 4}) == ResidualCnn(layers=4)
    with pytest.raises(InputError, match="'layers'"):
        build("reference", "cnn", REFERENCES, {"layers": 5})
