"""Equations as MathML, which browsers draw without a script or a net; docutils makes it of LaTeX."""

from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx


def visit_inline(page: Any, node: nodes.math) -> None:
    """Write an equation in a line."""
    page.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def visit_block(page: Any, node: nodes.math_block) -> None:
    """Write equations in lines of their own, aligned at ``&``."""
    page.body.append(tex2mathml(node.astext(), as_block=True))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Tell Sphinx of it."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
