"""Compare two commits by ratio, in one run, in turn, on the same cores.

``python bench/regression.py main HEAD --groups promised``: each commit is checked out beside the sources, installed
into an environment of its own, and timed as if it were another contender. The cases and the worker are those of the
current sources for both. Exits with 1 if a case became slower by more than ``--allowed``.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from machine import ROOT, core_sets
from processes import Entrant
from run import run, select_workloads
from tables import show_seconds, table
from workloads import Workload

BASE, HEAD = "base", "head"


@contextlib.contextmanager
def checkout(commit: str, folder: Path) -> Iterator[Path]:
    """Have a commit's sources in a folder for the time of a block."""
    _git("worktree", "add", "--detach", str(folder), commit)
    try:
        yield folder
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def resolve(commit: str) -> str:
    """Give the commit a name stands for now: HEAD may move while the first one is built."""
    return _git("rev-parse", "--short", f"{commit}^{{commit}}")


def install(sources: Path, environment: Path) -> Path:
    """Build and install sources into a new environment; give its Python."""
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(sources)], check=True)
    return python


def entrant(label: str, commit: str, folder: Path) -> Entrant:
    """Build a commit and make it a contender."""
    with checkout(commit, folder / f"{label}-sources") as sources:
        python = install(sources, folder / f"{label}-environment")
    # A PYTHONPATH of the caller would put the same sources into both.
    return Entrant(label, "fastlstm", str(python), {"PYTHONPATH": ""})


def compare(results: dict[str, Any]) -> list[tuple[str, int, float, float, float]]:
    """Give name, threads, both medians and the ratio head / base of every case both were timed on, the worst first."""
    rows = []
    for part in results["runs"]:
        for entry in part["results"]:
            found = {record["label"]: record for record in entry["contenders"]}
            if all(found[label]["status"] == "timed" for label in (BASE, HEAD)):
                rows.append((entry["name"], part["threads"], *_compare(entry, found[BASE], found[HEAD])))
    return sorted(rows, key=lambda row: -row[4])


def _compare(entry: dict[str, Any], base: dict[str, Any], head: dict[str, Any]) -> tuple[float, float, float]:
    calls = Workload.from_json(entry["workload"]).calls
    # Turns next to each other see the same machine, so the ratio is taken turn by turn.
    ratio = statistics.median(h / b for b, h in zip(base["rounds"], head["rounds"], strict=True))
    return base["median"] / calls, head["median"] / calls, ratio


def unmatched(results: dict[str, Any]) -> list[str]:
    """Name what only one commit could do, and how the other failed."""
    return [
        f"{entry['name']}: {record['label']} {record['status']}: {record['why']}"
        for part in results["runs"]
        for entry in part["results"]
        for record in entry["contenders"]
        if record["status"] != "timed"
    ]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("head", help="the commit in question")
    parser.add_argument("--groups", default="promised,streaming,training,fitting", help="as in run.py")
    parser.add_argument("--select", default="", metavar="REGEX", help="as in run.py")
    parser.add_argument("--threads", default="1,all", help="as in run.py")
    parser.add_argument("--cores", default="", help="as in run.py")
    parser.add_argument("--rounds", type=int, default=9, help="turns of both (default: 9)")
    parser.add_argument("--seconds", type=float, default=0.2, help="length of a turn (default: 0.2)")
    parser.add_argument("--allowed", type=float, default=1.1, help="a ratio beyond this fails (default: 1.1)")
    parser.add_argument("--out", type=Path, default=Path("results/regression.json"))
    parser.add_argument("--small", action="store_true", help="tiny sizes: try the script, not the speed")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    base, head = resolve(arguments.base), resolve(arguments.head)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        entrants = [entrant(BASE, base, folder), entrant(HEAD, head, folder)]
        results = run(
            entrants,
            select_workloads(arguments.groups, arguments.select, arguments.small),
            core_sets(arguments.threads, arguments.cores),
            arguments.rounds,
            arguments.seconds,
            arguments.out,
        )
    rows = compare(results)
    header = ("case", "threads", base, head, f"{head} / {base}")
    shown = (
        (name, str(n), show_seconds(base), show_seconds(head), f"{ratio:.3f}") for name, n, base, head, ratio in rows
    )
    print(table(header, shown))
    print("\n".join(unmatched(results)))
    return int(not rows or rows[0][4] > arguments.allowed)


if __name__ == "__main__":
    sys.exit(main())
