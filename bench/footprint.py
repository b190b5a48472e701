"""Beside speed: import time, cold first call, peak memory and size on disk, each in fresh processes.

``python bench/footprint.py --wheel dist/fastlstm-*.whl`` prints a table, and keeps it for ``report.py``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import contenders
from cases import Case
from machine import available_cores, facts, write
from processes import last_words, run_alone
from tables import show, show_bytes, show_seconds, table
from workloads import Workload, make_task

WORKLOAD = Workload("forward", Case("lstm", 100, 1, 128, 128))
MODULES = {"keras": "tensorflow, keras"}  # what a user of a contender imports, where it is not the contender's name
DISTRIBUTIONS = {"keras": ("keras", "tensorflow", "tensorflow-cpu", "tensorflow-intel")}

IMPORT = """
from time import perf_counter
start = perf_counter()
import {modules}
print(perf_counter() - start)
"""


def in_fresh_process(*arguments: str) -> str:
    """Give the last line a Python process on one core prints."""
    return run_alone(arguments, available_cores()[-1:])


def import_seconds(name: str, repetitions: int) -> float:
    """Median time of an import; the first, which fills the file cache, is left out."""
    code = IMPORT.format(modules=MODULES.get(name, name))
    return statistics.median([float(in_fresh_process("-c", code)) for _ in range(repetitions + 1)][1:])


def first_call(name: str, repetitions: int) -> dict[str, float]:
    """Medians of what a new process needs until it has its first result."""
    runs = [json.loads(in_fresh_process(__file__, "--inside", name)) for _ in range(repetitions)]
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def inside(name: str) -> dict[str, float]:
    """Make the layer and call it once, in this process."""
    import importlib
    from time import perf_counter

    contender = importlib.import_module(f"contenders.{name}")
    task = make_task(WORKLOAD)
    before = _peak()
    start = perf_counter()
    variant = next(iter(contender.prepare(task, 1).values()))
    ready = perf_counter()
    variant.run()
    called = perf_counter()
    variant.run()
    again = perf_counter()
    peak = _peak()
    return {
        "make": ready - start,
        "first": called - ready,
        "second": again - called,
        "imported": before,
        "peak": peak,
    }


def _peak() -> float:
    """Peak resident bytes so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else float("nan")


def installed_bytes(name: str) -> int | None:
    """Bytes of a contender's files and of what it requires, NumPy left out unless it is the contender."""
    seen: dict[str, int] = {} if name == "numpy" else {"numpy": 0}
    for distribution in DISTRIBUTIONS.get(name, (name,)):
        _add_distribution(distribution, seen)
    return sum(seen.values()) or _folder_bytes(name)


def _folder_bytes(name: str) -> int | None:
    """Bytes of a package that runs from its sources, without what it requires."""
    spec = importlib.util.find_spec(name)
    folders = spec.submodule_search_locations if spec else None
    files = (path for folder in folders or () for path in Path(folder).rglob("*") if "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files if path.is_file()) or None


def _add_distribution(name: str, seen: dict[str, int]) -> None:
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return  # an alternative, or something for another system
    files = (Path(str(file.locate())) for file in distribution.files or ())
    seen[key] = sum(path.stat().st_size for path in files if path.is_file())
    for requirement in distribution.requires or ():
        if "extra ==" not in requirement:
            _add_distribution(re.split(r"[^\w.-]", requirement)[0], seen)


def measure(names: list[str], repetitions: int) -> dict[str, dict[str, Any]]:
    """Give everything about every contender that is installed."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        try:
            seconds = import_seconds(name, repetitions)
            found[name] = {"import": seconds, "bytes": installed_bytes(name), **first_call(name, repetitions)}
        except subprocess.SubprocessError as error:
            print(f"{name} is left out: {last_words(error)}", file=sys.stderr)
    return found


def section(results: dict[str, Any]) -> str:
    """Lay out the part of the page."""
    header = (
        "package", "import", "import, with NumPy's as 1", "make the layer", "first call", "second call",
        "peak memory after import", "after the calls", "on disk, without NumPy",
    )  # fmt: skip
    found = results["found"]
    base = found.get("numpy", {}).get("import")
    rows = [
        (
            name,
            show_seconds(fields["import"]),
            show(fields["import"] / base if base else None, ".1f"),
            show_seconds(fields["make"]),
            show_seconds(fields["first"]),
            show_seconds(fields["second"]),
            show_bytes(fields["imported"]),
            show_bytes(fields["peak"]),
            show_bytes(fields["bytes"]),
        )
        for name, fields in found.items()
    ]
    text = (
        f"`{WORKLOAD.name}` on one core; medians over fresh processes. Memory is the peak of resident pages. On disk: "
        "everything an installation brings besides NumPy, unpacked."
    )
    wheel = results["wheel"]
    said = f" The wheel of fastlstm is {show_bytes(wheel['bytes'])} (`{wheel['name']}`)." if wheel else ""
    return f"## Import, first call, memory, size\n\n{text}{said}\n\n{table(header, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rivals", default=",".join(contenders.NAMES[2:]), help="comma-separated")
    parser.add_argument("--repetitions", type=int, default=3, help="processes of each kind (default: 3)")
    parser.add_argument("--wheel", type=Path, help="a built wheel of fastlstm")
    parser.add_argument("--out", type=Path, default=Path("results/footprint.json"))
    parser.add_argument("--small", action="store_true", help="one process of each kind: try the script")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        print(json.dumps(inside(arguments.inside)))
        return
    names = ["fastlstm", "numpy", *filter(None, arguments.rivals.split(","))]
    found = measure(names, 1 if arguments.small else arguments.repetitions)
    wheel = arguments.wheel and {"name": arguments.wheel.name, "bytes": arguments.wheel.stat().st_size}
    results = {"machine": facts(), "found": found, "wheel": wheel}
    write(results, arguments.out)
    print(section(results))


if __name__ == "__main__":
    main()
