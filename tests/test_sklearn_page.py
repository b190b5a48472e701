"""The programs of the page on scikit-learn run."""

import re
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

PAGE = (Path(__file__).parents[1] / "docs" / "scikit-learn.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_programs_run():
    programs = [text for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "fastlstm.aeon" not in text]
    assert len(programs) == 3
    names: dict = {}
    for text in programs:
        exec(text, names)
    assert names["search"].best_score_ > 0.5
