"""What one setting of a model changes: pairs of entries that differ in it and in nothing else.

A factor is whether the model was adapted to the logs, whether it reads masked text, whether its
weights are held in 4 bits, or how wide its windows are. In go the suite's models as the run has
resolved them; points of studies are models with the settings that they vary.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from results.comparisons import Comparison
from results.entries import Entry, Study
from results.hashing import canonical_json
from results.statistics import holm

Compare = Callable[[Entry, Entry], Comparison | None]

_FACTORS = ("adapted", "text", "four_bits", "window")
_TITLES = {
    ("adapted",): "adapted",
    ("text",): "text",
    ("adapted", "text"): "adapted and text",
    ("four_bits",): "4 bits",
    ("window",): "window",
}
_APART = ("name", "adapt", "adapt_on", "text", "context", "overlap", "quantize", "precision_check")
_VARIED = ("context", "overlap", "quantize", "method")


@dataclass(frozen=True)
class FactorDelta:
    """One pair of entries that differ in one factor.

    Attributes:
        factor: "adapted", "text", "4 bits", "window", or "adapted and text" where an adapted model
            reads masked text and the original cleaned text.
        before: the level of `second`.
        after: the level of `first`.
        first: the entry with the factor (adapted, masked, 4 bits, the wider window).
        second: the entry without it.
        comparison: first against second.
        study: the study that both are points of, else `None`.
        p_holm: p of the comparison after Holm over all deltas of the run.
    """

    factor: str
    before: str
    after: str
    first: Entry
    second: Entry
    comparison: Comparison
    study: str | None = None
    p_holm: float = 1.0


@dataclass(frozen=True)
class _Traits:
    """A model told apart by its factors, the rest as one text."""

    adapted: str
    text: str
    four_bits: bool
    window: tuple[float, float]
    rest: str


_Placed = tuple[_Traits, Entry]


def factors(
    models: Sequence[Mapping[str, Any]],
    entries: Iterable[Entry],
    studies: Iterable[Study],
    compare: Compare,
) -> list[FactorDelta]:
    """Compare all pairs of entries that differ in one factor.

    Args:
        models: the suite's models, with their settings.
        entries: what the suite compares.
        studies: its studies; rows of its models are looked at.
        compare: compares two entries; `None` where they have no common cells.
    """
    named = {str(model["name"]): model for model in models}
    found: list[FactorDelta] = []
    for group in _by_classifier(entries, named):
        found += _deltas(group, compare, None)
    for study in studies:
        for row, points in study.rows.items():
            if (model := named.get(row.partition("/")[0])) is not None:
                group = [(_traits(_varied(model, point.vary)), point.entry) for point in points]
                found += _deltas(group, compare, study.name)
    adjusted = holm([one.comparison.p for one in found])
    return [replace(one, p_holm=p) for one, p in zip(found, adjusted, strict=True)]


def _by_classifier(
    entries: Iterable[Entry], models: Mapping[str, Mapping[str, Any]]
) -> list[list[_Placed]]:
    groups: dict[str, list[_Placed]] = {}
    for entry in entries:
        if entry.section == "matrix" and entry.model in models:
            group = groups.setdefault(entry.classifier, [])
            group.append((_traits(models[entry.model]), entry))
    return list(groups.values())


def _varied(model: Mapping[str, Any], vary: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model as a point of a study has it; what is no factor stays apart by its key."""
    settings = dict(model)
    for key, value in vary.items():
        if key == "method" and model.get("finetune") is not None:
            settings["finetune"] = {**model["finetune"], key: value}
        else:
            settings[key if key in _VARIED else f"vary.{key}"] = value
    return settings


def _traits(model: Mapping[str, Any]) -> _Traits:
    settings = dict(model)
    adapt, finetune = settings.get("adapt"), dict(settings.get("finetune") or {})
    text = str(settings.get("text") or "auto")
    if text == "auto":
        text = "masked" if adapt else "cleaned"
    if updated := finetune.get("method") == "qlora":
        settings["finetune"] = {**finetune, "method": "lora"}
    context, overlap = settings.get("context"), settings.get("overlap")
    return _Traits(
        adapted="" if adapt is None else canonical_json([adapt, settings.get("adapt_on")]),
        text=text,
        four_bits=updated or settings.get("quantize") is not None,
        window=(
            float("inf") if context is None else float(context),
            -1.0 if overlap is None else float(overlap),
        ),
        rest=canonical_json({k: v for k, v in settings.items() if k not in _APART}),
    )


def _deltas(group: Sequence[_Placed], compare: Compare, study: str | None) -> Iterator[FactorDelta]:
    """Compare all pairs of a group that differ in one factor."""
    for changed, without, with_it in _pairs(group):
        comparison = compare(with_it[1], without[1])
        if comparison is not None:
            before, after = (_level(one[0], changed) for one in (without, with_it))
            yield FactorDelta(
                _TITLES[changed], before, after, with_it[1], without[1], comparison, study
            )


def _pairs(
    group: Sequence[_Placed],
) -> Iterator[tuple[tuple[str, ...], _Placed, _Placed]]:
    """Yield what changed, without and with; of windows only neighbouring widths."""
    for with_it in group:
        for without in group:
            changed = _changed(without[0], with_it[0])
            if changed not in _TITLES or not _is_step(without[0], with_it[0], changed):
                continue
            if changed != ("window",) or _are_neighbours(without[0], with_it[0], group):
                yield changed, without, with_it


def _are_neighbours(narrow: _Traits, wide: _Traits, group: Sequence[_Placed]) -> bool:
    return not any(
        _changed(narrow, one) == ("window",) and narrow.window < one.window < wide.window
        for one, _ in group
    )


def _changed(one: _Traits, other: _Traits) -> tuple[str, ...]:
    known = tuple(name for name in _FACTORS if getattr(one, name) != getattr(other, name))
    return known if one.rest == other.rest else ("rest", *known)


def _is_step(without: _Traits, with_it: _Traits, changed: tuple[str, ...]) -> bool:
    """Whether these two are the right way round: from the plain level to the other."""
    if "window" in changed:
        return without.window < with_it.window
    plain = {"adapted": "", "text": "cleaned", "four_bits": False}
    is_plain = all(getattr(without, name) == plain[name] for name in changed)
    return is_plain and (changed != ("adapted", "text") or with_it.text == "masked")


def _level(traits: _Traits, changed: tuple[str, ...]) -> str:
    """Write what a model has of the factor."""
    context, overlap = traits.window
    width = "whole context" if context == float("inf") else f"{context:.0f} tokens"
    shown = {
        "adapted": "adapted" if traits.adapted else "original",
        "text": traits.text,
        "four_bits": "4 bits" if traits.four_bits else "full",
        "window": width if overlap < 0 else f"{width}, overlap {overlap:.0f}",
    }
    return ", ".join(shown[name] for name in changed)
