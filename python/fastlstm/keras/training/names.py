"""Names under which losses and metrics are logged, those that Keras gives them."""

from collections.abc import Sequence

from fastlstm import checks

from ..metrics import Metric

Measures = list[list[Metric]]
"""The metrics of each output."""


class Numbered:
    """Names that are taken: who comes later with the same one gets a number."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._counts

    def take(self, name: str) -> str:
        """Return the name, with a number if it is taken."""
        count = self._counts.get(name, 0)
        self._counts[name] = count + 1
        return f"{name}_{count}" if count else name


def names_of_losses(names: Sequence[str | None]) -> dict[str, int]:
    """Names of the losses that are logged beside their sum, with the numbers of their outputs.

    Parameters
    ----------
    names : sequence of str
        What the loss of each output is called, None for one without. If there is only one loss it is not logged twice.
    """
    wanted = {k: name for k, name in enumerate(names) if name is not None}
    taken = Numbered()
    # Of two outputs of one layer, which have one name, the second is numbered; in Keras it hides the first.
    return {taken.take(f"{name}_loss"): k for k, name in wanted.items()} if len(wanted) > 1 else {}


def names_of_metrics(prefixes: Sequence[str], plain: Measures, weighted: Measures) -> list[str]:
    """Names of all metrics, the plain ones and then the weighted ones, output by output.

    Parameters
    ----------
    prefixes : sequence of str
        What stands before the metrics of each output.
    plain, weighted : Measures
        The metrics.
    """
    taken = Numbered()
    names = [
        taken.take(f"{prefix}{metric.name}")
        for prefix, measures in zip(prefixes, plain, strict=True)
        for metric in measures
    ]
    for prefix, measures in zip(prefixes, weighted, strict=True):
        for metric in measures:
            known = f"{prefix}{metric.name}" in taken
            names.append(taken.take(f"{prefix}{'weighted_' if known else ''}{metric.name}"))
    return names


def listed(losses: Sequence[str], names: Sequence[str], metrics: Sequence[Metric]) -> list[str]:
    """Return all names in the order in which `evaluate` lists the values.

    Keras looks for the metrics by their own names first, and lists the rest sorted. So those of a single output come as
    they are given, and those of several, whose names in the logs have the output before them, sorted.
    """
    own = [name for name in dict.fromkeys(metric.name for metric in metrics) if name in names]
    return ["loss", *own, *losses, *sorted(name for name in names if name not in own)]


def check_distinct(names: Sequence[str]) -> None:
    """Raise if a name stands for two values."""
    for name in names:
        if names.count(name) > 1:
            got, cure = f"{name!r}, which stands for something else already", "; give name= another"
            checks.complain(ValueError, "metrics", "have new names", got, cure)
