"""Read the files of a folder, each with little memory, and print what came of it: JSON by the name of the file.

    python reading_files.py FOLDER

The memory that a file may take is three times its length and 64 MB, where there are limits.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import fastlstm as fl

SPARE = 64 * 2**20


def address_space() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def reader_of(path: Path) -> Callable[[Path], Any]:
    return fl.onnx.load if path.suffix == ".onnx" else fl.read_weights if path.suffix else fl.load


def outcome(path: Path) -> dict[str, Any]:
    """Return the error that reading a file ends in, if any, and the seconds of the processor that it took."""
    before = time.process_time()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + 3 * path.stat().st_size + SPARE, limits[1]))
    found: dict[str, Any] = {"error": None, "text": ""}
    try:
        reader_of(path)(path)
    except BaseException as error:
        found = {"error": type(error).__name__, "text": str(error)}
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    return {**found, "seconds": time.process_time() - before}


if __name__ == "__main__":
    for ending in (".npz", ".safetensors", ".pt", ".onnx"):  # so that no file is the first, which imports the readers
        with suppress(FileNotFoundError, ImportError):
            reader_of(Path(f"none{ending}"))(Path(f"none{ending}"))
    paths = sorted(Path(sys.argv[1]).iterdir())
    print(json.dumps({path.name: outcome(path) for path in paths}))
