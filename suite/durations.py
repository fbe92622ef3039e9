"""Durations as a reader takes them in at a glance."""

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def in_words(seconds: float) -> str:
    """Write seconds in two units at most: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    left, parts = round(seconds), []
    for unit, size in _UNITS:
        number, rest = divmod(left, size)
        if number:
            parts.append(f"{number} {unit}")
        elif parts:
            break
        left = rest
    return " ".join(parts[:2])
