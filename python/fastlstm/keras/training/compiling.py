"""How a model is to be trained, as `compile` was told, and what that means for each of its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastlstm import checks

from .. import losses, metrics, optimizers
from ..losses import Loss
from .outputs import Tree, entries_of, mapped_entries, settings_of


class Compiled:
    """The settings of `compile`, checked as far as they can be before the outputs are known.

    Parameters
    ----------
    optimizer, loss, loss_weights, metrics, weighted_metrics : str or Optimizer; nested structure
        See `Trainer.compile`.
    """

    def __init__(self, optimizer: Any, loss: Tree, loss_weights: Tree, metrics: Tree, weighted_metrics: Tree) -> None:
        self.optimizer = optimizers.get(optimizer)
        self.given_loss = loss
        self.loss = mapped_entries(_loss, loss)
        self.scales = mapped_entries(_scale, loss_weights)
        self.metrics = _metric_tree("metrics", metrics)
        self.weighted = _metric_tree("weighted_metrics", weighted_metrics)
        self.has_loss = any(isinstance(entry, Loss) for entry in entries_of(self.loss))
        """Whether any output has a loss."""
        self.own_step: str | None = None
        """A method of the model that would be a training of its own."""

    def check(self, outputs: Sequence[str]) -> None:
        """Raise if anything does not go with outputs of these names."""
        self.losses_for(outputs), self.scales_for(outputs), self.metrics_for(outputs)

    def losses_for(self, outputs: Sequence[str]) -> list[Loss | None]:
        """Return the loss of each output, None for one without."""
        found: list[Loss | None] = settings_of("loss", self.loss, outputs, every=True)
        return found

    def loss_names_for(self, outputs: Sequence[str]) -> list[str]:
        """Return what the loss of each output is called: as it was given, or its own name."""
        names = mapped_entries(_loss_name, self.given_loss)
        return [name or "" for name in settings_of("loss", names, outputs)]

    def scales_for(self, outputs: Sequence[str]) -> list[float]:
        """Return what the loss of each output is multiplied with."""
        if self.scales is not None and len(outputs) > 1 and not isinstance(self.scales, list | dict):
            wanted = f"a list of {len(outputs)} numbers, or a dict of them by output"
            checks.refuse(ValueError, "loss_weights", wanted, self.scales)
        found = settings_of("loss_weights", self.scales, outputs)
        return [1.0 if scale is None else scale for scale in found]

    def metrics_for(self, outputs: Sequence[str]) -> tuple[list[list[Any]], list[list[Any]]]:
        """Return the metrics of each output, as they were given, and those that sample weights count for."""
        plain, weighted = self.metrics, self.weighted
        return _metrics_of("metrics", plain, outputs), _metrics_of("weighted_metrics", weighted, outputs)


def _only(entry: Any) -> Any:
    """Return what a list of one holds."""
    return entry[0] if isinstance(entry, list | tuple) and len(entry) == 1 else entry


def _loss(entry: Any) -> Loss | None:
    entry = _only(entry)
    return None if entry is None else losses.get(entry)


def _loss_name(entry: Any) -> str | None:
    entry = _only(entry)
    return entry if entry is None or isinstance(entry, str) else losses.get(entry).name


def _scale(entry: Any) -> float | None:
    return None if entry is None else checks.real_number("loss_weights", entry)


def _metric_tree(argument: str, tree: Tree) -> Tree:
    """Check the metrics by themselves: what they are called, not where they belong."""
    if tree is None:
        return []
    if not isinstance(tree, list | tuple | dict):
        checks.refuse(
            ValueError, argument, "a list or a dict by output", tree, f"; for instance [{checks.shown(tree)}]"
        )
    for entry in entries_of(tree):
        for metric in _list_of(entry):
            if not is_accuracy(metric):
                metrics.get(metric, argument)
    return tree if isinstance(tree, dict) else list(tree)


def _list_of(entry: Any) -> list[Any]:
    """Return the metrics of an output: a list of them, or one, or None."""
    if isinstance(entry, list | tuple):
        return list(entry)
    return [] if entry is None else [entry]


def is_accuracy(metric: Any) -> bool:
    """Whether a metric is the accuracy that fits labels and output."""
    return isinstance(metric, str) and metric.lower() in ("accuracy", "acc")


def _metrics_of(argument: str, tree: Tree, outputs: Sequence[str]) -> list[list[Any]]:
    if len(outputs) == 1:  # names and nesting say nothing then; Keras does not look at them either
        return [[metric for entry in entries_of(tree) for metric in _list_of(entry)]]
    return [_list_of(entry) for entry in settings_of(argument, tree or None, outputs)]
