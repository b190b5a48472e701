"""The programs of pages: Python blocks of Markdown, found, and run one after the other.

A comment in front of a block says what its reader is not shown, or why it is no program::

    <!-- given: names that it uses, as Python -->
    <!-- a part of examples/serving.py -->
    <!-- not run: the reason -->
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import fastlstm as fl
from fastlstm import keras

ROOT = Path(__file__).parents[1]
MARKS = ("given:", "a part of", "not run:")
MARKED = rf"(?:^<!-- ({'|'.join(MARKS)})\s((?:(?!-->).)+?)\s*-->\n)?"
BLOCK = re.compile(rf"{MARKED}^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of Python, and the comment in front of it."""

    heading: str
    line: int
    mark: str
    text: str
    code: str

    @property
    def runs(self) -> bool:
        """Whether it is a program."""
        return self.mark in ("", "given:")


def path_of(page: str) -> Path:
    """Return the file of a page: one in ``docs/``, or one at the root."""
    return next(path for path in (ROOT / "docs" / f"{page}.md", ROOT / f"{page}.md") if path.exists())


def blocks(page: str) -> list[Block]:
    """Return the Python blocks of a page."""
    text = path_of(page).read_text("utf-8")
    return [block_at(text, found) for found in BLOCK.finditer(text)]


def block_at(text: str, found: re.Match[str]) -> Block:
    """Return a block with the heading above it and the line that it begins in."""
    above = re.sub(r"^```.*?^```$", "", text[: found.start()], flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", above, re.MULTILINE)
    mark, given, code = found.groups()
    return Block(headings[-1], text.count("\n", 0, found.start(3)), mark or "", given or "", code)


def every_block(block: Block) -> bool:
    """Whether a block is asked for: each is."""
    return True


def run(page: str, wanted: Callable[[Block], bool] = every_block) -> dict[str, Any]:
    """Run the programs of a page in one namespace and return it; skip the test if one needs a package that is not here.

    What comes after such a program is run before, as far as it needs no names of it.
    """
    names: dict[str, Any] = {}
    left_out: dict[str, int] = {}
    threads = fl.get_num_threads()
    try:
        for block in filter(wanted, blocks(page)):
            if block.runs:
                run_block(path_of(page), block, names, left_out)
    finally:
        tidy_up(threads)
    if left_out:
        pytest.skip(", ".join(f"{package} is not installed ({page}.md:{line})" for package, line in left_out.items()))
    return names


def run_block(path: Path, block: Block, names: dict[str, Any], left_out: dict[str, int]) -> None:
    """Run one, with tracebacks that name its page and line."""
    try:
        exec(block.text if block.mark else "", names)
        exec(compile("\n" * block.line + block.code, str(path), "exec"), names)
    except (ImportError, NameError) as error:
        package = next(missing_packages(error), None) or (isinstance(error, NameError) and next(iter(left_out), None))
        if not package:
            raise
        left_out.setdefault(package, block.line)


def missing_packages(error: BaseException | None) -> Iterator[str]:
    """Packages of others that were not found, where an error says so or comes of that."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and not (error.name or "fastlstm").startswith("fastlstm"):
            yield str(error.name)
        error = error.__cause__ or error.__context__


def tidy_up(threads: int) -> None:
    """Put back what programs set, and close what they have drawn."""
    fl.set_num_threads(threads)
    keras.backend.clear_session()
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
