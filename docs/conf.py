"""Builds these pages as HTML: `make docs`, then open build/docs/index.html.

The pages are plain Markdown, without directives, so that they read well on a code host too. The
navigation is taken from the links of index.md, and formulas become MathML, which browsers show by
themselves: no page loads a script or a font from elsewhere.
"""

import re

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.logging import getLogger

project = "Logmark"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Logmark"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4


def setup(app):
    """Register what Sphinx does not bring: MathML, and a navigation from plain Markdown."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.connect("source-read", _read)


def _inline(translator, node):
    translator.body.append(_mathml(node, is_display=False))
    raise SkipNode


def _display(translator, node):
    formula = _mathml(node, is_display=True)
    translator.body.append(f'<div class="math" style="overflow-x: auto">{formula}</div>')
    raise SkipNode


def _mathml(node, *, is_display):
    try:
        return tex2mathml(node.astext(), as_block=is_display)
    except MathError as error:
        getLogger(__name__).warning("formula %s: %s", node.astext(), error, location=node)
        return ""


def _read(app, name, source):
    """Serve linked files beside this folder as they are; give index.md its navigation."""
    source[0] = source[0].replace("](../", "](path:../")
    if name == app.config.root_doc:
        source[0] += "".join(_contents(source[0]))


def _contents(index):
    """Yield a hidden table of contents for each section of index.md, made of its links."""
    _, *sections = re.split(r"^## ", index, flags=re.MULTILINE)
    for section in sections:
        pages = re.findall(r"\]\(([\w-]+\.md)\)", section)
        lines = ["", "```{toctree}", ":hidden:", f":caption: {section.partition(chr(10))[0]}", ""]
        yield "\n".join([*lines, *pages, "```", ""])
