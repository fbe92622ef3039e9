"""`logmark corpora check`: the look alone, as text and as JSON."""

import json
from pathlib import Path

import pytest
from command_line import said
from helpers import write_logs

from results.errors import InputError
from suite import corpus_check_command


def _check(*words: object) -> tuple[int, list[str]]:
    status, lines, _ = said(corpus_check_command, "check", *words)
    return status, lines


def _suite(folder: Path, corpus: str) -> Path:
    file = folder / "s.yaml"
    file.write_text(f"name: s\ncorpus: {corpus}\n")
    return file


def test_a_clean_corpus_is_fine(tmp_path: Path) -> None:
    write_logs(tmp_path / "logs")
    code, lines = _check(_suite(tmp_path, "{loader: folder, path: logs}"))
    assert code == 0
    assert lines[:2] == ["documents: 42", "classes: 3 (disk 14, net 14, ok 14)"]
    assert "telling words of 'disk' (no leak by themselves): sector, unreadable" in lines
    assert lines[-1] == "nothing suspicious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "s.yaml"]


def test_the_suites_own_choice_of_documents_is_looked_at(tmp_path: Path) -> None:
    write_logs(tmp_path / "logs")
    corpus = "{loader: folder, path: logs, where: {label: [ok, net]}, relabel: {map: {ok: fine}}}"
    assert _check(_suite(tmp_path, corpus))[1][1] == "classes: 2 (fine 14, net 14)"


def test_leaks_are_warnings_with_evidence_and_no_text(tmp_path: Path) -> None:
    secret = "customer-secret-sentence"
    for label, host in (("a", "web07"), ("b", "db03")):
        (tmp_path / "logs" / label).mkdir(parents=True)
        for n in range(12):
            text = f"start on {host} {'x' * 3000}\n{secret} {n}\n"
            (tmp_path / "logs" / label / f"{n}.log").write_text(text)
    suite = _suite(tmp_path, "{loader: folder, path: logs}")
    code, lines = _check(suite)
    found = [line for line in lines if line.startswith("WARNING")]
    assert code == 0 and len(found) == 2
    assert "'web07' after 'on' stands in the text of 100% of 'a' and none of the others" in found[0]
    code, (text,) = _check(suite, "--format", "json")
    content = json.loads(text)
    assert code == 0 and len(content["warnings"]) == 2
    assert content["leaks"][0]["value"] == "web07" and content["classes"] == {"a": 12, "b": 12}
    assert secret not in text + "".join(lines) and "x" * 41 not in text


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("{loader: folder, path: none}", "none does not exist; check `path:`"),
        ("{loader: foldre, path: logs}", "unknown loader 'foldre': did you mean 'folder'"),
        ("{loader: folder, path: logs, label: lable}", "no document has a field 'lable'"),
        ("{loader: folder, path: logs, where: {label: ok}}", "of the class 'ok'"),
        ("{loader: folder, path: logs, where: {label: x}}", "keeps no document; loosen it"),
        ("{loader: folder, path: logs, group: host}", "no document has a field 'host'"),
    ],
)
def test_wrong_input_is_one_line(tmp_path: Path, corpus: str, message: str) -> None:
    write_logs(tmp_path / "logs")
    with pytest.raises(InputError, match=message):
        _check(_suite(tmp_path, corpus))


def test_generated_corpora_are_looked_at_too(tmp_path: Path) -> None:
    corpus = "{loader: tm500, num_documents: 60, median_chars: 500}"
    code, lines = _check(_suite(tmp_path, corpus))
    assert code == 0 and lines[0] == "documents: 60" and lines[-1] == "nothing suspicious"


def test_what_the_loader_counted_is_told(tmp_path: Path) -> None:
    lines = [f"- {1117838570 + 40 * n} 2005.06.03 R02 up {n}\n" for n in range(30)]
    lines += [f"KERNDTLB {1117848570 + 40 * n} 2005.06.03 R02 bad {n}\n" for n in range(30)]
    lines.insert(12, lines[9])
    (tmp_path / "BGL.log").write_text("".join(lines))
    corpus = "{loader: bgl, path: BGL.log, max_out_of_order: 0.1}"
    assert "lines out of order: 1" in _check(_suite(tmp_path, corpus))[1]
