"""The section `resources` of a suite file: what jobs ask of the machines they run on.

It says nothing about the results: no key, no digest and no hash of the suite depends on it, so the
same suite may ask for other machines tomorrow and finds everything computed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from suite.sections import Section

_BYTES = {
    **{unit: 1 << 10 * power for power, unit in enumerate(("b", "kib", "mib", "gib", "tib"))},
    **{unit: 1000**power for power, unit in enumerate(("b", "kb", "mb", "gb", "tb"))},
    **{unit: 1 << 10 * power for power, unit in enumerate(("k", "m", "g", "t"), 1)},
}
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
_AMOUNT = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([a-zA-Z]+)\s*")
NO_LIMIT = "none"

Written = str | int | float
"""An amount as it stands in the file; it is read where it is used."""


def _checked(parse: Callable[[Written], object]) -> AfterValidator:
    def check(value: Written | None) -> Written | None:
        if value is not None:
            parse(value)
        return value

    return AfterValidator(check)


def parse_bytes(value: Written) -> int:
    """Read an amount of memory: `24 GiB`, `512MB`, `8g` (which means GiB).

    Raises:
        ValueError: a number without its unit, or an unknown unit.
    """
    return round(_amount(value, _BYTES, "24 GiB"))


def parse_seconds(value: Written) -> float | None:
    """Read a span of time: `2 h`, `90 min`, `1h 30m`; `none` is no limit.

    Raises:
        ValueError: a number without its unit, or an unknown unit.
    """
    return None if value == NO_LIMIT else _amount(value, _SECONDS, "2 h")


def _amount(value: Written, units: Mapping[str, float], example: str) -> float:
    """Add up numbers, each with a unit behind it."""
    found = _AMOUNT.findall(str(value))
    if not found or _AMOUNT.sub("", str(value)):
        raise ValueError(f"{value!r} is no amount with a unit; write it as {example!r}")
    total = 0.0
    for number, unit in found:
        if unit.lower() not in units:
            raise ValueError(
                f"{value!r}: unknown unit {unit!r}; write the amount as {example!r} "
                f"(units: {', '.join(units)})"
            )
        total += float(number) * units[unit.lower()]
    if total <= 0:
        raise ValueError(f"{value!r} must be above 0; leave the key out to ask for nothing")
    return total


class Ask(Section):
    """What each process of a job asks for; what is left out is the plan's own rule."""

    gpus: float | None = Field(None, ge=0)
    """GPUs; a fraction of one that several jobs share."""
    memory: Annotated[Written | None, _checked(parse_bytes)] = None
    """Main memory, `24 GiB`; Ray admits as many jobs to a node as it has room for."""
    accelerator: str | None = Field(None, min_length=1)
    """The type of GPU, as Ray calls it: `A100`, `H100`."""
    labels: dict[str, str] = {}
    """Labels that the node has to have."""
    custom: dict[str, Annotated[float, Field(gt=0)]] = {}
    """Amounts of resources that the cluster names itself."""
    time_limit: Annotated[Written | None, _checked(parse_seconds)] = None
    """How long a job may run, from its start, before it is taken for hung: `2 h`, `1h 30m`; `none`
    for as long as it takes."""

    @model_validator(mode="after")
    def _whole_gpus(self) -> "Ask":
        if self.gpus is not None and self.gpus > 1 and not self.gpus.is_integer():
            raise ValueError(f"gpus: more than one device must be a whole number, not {self.gpus}")
        if self.accelerator is not None and self.gpus == 0:
            raise ValueError("accelerator: a type of GPU needs `gpus` above 0, or leave it out")
        return self


class KindAsk(Ask):
    """What the jobs of a kind ask for."""

    at_once: int | None = Field(None, ge=1)
    """Jobs of this kind at a time, whatever room there is."""


class Resources(Section):
    """What jobs ask of the machines they run on, by their kind; it changes no result."""

    corpus: KindAsk = KindAsk()
    """For reading and cleaning the documents."""
    labels: KindAsk = KindAsk()
    """For collecting their labels."""
    split: KindAsk = KindAsk()
    """For dividing them."""
    templates: KindAsk = KindAsk()
    """For writing lines as templates."""
    alter: KindAsk = KindAsk()
    """For altering lines of test documents."""
    char_lm: KindAsk = KindAsk()
    """For learning character embeddings."""
    adapt: KindAsk = KindAsk()
    """For adapting a model."""
    embed: KindAsk = KindAsk()
    """For embedding by a model."""
    classify: KindAsk = KindAsk()
    """For a classifier's cell."""
    reference: KindAsk = KindAsk()
    """For a reference network's cell."""
    finetune: KindAsk = KindAsk()
    """For fine-tuning a model."""
    compress: KindAsk = KindAsk()
    """For a step of pruning."""
    anomaly: KindAsk = KindAsk()
    """For a detector's cell."""
    models: dict[str, Ask] = {}
    """Model -> what jobs that load it ask for, beside what their kind asks for."""

    def of(self, kind: str, model: str | None) -> dict[str, Any]:
        """Give what is asked for by jobs of a kind, or by those among them that load `model`.

        Returns:
            Only what somebody wrote; of a key that stands in both, the model's.
        """
        ask: Ask = getattr(self, kind)
        asked = ask.model_dump(exclude_defaults=True)
        if model in self.models:
            asked |= self.models[model].model_dump(exclude_defaults=True)
        return asked
