"""The programs of the guides run, those of a page one after the other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import fastlstm as fl

DOCS = Path(__file__).parents[1] / "docs"
NEEDED = {"start": "h5py", "threads": "threadpoolctl"}
"""Packages that pages need beside ours."""
GUIDES = ("start", "streaming", "lengths", "long-sequences", "threads", "numbers")


def programs(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (DOCS / f"{page}.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", GUIDES)
def test_a_guide_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page in NEEDED:
        pytest.importorskip(NEEDED[page])
    monkeypatch.chdir(tmp_path)
    threads = fl.get_num_threads()
    names: dict[str, Any] = {}
    try:
        for program in programs(page):
            exec(program, names)
    finally:
        fl.set_num_threads(threads)
    assert names


def test_the_first_model_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("h5py")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(programs("start")[0], names)
    assert names["history"].history["val_accuracy"][-1] > 0.9


def test_every_page_has_a_place() -> None:
    """In the list of the site; decisions and figures are no pages of it."""
    listed = set(re.findall(r"^([a-z/A-Z-]+)$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE))
    assert {path.stem for path in DOCS.glob("*.md")} - {"index"} == listed - {"examples/README"}
