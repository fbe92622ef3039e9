"""The suite file as a JSON Schema (2020-12), for editors: what may stand where, and what it means.

Keys of sections are described below themselves, in `suite.sections` and its kin, `suite.resources`
and `suite.spec`; keys of registered things in the "Attributes" of their dataclasses. Nothing is
said here again. Which settings a section takes depends on the name in it, so each name, or group of
names with equal settings, is a condition of its own, in words that older drafts know, too.
"""

import dataclasses
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from adapters.catalogue import ENTRIES
from adapters.outside import entry_points
from adapters.registry import ADAPTERS, OBJECTIVES
from classifiers.registry import CHAR_LM, CLASSIFIERS, DETECTORS, FINETUNE, PRUNING, REFERENCES
from corpora.registry import LOADERS
from corpora.templates import Templates
from results.hashing import canonical_json
from results.registry import find
from suite.spec import Suite
from suite.study_section import ALTERED_KEY, CHAR_LM_KEY, TRAIN_SHARE_KEY

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, Any]

_SEED = "seed"  # follows the suite's seeds where something is trained
_TRUE_MEANS_DEFAULTS = (
    ("Model", "adapt"),
    ("Model", "finetune"),
    ("Model", "prune"),
    ("Reference", "char_lm"),
)
_STUDY_KEYS: Mapping[str, Json] = {
    TRAIN_SHARE_KEY: {
        "description": "Share of the train side that is learnt from.",
        "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    },
    ALTERED_KEY: {
        "description": "Share of the test documents' lines that is altered.",
        "items": {"type": "number", "minimum": 0, "maximum": 1},
    },
    CHAR_LM_KEY: {
        "description": "Of references: `true` (the row's own settings, else the defaults), `false`,"
        " or settings.",
        "items": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/CharLm"}]},
    },
}


def schema() -> Json:
    """Make the schema."""
    made = Suite.model_json_schema()
    defs: Json = made["$defs"]
    for section, key in _TRUE_MEANS_DEFAULTS:
        defs[section]["properties"][key]["anyOf"].append({"type": "boolean"})
    for section, registry in (("Finetune", FINETUNE), ("Prune", PRUNING), ("CharLm", CHAR_LM)):
        (settings,) = _registered(registry).values()
        defs[section] |= _closed(settings, ())
    _choose(defs["Corpus"], "loader", _registered(LOADERS))
    defs["Corpus"]["properties"]["mining"] |= _closed(_settings(Templates), ())
    _models(defs["Model"])
    _objectives(defs["Adapt"])
    for section, key, registry in (
        ("Classifier", "name", CLASSIFIERS),
        ("Reference", "reference", REFERENCES),
        ("Detector", "detector", DETECTORS),
    ):
        _row(defs, section, key, registry)
    vary = defs["Study"]["properties"]["vary"]
    vary["properties"] = {
        key: {"type": "array", "minItems": 1, **rule} for key, rule in _STUDY_KEYS.items()
    }
    return {"$schema": DIALECT, **_plain(made), "title": "Logmark suite file"}


def _models(section: Json) -> None:
    """Describe models; the settings of code from outside are not known here."""
    known = _registered(ADAPTERS)
    for name, entry in ENTRIES.items():  # which names its checkpoint itself
        known[name] = {**known[entry.family], "required": []}
    key = section["properties"]["adapter"]
    _choose(section, "adapter", known, default=key["default"])
    del key["enum"]
    offered = {"enum": sorted({*known, *entry_points()})}
    key["anyOf"] = [offered, {"type": "string", "pattern": r"\.py:\w+$"}]


def _objectives(section: Json) -> None:
    """Describe adaptations; where none is named the family decides, and any setting may stand."""
    known = _registered(OBJECTIVES)
    _choose(section, "objective", known)
    key = section["properties"]["objective"]
    key["enum"] = [*key["enum"], None]
    merged = {
        name: {"description": rule["description"]}
        for settings in known.values()
        for name, rule in settings["properties"].items()
    }
    named = {"required": ["objective"], "properties": {"objective": {"type": "string"}}}
    then = _closed({"properties": merged, "required": []}, section["properties"])
    section["allOf"].append({"if": {"not": named}, "then": then})


def _row(defs: Json, section: str, key: str, registry: Mapping[str, str]) -> None:
    """Describe rows that are registered things, each named by `key` or else by its own name.

    A bare name stands for the row of that name.
    """
    row, known = defs[section], _registered(registry)
    _choose(row, key, known, otherwise="name")
    names = {"enum": sorted(known)}
    if key != "name":
        without = {"not": {"required": [key]}}
        row["allOf"].append({"if": without, "then": {"properties": {"name": names}}})
    defs[f"{section}Row"] = row
    defs[section] = {"anyOf": [{"type": "string", **names}, {"$ref": f"#/$defs/{section}Row"}]}


def _choose(
    section: Json,
    key: str,
    known: Mapping[str, Json],
    *,
    default: str | None = None,
    otherwise: str | None = None,
) -> None:
    """Give a section the settings of the thing that its `key` names.

    Args:
        section: gets a condition for each kind of thing.
        key: names it.
        known: name -> settings.
        default: what it is where the key is left out.
        otherwise: the key that names it where `key` is left out.
    """
    section["properties"][key]["enum"] = sorted(known)
    section.pop("additionalProperties", None)
    alike: dict[str, list[str]] = {}
    for name, settings in known.items():
        alike.setdefault(canonical_json(settings), []).append(name)
    conditions = []
    for names in alike.values():
        cases = [_named(key, names)]
        without = {"not": {"required": [key]}}
        if default in names:
            cases.append(without)
        if otherwise not in (None, key):
            cases.append({"allOf": [without, _named(str(otherwise), names)]})
        then = _closed(known[names[0]], section["properties"])
        conditions.append({"if": cases[0] if len(cases) == 1 else {"anyOf": cases}, "then": then})
    section["allOf"] = conditions


def _named(key: str, names: Sequence[str]) -> Json:
    return {"required": [key], "properties": {key: {"enum": sorted(names)}}}


def _closed(settings: Json, own: Iterable[str]) -> Json:
    """Allow these settings, and the section's own keys, which it describes itself."""
    keys = {**settings["properties"], **dict.fromkeys(own, True)}
    closed: Json = {"properties": keys, "additionalProperties": False}
    required = [key for key in settings["required"] if key not in own]
    return {**closed, "required": required} if required else closed


def _registered(registry: Mapping[str, str]) -> dict[str, Json]:
    """Describe the settings of each registered thing."""
    return {name: _settings(find("thing", name, registry)) for name in registry}


def _settings(cls: Any) -> Json:
    """Describe the settings of a dataclass: `properties`, and those that are `required`."""
    said, types = attributes(cls), TypeAdapter(cls).json_schema(ref_template="{model}")
    assert "$defs" not in types, f"{cls.__name__}: settings are plain values"
    names = [field.name for field in dataclasses.fields(cls) if field.init and field.name != _SEED]
    if _is_generator(cls):
        names.append(_SEED)
    return {
        "properties": {x: {**types["properties"][x], "description": said[x]} for x in names},
        "required": [name for name in types.get("required", ()) if name in names],
    }


def _is_generator(cls: Any) -> bool:
    """Whether the seed is of documents that are made up, and so a setting like any other."""
    return getattr(cls, "synthetic", False) and _SEED in {x.name for x in dataclasses.fields(cls)}


def attributes(cls: type) -> dict[str, str]:
    """Read what a class and those it inherits from say of their attributes, in Google style."""
    said: dict[str, str] = {}
    for owner in reversed(cls.__mro__):
        text = inspect.cleandoc(vars(owner).get("__doc__") or "")
        _, _, listed = text.partition("\nAttributes:\n")
        block = re.split(r"\n(?=\S)", listed, maxsplit=1)[0]
        for entry in re.split(r"\n(?=    \w+: )", f"\n{block}"):
            name, colon, about = entry.strip().partition(": ")
            if colon:
                said[name] = about
    return said


def _plain(value: Any, *, keys: bool = False) -> Any:
    """Drop titles that repeat a key, and defaults of null; join the lines of descriptions.

    Args:
        value: a part of the schema.
        keys: whether it maps names of keys, among which `title` would be one like any other.
    """
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if keys:
        return {name: _plain(item) for name, item in value.items()}
    found = {
        name: _plain(item, keys=name in ("properties", "$defs"))
        for name, item in value.items()
        if name != "title" and (name, item) != ("default", None)
    }
    if "description" in found:
        found["description"] = " ".join(found["description"].split())
    return found
