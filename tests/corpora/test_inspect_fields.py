"""What columns are good for."""

import pytest

from corpora.document import Field
from corpora.inspect_fields import Columns, Use


def _uses(rows: list[tuple[str, dict[str, Field]]], *passed: str) -> list[Use]:
    columns = Columns(passed)
    for label, fields in rows:
        columns.add(label, fields)
    return columns.uses()


def _rows(number: int = 120, **fields: object) -> list[tuple[str, dict[str, Field]]]:
    """Rows of two classes; a field is a function of the row's number."""
    return [
        ("ab"[(n // 4) % 2], {name: of(n) for name, of in fields.items()})  # type: ignore[operator]
        for n in range(number)
    ]


@pytest.mark.parametrize(
    ("column", "values", "role"),
    [
        ("run_id", lambda n: f"r{n // 3}", "group"),
        ("Machine", lambda n: n % 5, "group"),
        ("origin", lambda n: f"o{n // 4}", "group"),  # each value has one class
        ("origin", lambda n: f"o{n % 3}", None),
        ("origin", lambda n: f"o{n}", None),
        ("load", lambda n: 0.5 + n // 4, None),
        ("side", lambda n: "train" if n % 3 else "test", "split"),
        ("started", lambda n: f"2024-03-{1 + n % 9:02d}T10:00:00", "time"),
        ("seconds", lambda n: 1_700_000_000 + 3600 * n, "time"),
        ("kind", lambda n: "xy"[(n // 4) % 2], "answer"),
        ("always", lambda n: "same", None),
        ("never", lambda n: None, None),
    ],
)
def test_a_column_is_known_by_its_name_or_its_values(column, values, role) -> None:
    assert [use.role for use in _uses(_rows(**{column: values}))] == ([role] if role else [])


def test_gaps_and_values_of_each_class_are_counted() -> None:
    (use,) = _uses(_rows(host=lambda n: None if n < 10 else f"h{n // 4}"))
    assert use.lacking == 10 and use.values == 28 and sum(use.values_of.values()) == 28


def test_the_best_column_comes_first_and_some_are_not_asked() -> None:
    rows = _rows(
        origin=lambda n: f"o{n // 4}",
        host=lambda n: f"h{n % 9}",
        device=lambda n: None if n == 0 else f"d{n % 9}",
        label=lambda n: "ab"[(n // 4) % 2],
    )
    assert [use.column for use in _uses(rows, "label")] == ["host", "origin", "device"]
