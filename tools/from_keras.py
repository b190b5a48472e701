"""Write ``docs/from-keras.md``: what of Keras is there, what is not and what to do instead, and what is different.

    python tools/from_keras.py

Whether something is there is asked of the package, so that the page says what holds today; a test compares the two.
"""

from __future__ import annotations

import importlib
import textwrap
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastlstm import absent, keras

PAGE = Path(__file__).parents[1] / "docs" / "from-keras.md"

HEAD = """\
# From Keras

Replace `tensorflow` by `fastlstm` and `keras` by `fastlstm.keras` in the import lines of a program, and
`import tensorflow as tf` by `import fastlstm.tensorflow as tf`. This page lists the names of Keras {version}, with
those that `tensorflow.keras` has beside them, and names of TensorFlow. Names that are not there raise an error which
says what this page says. It is made by `tools/from_keras.py`.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


def page() -> str:
    """Return the text of the page."""
    names = absent.keras_names()
    places = sorted(names, key=_order)
    parts = [HEAD.format(version=keras.__version__), _notes("everywhere", "## What is different everywhere\n\n")]
    parts += ["## Modules and classes\n", *(section(place, names[place]) for place in places)]
    return "\n".join(part for part in parts if part)


def _order(place: str) -> tuple[bool, bool, bool, str]:
    """Put the package first, then its modules, then its classes, then what is TensorFlow's."""
    return _is_of_tensorflow(place), bool(place), place[:1].isupper(), place


def _is_of_tensorflow(place: str) -> bool:
    return place.partition(".")[0] == "tf"


def section(place: str, names: tuple[str, ...]) -> str:
    """Return what the page says of a module or a class."""
    missing = not_there(place, names)
    there = [name for name in names if name not in missing]
    title = _title(place)
    lines = [f"### {title}\n"]
    if there:
        listed = ", ".join(f"`{name}`" for name in there)
        lines.append(_wrapped(f"There, {len(there)} of {len(names)}: {listed}.") + "\n")
    if missing:
        lines += ["| not there | instead |", "|---|---|", *_rows(place, missing), ""]
    return "\n".join(lines) + _notes(place)


def _title(place: str) -> str:
    if place == "" or _is_of_tensorflow(place):
        return "keras" if place == "" else place.replace("tf", "tensorflow", 1)
    return f"keras.{place}" if place[0].islower() else f"methods and attributes of {place}"


def not_there(place: str, names: tuple[str, ...]) -> list[str]:
    """Return the names that a module or a class has in Keras only."""
    holder = _holder(place)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that a spelling is old
        return [name for name in names if not absent.has(holder, name)]


def _holder(place: str) -> Any:
    """Return the module or class that has what Keras has at a place, None if there is none."""
    if place in keras.CLASSES:
        return keras.CLASSES[place]
    if _is_of_tensorflow(place):
        return _part_of_tensorflow(place)
    try:
        return importlib.import_module(f"fastlstm.keras.{place}".rstrip("."))
    except ImportError:
        return None


def _part_of_tensorflow(place: str) -> Any:
    holder: Any = importlib.import_module("fastlstm.tensorflow")
    for name in place.split(".")[1:]:
        holder = getattr(holder, name)
    return holder


def _rows(place: str, names: list[str]) -> Iterator[str]:
    """Give the rows of the table of what is not there: names with the same cure share one."""
    cures: dict[str, list[str]] = defaultdict(list)
    for name in names:
        cures[absent.instead(f"{place}.{name}".lstrip("."))].append(f"`{name}`")
    for cure, which in cures.items():
        yield f"| {', '.join(which)} | {cure} |"


def _notes(place: str, title: str = "") -> str:
    notes = absent.DIFFERENT.get(place, ())
    lines = [_wrapped(f"- {note}", "  ") for note in notes]
    return title + "\n".join([*lines, ""]) if notes else ""


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    main()
