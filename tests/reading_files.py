"""Read the files of a folder, each with little memory, and print what came of it.

A line of JSON for each: its name and the outcome.

    python reading_files.py FOLDER FOLDER_OF_WHOLE_FILES

The memory that a file may take is three times its length and 64 MB, where there are limits. A file that takes longer
than `LONGEST` ends the process.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import fastlstm as fl
from fastlstm.keras import models

SPARE = 64 * 2**20
LONGEST = 20  # seconds, of a machine that may be busy


def address_space() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


READERS: dict[str, Callable[[Path], Any]] = {
    "": fl.load,
    **dict.fromkeys((".keras", ".h5"), models.load_model),
    ".onnx": lambda path: fl.onnx.load(path),
    **dict.fromkeys((".npz", ".safetensors", ".pt"), fl.read_weights),
}


def outcome(path: Path, spare: int = SPARE) -> dict[str, Any]:
    """Return the error that reading a file ends in, if any, and the seconds of the processor that it took."""
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    before = time.process_time()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + 3 * path.stat().st_size + spare, limits[1]))
    found: dict[str, Any] = {"error": None, "text": ""}
    try:
        READERS[path.suffix](path)
    except BaseException as error:
        found = {"error": type(error).__name__, "text": str(error)}
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        faulthandler.cancel_dump_traceback_later()
    return {**found, "seconds": time.process_time() - before}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with suppress(FileNotFoundError, ImportError):  # the package onnx takes memory of its own
        fl.onnx.load("none.onnx")
    paths = sorted(Path(sys.argv[1]).iterdir())
    for path in sorted(Path(sys.argv[2]).iterdir()):  # so that no file is the first, which imports the readers
        outcome(path, spare=2**30)
    for path in paths:
        print(json.dumps([path.name, outcome(path)]), flush=True)
