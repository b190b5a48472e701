"""What callbacks share that watch one value of the logs."""

import math
import warnings

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from .base import Callback, Logs


class Monitor(Callback):
    """Watches one value of the logs."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        super().__init__()
        self.monitor = checks.text("monitor", monitor)
        self.mode = checks.one_of("mode", mode, ("auto", "min", "max"))
        self.min_delta = abs(checks.real_number("min_delta", min_delta))
        self.best: float | None = None
        self.wait = 0

    def improved(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than `best` by more than `min_delta`; NaN never is."""
        if math.isnan(value):
            return False
        if best is None:
            return True
        return value - self.min_delta > best if self._upwards() else value + self.min_delta < best

    def _upwards(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        direction = self.model.log_direction(self.monitor)
        if direction is not None:
            return bool(direction == "up")
        checks.complain(
            ValueError, f"{type(self).__name__}: mode", f"be 'min' or 'max' for monitor={self.monitor!r}", "'auto'"
        )

    def monitored(self, logs: Logs) -> float | None:
        """Return the value, or None and a warning."""
        value = logs.get(self.monitor)
        if value is None:
            available = ", ".join(logs)
            message = f"{type(self).__name__}: {self.monitor!r} is not among the logs; available: {available}"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
        return value
