"""The character model: its size, the sequence rule, what it reads, learning, resuming, saving."""

import json
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapters.blocks import IGNORED
from classifiers.char_lm import LONGEST, SHORTEST, CharLm, FittedCharLm, load_embeddings
from classifiers.char_lm_network import CharLmNetwork
from classifiers.char_lm_text import SequenceLength, read, survey
from classifiers.char_lm_training import collate, encode, learn_alphabet
from classifiers.registry import CHAR_LM
from corpora.tm500 import Tm500
from results.errors import InputError
from results.registry import build

SMALL = CharLm(embedding=4, units=8, batch_size=8, epochs=2, learning_rate=0.02, max_chars=3000)


def logs(count: int = 12, seed: int = 0) -> list[tuple[str, ...]]:
    """Documents of 20 lines from few words, in two parts."""
    generator = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        words = generator.choice(["link", "setup", "timer", "ok"], 60).reshape(20, 3)
        lines = [" ".join(words_of_line) + "\n" for words_of_line in words]
        texts.append(("".join(lines[:7]), "".join(lines[7:])))
    return texts


def fitted_on(
    texts: Sequence[Sequence[str]], workdir: Path, settings: CharLm = SMALL, **more: Any
) -> FittedCharLm:
    return settings.fit(texts, **{"seed": 1, "workdir": workdir, **more})


def saved(fitted: FittedCharLm, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    fitted.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def length(texts: Sequence[Sequence[str]], settings: CharLm = SMALL) -> SequenceLength:
    return survey(texts, settings).sequence


def test_97_characters_make_the_papers_number_of_parameters() -> None:
    network = CharLmNetwork(97, embedding=64, units=1024, seed=0)
    assert network.parameters_trained == 4_566_177


def test_the_second_bias_stays_zero(tmp_path: Path) -> None:
    network = fitted_on(logs(), tmp_path).network
    assert not network.lstm.bias_hh_l0.any()
    assert network.lstm.bias_ih_l0.std() > 0.0


def test_targets_are_the_inputs_shifted_by_one() -> None:
    vocabulary = learn_alphabet(["abcd"], alphabet=256)
    batch = collate([encode(vocabulary, text) for text in ("abcd", "dz")])
    assert batch["ids"].tolist() == [[1, 2, 3], [4, 0, 0]]
    assert batch["labels"].tolist() == [[2, 3, 4], [0, IGNORED, IGNORED]]


def test_padding_changes_no_loss() -> None:
    network = CharLmNetwork(6, embedding=4, units=8, seed=0).eval()
    short, long = np.array([1, 2, 3], np.uint8), np.array([1, 2, 3, 4, 5, 1], np.uint8)
    outputs = [network(**collate(rows)) for rows in ([short], [long], [short, long])]
    losses = [output["loss"].item() for output in outputs]
    assert losses[2] == pytest.approx((2 * losses[0] + 5 * losses[1]) / 7, abs=1e-6)
    assert outputs[2]["sums"]["accuracy"][1] == 7


def test_of_the_alphabet_unknown_is_one() -> None:
    vocabulary = learn_alphabet(["aab", "c"], alphabet=3)
    assert vocabulary.characters == "ab"
    assert encode(vocabulary, "abc").tolist() == [1, 2, 0]


def test_message_blocks_of_a_test_log_give_the_sequence_length() -> None:
    parts = [list(document.parts) for document in Tm500(num_documents=20).documents()]
    lines = "".join(map("".join, parts)).split("\n")
    sequence = length(parts)
    assert sequence.rule == "blocks"
    assert sequence.counted == sum(line.startswith(("I:", "C:")) for line in lines)
    assert 40 <= sequence.chars == sequence.median <= 70


def test_a_message_block_holds_the_lines_below_it() -> None:
    text = "before\nI: one\n  dump\n  dump\nC: two\nI: three, the last\n"
    sequence = length([[text]])
    assert (sequence.rule, sequence.median, sequence.counted) == ("blocks", 19, 3)
    assert sequence.chars == 19
    assert length([[text]], replace(SMALL, block="C:")).median == len(
        "C: two\nI: three, the last\n"
    )


def test_blocks_do_not_span_documents() -> None:
    sequence = length([["I: four\n"], ["the second\n"], ["C: 3\n"]])
    assert (sequence.median, sequence.counted) == (5, 2)


def test_without_message_blocks_the_lines_that_are_not_blank_count() -> None:
    texts = [
        ["seventeen chars..\n\n  \n"],
        ["longer than the first of the lines\nAI: no block here"],
    ]
    assert length(texts) == SequenceLength(18, "lines", median=18, counted=3)


def test_one_very_long_line_makes_the_longest_sequence() -> None:
    line = "x" * 50_000
    assert length([[line]]) == SequenceLength(LONGEST, "lines", median=50_000, counted=1)
    assert length([["a\n" * 9]]).chars == SHORTEST


def test_a_setting_overrules_the_rule() -> None:
    assert length([["I: a\n"]], replace(SMALL, sequence=7)) == SequenceLength(7, "setting")


@given(st.lists(st.text(alphabet="I:a "), min_size=1), st.data())
def test_parts_that_end_behind_lines_change_no_length(
    lines: list[str], data: st.DataObject
) -> None:
    whole = [line + "\n" for line in lines]
    cut = data.draw(st.integers(0, len(whole)))
    parts = ["".join(whole[:cut]), "".join(whole[cut:])]
    sequence = length([parts])
    assert sequence == length([["".join(whole)]])
    starts = [line.startswith("I:") for line in lines]
    blank = [not line.strip() for line in lines]
    assert sequence.counted == (sum(starts) or blank.count(False))


def test_a_line_longer_than_a_part_is_one_line() -> None:
    parts = ["I: " + "x" * 97, "I:" + "x" * 98, "I: x\n", "I: y\n"]
    assert length([parts, ["C: z\n"]]).counted == 3
    assert length([parts]).median == 5 and length([parts[:3]]).median == 205


@given(st.lists(st.text(alphabet="ab\n"), max_size=5))
def test_sequences_overlap_by_one_character_wherever_the_parts_end(parts: list[str]) -> None:
    text, settings = "".join(parts), replace(SMALL, sequence=5)
    texts = [parts, ["zzzzzzz"], ["yy"]]
    excerpt = read(texts, survey(texts, settings), settings, seed=0)
    found = [*excerpt.train, *excerpt.valid]
    expected = [text[start : start + 6] for start in range(0, len(text) - 1, 5)]
    assert [one for one in found if one[0] not in "zy"] == expected


def test_text_is_read_from_all_over_and_never_more_than_allowed() -> None:
    texts = [[f"{number:02}" * 500] for number in range(40)]
    settings = replace(SMALL, sequence=9, max_chars=2000)
    excerpts = [read(texts, survey(texts, settings), settings, seed=seed) for seed in (0, 0, 1)]
    assert excerpts[0] == excerpts[1] != excerpts[2]
    both = excerpts[0].train + excerpts[0].valid
    assert 1900 < sum(map(len, both)) <= 2000
    assert len({text[:2] for text in excerpts[0].train} | {text[1:3] for text in both}) > 30
    assert excerpts[0].valid_documents == 4 and len(excerpts[0].valid) == 20


def test_documents_are_not_kept_in_memory() -> None:
    class Stream:
        def __iter__(self) -> Iterator[list[str]]:
            for number in range(30):
                yield [f"{number} lines of a log\n" * 3000] * 4

    settings = replace(SMALL, max_chars=100_000)
    tracemalloc.start()
    excerpt = read(Stream(), survey(Stream(), settings), settings, seed=0)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(map(len, excerpt.train)) > 80_000
    assert peak_bytes < 2_000_000, "the corpus has 7.5 million characters"


def test_documents_are_held_out_whole() -> None:
    texts = [[chr(ord("a") + number) * 200] for number in range(20)]
    settings = replace(SMALL, max_chars=100_000)
    excerpt = read(texts, survey(texts, settings), settings, seed=0)
    sides = [{text[0] for text in side} for side in (excerpt.train, excerpt.valid)]
    assert (len(sides[0]), len(sides[1])) == (18, 2) and not sides[0] & sides[1]


def test_the_held_out_loss_falls_below_a_unigram_model(tmp_path: Path) -> None:
    settings = replace(SMALL, units=16, epochs=6, max_chars=5000)
    card: Any = fitted_on(logs(), tmp_path, settings).card
    assert card["heldout_loss_before"] == pytest.approx(np.log(card["vocabulary"]), abs=0.1)
    assert card["heldout_loss_after"] < 0.7 * card["unigram_loss"] < 0.7 * np.log(15)
    assert card["heldout_accuracy_after"] > 0.4 > card["heldout_accuracy_before"]
    curves = {curve["name"]: curve["at"] for curve in card["curves"]}
    epochs = [float(epoch) for epoch in range(7)]
    assert curves == {
        "train_loss": epochs[1:],
        "valid_loss": epochs,
        "valid_accuracy": epochs,
    }
    assert card["sequence"]["rule"] == "lines"
    assert card["heldout_unknown_share"] == 0.0


def test_the_card_says_how_much_was_read(tmp_path: Path) -> None:
    texts = logs()
    chars = sum(len(part) - 0.5 for parts in texts for part in parts)
    told: Any = [
        fitted_on(texts, tmp_path / str(most), replace(SMALL, max_chars=most, epochs=1)).card
        for most in (2000, 100_000)
    ]
    assert told[1]["share_read"] == 1.0
    assert told[1]["train_chars"] + told[1]["valid_chars"] == told[1]["corpus_chars"] == chars
    assert 0.9 * 2000 / chars < told[0]["share_read"] <= 2000 / chars


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_same_seed_gives_the_same_bytes_and_another_one_others(
    tmp_path: Path, precision: str
) -> None:
    found = [
        saved(
            fitted_on(logs(), tmp_path / f"{name}-work", seed=seed, precision=precision),
            tmp_path / name,
        )
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert found[0] == found[1]
    assert found[0]["embeddings.safetensors"] != found[2]["embeddings.safetensors"]
    assert json.loads(found[0]["card.json"])["precision"] == precision


def test_bf16_learns_almost_the_same(tmp_path: Path) -> None:
    cards: Any = [
        fitted_on(logs(), tmp_path / name, precision=name).card for name in ("fp32", "bf16")
    ]
    losses = [card["heldout_loss_after"] for card in cards]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], abs=0.02)


def test_an_interrupted_training_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    settings = replace(SMALL, epochs=4)
    undisturbed = saved(fitted_on(logs(), tmp_path / "quiet", settings), tmp_path / "a")

    def kill(share: float) -> None:
        if share > 0.6:
            raise KeyboardInterrupt

    shares: list[float] = []
    work = tmp_path / "work"
    with pytest.raises(KeyboardInterrupt):
        fitted_on(logs(), work, settings, progress=kill)
    resumed = saved(fitted_on(logs(), work, settings, progress=shares.append), tmp_path / "b")
    assert shares[0] == 0.5
    assert resumed == undisturbed


def test_the_global_generator_is_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fitted_on(logs(), tmp_path, replace(SMALL, epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_an_alphabet_of_one_character(tmp_path: Path) -> None:
    fitted = fitted_on([("a" * 90,), ("a" * 90,)], tmp_path)
    assert fitted.embeddings.characters == "a"
    assert fitted.embeddings.vectors.shape == (1, 4)
    assert fitted.card["heldout_accuracy_after"] == 1.0


def test_rare_and_unseen_characters_are_unknown_and_counted(tmp_path: Path) -> None:
    texts = [(chr(ord("a") + number) * 100,) for number in range(6)]
    card: Any = fitted_on(texts, tmp_path / "unseen").card
    assert (card["characters"], card["vocabulary"]) == (5, 6)
    assert card["heldout_unknown_share"] == 1.0
    card = fitted_on(logs(), tmp_path / "rare", replace(SMALL, alphabet=4)).card
    assert (card["characters"], card["vocabulary"]) == (3, 4)
    assert 0.3 < card["heldout_unknown_share"] < 0.9


@pytest.mark.parametrize(
    "texts", [[], [[]], [[""], ["", ""]], [["a"], ["b"]], [["only one document"]]]
)
def test_too_little_text_is_refused(tmp_path: Path, texts: list[list[str]]) -> None:
    with pytest.raises(InputError, match=r"char_lm: \d train documents .* give more documents"):
        fitted_on(texts, tmp_path)


def test_documents_without_a_character_to_guess_do_no_harm(tmp_path: Path) -> None:
    card: Any = fitted_on([(), ("a",), *logs(3), ("",)], tmp_path).card
    assert card["train_documents"] + card["valid_documents"] == 3


def test_divergence_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="training diverged: .*lower learning_rate"):
        fitted_on(logs(), tmp_path, replace(SMALL, learning_rate=1e38))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"units": 0}, "char_lm: units is 0 and must be at least 1"),
        ({"alphabet": 1}, "alphabet is 1 and must be at least 2"),
        ({"sequence": 0}, "sequence is 0 and must be at least 1"),
        ({"max_chars": 1000}, "max_chars is 1000 and must be at least 1026"),
        ({"sequence": 9, "max_chars": 19}, "max_chars is 19 and must be at least 20"),
        ({"validation_share": 1.0}, "validation_share must lie between 0 and 1"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"block": "("}, r"block '\(' is no regular expression .*: mend it"),
        ({"unit": 8}, "char_lm 'char_lm' has no setting 'unit'"),
    ],
)
def test_impossible_settings_are_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build("char_lm", "char_lm", CHAR_LM, setting)


def test_embeddings_come_back_as_they_were_saved(tmp_path: Path) -> None:
    texts = [(*parts, "\ud800é\N{LINE SEPARATOR}") for parts in logs()]
    fitted = fitted_on(texts, tmp_path / "work")
    saved(fitted, tmp_path / "out")
    loaded = load_embeddings(tmp_path / "out")
    assert loaded.characters == fitted.embeddings.characters
    assert {"\ud800", "é", "\n"} <= set(loaded.characters)
    assert loaded.vectors.dtype == np.float32
    weights = fitted.network.embedding.weight.detach().numpy()
    np.testing.assert_array_equal(loaded.vectors, weights[1:])


@pytest.mark.parametrize("name", ["embeddings.safetensors", "characters.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    saved(fitted_on(logs(), tmp_path / "work", replace(SMALL, epochs=1)), tmp_path / "out")
    (tmp_path / "out" / name).unlink()
    with pytest.raises(InputError, match=f"no {name}; give a folder that a char_lm was saved to"):
        load_embeddings(tmp_path / "out")


def test_another_version_is_refused(tmp_path: Path) -> None:
    saved(fitted_on(logs(), tmp_path / "work", replace(SMALL, epochs=1)), tmp_path / "out")
    (tmp_path / "out" / "characters.json").write_text('{"version": 2}')
    with pytest.raises(InputError, match="version 2 is not known; expected 1"):
        load_embeddings(tmp_path / "out")
