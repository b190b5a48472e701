"""The programs of the pages run, those of a page one after the other, and what pages refer to is there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pages
import pytest
import reference_pages

import fastlstm as fl

ELSEWHERE = {
    "from-pytorch": ("test_from_pytorch.py", "test_torch_modules.py"),
    "gradient-flow": ("test_gradient_flow_page.py",),
    "large-inference": ("test_large_inference.py",),
    "mpi": ("keras/test_keras_mpi.py",),
}
"""Tests that run the programs of a page in a way of their own."""
HOLDS = {
    "start": "history.history['val_accuracy'][-1] > 0.9",
    "scikit-learn": "forecaster.predict(steps=20).shape == (20,)",
    "reduced-precision": "layer.precision == 'int8_int16'",
    "onnx": "y.shape == (4, 1, 64)",
}
"""What holds after the programs of a page."""
SLOW = {"README", "scikit-learn"}
PAGES = sorted(path.stem for path in pages.DOCUMENTS if "```python" in path.read_text("utf-8"))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow if page in SLOW else ()) for page in PAGES if page not in ELSEWHERE],
)
def test_programs_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = pages.run(page)
    assert eval(HOLDS.get(page, "True"), names)


@pytest.mark.parametrize("page", PAGES)
def test_parts_are_those_of_their_files(page: str) -> None:
    for block in pages.blocks(page):
        if block.mark == "a part of":
            whole = (pages.ROOT / block.text).read_text("utf-8")
            assert all(piece in whole for piece in block.code.strip("\n").split("\n\n\n")), block.line


def test_pages_that_run_elsewhere_do() -> None:
    assert set(ELSEWHERE) < set(PAGES)
    for page, tests in ELSEWHERE.items():
        for name in tests:
            text = (pages.ROOT / "tests" / name).read_text("utf-8")
            assert re.search(rf'pages\.(run|blocks)\("{page}"', text), name


def test_marks_stand_in_front_of_blocks() -> None:
    """One that is misspelt, or has something in between, would be overlooked."""
    for path in pages.DOCUMENTS:
        text = path.read_text("utf-8")
        marks = re.findall(rf"^<!-- (?:{'|'.join(pages.MARKS)})", text, re.MULTILINE)
        assert len(marks) == sum(block.mark != "" for block in pages.every_block_of(path)), path.name


def prose(path: Path) -> str:
    """Return a page without what is code."""
    return re.sub(r"^ *```.*?^ *```$|`[^`\n]*`", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """Return what links may name in a page: its headings, as GitHub and the site make anchors of them."""
    headings = re.findall(r"^#+ +(.+)$", re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", pages.DOCUMENTS, ids=lambda path: str(path.relative_to(pages.ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Those to others' sites are for `nox -s links`."""
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", prose(path)):
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_page_has_a_place() -> None:
    """In the list of the site; decisions and figures are no pages of it."""
    docs = pages.ROOT / "docs"
    listed = set(re.findall(r"^([a-z/A-Z-]+)$", (docs / "index.md").read_text("utf-8"), re.MULTILINE))
    assert {path.stem for path in docs.glob("*.md")} - {"index"} == listed - {"examples/README"}


NAMED_AFTER_PACKAGES = {"fastlstm.aeon", "fastlstm.sklearn", "fastlstm.torch"}


def public_modules(module: ModuleType) -> Iterator[str]:
    """A module, if it has more than modules, and those that its ``__all__`` names."""
    values = [reference_pages.value_of(module, name) for name in getattr(module, "__all__", ())]
    inner = [value for value in values if isinstance(value, ModuleType) and value.__name__.startswith(module.__name__)]
    if not values or len(values) > len(inner):
        yield module.__name__
    for value in inner:
        if value is not module and "__file__" in vars(value):  # and not one of names only
            yield from public_modules(value)


def test_the_reference_lists_all_public_modules() -> None:
    """Fails where a module is new: it wants a line in ``docs/reference.md``."""
    wanted = {*public_modules(fl), *NAMED_AFTER_PACKAGES}
    assert sorted(reference_pages.listed()) == sorted(wanted)


def test_the_reference_has_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [name for name in reference_pages.listed() if name not in NAMED_AFTER_PACKAGES]
    monkeypatch.setattr(reference_pages, "listed", lambda: found)
    text = "\n".join(reference_pages.pages().values())
    described = re.findall(r"^\.\. auto(?:class|function):: ([\w.]+)$", text, re.MULTILINE)
    for module in map(importlib.import_module, found):
        for entry in reference_pages.entries(module):
            assert entry.name in described or f"``{entry.name}``" in text, entry.place
