"""The progress bar, in the form Keras users know."""

import math
import time
from typing import Any

import numpy as np

from ..foundation.messages import redraws, tell
from ..foundation.settings import is_interactive_logging_enabled

REFRESH = 0.05
"""Seconds between two drawings."""

WIDTH = 20


class ProgressBar:
    """One line that tells the step, the time and the values of the logs.

    On a terminal and in a notebook the line is drawn anew as steps pass, with the time that is left; elsewhere, as in
    log files, it is written once, without colours.

    Parameters
    ----------
    target : int, optional
        Number of steps; None: not known yet.
    verbose : int
        1: a bar, 2: one line at the end.
    """

    def __init__(self, target: int | None, verbose: int) -> None:
        self.target, self.verbose = target, verbose
        self.live = verbose == 1 and is_interactive_logging_enabled() and redraws()
        self._start = self._drawn = time.perf_counter()
        self._first_step: float | None = None
        self._width = 0

    def due(self, step: int) -> bool:
        """Whether it is time to draw; also notes when the first step, which is never typical, was done."""
        now = time.perf_counter()
        if step == 1:
            self._first_step = now
        return self.live and now - self._drawn >= REFRESH

    def draw(self, step: int, logs: dict[str, Any]) -> None:
        """Draw the line in place of the one before."""
        self._drawn = time.perf_counter()
        self._write(self._line(step, logs, done=False), end="")

    def finish(self, step: int, logs: dict[str, Any]) -> None:
        """Write the line for good."""
        self.target = step if self.target is None else self.target
        self._write(self._line(step, logs, done=True), end="\n")

    def _write(self, line: str, end: str) -> None:
        visible = len(line) - 4 * line.count("\x1b[1m") - 4 * line.count("\x1b[0m") - 5 * line.count("\x1b[3")
        padding = " " * max(0, self._width - visible)
        tell(("\r" if self.live else "") + line + padding, end)
        self._width = visible

    def _line(self, step: int, logs: dict[str, Any], done: bool) -> str:
        passed = time.perf_counter() - self._start
        each = self._step_time(step)
        values = "".join(f" - {name}: {value_text(value)}" for name, value in logs.items())
        if self.verbose == 2:
            return f"{self._count(step)} - {passed:.0f}s - {step_text(each)}{values}"
        left = passed if done or self.target is None else each * (self.target - step)
        clock = f"{passed:.0f}s" if done or self.target is None else clock_text(left)
        return f"{self._bar(step)} {self._style(clock, 1)} {step_text(each)}{values}"

    def _count(self, step: int) -> str:
        return f"{step:{len(str(self.target))}d}/{self.target}"

    def _bar(self, step: int) -> str:
        if self.target is None:
            return f"{step:7d}/Unknown"
        done = WIDTH * step // max(1, self.target)
        filled, empty = self._style("━" * done, 32), self._style("━" * (WIDTH - done), 37)
        return f"{self._style(self._count(step), 1)} {filled}{empty}"

    def _style(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.live and text else text

    def _step_time(self, step: int) -> float:
        if step == 0:
            return 0.0
        if self._first_step is not None and step > 1:
            return (time.perf_counter() - self._first_step) / (step - 1)
        return (time.perf_counter() - self._start) / step


def value_text(value: Any) -> str:
    """Four decimals, or an exponent for small values; of an array the mean."""
    value = float(np.mean(value))
    return f"{value:.4f}" if abs(value) > 1e-3 or math.isnan(value) else f"{value:.4e}"


def step_text(seconds: float) -> str:
    """Time of one step."""
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/step"
    return f"{seconds * 1e3:.0f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"


def clock_text(seconds: float) -> str:
    """Time left."""
    seconds = int(seconds)
    if seconds > 3600:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds > 60 else f"{seconds}s"
