"""Results to a page: the cases lost first, then what it comes to, then every case, with charts.

``python bench/report.py results --page docs/benchmarks.md`` reads what the other scripts wrote into the folder
``results``; what is not there is left out. A file of ``run.py`` alone will do too.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fit
import footprint
import precisions
import sweep
import threads
from results import NUMPY, OURS, PADDED, Line, read_lines
from tables import show, show_picture, show_seconds, show_threads, table

from fastlstm.bench import Bounds

PADDED_TARGET = 0.65  # time of a run with lengths over that of the padded run, lengths uniform from 1 to T
NOISE = 0.1  # by so much a case may be faster than the bound that was measured beside it
EXPLANATIONS = Path(__file__).with_name("explanations.json")
UNEXPLAINED = "**not explained yet**"
PARTS = ("cases", "instruction_sets", "precisions", "fit", "footprint", "threads", "sweeps")  # files of the folder

Results = dict[str, Any]  # what one of them holds


# --- In short ---------------------------------------------------------------------------------------------------------


def overview_section(lines: Sequence[Line]) -> str:
    """Say what it comes to, by what is done and by rival."""
    compared = [line for line in lines if line.best_ratio is not None]
    if not compared:
        return ""
    by_numpy = sum(line.best_rival == NUMPY for line in compared)
    against_peers = [line.peer_ratio for line in compared if line.peer_ratio is not None]
    text = (
        "Time of a rival over that of fastlstm: above 1 fastlstm is faster. The best rival is whoever is fastest of "
        "all others in a case, NumPy included, which is the floor and no peer: it is the best in "
        f"{by_numpy} of {len(compared)} cases. Against the peers alone fastlstm is the fastest in "
        f"{sum(ratio >= 1 for ratio in against_peers)} of {len(against_peers)}."
    )
    parts = ("## In short", text, _doubt(lines), _by_kind(compared), _by_rival(compared))
    return "\n\n".join(part for part in parts if part)


def _doubt(lines: Sequence[Line]) -> str:
    """Say that bounds are wrong where cases are faster than they allow."""
    beyond = [line for line in lines if line.fraction is not None and line.fraction > 1 + NOISE]
    if not beyond:
        return ""
    return (
        f"**{len(beyond)} cases took less time than the bound allows.** So the bound is wrong, or the machine was "
        "slower when it was measured than in these cases: do not trust what is said of it."
    )


def _by_kind(lines: Sequence[Line]) -> str:
    header = (
        "what", "threads", "cases", "faster in", "best rival / ours: lowest", "middle", "highest", "of bound, middle",
    )  # fmt: skip
    rows = []
    for name, count in dict.fromkeys((line.kind, line.threads) for line in lines):
        chosen = [line for line in lines if (line.kind, line.threads) == (name, count)]
        fractions = [line.fraction for line in chosen if line.fraction is not None]
        middle = show(statistics.median(fractions) if fractions else None, ".0%")
        rows.append((name, str(count), *_ratio_cells([line.best_ratio or 0.0 for line in chosen]), middle))
    return table(header, rows)


def _by_rival(lines: Sequence[Line]) -> str:
    header = ("rival", "threads", "cases", "faster in", "rival / ours: lowest", "middle", "highest")
    keys = dict.fromkeys((label, line.threads) for line in lines for label in line.ratios)
    rows = []
    for label, count in keys:
        ratios = [line.ratios[label] for line in lines if line.threads == count and label in line.ratios]
        rows.append((label, str(count), *_ratio_cells(ratios)))
    return table(header, rows)


def _ratio_cells(ratios: Sequence[float]) -> tuple[str, ...]:
    figures = (min(ratios), statistics.median(ratios), max(ratios))
    return str(len(ratios)), str(sum(ratio >= 1 for ratio in ratios)), *(show(figure, ".2f") for figure in figures)


# --- Parts of the page ------------------------------------------------------------------------------------------------


def explain(line: Line, explanations: Sequence[dict[str, str]]) -> str:
    """Look up why a case is lost: the first entry whose patterns all match."""
    subject = {"case": line.name, "rival": line.best_rival or "", "threads": str(line.threads)}
    for entry in explanations:
        if all(re.search(entry.get(name, ""), text) for name, text in subject.items()):
            return entry["why"]
    return UNEXPLAINED


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
            show_seconds(line.seconds(OURS)),
            line.best_rival or "",
            show_seconds(line.seconds(line.best_rival or "")),
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
            show_seconds(line.seconds(OURS)),
            show_seconds(line.seconds(PADDED)),
            show(line.workload.row_steps / (line.workload.case.T * line.workload.case.N), ".2f"),
            show(ratio, ".2f") + (" **over**" if ratio > PADDED_TARGET else ""),
        )
        for line, ratio in found
    )
    text = f"{missed} of {len(found)} cases are over the target of {PADDED_TARGET} of the padded run."
    return f"## Rows of different lengths\n\n{text}\n\n{table(header, rows)}"


def instruction_sets_section(lines: Sequence[Line]) -> str:
    """Say what is left on processors that have less."""
    others = list(dict.fromkeys(label for line in lines for label in line.found if _is_instruction_set(label)))
    if not others:
        return ""
    text = "Time of the others over that of the best instruction set this machine has, in turn in one run."
    header = ("case", "threads", "best", *(label.partition("@")[2] for label in others))
    rows = (
        (
            f"`{line.name}`",
            str(line.threads),
            show_seconds(line.seconds(OURS)),
            *(show(line.ratio(label), ".2f") for label in others),
        )
        for line in lines
        if line.seconds(OURS) is not None
    )
    return f"## Every instruction set\n\n{text}\n\n{table(header, rows)}"


def _is_instruction_set(label: str) -> bool:
    return label.startswith(f"{OURS}@") and label != PADDED


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
    for group, count in dict.fromkeys((line.group, line.threads) for line in lines):
        chosen = [line for line in lines if (line.group, line.threads) == (group, count)]
        yield f"### {group}, {show_threads(count)}\n\n{case_table(chosen)}"


def case_table(lines: Sequence[Line]) -> str:
    """Give a row for every case: our figures, then everybody's time."""
    statuses: dict[str, set[str]] = {}
    for line in lines:
        for label, record in line.found.items():
            statuses.setdefault(label, set()).add(record["status"])
    labels = [label for label in statuses if label != OURS and statuses[label] != {"unsupported"}]
    header = ("case", "fastlstm", "spread", "GFLOP/s", "of bound", "best rival / ours", "best rival", *labels)
    rows = (
        (
            f"`{line.name}`",
            show_seconds(line.seconds(OURS)),
            show(line.spread, ".0%"),
            show(line.gflops(OURS), ".1f"),
            show(line.fraction, ".0%"),
            show(line.best_ratio, ".2f"),
            line.best_rival or "-",
            *(show_seconds(line.seconds(label)) for label in labels),
        )
        for line in lines
    )
    return table(header, rows)


def machine_section(results: Results) -> str:
    """Say on what, with what and how this was measured."""
    facts = {name: _words(value) for name, value in results["machine"].items()}
    first, *rest = results["runs"]
    facts |= {label: _words(found) for label, found in first["versions"].items()}
    for part in rest:
        name = show_threads(part["threads"])
        facts |= {f"{label}, {name}": found.get("threads of pools", "-") for label, found in part["versions"].items()}
    for part in results["runs"]:
        for label, measured in part["bounds"].items():
            if measured and label != PADDED:
                facts[f"bound of a core, {label}, run with {show_threads(part['threads'])}"] = _bound_words(measured)
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

Every figure is of float32, of every library, unless it says bfloat16 or int8.

Made by `bench/whole.py`; do not edit. What the columns mean and the rules the figures keep are in
[bench/README.md](../bench/README.md). In short: medians over turns taken one after the other on the same cores, each
contender in the fastest mode that is right; nothing is timed before its results agree with the float64 reference."""

ALL_CASES = """## All cases

Times of `step` are a step's, of all others a call's; `-` is what a contender cannot do. `train` is forward and backward
of one layer from weights as they are to their gradients, each library in its own layout: fastlstm's core writes
`weight_ih (G*H, I)` and `weight_hh (G*H, H)` in C order, as PyTorch does; Keras and JAX give the transposes. `fit_step`
is a step of training as a user runs it, with a softmax, the loss and Adam: fastlstm through `fastlstm.keras`, whose
weights are Keras' transposes. Its GFLOP/s and its bound count the recurrent layer alone."""


def page(found: dict[str, Results], explanations: Sequence[dict[str, str]], pictures: Sequence[str] = ()) -> str:
    """Put the page together, the lost cases first."""
    cases = found["cases"]
    lines = list(read_lines(cases))
    others = list(read_lines(found["instruction_sets"])) if "instruction_sets" in found else lines
    reduced = list(read_lines(found["precisions"])) if "precisions" in found else []
    sweeps = [picture for picture in pictures if "sweep" in picture]
    parts = [
        INTRODUCTION,
        lost_section(lines, explanations),
        overview_section(lines),
        *(show_picture(picture) for picture in pictures if picture not in sweeps),
        precisions.section(found["precisions"]) if "precisions" in found else "",
        fit.section(found["fit"]) if "fit" in found else "",
        footprint.section(found["footprint"]) if "footprint" in found else "",
        lengths_section(lines),
        instruction_sets_section(others),
        threads.section(found["threads"]) if "threads" in found else "",
        sweep.section(found["sweeps"], sweeps) if "sweeps" in found else "",
        untimed_section([*lines, *reduced]),
        ALL_CASES,
        *case_sections([*lines, *reduced]),
        machine_section(cases),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def read(path: Path) -> dict[str, Results]:
    """Read a folder of results, or what `run.py` wrote alone."""
    files = {"cases": path} if path.is_file() else {name: path / f"{name}.json" for name in PARTS}
    found = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    if "cases" not in found:
        raise SystemExit(f"{path} must hold cases.json, which run.py writes; it holds {', '.join(found) or 'nothing'}")
    return found


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a folder of results, or the file run.py wrote")
    parser.add_argument("--page", type=Path, help="where to write the page (default: print it, without charts)")
    arguments = parser.parse_args(argv)
    found = read(arguments.results)
    explanations = json.loads(EXPLANATIONS.read_text())
    if arguments.page is None:
        print(page(found, explanations))
        return
    from charts import draw  # matplotlib is needed for nothing else

    folder = arguments.page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = draw(list(read_lines(found["cases"])), found["cases"]["machine"], folder)
    drawn += sorted(arguments.page.parent.glob("pictures/sweep_*.png"))
    pictures = [path.relative_to(arguments.page.parent).as_posix() for path in drawn]
    arguments.page.write_text(page(found, explanations, pictures))


if __name__ == "__main__":
    main()
