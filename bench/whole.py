"""Everything, from the first measurement to the page: the scripts of this folder one after the other.

``python bench/whole.py --page docs/benchmarks.md``. A step whose results are there already is not run again, so an
interrupted run goes on where it was; ``--again`` forgets them. `STEPS` says what is run and how long it takes.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from machine import available_cores

HERE = Path(__file__).parent


class Step(NamedTuple):
    """A script with its options, and the file it leaves in the folder of results."""

    file: str
    command: str
    small: str  # what makes it quick, to try it


QUICK = "--small --rounds 1 --seconds 0"
STEPS = (
    Step("cases.json", "run.py", QUICK),
    Step("instruction_sets.json", "run.py --groups promised --rivals none --isa all --threads 1", QUICK),
    Step("precisions.json", "run.py --groups precisions --precisions all --threads 1", QUICK),
    Step("fit.json", "fit.py", "--small --rounds 1 --threads 1"),
    Step("footprint.json", "footprint.py", "--small"),
    Step("threads.json", "threads.py", QUICK),
    Step("sweeps.json", "sweep.py", QUICK),
)


def commands(
    results: Path, page: Path, small: bool, cores: int, wheel: Path | None = None
) -> list[tuple[Path, list[str]]]:
    """Give what each step leaves and its command line; threads are compared where there are two cores."""
    further = {
        "footprint.json": ["--wheel", str(wheel)] if wheel else [],
        "sweeps.json": ["--pictures", str(page.parent / "pictures")],
    }
    found = []
    for step in STEPS:
        if step.file == "threads.json" and cores < 2:
            continue
        script, *options = shlex.split(step.command)
        options += shlex.split(step.small) if small else []
        left = results / step.file
        found.append((left, [str(HERE / script), *options, *further.get(step.file, []), "--out", str(left)]))
    return found


def run_step(left: Path, command: list[str], again: bool) -> None:
    """Run a step unless what it leaves is there."""
    if left.exists() and not again:
        print(f"{left} is there", flush=True)
        return
    start = perf_counter()
    subprocess.run([sys.executable, *command], check=True)
    print(f"{left}: {perf_counter() - start:.0f} s", flush=True)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder (default: results)")
    parser.add_argument("--page", type=Path, help="where the page goes (default: benchmarks.md among the results)")
    parser.add_argument("--wheel", type=Path, help="a built wheel of fastlstm, for its size")
    parser.add_argument("--again", action="store_true", help="run steps whose results are there too")
    parser.add_argument("--small", action="store_true", help="tiny sizes: try the suite, not the speed")
    arguments = parser.parse_args(argv)
    arguments.results.mkdir(parents=True, exist_ok=True)
    page = arguments.page or arguments.results / "benchmarks.md"
    for left, command in commands(arguments.results, page, arguments.small, len(available_cores()), arguments.wheel):
        run_step(left, command, arguments.again)
    subprocess.run([sys.executable, str(HERE / "report.py"), str(arguments.results), "--page", str(page)], check=True)
    print(page)


if __name__ == "__main__":
    main()
