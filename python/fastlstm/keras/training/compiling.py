"""How a model is to be trained, as `compile` was told, and what that means for each of its outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastlstm import checks

from .. import losses, metrics, optimizers
from ..losses import Loss

Tree = Any
"""One entry for all outputs, a list of one for each, or a dict by their names."""


class Compiled:
    """The settings of `compile`, checked as far as they can be before the outputs are known.

    Parameters
    ----------
    optimizer, loss, loss_weights, metrics, weighted_metrics
        See `Trainer.compile`.
    """

    def __init__(self, optimizer: Any, loss: Tree, loss_weights: Tree, metrics: Tree, weighted_metrics: Tree) -> None:
        self.optimizer = optimizers.get(optimizer)
        self.given_loss = loss
        self.loss = _mapped(_loss, loss)
        self.scales = _mapped(_scale, loss_weights)
        self.metrics = _metric_tree("metrics", metrics)
        self.weighted = _metric_tree("weighted_metrics", weighted_metrics)

    @property
    def has_loss(self) -> bool:
        """Whether any output has a loss."""
        entries = list(self.loss.values()) if isinstance(self.loss, dict) else self.loss
        return any(isinstance(entry, Loss) for entry in (entries if isinstance(entries, list) else [entries]))

    def check(self, outputs: Sequence[str]) -> None:
        """Raise if anything does not go with outputs of these names."""
        self.losses_for(outputs), self.scales_for(outputs), self.metrics_for(outputs)

    def losses_for(self, outputs: Sequence[str]) -> list[Loss | None]:
        """Return the loss of each output, None for one without."""
        found: list[Loss | None] = _by_output("loss", self.loss, outputs, every=True)
        return found

    def scales_for(self, outputs: Sequence[str]) -> list[float]:
        """Return what the loss of each output is multiplied with."""
        if self.scales is None:
            return [1.0] * len(outputs)
        if len(outputs) > 1 and not isinstance(self.scales, list | dict):
            wanted = f"a list of {len(outputs)} numbers, or a dict of them by output"
            checks.refuse(ValueError, "loss_weights", wanted, self.scales)
        found = _by_output("loss_weights", self.scales, outputs)
        return [1.0 if scale is None else scale for scale in found]

    def metrics_for(self, outputs: Sequence[str]) -> tuple[list[list[Any]], list[list[Any]]]:
        """Return the metrics of each output, as they were given, and those that sample weights count for."""
        plain, weighted = self.metrics, self.weighted
        return _metrics_of("metrics", plain, outputs), _metrics_of("weighted_metrics", weighted, outputs)


def _mapped(function: Callable[[Any], Any], tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {name: function(entry) for name, entry in tree.items()}
    if isinstance(tree, list | tuple):
        return [function(entry) for entry in tree]
    return function(tree)


def _loss(entry: Any) -> Loss | None:
    return None if entry is None else losses.get(entry)


def _scale(entry: Any) -> float | None:
    return None if entry is None else checks.real_number("loss_weights", entry)


def _by_output(argument: str, tree: Tree, outputs: Sequence[str], every: bool = False) -> list[Any]:
    """Return one entry for each output."""
    names = list(outputs)
    if isinstance(tree, dict):
        check_names(argument, tree, names)
        if every and len(tree) < len(names):
            missing = next(name for name in names if name not in tree)
            raise ValueError(
                f"{argument} must have an entry for each of the outputs {names}, got {sorted(tree)}; "
                f"add {missing!r}, with None for an output without"
            )
        return [tree.get(name) for name in names]
    if isinstance(tree, list):
        if len(tree) != len(names) or not tree:
            raise ValueError(f"{argument} must have one entry for each of the outputs {names}, got {len(tree)}")
        return tree
    return [tree] * len(names)


def check_names(argument: str, tree: dict[Any, Any], names: list[str]) -> None:
    """Raise if a key of a dict is not the name of an output."""
    unknown = [name for name in tree if name not in names]
    if unknown:
        raise ValueError(f"{argument} must name outputs of the model, {names}, got {checks.shown(unknown[0])}")


def _metric_tree(argument: str, tree: Tree) -> Tree:
    """Check the metrics by themselves: what they are called, not where they belong."""
    if tree is None:
        return []
    if not isinstance(tree, list | tuple | dict):
        checks.refuse(
            ValueError, argument, "a list or a dict by output", tree, f"; for instance [{checks.shown(tree)}]"
        )
    for entry in tree.values() if isinstance(tree, dict) else tree:
        for metric in _entries(entry):
            if not is_accuracy(metric):
                metrics.get(metric, argument)
    return tree if isinstance(tree, dict) else list(tree)


def _entries(entry: Any) -> list[Any]:
    """Return the metrics of an output: a list of them, or one, or None."""
    if isinstance(entry, list | tuple):
        return list(entry)
    return [] if entry is None else [entry]


def is_accuracy(metric: Any) -> bool:
    """Whether a metric is the accuracy that fits labels and output."""
    return isinstance(metric, str) and metric.lower() in ("accuracy", "acc")


def _metrics_of(argument: str, tree: Tree, outputs: Sequence[str]) -> list[list[Any]]:
    names = list(outputs)
    if len(names) == 1:  # names and nesting say nothing then; Keras does not look at them either
        return [[metric for entry in (tree.values() if isinstance(tree, dict) else tree) for metric in _entries(entry)]]
    if not tree:
        return [[] for _ in names]
    return [_entries(entry) for entry in _by_output(argument, tree, names)]
