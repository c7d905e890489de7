"""Sphinx configuration of the documentation."""

from importlib.metadata import version as _installed

project = "sojourn"
author = "The sojourn maintainers"
release = _installed("sojourn")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "alabaster"
