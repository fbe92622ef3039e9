"""The look at a corpus: counts are right, wrong input is refused, and it ends on a large one."""

import random
from collections.abc import Iterator

import pytest

from corpora import inspect as looking
from corpora.document import Document, Field, blocks
from corpora.inspect import inspect
from corpora.inspect_findings import Findings
from corpora.selecting import Columns, Relabel
from results.errors import InputError


def _document(id: str, text: str, **fields: Field) -> Document:
    return Document(id, blocks([text]), fields)


def _look(documents: list[Document] | Iterator[Document], **options: object) -> Findings:
    columns = Columns(label="label")
    return inspect(documents, columns=columns, relabel=Relabel(**options))


def _two(*more: Document) -> list[Document]:
    good = [_document(f"{c}{n}", f"{c * (n + 3)} end\n", label=c) for c in "ab" for n in range(4)]
    return [*good, *more]


def test_documents_classes_and_lengths_are_counted() -> None:
    found = _look(_two(_document("u", "no class\n"), _document("n", "null\n", label=None)))
    assert (found.documents, dict(found.classes), found.unlabelled) == (10, {"a": 4, "b": 4}, 2)
    assert (found.lengths.median, found.lengths.max, found.lengths.total) == (10, 11, 76)
    assert dict(found.lengths_of) == {"a": 10, "b": 10}
    assert (found.read, found.empty, found.leaks) == (8, 0, ())


def test_relabelling_is_that_of_the_suite() -> None:
    documents = _two(_document("c", "rare\n", label="c"), _document("d", "gone\n", label="d"))
    found = _look(documents, map={"a": "A", "d": None}, min_documents=2)
    assert dict(found.classes) == {"A": 4, "b": 4}
    assert (dict(found.rare), found.unlabelled, set(found.lengths_of)) == ({"c": 1}, 1, {"A", "b"})


def test_twins_are_counted_within_and_across_classes() -> None:
    twins = [
        _document("x1", "job 1 done\n", label="a"),
        _document("x2", "job 1 done\n", label="a"),
        _document("x3", "job 2 done\n", label="a"),
        _document("x4", "job 1 done\n", label="b"),
    ]
    found = _look(_two(*twins))
    assert (found.exact.within, found.exact.across) == (1, 3)
    assert (found.masked.within, found.masked.across) == (2, 4)
    assert dict(found.distinct) == {"a": 6, "b": 4}


def test_twins_that_differ_behind_the_masked_beginning_are_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looking, "MASK_CHARS", 10)
    long = ["word " * 20_000 + f"{n}\n" for n in (1, 2)]
    found = _look(_two(*(_document(f"l{n}", text, label="a") for n, text in enumerate(long))))
    assert found.masked.within == 0


def test_bytes_that_are_no_text_are_counted_and_named() -> None:
    odd = _document("bin", "\ufffd\x00" * 20, label="a")
    found = _look(_two(odd, _document("caf", "caf\ufffd and more words\n", label="b")))
    assert (found.encoding.undecodable, found.encoding.nul, found.encoding.documents) == (21, 20, 2)
    assert (found.encoding.no_text, found.encoding.no_text_documents) == (("bin",), 1)


def test_empty_documents_are_counted() -> None:
    assert _look(_two(_document("e", "", label="a"), _document("s", " \n", label="a"))).empty == 2


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([], "there are no documents"),
        ([_document("1", "x", label="a")], "every labelled document is of the class 'a'"),
        ([_document("1", "x", lable="a")], "no document has a field 'label'.*did you mean 'lable'"),
        ([_document(str(n), " ", label=str(n)) for n in range(3)], "no document holds any text"),
        (
            [_document(str(n), "\x00P\x00K", label=str(n % 2)) for n in range(9)],
            "9 of the 9 documents read are no text, as '0'; convert them to UTF-8",
        ),
        (
            [_document(str(n), "\ufffdPK", label=str(n % 2)) for n in range(9)],
            "no text, as '0'; unpack or convert them",
        ),
        (
            [_document(str(n), "x", label=str(n)) for n in range(10_000)],
            "more than 1,000 classes in the field 'label': that is an id rather than a class",
        ),
    ],
)
def test_what_cannot_be_classified_is_refused(documents: list[Document], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _look(documents)


def _many(number: int, chars: int) -> Iterator[Document]:
    for n in range(number):
        rng = random.Random(n)
        text = "".join(f"step {rng.randrange(9)} of job {n}\n" for _ in range(chars // 20))
        label = "rare" if n >= number - 60 else "common"
        yield _document(f"d{n}", text, label=label, host=f"h{n % 7}")


def test_of_a_large_corpus_a_share_is_read_but_every_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LOOK_CHARS", 200_000)

    def look() -> Findings:
        return inspect(_many(3000, 1000), columns=Columns(), relabel=Relabel())

    found = look()
    assert dict(found.classes) == {"common": 2940, "rare": 60} and not found.is_whole
    assert found.lengths.total < 1_000_000  # quartered again and again
    assert found.read >= 2 * looking.LEAST_PER_CLASS
    assert found == look()


def test_what_is_read_does_not_depend_on_the_order_where_the_share_stays() -> None:
    documents = list(_many(400, 100))
    share = {"columns": Columns(), "relabel": Relabel(), "share": 0.0}
    found = inspect((_document(d.id, "x\n", **d.fields) for d in documents), **share)
    assert found.read == 2 * looking.LEAST_PER_CLASS


def test_parts_of_documents_that_are_not_read_are_not_opened() -> None:
    def parts(n: int) -> Iterator[str]:
        assert n < 60, "this document was not to be read"
        yield "text\n"

    documents = (Document(str(n), parts(n // 2), {"label": "ab"[n % 2]}) for n in range(4000))
    found = inspect(documents, columns=Columns(), relabel=Relabel(), share=0.0)
    assert (found.documents, found.read) == (4000, 100)


def test_progress_is_told() -> None:
    seen: list[int] = []
    inspect(_two(), columns=Columns(), relabel=Relabel(), progress=seen.append)
    assert seen == list(range(1, 9))
