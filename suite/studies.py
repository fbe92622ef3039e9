"""Studies: rows of the suite again, at every point of a grid of settings.

A point is its row with some keys of the row's own sections replaced, so that everything that holds
for the row holds for the point; one that changes nothing is the row itself, and computed once.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

from pydantic import JsonValue

from adapters import registry
from classifiers.registry import CLASSIFIERS, DETECTORS, FINETUNE, REFERENCES
from results.errors import InputError, nearest
from results.hashing import canonical_json
from results.records import StudyPoint
from results.registry import find
from suite.node import LOCAL_KEYS
from suite.row_sections import CharLm, Model, Reference
from suite.rows import Row, rows_of
from suite.spec import Suite
from suite.study_section import ALTERED_KEY, CHAR_LM_KEY, TRAIN_SHARE_KEY, Study

Owner = Literal["model", "classifier", "reference", "split", "documents"]
_SPECIAL: dict[str, Owner] = {
    TRAIN_SHARE_KEY: "split",
    CHAR_LM_KEY: "reference",
    ALTERED_KEY: "documents",
}


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of a study.

    Attributes:
        study: name, row and values, as they stand in the record.
        row: the row with its values.
        train_share: share of the train side that is learnt from.
        altered_lines: share of the test documents' lines that is altered.
        owners: key -> what it is a setting of.
    """

    study: StudyPoint
    row: Row
    train_share: float
    altered_lines: float
    owners: Mapping[str, Owner]

    def label(self, name: str, owners: Sequence[Owner] | None = None) -> str:
        """Name something of this point: `STUDY:NAME@KEY=VALUE,...`.

        Args:
            name: what the row calls it, and what it stays where none of the keys decides it.
            owners: whose keys decide it; by default all.
        """
        chosen = [
            f"{key}={_text(value)}"
            for key, value in self.study.vary.items()
            if owners is None or self.owners[key] in owners
        ]
        return f"{self.study.name}:{name}@{','.join(chosen)}" if chosen else name


def points(suite: Suite, study: Study) -> Iterator[Point]:
    """List the points of a study: row by row, the grid in the order of the file.

    Raises:
        InputError: a key that is no setting of one of the rows.
    """
    rows = rows_of(suite.models, suite.classifiers, suite.references, suite.anomaly)
    for name in study.rows:
        row = rows[name]
        owners = {key: _owner(study.name, name, row, key) for key in study.vary}
        for values in product(*study.vary.values()):
            vary: dict[str, Any] = dict(zip(study.vary, values, strict=True))
            yield Point(
                study=StudyPoint(name=study.name, row=name, vary=vary),
                row=_at(row, vary, owners),
                train_share=float(vary.get(TRAIN_SHARE_KEY, 1.0)),
                altered_lines=float(vary.get(ALTERED_KEY, 0.0)),
                owners=owners,
            )


def settings_of(row: Row) -> dict[Owner, dict[str, Any]]:
    """List the settings of a row that can be varied, by what they are settings of."""
    if row.reference is not None:
        fields: dict[Owner, Any] = {
            "reference": find("reference", row.reference.kind, REFERENCES),
        }
    else:
        fields = {"classifier": _reader_of(row)}
        if row.model is not None:
            fields["model"] = registry.make(row.model.adapter, row.model.settings)
    return {
        owner: {x.name: x.default for x in dataclasses.fields(cls) if x.name not in LOCAL_KEYS}
        for owner, cls in fields.items()
    }


def _reader_of(row: Row) -> Any:
    """Find the class of what reads a model: a detector, a classifier or its own head."""
    if row.detector is not None:
        return find("detector", row.detector.kind, DETECTORS)
    if row.column is not None:
        return find("classifier", row.column.classifier.name, CLASSIFIERS)
    return find("finetune", "finetune", FINETUNE)


def _owner(study: str, name: str, row: Row, key: str) -> Owner:
    """Find out what a key is a setting of."""
    if key in _SPECIAL:
        return _SPECIAL[key]
    known = settings_of(row)
    owners = [owner for owner, settings in known.items() if key in settings]
    where = f"studies: {study}.vary.{key}"
    if not owners:
        special = [key for key in _SPECIAL if row.reference or key != CHAR_LM_KEY]
        keys = [*special, *(key for settings in known.values() for key in settings)]
        raise InputError(f"{where}: {name!r} has no such setting: {nearest(key, keys)}")
    if len(owners) > 1:
        raise InputError(
            f"{where}: a setting both of the model and of the classifier of {name!r}; give each "
            f"value a model or a classifier of its own instead"
        )
    return owners[0]


def _at(row: Row, vary: Mapping[str, Any], owners: Mapping[str, Owner]) -> Row:
    """Replace a row's settings by a point's values; the plan checks them with all others."""

    def of(owner: Owner) -> dict[str, Any]:
        return {key: value for key, value in vary.items() if owners[key] == owner}

    if row.reference is not None:
        return replace(row, reference=_reference_at(row.reference, of("reference")))
    if row.detector is not None:
        detector = row.detector.model_copy(update=of("classifier"))
        read = row.model and row.model.model_copy(update=of("model"))
        return replace(row, detector=detector, model=read)
    assert row.model is not None
    model = row.model.model_copy(update=of("model"))
    if row.column is None:
        return replace(row, model=_finetuned_at(model, of("classifier")))
    classifier = row.column.classifier.model_copy(update=of("classifier"))
    return replace(row, model=model, column=replace(row.column, classifier=classifier))


def _reference_at(reference: Reference, values: dict[str, Any]) -> Reference:
    """Replace a reference's settings; `char_lm: true` is its own, where it has one."""
    match values.pop(CHAR_LM_KEY, None):
        case False:
            values[CHAR_LM_KEY] = None
        case True:
            values[CHAR_LM_KEY] = reference.char_lm or CharLm()
        case dict(settings):
            values[CHAR_LM_KEY] = CharLm.model_validate(settings)
    return reference.model_copy(update=values)


def _finetuned_at(model: Model, values: dict[str, Any]) -> Model:
    assert model.finetune is not None
    return model.model_copy(update={"finetune": model.finetune.model_copy(update=values)})


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else canonical_json(value)
