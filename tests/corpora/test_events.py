import gzip
import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from packing import written

from corpora.events import Events, events_of
from results.errors import InputError

TEMPLATES = {"1": "opened <*>", "2": "read <*>, <*>", "E3": "closed"}
ROWS = [
    {"id": "x", "label": "ok", "events": [1, 2, "E3"]},
    {"id": "y", "label": "bad", "events": [2, 2]},
]
JSONL = "".join(json.dumps(row) + "\n" for row in ROWS)


def read(loader: Events) -> list[tuple[str, str, dict[str, object]]]:
    return [(d.id, "".join(d.parts), dict(d.fields)) for d in loader.documents()]


EXPECTED = [
    ("x", "opened <*>\nread <*>, <*>\nclosed\n", {"label": "ok", "lines": 3}),
    ("y", "read <*>, <*>\nread <*>, <*>\n", {"label": "bad", "lines": 2}),
]


def test_each_event_is_the_line_of_its_template(tmp_path: Path) -> None:
    folder = written(tmp_path, {"s.jsonl": JSONL, "t.json": json.dumps(TEMPLATES)})
    loader = Events(path=folder / "s.jsonl", templates="t.json")

    assert read(loader) == EXPECTED
    assert loader.files() == [folder / "s.jsonl", folder / "t.json"]


def test_csv_tables_and_csv_templates_read_alike(tmp_path: Path) -> None:
    rows = [{"id": r["id"], "label": r["label"], "seq": str(r["events"])} for r in ROWS]
    pd.DataFrame(rows).to_csv(tmp_path / "s.csv.gz", index=False)
    texts = {"EventId": TEMPLATES.keys(), "EventTemplate": TEMPLATES.values()}
    pd.DataFrame(texts).to_csv(tmp_path / "t.csv", index=False)

    assert read(Events(path=tmp_path / "s.csv.gz", templates="t.csv", events="seq")) == EXPECTED


@pytest.mark.parametrize("text", ["[E5,E22,E5]", "E5 E22 E5", '["E5", "E22", "E5"]', "E5;E22;E5"])
def test_a_list_is_read_in_the_ways_csv_files_write_it(text: str) -> None:
    assert events_of(text, "here") == ["E5", "E22", "E5"]
    assert events_of("[]", "here") == []


def test_an_event_without_template_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path, {"s.jsonl": JSONL, "t.json": '{"1": "a", "2": "b"}'})

    with pytest.raises(InputError, match=r"s\.jsonl:1: the event 'E3' has no template; add it"):
        read(Events(path=folder / "s.jsonl", templates="t.json"))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"s.jsonl": JSONL}, r"t\.json does not exist; check `templates:`"),
        ({"t.json": "{}"}, r"s\.jsonl does not exist; check `path:`"),
        ({"s.jsonl": JSONL, "t.json": "{"}, r"t\.json: not valid JSON .*; templates are JSON or"),
        ({"s.jsonl": JSONL, "t.json": "[]"}, r"t\.json: templates are one JSON object"),
        (
            {"s.jsonl": '{"id": 1, "event": [1]}\n', "t.json": "{}"},
            r"s\.jsonl:1: no column 'events' \(set by `events:`\); did you mean 'event'",
        ),
        (
            {"s.jsonl": '{"id": 1, "events": {"1": 2}}\n', "t.json": "{}"},
            r"s\.jsonl:1: the events are a value of type dict, not a list of event ids",
        ),
        (
            {"s.jsonl": '{"id": 1, "events": []}\n' * 2, "t.json": "{}"},
            r"two documents have the id '1'",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    written(tmp_path, files)

    with pytest.raises(InputError, match=message):
        read(Events(path=tmp_path / "s.jsonl", templates="t.json"))


@pytest.mark.shared_data
def test_the_real_sequences_are_read_whole(shared_data: Path) -> None:
    folder = shared_data / "hdfs_v1_sessions"
    loader = Events(path=folder / "event_sequences.jsonl.gz", templates="event_templates.json")
    with gzip.open(loader.path, "rt") as stream:
        rows = [json.loads(line) for line in stream]
    documents = [(d.id, "".join(d.parts), d.fields) for d in loader.documents()]

    assert Counter(fields["label"] for _, _, fields in documents) == {
        "anomaly": 16_838,
        "normal": 5_583,
    }
    assert [id for id, _, _ in documents] == [row["id"] for row in rows]
    assert [text.count("\n") for _, text, _ in documents] == [len(row["events"]) for row in rows]
    assert len({text for _, text, _ in documents}) == 4_997
