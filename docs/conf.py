"""The site: ``sphinx-build -W docs site`` (pip install ".[docs]")."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.ext.autodoc.mock import mock

from fastlstm import __version__

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "tools")]

project = "fastlstm"
author = "the developers of fastlstm"
copyright = author
version = release = __version__

extensions = ["mathml", "myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
html_theme = "furo"
html_title = "fastlstm"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
exclude_patterns = ["benchmarks"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autosummary_generate = False  # tools/reference_pages.py makes the pages
autodoc_mock_imports = ["aeon", "mpi4py", "onnx", "sklearn", "torch"]
autodoc_typehints = "none"
default_role = "py:obj"  # what docstrings have in backticks: a name, with a link where there is an entry
numpydoc_show_class_members = False  # the classes of Keras know the names that are not there, too


def write_reference(app: Sphinx) -> None:
    """Make the pages of the reference; what extras bring is not needed for it."""
    import reference_pages

    with mock(autodoc_mock_imports):
        reference_pages.main()


def offer_files(app: Sphinx, page: str, source: list[str]) -> None:
    """Let links to Markdown that is no page of the site offer the file, as those to programs do."""
    folder = (HERE / page).parent

    def link(found: re.Match[str]) -> str:
        inside = (folder / found[1]).resolve().is_relative_to(HERE)
        return found[0] if inside else f"](path:{found[1]})"

    source[0] = re.sub(r"\]\((\.\./[^)#]+\.md)\)", link, source[0])


def setup(app: Sphinx) -> None:
    """Have the reference made before pages are looked for."""
    app.connect("config-inited", lambda app, config: write_reference(app))
    app.connect("source-read", offer_files)
