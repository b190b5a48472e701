"""Make the notebooks of the worked examples from their scripts, which are what is edited.

    python tools/notebooks.py             # writes examples/notebooks/*.ipynb
    python tools/notebooks.py --check     # writes nothing and names those that are not in step

A script is cut into cells by lines of ``# %%``, with a title behind or without, and of ``# %% [markdown]`` before text,
as Jupytext and editors read them. Notebooks have no outputs: those are on the pages.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
START = """import sys

sys.path.insert(0, "..")  # where the examples are, and what they share
sys.argv = ["{name}.py", "--pictures", "."]  # with "--short" it takes seconds"""
PYTHON = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def scripts() -> list[Path]:
    """Return the worked examples, which show what they find by `showing`."""
    return sorted(path for path in EXAMPLES.glob("*.py") if "import showing" in path.read_text("utf-8"))


def notebook_of(script: Path) -> Path:
    """Return where the notebook of a script is."""
    return EXAMPLES / "notebooks" / f"{script.stem}.ipynb"


def cells_of(text: str, name: str) -> list[tuple[str, str]]:
    """Return kind and source of the cells: the docstring as a heading, what a notebook needs to start, and the rest."""
    tree = ast.parse(text)
    begins = tree.body[0].end_lineno if ast.get_docstring(tree) else 0
    head, *parts = re.split(r"^# %% ?(.*)\n", "".join(text.splitlines(keepends=True)[begins:]), flags=re.MULTILINE)
    found = [("markdown", f"# {ast.get_docstring(tree) or name}"), ("code", START.format(name=name)), ("code", head)]
    for mark, body in zip(parts[::2], parts[1::2], strict=True):
        if mark == "[markdown]":
            found.append(("markdown", re.sub(r"^# ?", "", body, flags=re.MULTILINE)))
        else:
            found += [("markdown", f"## {mark}" if mark else ""), ("code", body)]
    return [(kind, source.strip("\n")) for kind, source in found if source.strip()]


def notebook(cells: list[tuple[str, str]]) -> str:
    """Return the text of a file of Jupyter's format 4.5."""
    made = list[dict[str, Any]]()
    for place, (kind, source) in enumerate(cells):
        more = {"execution_count": None, "outputs": []} if kind == "code" else {}
        cell = {"cell_type": kind, "id": f"cell-{place}", "metadata": {}, "source": source.splitlines(keepends=True)}
        made.append(cell | more)
    whole = {"cells": made, "metadata": PYTHON, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def out_of_step() -> list[Path]:
    """Return notebooks that are missing, of no script, or not what their scripts make."""
    wanted = {notebook_of(script): made_from(script) for script in scripts()}
    there = set((EXAMPLES / "notebooks").glob("*.ipynb"))
    return sorted(
        path for path in there | wanted.keys() if path not in there or path.read_text("utf-8") != wanted.get(path)
    )


def made_from(script: Path) -> str:
    """Return what the notebook of a script should be."""
    return notebook(cells_of(script.read_text("utf-8"), script.stem))


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, name those that are not in step")
    if not parser.parse_args().check:
        for script in scripts():
            notebook_of(script).parent.mkdir(exist_ok=True)
            notebook_of(script).write_text(made_from(script), "utf-8")
    for path in (wrong := out_of_step()):
        print(f"{path.relative_to(EXAMPLES)} is not what its script makes")
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main())
