"""The section of a study: which rows of the suite once more, and over which grid."""

import json
from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Annotated, Any

from pydantic import Field, JsonValue, model_validator

from suite.row_sections import CHAR_LM_SEED
from suite.sections import Name, Section, Seed

CHAR_LM_KEY, TRAIN_SHARE_KEY, ALTERED_KEY = "char_lm", "train_share", "altered_lines"
"""Keys of a study that are no settings of its rows."""

_MOST_POINTS = 10_000  # of a study: seeds times values times rows


class Study(Section):
    """Rows of the suite again, with some of their settings varied over a grid."""

    name: Name
    """What the results call it."""
    rows: list[str] = Field(min_length=1)
    """References by name, cells as `MODEL/CLASSIFIER`: `cnn`, `minilm/xgboost-tuned`."""
    vary: dict[str, Annotated[list[JsonValue], Field(min_length=1)]] = Field(min_length=1)
    """Values for each key; the first key is the x axis, the others make the lines. A key is a
    setting of the rows (of a reference; of a model's adapter, its classifier or its fine-tuning; of
    a detector), or one of those that are listed."""
    seeds: list[Seed] | None = Field(None, min_length=1)
    """Seeds of its own; left out, the suite's."""

    @model_validator(mode="after")
    def _not_too_many(self) -> "Study":
        lists: list[Sequence[Any]] = [self.rows, self.seeds or [0], *self.vary.values()]
        number = prod(map(len, lists))
        if number > _MOST_POINTS:
            raise ValueError(
                f"vary: {number:,} points, and at most {_MOST_POINTS:,} can be; name fewer values"
            )
        return self

    @model_validator(mode="after")
    def _nothing_twice(self) -> "Study":
        lists: dict[str, Sequence[Any]] = {"rows": self.rows, "seeds": self.seeds or []}
        lists |= {f"vary.{key}": values for key, values in self.vary.items()}
        for key, values in lists.items():
            times = Counter(map(_text, values))
            for value in values:
                if times[_text(value)] > 1:
                    raise ValueError(f"{key}: {value!r} stands there twice")
        return self

    @model_validator(mode="after")
    def _special_keys(self) -> "Study":
        for share in self.vary.get(TRAIN_SHARE_KEY, []):
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
                raise ValueError(
                    f"vary.{TRAIN_SHARE_KEY}: a share lies above 0 and is at most 1, not {share!r}"
                )
        for share in self.vary.get(ALTERED_KEY, []):
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise ValueError(
                    f"vary.{ALTERED_KEY}: a share of lines lies between 0 and 1, not {share!r}"
                )
        for value in self.vary.get(CHAR_LM_KEY, []):
            if not isinstance(value, bool | dict):
                raise ValueError(
                    f"vary.{CHAR_LM_KEY}: true, false or settings of char_lm, not {value!r}"
                )
            if isinstance(value, dict) and "seed" in value:
                raise ValueError(f"vary.{CHAR_LM_KEY}: {CHAR_LM_SEED}")
        return self


def _text(value: Any) -> str:
    """Write what looks equal alike: 1.0 is 1 and also "1", but `true` is neither."""
    if isinstance(value, str):
        return value
    whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if whole else value, sort_keys=True, allow_nan=False)
