"""`conformance`: does an adapter behave? One verdict per check, whatever the others find.

It runs where the models run, so it is a job's function: a name and settings in, verdicts out. A
check either returns what it found, or raises `Broken` or `Inapplicable` with it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adapters.family import Family, Pooling
from adapters.registry import make
from jobs import conformance_adaptation as adaptation
from jobs import conformance_encoding as encoding
from jobs import conformance_vectors as vectors
from jobs.conformance_subject import Inapplicable, Precision, Subject, lines, say
from results.errors import InputError


@dataclass(frozen=True)
class Check:
    """One thing that every adapter must do.

    Attributes:
        name: short, as it is printed.
        function: returns what it found.
        hint: where to look when it fails.
    """

    name: str
    function: Callable[[Subject], str]
    hint: str


@dataclass(frozen=True)
class Verdict:
    """What came of one check.

    Attributes:
        name: of the check.
        status: "skip" where it does not apply, or not here.
        found: what was measured, or why not.
        hint: what to look at; empty unless it failed.
    """

    name: str
    status: Literal["ok", "FAIL", "skip"]
    found: str
    hint: str = ""


CHECKS: tuple[Check, ...] = (
    Check(
        "loads",
        encoding.loads,
        "`load` returns an object with the members of adapters.adapter.Encoder",
    ),
    Check(
        "identity",
        encoding.is_known_by_its_bytes,
        "`identity` returns JSON made of hashes or a commit, see adapters.checkpoints.identify",
    ),
    Check(
        "audit",
        encoding.audits,
        "`audit` returns what adapters.encoder.TransformerEncoder.audit does",
    ),
    Check(
        "context",
        encoding.takes_its_context,
        "`context` counts the special tokens, and every window up to it must go through",
    ),
    Check(
        "longer context",
        encoding.refuses_a_longer_context,
        "compare with the model's positions in `load`, see adapters.loading.resolve_context",
    ),
    Check(
        "dimension",
        encoding.has_its_dimension,
        "`dimension` is the width of the last hidden state",
    ),
    Check(
        "states",
        encoding.gives_states,
        "run the model under torch.inference_mode, with the dtype it was loaded in",
    ),
    Check(
        "frame",
        encoding.frames_a_window,
        "`wrap` puts the same special tokens before and behind any window, -1 included",
    ),
    Check(
        "tokens",
        encoding.tokenizes_everything,
        "call the tokenizer without special tokens, truncation and padding",
    ),
    Check(
        "no weights",
        encoding.tokenizes_without_weights,
        "`load(device='meta')` must tokenize and tell its sizes: put all weights on `device`",
    ),
    Check(
        "windows",
        vectors.sees_every_token,
        "is a window cut or pooled over a part of it only? See `context`, `wrap` and `pooling`",
    ),
    Check(
        "finite",
        vectors.is_finite,
        "try fp32 or bf16 in place of fp16; `pooling: first` needs a model that attends both ways",
    ),
    Check(
        "batches",
        vectors.is_the_same_in_other_batches,
        "a window's states may not depend on the other windows of its batch",
    ),
    Check(
        "padding",
        vectors.is_the_same_padded,
        "pass the mask to the model: 0 on padding, which stands behind the window",
    ),
    Check(
        "padding side",
        vectors.is_the_same_whatever_side_is_padded,
        "do not let the tokenizer pad: windows are padded behind",
    ),
    Check(
        "neighbours",
        vectors.is_the_same_beside_others,
        "`tokenize` and `states` may keep nothing of a text for the next one",
    ),
    Check(
        "two calls",
        vectors.is_the_same_again,
        "put the model into evaluation mode; nothing may be drawn at random",
    ),
    Check(
        "two loads",
        vectors.is_the_same_loaded_again,
        "weights that the checkpoint lacks are drawn at random: complete it",
    ),
    Check(
        "history",
        vectors.forgets_what_it_read,
        "the model changes with what it reads: put its state back in `states`",
    ),
    Check(
        "other process",
        vectors.is_the_same_elsewhere,
        "nothing may depend on the process: hash seeds, import order, environment",
    ),
    Check(
        "empty document",
        vectors.refuses_an_empty_document,
        "`tokenize` gives an empty text no token at all",
    ),
    Check(
        "odd text",
        vectors.stands_odd_text,
        "the tokenizer needs a token for unknown characters",
    ),
    Check(
        "saving",
        vectors.survives_saving,
        "`load(checkpoint=...)` reads weights and tokenizer from that folder alone",
    ),
    Check(
        "4 bits",
        adaptation.is_4_bit_where_asked,
        "load with adapters.quantization.nf4, or leave the setting `quantize` out",
    ),
    Check(
        "adaptation learns",
        adaptation.learns,
        "is the objective of `family` the model's own? Is its head loaded?",
    ),
    Check(
        "adaptation shows",
        adaptation.changes,
        "`load(checkpoint=...)` must load what adaptation left there",
    ),
    Check(
        "special tokens",
        adaptation.keeps_our_tokens_whole,
        "`load(checkpoint=...)` must take the tokenizer of that folder too",
    ),
)
"""In the order in which they run; the first ones are what the others stand on."""


def run_checks(
    name: str,
    settings: Mapping[str, Any],
    *,
    device: str,
    precision: Precision,
    scratch: Path,
    leave_out: Collection[str] = (),
    tell: Callable[[Verdict], None] | None = None,
) -> list[Verdict]:
    """Check one adapter.

    Args:
        name: a family, an entry of the catalogue, a file's class or an entry point.
        settings: as they would stand beside it in a suite file.
        device: "cpu" or "cuda".
        precision: of a model that is not quantized.
        scratch: a folder for intermediate files, made if need be.
        leave_out: names of checks not to run.
        tell: called with each verdict as soon as there is one.

    Raises:
        InputError: no such adapter, or impossible settings.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    subject = Subject(name, settings, device, precision, scratch)
    verdicts = []
    for check in CHECKS:
        if check.name not in leave_out:
            verdicts.append(_judge(check, subject))
            if tell is not None:
                tell(verdicts[-1])
    return verdicts


def _judge(check: Check, subject: Subject) -> Verdict:
    try:
        return Verdict(check.name, "ok", check.function(subject))
    except Inapplicable as reason:
        return Verdict(check.name, "skip", say(reason))
    except Exception as error:  # noqa: BLE001 - a check that raises has found something
        return Verdict(check.name, "FAIL", say(error), check.hint)


def tiny_settings(name: str, settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Point an adapter at a tiny random checkpoint of its architecture, built in `folder`.

    An adapter without a setting `checkpoint` is left as it is.

    Raises:
        InputError: no such adapter, impossible settings, or an architecture without a twin.
    """
    from adapters.sentence_transformers import SentenceTransformersAdapter
    from adapters.tiny import build_twin

    own = {key: value for key, value in settings.items() if key != "revision"}
    adapter = _made_anyhow(name, own, folder)
    if not hasattr(adapter, "checkpoint"):
        return own
    config = adapter.config() if hasattr(adapter, "config") else None
    kinds = getattr(adapter, "family", Family()).model_types or ("bert",)
    texts = ["\n".join(lines(100, seed=seed)) for seed in range(3)]
    layout: Pooling | None = "mean" if isinstance(adapter, SentenceTransformersAdapter) else None
    build_twin(folder, config or {"model_type": kinds[0]}, texts, sentence_transformers=layout)
    return {**own, "checkpoint": str(folder)}


def _made_anyhow(name: str, settings: Mapping[str, Any], folder: Path) -> Any:
    """Make an adapter, where no checkpoint was named with the folder that will hold one."""
    try:
        return make(name, settings)
    except InputError:
        return make(name, {**settings, "checkpoint": str(folder)})
