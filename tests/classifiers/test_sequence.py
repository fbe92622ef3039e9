"""End-to-end fine-tuning: learning, cutting, stopping, bytes, and every family's habits."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from adapters.block_sparse import full_up_to
from adapters.encoder import Tokenizer
from adapters.huggingface import HuggingFaceAdapter
from adapters.loading import load_tokenizer, quiet
from adapters.t5 import T5Adapter
from adapters.tiny import TinySize, build_tiny, build_twin
from classifiers.registry import FINETUNE
from classifiers.sequence import Finetune, FittedSequence, Source
from classifiers.sequence_loading import load
from classifiers.sequence_model import SequenceModel
from classifiers.sequence_reading import Reader, Reading
from classifiers.sequence_training import Collate
from results.errors import InputError
from results.registry import build

QUICK = Finetune(epochs=6, patience=6, learning_rate=3e-3)
SIGNS = {"a": "fault", "b": "faint", "c": "fail"}
FAMILIES = ("bert", "big_bird", "llama", "t5")


def logs(
    count: int, seed: int = 0, words: tuple[int, int] = (5, 40)
) -> tuple[list[list[str]], list[str]]:
    """Documents of like words in two parts; the first words tell the class, as words."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        label = str(generator.choice(list(SIGNS), p=[0.5, 0.3, 0.2]))
        said = generator.choice(["link", "setup", "timer", "ok"], generator.integers(*words))
        text = " ".join([SIGNS[label]] * 3 + said.tolist())
        texts.append([text[:30], text[30:]])
        labels.append(label)
    return texts, labels


WORDS = [" ".join(parts) for parts in logs(60)[0]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as most are published: with the head of its pretraining, without a pooler."""
    return build_tiny(tmp_path_factory.mktemp("tiny"), WORDS, mlm_head=True)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("twins")
    return {kind: build_twin(folder / kind, {"model_type": kind}, WORDS) for kind in FAMILIES}


def source(folder: Path, **settings: Any) -> Source:
    return Source(adapter=HuggingFaceAdapter(checkpoint=str(folder), **settings))


def fitted_on(
    folder: Path,
    workdir: Path,
    settings: Finetune = QUICK,
    *,
    count: int = 60,
    seed: int = 0,
    words: tuple[int, int] = (5, 40),
) -> FittedSequence:
    texts, labels = logs(count, words=words)
    valid = np.arange(count) % 5 == 0
    return settings.fit(texts, labels, valid, source=source(folder), seed=seed, workdir=workdir)


def one_window(ids: np.ndarray) -> tuple[Reading, int]:
    return Reading([ids], len(ids), len(ids)), 0


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def saved(fitted: FittedSequence, folder: Path) -> dict[str, str]:
    folder.mkdir()
    fitted.save(folder)
    return hashes(folder / "checkpoint")


def accuracy(fitted: FittedSequence, words: tuple[int, int] = (5, 40)) -> float:
    texts, labels = logs(40, seed=1, words=words)
    predictions, _ = fitted.predict(texts)
    return float(np.mean(predictions.labels == np.array(labels)))


@pytest.mark.parametrize("method", ["full", "lora"])
def test_model_learns_which_word_decides(
    twins: dict[str, Path], tmp_path: Path, method: str
) -> None:
    settings = build("finetune", "finetune", FINETUNE, {"method": method, "rank": 4})
    settings = replace(settings, epochs=10 if method == "full" else 16, learning_rate=3e-3)
    fitted = fitted_on(twins["bert"], tmp_path, settings)
    assert accuracy(fitted) > 0.9
    names = {"train_loss", "valid_loss", "valid_accuracy", "valid_macro_f1"}
    assert {curve.name for curve in fitted.curves} == names
    assert fitted.classes == ["a", "b", "c"]


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_trains_and_predicts_a_document_by_itself(
    twins: dict[str, Path], tmp_path: Path, kind: str, method: str
) -> None:
    """The BigBird twin attends block-sparsely from 177 tokens on; documents lie on both sides."""
    words = (5, 220) if kind == "big_bird" else (5, 40)
    settings = replace(QUICK, method=method, epochs=2, learning_rate=1e-3)
    fitted = fitted_on(twins[kind], tmp_path, settings, words=words)
    texts, _ = logs(12, seed=3, words=words)
    together = fitted.predict(texts)[0].scores
    alone = [fitted.predict([text])[0].scores for text in reversed(texts)]
    assert together is not None
    np.testing.assert_allclose(together, np.concatenate(alone[::-1]), atol=1e-6)


def test_bigbird_scores_do_not_depend_on_history_or_company(twins: dict[str, Path]) -> None:
    loaded = load(QUICK, source(twins["big_bird"]), ["a", "b"], seed=0)
    network = SequenceModel(loaded.model, torch.ones(2), rows_at_once=8).eval()
    limit = full_up_to(loaded.model.config)
    generator = np.random.default_rng(0)
    rows = [generator.integers(10, 60, size) for size in (limit + 1, 9, 400, limit)]
    with torch.no_grad(), quiet():
        before = torch.get_rng_state()
        collate = Collate(loaded.framed.pad_id)
        both = [collate([one_window(ids) for ids in rows]) for _ in range(2)]
        first, second = (network(**batch)["logits"] for batch in both)
        single, kinds = [], []
        for ids in [rows[0], *rows]:
            single.append(network(**collate([one_window(ids)]))["logits"])
            kinds.append(loaded.model.base_model.attention_type)
        assert torch.equal(torch.get_rng_state(), before), "switching draws nothing"
        loaded.model.base_model.set_attention_type("block_sparse")
        theirs = loaded.model(input_ids=torch.from_numpy(rows[2])[None]).logits
    assert torch.equal(first, second)
    torch.testing.assert_close(first, torch.cat(single[1:]), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(first[2:3], theirs, atol=1e-6, rtol=1e-5)
    assert kinds[1:] == ["block_sparse", "original_full"] * 2


@pytest.mark.parametrize("method", ["full", "lora"])
def test_bigbird_trains_in_bf16(twins: dict[str, Path], tmp_path: Path, method: str) -> None:
    """Its block-sparse attention cannot run under autocast; documents lie on both sides of it."""
    settings = replace(QUICK, epochs=1, method=method)
    start = replace(source(twins["big_bird"]), precision="bf16")
    texts, labels = logs(16, seed=0, words=(5, 220))
    valid = np.arange(16) % 4 == 0
    fitted = settings.fit(texts, labels, valid, source=start, seed=0, workdir=tmp_path)
    assert max(curve.values[-1] for curve in fitted.curves) < 10


def test_bigbird_training_gives_the_same_bytes_and_leaves_generators_alone(
    twins: dict[str, Path], tmp_path: Path
) -> None:
    settings, found = replace(QUICK, epochs=2), []
    for name in ("x", "y"):
        np.random.seed(len(found))  # noqa: NPY002 - transformers' sparse attention seeds this one
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        fitted = fitted_on(twins["big_bird"], tmp_path / name, settings, count=20, words=(5, 220))
        assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
        found.append(saved(fitted, tmp_path / f"{name}-out"))
    assert found[0] == found[1]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_same_seed_gives_the_same_bytes_wherever_the_checkpoint_lies(
    tiny: Path, tmp_path: Path, method: str
) -> None:
    settings = replace(QUICK, method=method, epochs=2)
    other = build_tiny(tmp_path / "elsewhere", WORDS, mlm_head=True)
    first = saved(fitted_on(tiny, tmp_path / "a", settings), tmp_path / "a-out")
    torch.rand(3)
    second = saved(fitted_on(other, tmp_path / "b", settings), tmp_path / "b-out")
    third = saved(fitted_on(tiny, tmp_path / "c", settings, seed=1), tmp_path / "c-out")
    assert first == second
    assert first["model.safetensors"] != third["model.safetensors"]


def test_early_stopping_takes_the_best_epoch(tiny: Path, tmp_path: Path) -> None:
    settings = replace(QUICK, epochs=20, patience=2, learning_rate=0.02)
    fitted = fitted_on(tiny, tmp_path, settings)
    losses = next(curve for curve in fitted.curves if curve.name == "valid_loss").values
    assert fitted.best_epoch == 1 + int(np.argmin(losses[1:])) < len(losses) - 1
    assert len(losses) - 1 == fitted.best_epoch + 2
    texts, labels = logs(60)
    held = [number for number in range(60) if number % 5 == 0]
    scores = fitted.predict([texts[i] for i in held])[0].scores
    assert scores is not None
    rows = [fitted.classes.index(labels[i]) for i in held]
    counts = {name: sum(labels[i] == name for i in range(60) if i % 5) for name in SIGNS}
    weights = np.array([48 / (3 * counts[labels[i]]) for i in held])
    loss = float(np.mean(-np.log(scores[np.arange(12), rows]) * weights))
    assert loss == pytest.approx(min(losses[1:]), rel=1e-4), "n / (C n_c), at the best epoch"


def test_validation_documents_teach_nothing_but_when_to_stop(tiny: Path, tmp_path: Path) -> None:
    texts, labels = logs(20)
    valid = np.arange(20) >= 16
    odd = [*texts[:16], *[["ok ok ok"]] * 4]
    settings = replace(QUICK, epochs=1)
    fits = [
        settings.fit(t, labels, valid, source=source(tiny), seed=0, workdir=tmp_path / str(number))
        for number, t in enumerate([texts, odd])
    ]
    first, second = (fit.loaded.model.state_dict() for fit in fits)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_lora_moves_the_updates_and_the_head_only(tiny: Path, tmp_path: Path) -> None:
    settings = replace(QUICK, method="lora", epochs=2, learning_rate=1e-2)
    texts, labels = logs(20)
    start = load(settings, source(tiny), sorted(set(labels)), seed=0).model.state_dict()
    fitted = fitted_on(tiny, tmp_path, settings, count=20)
    end = fitted.loaded.model.state_dict()
    moved = {name for name in start if not torch.equal(start[name], end[name])}
    head = {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight"}
    assert head <= moved
    assert all(".lora_" in name or "pooler" in name or "classifier" in name for name in moved)
    assert any(".lora_B." in name for name in moved)
    assert fitted.parameters < sum(value.numel() for value in start.values()) / 5


def test_saved_checkpoint_is_one_that_transformers_reads(tiny: Path, tmp_path: Path) -> None:
    fitted = fitted_on(tiny, tmp_path / "work", replace(QUICK, epochs=2))
    saved(fitted, tmp_path / "out")
    folder = tmp_path / "out" / "checkpoint"
    with quiet():
        model: Any = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
        tokenizer = load_tokenizer(folder)
    text = "fault setup link ok"
    with torch.no_grad():
        theirs = model(**tokenizer(text, return_tensors="pt")).logits.double().softmax(dim=1)
    ours = fitted.predict([[text]])[0].scores
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-6)
    assert model.config.id2label == {0: "a", 1: "b", 2: "c"}


@pytest.mark.parametrize("keep", ["start", "end"])
def test_long_documents_are_cut_at_the_chosen_end_and_counted(tiny: Path, keep: Any) -> None:
    tokenizer = Tokenizer.of(load_tokenizer(tiny))
    parts = ["fault " * 70, "timer " * 70] * 2
    settings = replace(QUICK, keep=keep)
    reading = Reader(settings=settings, tokenizer=tokenizer, room=100, overlap=0).read(parts)
    whole = [i for ids in tokenizer.encode(parts) for i in ids]
    wanted = whole[:100] if keep == "start" else whole[-100:]
    assert [window.tolist() for window in reading.windows] == [tokenizer.wrap(wanted)]
    assert (reading.read, reading.tokens) == (100, len(whole))


def test_what_lies_beyond_the_context_changes_nothing(tiny: Path, tmp_path: Path) -> None:
    fitted = fitted_on(tiny, tmp_path, replace(QUICK, epochs=1))
    beginning = "fault " + "ok " * 61
    cut, coverage = fitted.predict([[beginning, "ok " * 9], [beginning, "faint " * 9], ["ok"]])
    assert cut.scores is not None
    assert np.array_equal(cut.scores[0], cut.scores[1])
    assert (coverage.documents, coverage.cut) == (3, 2)
    assert (coverage.tokens, coverage.read) == (2 * (62 + 9) + 1, 2 * 62 + 1)
    assert coverage.share == pytest.approx(125 / 143)


def test_document_without_tokens_is_still_classified(tiny: Path, tmp_path: Path) -> None:
    fitted = fitted_on(tiny, tmp_path, replace(QUICK, epochs=1))
    predictions, coverage = fitted.predict([[], [""]])
    assert len(predictions.labels) == 2
    assert (coverage.tokens, coverage.share) == (0, 1.0)


def test_tokenizer_without_padding_token_will_do(twins: dict[str, Path], tmp_path: Path) -> None:
    assert load_tokenizer(twins["llama"]).pad_token is None
    assert accuracy(fitted_on(twins["llama"], tmp_path, replace(QUICK, epochs=8))) > 0.9


def test_end_of_sequence_written_in_a_log_is_no_fault(
    twins: dict[str, Path], tmp_path: Path
) -> None:
    """T5's head refuses a batch whose rows hold unequal numbers of that token."""
    fitted = fitted_on(twins["t5"], tmp_path, replace(QUICK, epochs=1))
    predictions, _ = fitted.predict([["ok </s> ok"], ["ok ok"], ["</s></s>"]])
    assert predictions.scores is not None and np.isfinite(predictions.scores).all()


def test_audit_and_card_say_what_was_trained(tiny: Path, tmp_path: Path) -> None:
    card = fitted_on(tiny, tmp_path, replace(QUICK, epochs=1)).card()
    audit: Any = card["audit"]
    assert audit["random_weights"] is True
    assert audit["attention"] == "sdpa"
    assert card["architecture"] == "BertForSequenceClassification"
    assert card["context"] == TinySize().context
    assert "classifier.weight" in card["fresh"]  # type: ignore[operator]


def test_divergence_is_named(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"training diverged: .* is (nan|inf) .*learning_rate"):
        fitted_on(tiny, tmp_path, replace(QUICK, learning_rate=1e30))


def test_low_rank_updates_as_a_start_are_refused(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    start = replace(source(tiny), adapted=tmp_path)
    with pytest.raises(InputError, match="adapted by low-rank updates.*objective: mlm"):
        load(QUICK, start, ["a", "b"], seed=0)


def test_quantized_model_is_refused(tiny: Path) -> None:
    with pytest.raises(InputError, match="4 bits cannot be fine-tuned.*`method: qlora`"):
        load(QUICK, source(tiny, quantize="nf4"), ["a", "b"], seed=0)


def test_architecture_without_a_sequence_classifier_is_refused(tmp_path: Path) -> None:
    folder = build_twin(tmp_path, {"model_type": "bert-generation"}, WORDS)
    with pytest.raises(InputError, match="no sequence classifier of model_type 'bert-generation'"):
        load(QUICK, source(folder), ["a", "b"], seed=0)


def test_other_family_and_incomplete_encoder_are_refused(tiny: Path, tmp_path: Path) -> None:
    wrong = Source(adapter=T5Adapter(checkpoint=str(tiny)))
    with pytest.raises(InputError, match="is a 'bert' model, this adapter takes t5"):
        load(QUICK, wrong, ["a", "b"], seed=0)
    torn = build_tiny(tmp_path / "torn", WORDS)
    state = load_file(torn / "model.safetensors")
    del state["encoder.layer.0.attention.self.query.weight"]
    save_file(state, torn / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="lacks 1 of the encoder's weights"):
        load(QUICK, source(torn), ["a", "b"], seed=0)


def test_context_without_room_is_refused(tiny: Path) -> None:
    with pytest.raises(InputError, match="context 2 leaves no room beside the special tokens"):
        load(QUICK, source(tiny, context=2), ["a", "b"], seed=0)


def test_lora_without_a_known_target_names_the_setting(tiny: Path) -> None:
    settings = replace(QUICK, method="lora", targets=("nowhere",))
    with pytest.raises(InputError, match="finetune: .*targets"):
        load(settings, source(tiny), ["a", "b"], seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "finetune: epochs must be at least 1"),
        ({"windows": 0}, "finetune: windows must be at least 1"),
        ({"overlap": 8}, "finetune: overlap lies between windows: set windows above 1"),
        ({"windows": 2, "keep": "end"}, "finetune: windows 2 reads both ends.*leave keep out"),
        ({"validation_share": 1.0}, "finetune: validation_share must lie between 0 and 1"),
        ({"dropout": 1.0}, "finetune: dropout must be at least 0 and below 1"),
        ({"learning_rate": 0.0}, "finetune: learning_rate must be above 0"),
        ({"method": "dora"}, "setting 'method'"),
        ({"best_by": "f1"}, "finetune: best_by f1 is the F1 of one class: name it"),
        ({"best_by": "recall"}, "setting 'best_by'"),
        ({"epoch": 3}, "no setting 'epoch'.*did you mean 'epochs'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build("finetune", "finetune", FINETUNE, settings)
