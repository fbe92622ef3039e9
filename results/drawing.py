"""How figures look and how they leave: one style, PDF and PNG files, SVG for a page.

Nothing here touches matplotlib's global state, and nothing written tells when or where: equal
figures give equal bytes.
"""

import io
import re
import unicodedata
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.hashing import hash_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

_MARGIN_IN = 0.08
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7.5,
    "legend.title_fontsize": 7.5,
    "lines.markersize": 5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#888888",
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "text.parse_math": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "logmark",
    "savefig.dpi": 160,
}


SMALL = 7
"""Points of the smallest letters. A figure is drawn as wide as it is printed, in one column (3.5
inches) or two (7.2), so that 8 points are 8 points."""
LEGEND_CHARS = 28
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B6B6B")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
LINES = ("-", "--", "-.", ":")
"""Okabe and Ito's colours, safe for colour-blind readers; the others tell the same without them."""


@dataclass(frozen=True)
class Drawn:
    """A figure with its file name, its caption and a description for those who cannot see it."""

    name: str
    caption: str
    figure: "Figure"
    tips: tuple[str, ...] = ()

    @cached_property
    def frame(self) -> "Bbox":
        """What is saved of the canvas and around it, in inches: all that is drawn, and a margin.

        Found once for all formats: to measure text takes as long as to draw it.
        """
        with style():
            return self.figure.get_tightbbox().padded(_MARGIN_IN)


_NO_PDF_TIMES = {"Creator": None, "Producer": None, "CreationDate": None}


def save(drawn: Drawn, folder: Path, *, subject: str = "") -> list[Path]:
    """Write a figure as PDF and PNG; equal figures give equal bytes.

    Args:
        drawn: the figure.
        folder: where to; made if missing.
        subject: what the figure is of, kept in both files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{drawn.name}.pdf", folder / f"{drawn.name}.png"]
    about = {"Subject": printable(subject, limit=200)} if subject else {}
    told = {"Description": about["Subject"]} if subject else {}
    with style():
        drawn.figure.savefig(
            paths[0], format="pdf", bbox_inches=drawn.frame, metadata=_NO_PDF_TIMES | about
        )
        drawn.figure.savefig(
            paths[1], format="png", bbox_inches=drawn.frame, metadata={"Software": None} | told
        )
    return paths


def svg(drawn: Drawn) -> str:
    """Return a figure as one `<svg>` element for an HTML page, safe to insert as it is.

    Names are escaped by matplotlib, ids carry the figure's name so that figures do not collide,
    and black follows the page's text colour.
    """
    stream = io.StringIO()
    with style():
        drawn.figure.savefig(
            stream, format="svg", bbox_inches=drawn.frame, transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )  # fmt: skip
    text = stream.getvalue()
    text = text[text.index("<svg") :].replace("#000000", "currentColor")
    text = re.sub(r"<style.*?</style>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", lambda tag: _own_ids(tag.group(), drawn.name), text)
    for i, tip in enumerate(drawn.tips):
        place = f'<g id="{drawn.name}-tip-{i}">'
        text = text.replace(place, f"{place}<title>{escape(tip)}</title>")
    label = f'<svg role="img" aria-label="{escape(drawn.caption)}"'
    return text.replace("<svg", label, 1).rstrip()


def _own_ids(tag: str, name: str) -> str:
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", tag)


def slug(text: str) -> str:
    """Make a file name out of any text, different for different texts."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:80]
    return plain if plain == text else f"{plain}-{hash_json(text)[:8]}"


def printable(text: str, *, limit: int = 60) -> str:
    """Keep what the figures' font can show, name the rest by code point, shorten what is too long.

    What is left out is two thirds on: names that differ often do so at their ends.
    """
    text = "".join(_glyph(one) for one in " ".join(text.split()))
    tail = (limit - 1) // 3
    return text if len(text) <= limit else f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def _glyph(one: str) -> str:
    shown = unicodedata.category(one)[0] not in "CM" and ord(one) in _glyphs()
    return one if shown else f"U+{ord(one):04X}"


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def style() -> AbstractContextManager[None]:
    """Give the look that holds while something is drawn or saved."""
    import matplotlib as mpl

    style: AbstractContextManager[None] = mpl.rc_context(_STYLE)
    return style


def mark(axes: "Axes", marks: Sequence[str]) -> None:
    """Write caveats above a figure."""
    if marks:
        axes.set_title(
            printable("; ".join(marks)).upper(), loc="right", fontsize=SMALL, color="#B03A2E"
        )


def plain_numbers(axes: "Axes") -> None:
    """Make the horizontal axis logarithmic and write 10,000 on it, no powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    if high < 100 * low:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def blank(
    width_in: float, height_in: float, *, heights: Sequence[float] = (1,), columns: int = 1
) -> Any:
    """Make a figure and its axes, one above the other or in columns, in our style.

    matplotlib's global state is left alone.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(width_in, height_in))
        FigureCanvasAgg(figure)
        return figure, figure.subplots(
            len(heights), columns,
            gridspec_kw={"height_ratios": heights, "hspace": 0.08, "wspace": 0.32},
        )  # fmt: skip
