"""The core's own tests under the thread and the address sanitizer, in their short form."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "sanitize.py"


def has_doctest() -> bool:
    """Say whether the compiler finds doctest."""
    if shutil.which("c++") is None:
        return False
    command = ["c++", "-E", "-x", "c++", "-include", "doctest/doctest.h", "/dev/null"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not has_doctest(), reason="the doctest header (Debian's doctest-dev) is not installed")
@pytest.mark.parametrize("sanitizers", [["thread", "address"]], ids="+".join)
def test_nothing_is_reported(sanitizers: list[str]) -> None:
    pytest.importorskip("cmeel")
    command = [sys.executable, TOOL, "--short", *sanitizers]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:]
