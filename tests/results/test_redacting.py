import pytest

from results.redacting import card, command, figures, meta, reason, record, settings


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (None, None),
        ("not run yet", "not run yet"),
        ("blocked by adapt:bert/0", "blocked by adapt:bert/0"),
        ("no memory for context 50,000", "no memory for context 50,000"),
        ("KeyError: 'secret'", "KeyError (its message is left out of bundles)"),
        ("my.own.OddError: secret", "my.own.OddError (its message is left out of bundles)"),
        ("out of memory (RuntimeError: secret)", "out of memory"),
        ("no space left on the disk for /secret/x; free some", "no space left on the disk"),
        ("/secret/a.csv:3: the label 'secret' is odd", "a.csv:3: the label … is odd"),
        ("the model's `secret` and \"it's secret\" end", "the model's … and … end"),
        (r"the line 'it\'s \"secret\"' ends", "the line … ends"),
        ("a quote 'that secret never ends", "a quote …"),
        ("first\nsecret", "first"),
    ],
)
def test_a_reason_quotes_nothing_and_names_no_folder(told: str | None, kept: str | None) -> None:
    assert reason(told) == kept


def test_a_reason_once_cleaned_stays_as_it_is() -> None:
    for told in ("KeyError: 'x'", "a.csv: the label 'x' is odd", "out of memory (x)"):
        assert reason(reason(told)) == reason(told)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("logmark run /home/me/a.yaml --workdir=../r", "logmark run a.yaml --workdir=r"),
        ("logmark run 'my logs/a.yaml' --mlflow http://me:pw@host/x", "--mlflow …"),
        ("logmark run 'unclosed", "…"),
    ],
)
def test_a_command_names_no_folder_and_no_address(line: str, kept: str) -> None:
    assert command(line).replace("'", "").endswith(kept)
    assert "pw" not in command(line)


def test_settings_lose_folders_and_keep_names_with_a_slash() -> None:
    mine = {"path": "/home/me/logs/", "checkpoint": "google/flan-t5-large", "n": [1, "~/x", None]}
    assert settings(mine) == {
        "path": "logs", "checkpoint": "google/flan-t5-large", "n": [1, "x", None],
    }  # fmt: skip


def test_a_card_keeps_known_figures_and_words_alone() -> None:
    found = card(
        "adapt",
        {
            "curves": [{"name": "train_loss", "unit": "epoch", "at": [1.0], "values": [2.0]}],
            "objective": "mlm",
            "precision": "a sentence of a log",
            "settings": {"epochs": 2, "targets": ["q"]},
            "examples": ["a line"],
            "steps": {"A line": 3, "known": 1, "text": "a line"},
        },
    )
    assert found == {
        "curves": [{"name": "train_loss", "unit": "epoch", "at": [1.0], "values": [2.0]}],
        "objective": "mlm",
        "settings": {"epochs": 2, "targets": ["q"]},
        "steps": {"known": 1},
    }


def test_a_card_of_labels_names_classes_but_none_that_was_dropped() -> None:
    labels = {"classes": {"50 % full": 3}, "rare": {"disk of bob failed": 1}, "documents": 4}
    assert card("labels", labels) == {"classes": {"50 % full": 3}, "documents": 4}
    sides = {"classes": {"test": {"50 % full": 1}, "train": {"50 % full": 2}}}
    assert card("split", sides) == sides


def test_an_unknown_kind_has_no_card() -> None:
    assert card("new", {"documents": 3}) == {}
    audit = {"bytes_by_dtype": {"float32": 4}, "quantization": None, "attention": "sdpa"}
    assert figures(audit) == {"bytes_by_dtype": {"float32": 4}, "attention": "sdpa"}


def test_a_record_keeps_its_numbers_and_loses_its_texts(run) -> None:
    old = next(one for one in run.records if one.cell)
    costs = {
        "cell": old.costs["cell"].model_copy(
            update={
                "extra": {"train_s": 1.5, "model_bytes_missing": "cannot be saved: 'x'", "l": [1]}
            }
        )
    }
    old = old.model_copy(update={"costs": costs, "reason": "ValueError: x"})
    new = record(old, anonymous=False)
    assert (new.cell, new.marks, new.artifacts) == (old.cell, old.marks, old.artifacts)
    assert new.costs["cell"].extra == {
        "train_s": 1.5, "model_bytes_missing": "cannot be saved: …",
    }  # fmt: skip
    assert "ValueError" not in (record(old, anonymous=True).reason or "")


def test_a_run_keeps_its_suite_and_no_folder_of_this_host() -> None:
    found = meta({"suite": "s", "store": "/x/store", "resolved": {"path": "/x/y"}, "other": "/x"})
    assert found == {"suite": "s", "resolved": {"path": "y"}, "store": "store"}
