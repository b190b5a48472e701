"""Loss and metrics over the batches of an epoch."""

from .arrays import Array
from .losses import apply_mask
from .metrics import Metric
from .network import Outcome

Logs = dict[str, float]


class Meters:
    """Loss and metrics of the batches since the last reset."""

    def __init__(self, plain: list[Metric], weighted: list[Metric]) -> None:
        self.plain, self.weighted = plain, weighted
        self.names = _log_names(plain, weighted)
        self.total, self.rows = 0.0, 0

    def reset(self) -> None:
        """Forget the batches."""
        self.total, self.rows = 0.0, 0
        for metric in (*self.plain, *self.weighted):
            metric.reset_state()

    def update(self, outcome: Outcome, y: Array, weights: Array | None) -> None:
        """Take in one batch."""
        output, mask = outcome.output, outcome.mask
        rows = len(output)
        self.total += outcome.loss * rows
        self.rows += rows
        plain = apply_mask(None, mask, output.dtype, mean=False)
        for metric in self.plain:
            metric.update_state(y, output, plain)
        weighted = apply_mask(weights, mask, output.dtype, mean=False) if self.weighted else None
        for metric in self.weighted:
            metric.update_state(y, output, weighted)

    def values(self) -> Logs:
        """Loss first, then the metrics as they were given."""
        results = (metric.result() for metric in (*self.plain, *self.weighted))
        return {"loss": self.total / self.rows if self.rows else 0.0} | dict(zip(self.names, results, strict=True))

    def logs(self) -> Logs:
        """Return the values in the order of the history: by name."""
        return dict(sorted(self.values().items()))


def _log_names(plain: list[Metric], weighted: list[Metric]) -> list[str]:
    names: list[str] = []
    for metric in plain:
        repeats = sum(other.name == metric.name for other in plain[: len(names)])
        names.append(f"{metric.name}_{repeats}" if repeats else metric.name)
    for metric in weighted:
        names.append(f"weighted_{metric.name}" if metric.name in names else metric.name)
    return names
