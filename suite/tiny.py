"""`--tiny`: the same suite as a rehearsal, every checkpoint replaced by its tiny random twin.

What is rehearsed is everything but the numbers: the same models, classifiers, references and
settings, on twins of the same architectures and contexts, with sizes cut as `CUTS` says. Every
result carries the mark "random weights". A corpus that is not generated stays as it is.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from adapters import checkpoints, registry
from adapters.family import Family
from classifiers.registry import CHAR_LM, CLASSIFIERS, DETECTORS, FINETUNE, PRUNING, REFERENCES
from corpora.registry import LOADERS
from results.errors import InputError
from results.hashing import hash_file, hash_json
from results.registry import build, find
from suite.rows import Row, rows_of
from suite.spec import Suite
from suite.study_section import CHAR_LM_KEY

CUTS: Mapping[str, Mapping[str, int]] = {
    "corpus": {"num_documents": 150, "median_chars": 500},  # of the generator alone
    "adapt": {"epochs": 1, "batch_size": 4, "block": 128, "max_blocks": 24, "layer_groups": 1},
    "finetune": {"epochs": 2, "batch_size": 4, "patience": 1},
    "prune": {"epochs": 1, "final_epochs": 1},
    "classifier": {"epochs": 3, "patience": 2},
    "detector": {"passes": 1, "max_paragraphs": 2},
    "reference": {"context": 2000, "epochs": 3, "patience": 2},
    "char_lm": {"units": 32, "epochs": 1, "max_chars": 20_000, "sequence": 32},
    "compute": {"threads": 1, "workers": 2},
}
"""Section -> setting -> the most that is left of it; of the seeds the first is left."""

_DOCUMENTS, _CHARS = 20, 20_000  # what a twin's tokenizer learns from
_SUFFIX = "-tiny"
_NAME_CHARS = 80
_BUILDERS = ("tiny", "tiny_configs", "tiny_tokenizers")
_COMPLETE = ".complete"


def rehearsal(suite: Suite, folder: Path) -> Suite:
    """Cut a suite down to its rehearsal; the twins lie in `folder`, built there if need be.

    Raises:
        InputError: a model whose architecture is not known here, besides what its settings raise.
    """
    content = suite.model_dump(exclude={"resources"})  # a twin needs no large machine
    content["name"] = suite.name[: _NAME_CHARS - len(_SUFFIX)] + _SUFFIX
    content["seeds"] = suite.seeds[:1]
    loader = find("loader", suite.corpus.loader, LOADERS)
    if getattr(loader, "synthetic", False):
        _cut(content["corpus"], "corpus", loader)
    for key, most in CUTS["compute"].items():
        content["compute"][key] = min(content["compute"][key], most)
    for item in content["classifiers"]:
        _cut(item, "classifier", find("classifier", item["name"], CLASSIFIERS))
    for item, reference in zip(content["references"], suite.references, strict=True):
        _cut(item, "reference", find("reference", reference.kind, REFERENCES))
        if item["char_lm"] is not None:
            _cut(item["char_lm"], "char_lm", find("char_lm", "char_lm", CHAR_LM))
    for item, detector in zip(
        (content["anomaly"] or {}).get("detectors", ()),
        suite.anomaly.detectors if suite.anomaly else (),
        strict=True,
    ):
        _cut(item, "detector", find("detector", detector.kind, DETECTORS))
    rows = rows_of(suite.models, suite.classifiers, suite.references, suite.anomaly)
    for item in content["studies"]:
        _cut_study(item, [rows[name] for name in item["rows"]])
    texts = _texts(content["corpus"], suite)
    for item, model in zip(content["models"], suite.models, strict=True):
        item |= _twin(model.adapter, model.settings, texts, folder)
        _cut_training(item, model.adapter, model.settings)
    return Suite.model_validate(content)


def _cut(settings: dict[str, Any], section: str, cls: Any) -> None:
    """Lower settings to what `CUTS` leaves of them, given or default ones, where there are any."""
    known = {field.name: field.default for field in dataclasses.fields(cls)}
    for key, most in CUTS[section].items():
        if key in known:
            given = settings.get(key, known[key])
            settings[key] = most if given is None else min(given, most)


def _cut_study(item: dict[str, Any], rows: Sequence[Row]) -> None:
    """Leave one seed and the ends of each list of values, cut as their rows are."""
    item["seeds"] = item["seeds"] and item["seeds"][:1]
    sections = [_section(row) for row in rows]
    for key, values in item["vary"].items():
        ends = values if len(values) == 1 else [values[0], values[-1]]
        mosts = [CUTS[section][key] for section in sections if key in CUTS[section]]
        if key == CHAR_LM_KEY:
            cut = [_cut_char_lm(value, rows) for value in ends]
            item["vary"][key] = cut[:1] if cut[:1] == cut[1:] else cut
        else:
            item["vary"][key] = _cut_values(ends, min(mosts)) if mosts else ends


def _section(row: Row) -> str:
    if row.reference is not None:
        return "reference"
    if row.detector is not None:
        return "detector"
    return "classifier" if row.column is not None else "finetune"


def _cut_values(values: list[Any], most: int) -> list[Any]:
    """Cut numbers; of two that would become equal the smaller one is halved."""
    if not all(isinstance(value, int | float) for value in values):
        return values  # the plan refuses what is no number
    cut = [min(value, most) for value in values]
    if len(cut) == 2 and cut[0] == cut[1]:
        cut[values.index(min(values))] = max(1, most // 2)
    return cut


def _cut_char_lm(value: Any, rows: Sequence[Row]) -> Any:
    """Cut settings; `true` stays where it means a row's own, which are cut there."""
    is_own = all(row.reference is not None and row.reference.char_lm is not None for row in rows)
    if value is False or (value is True and is_own):
        return value
    settings = {} if value is True else dict(value)
    _cut(settings, "char_lm", find("char_lm", "char_lm", CHAR_LM))
    return settings


def _cut_training(item: dict[str, Any], adapter: str, settings: Mapping[str, Any]) -> None:
    if item["adapt"] is not None:
        family: Family = getattr(registry.make(adapter, settings), "family", Family())
        objective = item["adapt"]["objective"] or family.objective
        _cut(item["adapt"], "adapt", find("objective", objective, registry.OBJECTIVES))
    if item["finetune"] is not None:
        _cut(item["finetune"], "finetune", find("finetune", "finetune", FINETUNE))
    if item["prune"] is not None:
        _cut_pruning(item["prune"])


def _cut_pruning(item: dict[str, Any]) -> None:
    """Leave the first and the last level, each reached in one step."""
    pruning = build("prune", "prune", PRUNING, item)
    levels = sorted({min(pruning.levels), max(pruning.levels)})
    item |= {"levels": levels, "step": levels[-1]}
    _cut(item, "prune", type(pruning))


def _texts(corpus: Mapping[str, Any], suite: Suite) -> list[str]:
    """Read the starts of the corpus's first documents."""
    settings = {key: corpus[key] for key in corpus if key not in type(suite.corpus).model_fields}
    loader = build("loader", corpus["loader"], LOADERS, settings)
    starts = (next(iter(document.parts), "")[:_CHARS] for document in loader.documents())
    return [text for text in islice(starts, _DOCUMENTS) if text]


def _twin(name: str, settings: Mapping[str, Any], texts: list[str], folder: Path) -> dict[str, Any]:
    """Say which of a model's keys change; nothing where it has no weights."""
    adapter = registry.make(name, settings)
    own = {field.name for field in dataclasses.fields(adapter)}
    if adapter.fitted or not ("checkpoint" in own or hasattr(adapter, "config")):
        return {}
    layout = None
    if registry.family_of(name) == "sentence_transformers":
        layout = adapter.pooling or "mean"
    built = str(_built(folder, _config(adapter), texts, layout))
    if "checkpoint" in own:
        return {"checkpoint": built, **({"revision": None} if "revision" in own else {})}
    return {"adapter": "huggingface", "checkpoint": built}  # its weights come from a package


def _config(adapter: Any) -> Mapping[str, Any]:
    """Find out what the twin is to be a twin of.

    Raises:
        InputError: nothing on this machine says it.
    """
    checkpoint = str(getattr(adapter, "checkpoint", ""))
    if checkpoint:
        checkpoints.local_folder(checkpoint)  # a folder that does not exist is refused
    if hasattr(adapter, "config"):
        found = adapter.config()
    else:
        found = checkpoints.read_config(checkpoint, getattr(adapter, "revision", None))
    kinds = getattr(adapter, "family", Family()).model_types
    if found is None and not kinds:
        raise InputError(
            f"--tiny: the architecture of checkpoint {checkpoint!r} is not known here: name its "
            f"family as `adapter`, or fetch it with `logmark adapters fetch {checkpoint}`"
        )
    return found if found is not None else {"model_type": kinds[0]}


def _built(folder: Path, config: Mapping[str, Any], texts: list[str], layout: Any) -> Path:
    """Build a twin, or find the one built from the same before."""
    code = Path(registry.__file__).parent
    made_from = {
        "config": dict(config),
        "texts": texts,
        "layout": layout,
        "code": [hash_file(code / f"{name}.py") for name in _BUILDERS],
        "versions": [version(name) for name in ("tokenizers", "torch", "transformers")],
    }
    twin = folder / f"{config['model_type']}-{hash_json(made_from)[:16]}"
    if not (twin / _COMPLETE).is_file():
        from adapters.tiny import build_twin

        build_twin(twin, config, texts, sentence_transformers=layout)
        (twin / _COMPLETE).touch()
    return twin
