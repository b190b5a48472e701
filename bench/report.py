"""Results to a page: the cases lost first, then every case, with charts.

``python bench/report.py results.json --page docs/benchmarks.md``
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from timing import Summary
from workloads import Workload

from fastlstm.bench import Bounds, Work

OURS = "fastlstm"
PADDED = "fastlstm@padded"
PADDED_TARGET = 0.65  # time of a run with lengths over that of the padded run, lengths uniform from 1 to T
EXPLANATIONS = Path(__file__).with_name("explanations.json")
WORDS = ("case", "contender", "fastest", "package", "status", "value", "what", "why")  # columns of text
UNEXPLAINED = "**not explained yet**"


@dataclass(frozen=True)
class Line:
    """A workload with a number of threads, and what everybody made of it."""

    group: str
    workload: Workload
    threads: int
    found: dict[str, dict[str, Any]]  # by label, as `run.py` wrote them
    bounds: Bounds | None

    @property
    def name(self) -> str:
        """The workload's name."""
        return self.workload.name

    def seconds(self, label: str) -> float | None:
        """Median of a contender, a step for streams, if it was timed."""
        record = self.found.get(label, {})
        return float(record["median"]) / self.workload.calls if record.get("status") == "timed" else None

    def ratio(self, rival: str) -> float | None:
        """How many times as long a rival takes: the median over the rounds, in which both had turns."""
        ours: list[float] = self.found.get(OURS, {}).get("rounds", [])
        theirs: list[float] = self.found.get(rival, {}).get("rounds", [])
        if not ours or not theirs:
            return None
        return statistics.median(their / our for our, their in zip(ours, theirs, strict=True))

    @property
    def best_rival(self) -> str | None:
        """The fastest that is not fastlstm."""
        rivals = {label: self.ratio(label) for label in self.found if not label.startswith(OURS)}
        timed = {label: ratio for label, ratio in rivals.items() if ratio is not None}
        return min(timed, key=lambda label: timed[label]) if timed else None

    @property
    def best_ratio(self) -> float | None:
        """Time of the best rival over ours: below 1 the case is lost."""
        return None if self.best_rival is None else self.ratio(self.best_rival)

    @property
    def spread(self) -> float | None:
        """Distance of our quartiles, relative to our median."""
        record = self.found.get(OURS, {})
        if record.get("status") != "timed":
            return None
        return Summary(record["median"], record["lower"], record["upper"]).spread

    @property
    def work(self) -> Work:
        """What the workload needs done."""
        case = self.workload.case
        return Work(self.workload.mode, case.gates, case.T, case.I, case.H, self.workload.row_steps)

    @property
    def gflops(self) -> float | None:
        """Our rate, in GFLOP/s of the needed products."""
        seconds = self.seconds(OURS)
        return None if seconds is None else self.workload.flops / seconds / self.workload.calls / 1e9

    @property
    def fraction(self) -> float | None:
        """Our part of the bound."""
        seconds = self.seconds(OURS)
        if seconds is None or self.bounds is None:
            return None
        return bound(self.workload, self.work, self.bounds, self.threads) / (seconds * self.workload.calls)


def bound(workload: Workload, work: Work, bounds: Bounds, threads: int) -> float:
    """Least seconds; two directions are two layers over the same input."""
    if not workload.bidirectional:
        return bounds.seconds(work, threads)
    return 2 * bounds.seconds(work._replace(row_steps=work.row_steps // 2), threads)


def read_lines(results: dict[str, Any]) -> Iterator[Line]:
    """Go through everything that was run."""
    for part in results["runs"]:
        measured = part["bounds"].get(OURS)
        bounds = Bounds.from_json(measured) if measured else None
        for entry in part["results"]:
            found = {record["label"]: record for record in entry["contenders"]}
            yield Line(entry["group"], Workload.from_json(entry["workload"]), part["threads"], found, bounds)


# --- Words ------------------------------------------------------------------------------------------------------------


def show_time(seconds: float | None) -> str:
    """Give three digits and a unit."""
    if seconds is None:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def show(value: float | None, form: str) -> str:
    """Format a number that may be missing."""
    return "-" if value is None else format(value, form)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table: words left, numbers right."""
    rule = ["---" if name in WORDS else "---:" for name in header]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))


def explain(line: Line, explanations: Sequence[dict[str, str]]) -> str:
    """Look up why a case is lost: the first entry whose patterns all match."""
    subject = {"case": line.name, "rival": line.best_rival or "", "threads": str(line.threads)}
    for entry in explanations:
        if all(re.search(entry.get(name, ""), text) for name, text in subject.items()):
            return entry["why"]
    return UNEXPLAINED


# --- Parts of the page ------------------------------------------------------------------------------------------------


def lost(lines: Iterable[Line]) -> list[Line]:
    """Cases in which a rival is faster, the worst first."""
    behind = [(line.best_ratio, line) for line in lines if line.best_ratio is not None and line.best_ratio < 1]
    return [line for _, line in sorted(behind, key=lambda pair: pair[0])]


def lost_section(lines: Sequence[Line], explanations: Sequence[dict[str, str]]) -> str:
    """Say what we lose and why."""
    found = lost(lines)
    compared = sum(line.best_ratio is not None for line in lines)
    text = f"## Where fastlstm is not the fastest\n\n{len(found)} of {compared} cases compared."
    if not found:
        return text
    header = ("case", "threads", "fastlstm", "fastest", "its time", "its time / ours", "why")
    rows = (
        (
            f"`{line.name}`",
            str(line.threads),
            show_time(line.seconds(OURS)),
            line.best_rival or "",
            show_time(line.seconds(line.best_rival or "")),
            show(line.best_ratio, ".2f"),
            explain(line, explanations),
        )
        for line in found
    )
    return f"{text}\n\n{table(header, rows)}"


def lengths_section(lines: Sequence[Line]) -> str:
    """Say what is gained by not running the padding."""
    found = [(line, 1 / ratio) for line in lines if (ratio := line.ratio(PADDED)) is not None]
    if not found:
        return ""
    missed = sum(ratio > PADDED_TARGET for _, ratio in found)
    header = ("case", "threads", "with lengths", "padded", "steps there / all", "with lengths / padded")
    rows = (
        (
            f"`{line.name}`",
            str(line.threads),
            show_time(line.seconds(OURS)),
            show_time(line.seconds(PADDED)),
            show(line.workload.row_steps / (line.workload.case.T * line.workload.case.N), ".2f"),
            show(ratio, ".2f") + (" **over**" if ratio > PADDED_TARGET else ""),
        )
        for line, ratio in found
    )
    text = f"{missed} of {len(found)} cases are over the target of {PADDED_TARGET} of the padded run."
    return f"## Rows of different lengths\n\n{text}\n\n{table(header, rows)}"


def untimed_section(lines: Sequence[Line]) -> str:
    """Say who was not timed though it should have been: wrong results, failures, deaths."""
    rows = [
        (f"`{line.name}`", str(line.threads), label, record["status"], _one_line(record["why"]))
        for line in lines
        for label, record in line.found.items()
        if record["status"] not in ("timed", "unsupported")
    ]
    if not rows:
        return ""
    return "## Not timed\n\n" + table(("case", "threads", "contender", "status", "why"), rows)


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:300]


def case_sections(lines: Sequence[Line]) -> Iterator[str]:
    """Give a table for every group and number of threads."""
    for group, threads in dict.fromkeys((line.group, line.threads) for line in lines):
        chosen = [line for line in lines if (line.group, line.threads) == (group, threads)]
        yield f"### {group}, {threads} thread{'s' if threads > 1 else ''}\n\n{case_table(chosen)}"


def case_table(lines: Sequence[Line]) -> str:
    """Give a row for every case: our figures, then everybody's time."""
    statuses: dict[str, set[str]] = {}
    for line in lines:
        for label, record in line.found.items():
            statuses.setdefault(label, set()).add(record["status"])
    labels = [label for label in statuses if label != OURS and statuses[label] != {"unsupported"}]
    header = ("case", "fastlstm", "spread", "GFLOP/s", "of bound", "best rival / ours", *labels)
    rows = (
        (
            f"`{line.name}`",
            show_time(line.seconds(OURS)),
            show(line.spread, ".0%"),
            show(line.gflops, ".1f"),
            show(line.fraction, ".0%"),
            show(line.best_ratio, ".2f"),
            *(show_time(line.seconds(label)) for label in labels),
        )
        for line in lines
    )
    return table(header, rows)


def machine_section(results: dict[str, Any]) -> str:
    """Say on what, with what and how this was measured."""
    facts = {name: _words(value) for name, value in results["machine"].items()}
    versions = results["runs"][0]["versions"]
    facts |= {label: _words(found) for label, found in versions.items()}
    for part in results["runs"]:
        for label, measured in part["bounds"].items():
            if measured:
                facts[f"bound of a core, {label}, {part['threads']} threads run"] = _bound_words(measured)
    facts["command"] = f"`{results['command']}`"
    return "## Machine and versions\n\n" + table(("what", "value"), facts.items())


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_size(part) if isinstance(part, int) else part}" for name, part in value.items())
    return ", ".join(value) if isinstance(value, list) else _number(value)


def _number(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _size(count: int) -> str:
    return f"{count / 2**20:g} MiB" if count >= 2**20 else f"{count / 2**10:g} KiB"


def _bound_words(measured: dict[str, Any]) -> str:
    bounds = Bounds.from_json(measured)
    rates = ", ".join(f"{_size(block)} {rate / 1e9:.0f}" for block, rate in bounds.bandwidth.items())
    return f"{bounds.multiply_add / 1e9:.0f} GFLOP/s; reads GB/s from {rates}"


INTRODUCTION = """# Benchmarks

Made by `bench/report.py`; do not edit. What the columns mean and the rules the figures keep are in
[bench/README.md](../bench/README.md). In short: medians over turns taken one after the other on the same cores, each
contender in the fastest mode that is right; nothing is timed before its results agree with the float64 reference."""


def page(results: dict[str, Any], explanations: Sequence[dict[str, str]], pictures: Sequence[str] = ()) -> str:
    """Put the page together, the lost cases first."""
    lines = list(read_lines(results))
    parts = [
        INTRODUCTION,
        lost_section(lines, explanations),
        lengths_section(lines),
        untimed_section(lines),
        "\n\n".join(f"![{Path(picture).stem.replace('_', ' ')}]({picture})" for picture in pictures),
        "## All cases",
        *case_sections(lines),
        machine_section(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="what run.py wrote")
    parser.add_argument("--page", type=Path, help="where to write the page (default: print it, without charts)")
    arguments = parser.parse_args(argv)
    results = json.loads(arguments.results.read_text())
    explanations = json.loads(EXPLANATIONS.read_text())
    if arguments.page is None:
        print(page(results, explanations))
        return
    from charts import draw  # matplotlib is needed for nothing else

    folder = arguments.page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{folder.name}/{path.name}" for path in draw(list(read_lines(results)), results["machine"], folder)]
    arguments.page.write_text(page(results, explanations, names))


if __name__ == "__main__":
    main()
