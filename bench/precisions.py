"""The reduced precisions of a run of ``run.py --precisions all``, a part of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from contenders import PRECISIONS, in_precision
from results import NUMPY, OURS, Line, precision_of, read_lines
from tables import show, show_seconds, table

TEXT = """## Reduced precision

Times of one call, or of one step, in turn in one run; the best peer is the fastest library that computes in that
precision. The ratio of bfloat16 is to the best peer in bfloat16, that of int8 to the best in any precision: above 1
fastlstm is faster. Only what is as exact as its precision allows is timed, and nothing that falls back to float32. How
fastlstm makes products here:"""
ERRORS = "Largest errors, relative to the largest magnitude and at least to 1:"


def section(results: dict[str, Any]) -> str:
    """Say how fast each precision is, and how far from float64."""
    lines = list(read_lines(results))
    versions = results["runs"][0]["versions"].get(OURS, {})
    how = [f"- {name}: {words}" for name, words in versions.items() if name.startswith("products")]
    return "\n\n".join((TEXT, "\n".join(how), _times(lines), ERRORS, _errors(lines)))


def _times(lines: Sequence[Line]) -> str:
    header = ["case", "threads"]
    header += [in_precision(OURS, precision) for precision in PRECISIONS]
    header += [f"best peer, {precision}" for precision in PRECISIONS]
    return table([*header, "bfloat16: peer / ours", "int8: peer / ours"], map(_row, lines))


def _row(line: Line) -> list[str]:
    ours = [show_seconds(line.seconds(in_precision(OURS, precision))) for precision in PRECISIONS]
    peers = [_best(line, OURS, precision) for precision in PRECISIONS]
    times = [f"{show_seconds(line.seconds(label))} {label.partition(' ')[0]}" if label else "-" for label in peers]
    return [f"`{line.name}`", str(line.threads), *ours, *times, *_ratios(line)]


def _ratios(line: Line) -> Iterator[str]:
    for precision, of_peers in (("bfloat16", ["bfloat16"]), ("int8", PRECISIONS)):
        ours = in_precision(OURS, precision)
        rival = _best(line, ours, *of_peers)
        yield show(line.ratio(rival, ours) if rival else None, ".2f")


def _best(line: Line, ours: str, *precisions: str) -> str | None:
    """Return the label of the fastest peer in these precisions."""
    ratios = {label: ratio for label, ratio in line.ratios_to(ours, *precisions).items() if label != NUMPY}
    return min(ratios, key=ratios.__getitem__, default=None)


def _errors(lines: Sequence[Line]) -> str:
    labels = dict.fromkeys(label for line in lines for label in line.found if precision_of(label) != "float32")
    rows = (
        [f"`{line.name}`", *(show(line.found.get(label, {}).get("error"), ".1e") for label in labels)] for line in lines
    )
    return table(["case", *labels], rows)
