"""The site: ``sphinx-build -W docs site`` (pip install ".[docs]")."""

from fastlstm import __version__

project = "fastlstm"
author = "the developers of fastlstm"
copyright = author
version = release = __version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
html_theme = "furo"
html_title = "fastlstm"
exclude_patterns = ["decisions", "benchmarks", "pictures/*.json"]

myst_heading_anchors = 3
# Sources are read in the repository, too: links into it are no pages.
suppress_warnings = ["myst.xref_missing", "myst.header"]

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = True
numpydoc_class_members_toctree = False
