"""The programs of pages: blocks of Markdown, found, and run; those in Python one after the other.

A comment in front of a block says what its reader is not shown, or why it is no program::

    <!-- given: names that it uses, in its language -->
    <!-- a part of examples/serving.py -->
    <!-- run by tests/test_serving.py -->
    <!-- test command -->               which .ci/run runs
    <!-- not run: the reason -->
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers import NOWHERE

import fastlstm as fl
from fastlstm import keras

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for folder in (".", "docs", "docs/*", ".github/*", "bench", "examples/*", "python/fastlstm/*")
    for path in ROOT.glob(f"{folder}/*.md")
    if "made" not in path.parts
)
MARKS = ("given:", "a part of", "run by", "test command", "not run:")
MARKED = rf"(?:^<!-- ({'|'.join(MARKS)})\s((?:(?!-->).)*?)\s*-->\n)?"
BLOCK = re.compile(rf"{MARKED}^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELL = ("", "sh")
"""Languages of commands; most pages name none."""


class Block(NamedTuple):
    """A block, and the comment in front of it."""

    language: str
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


def blocks(page: str, *languages: str) -> list[Block]:
    """Return the blocks of a page in some languages; none are named: those in Python."""
    return [block for block in every_block_of(path_of(page)) if block.language in (languages or ("python",))]


def every_block_of(path: Path) -> list[Block]:
    """Return all blocks of a file, whatever is in them."""
    text = path.read_text("utf-8")
    return [block_at(text, found) for found in BLOCK.finditer(text)]


def block_at(text: str, found: re.Match[str]) -> Block:
    """Return a block with the heading above it and the line that it begins in."""
    above = re.sub(r"^```.*?^```$", "", text[: found.start()], flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", above, re.MULTILINE)
    mark, given, language, code = found.groups()
    return Block(language, headings[-1], text.count("\n", 0, found.start(4)), mark or "", given or "", code)


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


def run_in_shell(block: Block, folder: Path) -> None:
    """Run commands in an empty folder with links to all that the checkout has, and without the network."""
    for path in ROOT.glob("[!.]*"):
        (folder / path.name).symlink_to(path)
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-e", "-c", block.code],
        cwd=folder,
        env={**os.environ, **NOWHERE, "PATH": search},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def program_in_cpp(block: Block) -> str:
    """Return a whole program of statements in C++: what is given and what is shown, in its main function."""
    lines = [*(block.text if block.mark == "given:" else "").splitlines(), *block.code.splitlines()]
    above = [line for line in lines if line.startswith("#")]
    return "\n".join([*above, "int main() {", *(line for line in lines if line not in above), "}", ""])
