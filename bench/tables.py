"""Figures as words, and words as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from timing import show_time

# Columns of text; all others are numbers.
WORDS = ("case", "contender", "fastest", "package", "status", "value", "what", "why", "rival", "best rival", "net")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table: words left, numbers right."""
    rule = ["---" if name in WORDS else "---:" for name in header]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))


def show(value: float | None, form: str) -> str:
    """Format a number that may be missing."""
    return "-" if value is None else format(value, form)


def show_seconds(seconds: float | None) -> str:
    """Give a time that may be missing."""
    return "-" if seconds is None else show_time(seconds)


def show_bytes(count: float | None) -> str:
    """Give a size that may be missing, in millions of bytes."""
    if count is None:
        return "-"
    return f"{count / 1e6:.0f} MB" if count >= 1e7 else f"{count / 1e6:.1f} MB"


def show_picture(path: str) -> str:
    """Put a picture on the page, under the words its file name is made of."""
    return f"![{Path(path).stem.replace('_', ' ')}]({path})"


def show_threads(count: int) -> str:
    """Name a number of threads."""
    return f"{count} thread{'s' if count > 1 else ''}"
