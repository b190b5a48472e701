"""The package's clock, read from the sources beside this folder.

Not by ``import fastlstm``: a rival's process does without it, and a commit under comparison may have another clock.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastlstm.timing import Summary, sample, show_time, summarize
else:
    _spec = importlib.util.spec_from_file_location(
        "bench_clock", Path(__file__).parents[1] / "python" / "fastlstm" / "timing.py"
    )
    _clock = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_clock)
    Summary, sample, show_time, summarize = _clock.Summary, _clock.sample, _clock.show_time, _clock.summarize

__all__ = ["Summary", "sample", "show_time", "summarize"]
