"""Configs that stand alone: for files that have no other place for what a layer found out."""

from __future__ import annotations

from contextlib import AbstractContextManager

from fastlstm.scopes import Scoped

_whole = Scoped("whole configs", default=False)


def whole_configs() -> AbstractContextManager[object]:
    """Let configs that are made in a block have vocabularies that were found, too."""
    return _whole.being(True)


def are_whole() -> bool:
    """Whether this thread is in such a block."""
    return _whole.get()
