import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.drawing import Drawn, blank, printable, save, slug, style, svg

SVG = "{http://www.w3.org/2000/svg}"


def drawn(label: str = "x", tips: tuple[str, ...] = ()) -> Drawn:
    figure, axes = blank(2, 1)
    with style():
        for i in range(max(1, len(tips))):
            axes.plot([0, 1], [0, 1], gid=f"tip-{i}")
        axes.set_title(printable(label))
    return Drawn("one", f"Caption of {label}", figure, tips)


def test_equal_figures_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (save(drawn(), tmp_path / name) for name in "ab")
    assert [p.name for p in first] == ["one.pdf", "one.png"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert svg(drawn()) == svg(drawn())


def test_files_tell_neither_time_nor_program(tmp_path: Path) -> None:
    pdf, png = save(drawn(), tmp_path)
    assert b"CreationDate" not in pdf.read_bytes()
    assert b"Software" not in png.read_bytes()
    assert "dc:date" not in svg(drawn())


def test_letters_are_embedded_as_letters(tmp_path: Path) -> None:
    pdf, _ = save(drawn(), tmp_path)
    assert b"/FontFile2" in pdf.read_bytes() and b"/Type3" not in pdf.read_bytes()


def test_all_that_is_drawn_is_saved(tmp_path: Path) -> None:
    one = drawn()
    one.figure.axes[0].annotate("far away", (2.5, 0.5), annotation_clip=False)
    assert one.frame.width > one.figure.get_figwidth()
    assert 'width="' in svg(one) and "far away" in svg(one)


@pytest.mark.parametrize(
    "label", ["<script>alert(1)</script>", 'a"b', "$x^2$", r"\frac{1}{2}", "&amp;", "中文", "]]>"]
)
def test_svg_is_well_formed_and_keeps_names_as_text(label: str) -> None:
    text = svg(drawn(label, tips=(label,)))
    tree = ElementTree.fromstring(text)
    assert tree.tag == f"{SVG}svg"
    assert not list(tree.iter(f"{SVG}script"))
    assert tree.attrib["aria-label"] == f"Caption of {label}"
    assert [one.text for one in tree.iter(f"{SVG}title")] == [label]
    assert printable(label) in ["".join(one.itertext()).strip() for one in tree.iter(f"{SVG}text")]


def test_svg_follows_the_page_in_colour_and_keeps_ids_to_itself() -> None:
    text = svg(drawn())
    assert "currentColor" in text and "#000000" not in text
    ids = [e.attrib["id"] for e in ElementTree.fromstring(text).iter() if "id" in e.attrib]
    assert ids and all(one.startswith("one-") for one in ids)
    assert "<style" not in text


@given(st.text(), st.text())
def test_slugs_are_safe_file_names_and_tell_texts_apart(a: str, b: str) -> None:
    assert slug(a).replace("-", "").replace("_", "").replace(".", "").isalnum() or not slug(a)[:-9]
    assert "/" not in slug(a) and len(slug(a)) <= 89
    assert (slug(a) == slug(b)) == (a == b)


def test_printable_names_what_the_font_lacks_and_shortens_what_is_long() -> None:
    assert printable("Größe\n中\x1b") == "Größe U+4E2DU+001B"
    assert printable("a" * 50 + "z" * 50, limit=10) == "aaaaaa…zzz"
