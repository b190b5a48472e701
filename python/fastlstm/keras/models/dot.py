"""Graphs in the language of graphviz, and pictures of them by its program dot."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

from fastlstm import checks

TEXT_FORMATS = ("dot", "gv", "raw")
"""Formats that are the text itself."""


class Dot:
    """A graph: its text, and pictures of it.

    Parameters
    ----------
    lines : list of str
        Statements between the braces.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def to_string(self) -> str:
        """Return the text."""
        return "\n".join(["digraph G {", *self.lines, "}"]) + "\n"

    __str__ = to_string

    def create(self, prog: str = "dot", format: str = "png") -> bytes:
        """Return a picture.

        Parameters
        ----------
        prog : str
            A program of graphviz: ``"dot"``, or one that lays graphs out in another way.
        format : str
            ``"png"``, ``"svg"``, ``"pdf"`` or another one that graphviz draws; ``"dot"`` is the text.

        Raises
        ------
        ImportError
            Graphviz is not installed.
        """
        if checks.text("format", format) in TEXT_FORMATS:
            return self.to_string().encode()
        if not re.fullmatch(r"[a-z0-9_:.+-]+", format):
            checks.refuse(ValueError, "format", "one that graphviz draws, such as 'png', 'svg' or 'pdf'", format)
        import subprocess  # here, as few programs draw

        command = [_program(prog), f"-T{format}"]
        done = subprocess.run(command, input=self.to_string().encode(), capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()
            checks.refuse(ValueError, "format", "one that graphviz draws", format, f"; it says: {said}")
        return done.stdout

    def write(self, path: str | os.PathLike[str], prog: str = "dot", format: str = "raw") -> None:
        """Write a picture, or the text, to a file; see `create`."""
        Path(path).write_bytes(self.create(prog, format))

    def _repr_svg_(self) -> str:
        """Return what notebooks show."""
        return self.create(format="svg").decode()


def _program(name: str) -> str:
    found = shutil.which(checks.one_of("prog", name, ("dot", "neato", "twopi", "circo", "fdp", "sfdp", "osage")))
    if found is None:
        raise ImportError(
            "pictures of models are drawn by graphviz, which is not installed: apt install graphviz, or see "
            "https://graphviz.org/download/; a file that ends in .dot is written without it"
        )
    return found


def quoted(text: Any) -> str:
    """Return a text as a string of the language."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def box(rows: list[list[tuple[str, str, str]]]) -> str:
    """Return a label that is a table; of each cell the text, the colour behind it and its own, and marks in it stay.

    Text that is not from here goes through `bold` or `plain` first.
    """
    columns = max(map(len, rows))
    lines = []
    for row in rows:
        span = f' colspan="{columns}"' if len(row) == 1 < columns else ""
        cells = "".join(
            f'<td bgcolor="{behind}"{span}><font color="{colour}">{text}</font></td>' for text, behind, colour in row
        )
        lines.append(f"<tr>{cells}</tr>")
    return f'<<table border="0" cellborder="1" cellspacing="0" cellpadding="8">{"".join(lines)}</table>>'


def plain(text: Any) -> str:
    """Return a text with what has a meaning in a label made harmless."""
    import html

    kept = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return html.escape(kept)


def bold(text: Any) -> str:
    """Return a text in bold letters."""
    return f"<b>{plain(text)}</b>"
