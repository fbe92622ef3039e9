"""What settings of classifiers and networks must satisfy: a message for each way to be wrong."""

from collections.abc import Callable, Sequence
from typing import Any

from results.errors import InputError


def check(
    name: str,
    settings: Any,
    *,
    counts: Sequence[str],
    shares: Sequence[str] = (),
    parts: Sequence[str] = (),
    positive: Sequence[str] = ("learning_rate",),
    portions: Sequence[str] = (),
) -> None:
    """Refuse impossible settings.

    Args:
        name: what they are the settings of.
        settings: an object with these attributes.
        counts: must be at least 1.
        shares: must be at least 0 and below 1.
        parts: must lie between 0 and 1, both excluded.
        positive: must be above 0.
        portions: must be above 0 and at most 1.

    Raises:
        InputError: the first setting that is impossible.
    """
    rules: tuple[tuple[Sequence[str], Callable[[float], bool], str], ...] = (
        (counts, lambda value: value >= 1, "be at least 1"),
        (shares, lambda value: 0.0 <= value < 1.0, "be at least 0 and below 1"),
        (parts, lambda value: 0.0 < value < 1.0, "lie between 0 and 1"),
        (positive, lambda value: value > 0.0, "be above 0"),
        (portions, lambda value: 0.0 < value <= 1.0, "be above 0 and at most 1"),
    )
    for keys, holds, rule in rules:
        for key in keys:
            if not holds(value := getattr(settings, key)):
                raise InputError(f"{name}: {key} must {rule}, not {value}")
