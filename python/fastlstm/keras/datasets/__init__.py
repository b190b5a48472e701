"""Data sets that Keras names, out of files that are there: nothing is downloaded."""

from . import imdb, mnist, reuters

__all__ = ["imdb", "mnist", "reuters"]
