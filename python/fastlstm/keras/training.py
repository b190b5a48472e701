"""Training, evaluation and prediction: everything a model does with batches."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from . import losses, metrics, optimizers
from .arrays import Array, Shape, user_stacklevel
from .callbacks import CallbackList, History
from .data import (
    ArraySource,
    Batch,
    Source,
    StreamSource,
    check_rows,
    check_weights,
    checked_batch_size,
    count,
    is_stream,
    sample_weights,
    split_rows,
)
from .interrupts import WholeSteps
from .layers.base import Layer
from .losses import Loss
from .meters import Logs, Meters
from .metrics import Metric
from .network import Network, Outcome
from .progress import ProgressBar
from .variable import holding


class Trainer:
    """What a model needs to be compiled, trained, evaluated and asked; `Sequential` adds the layers."""

    layers: list[Layer]
    name: str

    def __init__(self) -> None:
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: Any = None
        self.stop_training = False
        self.history: History | None = None
        self.compiled = False
        self._loss: Loss | None = None
        self._loss_scale = 1.0
        self._metric_names: tuple[list[Any], list[Any]] = ([], [])
        self._meters: Meters | None = None

    def _prepare_input(self, x: Any) -> Array:
        raise NotImplementedError

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, with the batch axis."""
        raise NotImplementedError

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how the model is trained.

        Parameters
        ----------
        optimizer
            Name or `Optimizer`.
        loss
            Name or `Loss`.
        loss_weights
            A number the loss is multiplied with.
        metrics, weighted_metrics
            Lists of names, `Metric` instances or functions ``f(y_true, y_pred)``. Sample weights count for the latter
            only. ``"accuracy"`` is the accuracy that fits labels and output.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Ways of computing; accepted and ignored.
        """
        _check_ignored(run_eagerly, steps_per_execution, jit_compile, auto_scale_loss)
        new_optimizer = optimizers.get(optimizer)
        new_loss = None if loss is None else losses.get(loss)
        names = _metric_list("metrics", metrics), _metric_list("weighted_metrics", weighted_metrics)
        scale = _single_number("loss_weights", loss_weights)
        self.optimizer, self.loss, self._loss, self._loss_scale = new_optimizer, loss, new_loss, scale
        self._metric_names, self._meters = names, None
        self.compiled = True

    @property
    def metrics(self) -> list[Metric]:
        """The metrics in use; empty before the first batch."""
        return [] if self._meters is None else [*self._meters.plain, *self._meters.weighted]

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` gives."""
        return ["loss", *([] if self._meters is None else self._meters.names)]

    def reset_metrics(self) -> None:
        """Forget the batches seen by the metrics."""
        if self._meters is not None:
            self._meters.reset()

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x, y
            Inputs and labels with the same number of rows; or x alone, an iterable of ``(x, y)`` or
            ``(x, y, sample_weight)`` batches.
        batch_size
            Rows a step; 32 by default.
        epochs, initial_epoch
            Number of the last epoch, and of the first less one.
        verbose
            0: silent, 1: a bar, 2: a line an epoch; ``"auto"`` is 1.
        callbacks
            `Callback` instances.
        validation_split
            The last part of the rows to hold back for validation.
        validation_data
            ``(x, y)``, ``(x, y, sample_weight)`` or an iterable of batches, evaluated after every epoch.
        shuffle
            Whether every epoch has an order of its own.
        class_weight
            Weight of each class in the loss.
        sample_weight
            Weight of each row, or of each row and step.
        steps_per_epoch, validation_steps
            Batches an epoch, and a validation.
        validation_batch_size
            Rows a step of the validation; by default `batch_size`.
        validation_freq
            Validate every so many epochs, or after the epochs of a list.

        Returns
        -------
        History
        """
        self._require_compiled(loss=True)
        rows = checked_batch_size(batch_size)
        arrays: list[Array | None] | None = None
        held_back: Source | None = None
        if not is_stream(x):
            arrays = list(self._prepare(x, y, sample_weights(y, sample_weight, class_weight)))
            if validation_split and validation_data is None:
                arrays, rest = split_rows(validation_split, *arrays)
                if class_weight is not None:
                    rest[2] = None  # classes weigh in training only
                held_back = self._array_source(rest, validation_batch_size or rows, limit=validation_steps)
        source = self._source(x, arrays, rows, bool(shuffle), steps_per_epoch)
        if validation_data is not None:
            held_back = self._validation_source(validation_data, validation_batch_size or rows, validation_steps)
        first, last = count("initial_epoch", initial_epoch, 0), count("epochs", epochs, 0)
        level = _verbosity(verbose)
        self._check_stateful(source, held_back)
        hooks = CallbackList(callbacks, self, add_history=True, verbose=level, epochs=last, steps=source.steps)
        self._run_epochs(source, held_back, range(first, last), level, hooks, validation_freq)
        return hooks.history

    def _source(
        self, x: Any, arrays: list[Array | None] | None, batch_size: int, shuffle: bool, limit: int | None
    ) -> Source:
        if arrays is not None:
            return self._array_source(arrays, batch_size, shuffle, limit)
        return StreamSource(x, self._prepare, limit)

    def _array_source(
        self, arrays: Sequence[Array | None], batch_size: int, shuffle: bool = False, limit: int | None = None
    ) -> ArraySource:
        x, y, weights = arrays
        assert x is not None
        return ArraySource(x, y, weights, checked_batch_size(batch_size), shuffle, limit)

    def _validation_source(self, data: Any, batch_size: int, limit: int | None) -> Source:
        if is_stream(data):
            return StreamSource(data, self._prepare, limit)
        if not isinstance(data, tuple | list) or len(data) not in (2, 3):
            raise ValueError(f"validation_data: got {type(data).__name__}, wanted (x, y) or (x, y, sample_weight)")
        x, y, weights = (*data, None)[:3]
        return self._array_source(self._prepare(x, y, weights), batch_size, limit=limit)

    def _prepare(self, x: Any, y: Any, weights: Any) -> Batch:
        """Check one set of arrays completely, so that the batches taken from it need no more checks."""
        x = self._prepare_input(x)
        shape, dtype = self.output_shape, self.layers[-1].dtype
        if y is None:
            raise TypeError("y: got None, wanted labels, one a row of x")
        labels: Array = np.asarray(y) if self._loss is None else self._loss.prepare(y, _runtime_shape(x, shape), dtype)
        checked = check_weights(weights, dtype, _runtime_shape(x, shape))
        if check_rows(x=x, y=labels, sample_weight=checked) == 0:
            raise ValueError(f"x: got no rows (shape {x.shape}), wanted at least one")
        if self._meters is None:
            self._make_meters(labels)
        return x, labels, checked

    def _make_meters(self, labels: Array) -> None:
        shape, last = self.output_shape, labels.shape[-1] if labels.ndim else None
        found: list[list[Metric]] = []
        for names in self._metric_names:
            found.append([_metric_for(name, labels.ndim, shape, last) for name in names])
        for metric in (*found[0], *found[1]):
            metric.check(labels, _open_steps(shape))
        self._meters = Meters(*found)

    def _check_stateful(self, *sources: Source | None) -> None:
        """Refuse, before the first step, batches that cannot all start from the states of the one before."""
        stateful = [layer.name for layer in self.layers if getattr(layer, "stateful", False)]
        arrays = [source for source in sources if isinstance(source, ArraySource) and source.limit is None]
        sizes = sorted({size for source in arrays for size in source.batch_sizes()})
        if stateful and len(sizes) > 1:
            raise ValueError(
                f"{stateful[0]} is stateful: all batches must have the same number of rows, but the data gives "
                f"batches of {' and '.join(map(str, sizes))}; choose another batch_size or leave rows out"
            )

    def _require_compiled(self, loss: bool = False) -> None:
        if not self.compiled:
            raise ValueError(f"{self.name}: not compiled; call compile(optimizer, loss) first")
        if loss and self._loss is None:
            raise ValueError(f"{self.name}: compiled without a loss; call compile(optimizer, loss) first")

    def _run_epochs(
        self,
        source: Source,
        validation: Source | None,
        epochs: range,
        verbose: int,
        hooks: CallbackList,
        frequency: Any,
    ) -> None:
        self.stop_training = False
        logs: Logs = {}
        watch = _FiniteWatch()
        with WholeSteps() as gate:
            hooks.call("on_train_begin", {})
            for epoch in epochs:
                if verbose and epochs.stop > 1:
                    print(f"Epoch {epoch + 1}/{epochs.stop}")
                hooks.call("on_epoch_begin", epoch, {})
                bar = ProgressBar(source.steps, verbose) if verbose else None
                steps, logs = self._train_epoch(source, bar, hooks, gate, watch.at(epoch))
                if validation is not None and _validates(epoch, frequency):
                    logs |= {f"val_{name}": v for name, v in self._evaluate(validation, hooks, None).items()}
                logs = dict(sorted(logs.items()))
                hooks.call("on_epoch_end", epoch, logs)
                if bar is not None:
                    bar.finish(steps, logs)
                if self.stop_training or steps == 0:
                    break
            hooks.call("on_train_end", logs)

    def _train_epoch(
        self, source: Source, bar: ProgressBar | None, hooks: CallbackList, gate: WholeSteps, watch: "_FiniteWatch"
    ) -> tuple[int, Logs]:
        begin, end = hooks.hook("on_train_batch_begin"), hooks.hook("on_train_batch_end")
        steps, meters = 0, None
        network = self._network()
        with np.errstate(all="ignore"):
            for x, y, weights in source.epoch():
                if meters is None:
                    meters = self._fresh_meters()
                for method in begin:
                    method(steps, {})
                outcome = self._train_step(network, gate, x, y, weights)
                meters.update(outcome, y, weights)  # type: ignore[arg-type]
                steps += 1
                if not math.isfinite(outcome.loss):
                    watch.found(outcome.loss, steps)
                if end:
                    logs = meters.logs()
                    for method in end:
                        method(steps - 1, logs)
                if bar is not None and bar.due(steps):
                    bar.draw(steps, meters.logs())
                if self.stop_training:
                    break
        return steps, {} if meters is None else meters.logs()

    def _network(self) -> Network:
        return Network(self.layers, self._loss, self._loss_scale)

    def _fresh_meters(self) -> Meters:
        assert self._meters is not None
        self._meters.reset()
        return self._meters

    def _train_step(
        self, network: Network, gate: WholeSteps, x: Array, y: Array | None, weights: Array | None
    ) -> Outcome:
        assert y is not None
        assert self.optimizer is not None
        outcome, gradients = network.gradients(x, y, weights)
        if gradients:
            gate.run(self.optimizer.apply, gradients, network.variables)
        return outcome

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on given data.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks
            See `fit`.
        steps
            Batches to stop after.
        return_dict
            Whether to give a dict.

        Returns
        -------
        float, list of float or dict
            The loss; with metrics, a list in the order of `metrics_names`.
        """
        self._require_compiled()
        if is_stream(x):
            source: Source = StreamSource(x, self._prepare, steps)
        else:
            rows = checked_batch_size(batch_size)
            source = self._array_source(self._prepare(x, y, sample_weight), rows, limit=steps)
        self._check_stateful(source)
        level = _verbosity(verbose)
        hooks = CallbackList(callbacks, self, verbose=level, epochs=1, steps=source.steps)
        bar = ProgressBar(source.steps, level) if level else None
        self._evaluate(source, hooks, bar)
        return self._results(return_dict)

    def _evaluate(self, source: Source, hooks: CallbackList, bar: ProgressBar | None) -> Logs:
        begin, end = hooks.hook("on_test_batch_begin"), hooks.hook("on_test_batch_end")
        hooks.call("on_test_begin", {})
        steps, meters, network = 0, None, self._network()
        with np.errstate(all="ignore"):
            for x, y, weights in source.epoch():
                meters = self._fresh_meters() if meters is None else meters
                for method in begin:
                    method(steps, {})
                assert y is not None
                meters.update(network.evaluate(x, y, weights), y, weights)
                steps += 1
                for method in end:
                    method(steps - 1, meters.logs())
                if bar is not None and bar.due(steps):
                    bar.draw(steps, meters.logs())
        logs = {} if meters is None else meters.logs()
        hooks.call("on_test_end", logs)
        if bar is not None:
            bar.finish(steps, logs)
        return logs

    def _results(self, return_dict: bool) -> Any:
        assert self._meters is not None
        values = self._meters.values()
        if return_dict:
            return dict(sorted(values.items()))
        return list(values.values()) if len(values) > 1 else values["loss"]

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Array:
        """Return the model's outputs.

        Parameters
        ----------
        x
            Inputs, or an iterable of batches of them.
        batch_size, verbose, callbacks
            See `fit`.
        steps
            Batches to stop after.

        Returns
        -------
        ndarray
        """
        rows = checked_batch_size(batch_size)
        if is_stream(x):
            source: Source = StreamSource(x, lambda x, y, weights: (self._prepare_input(x), None, None), steps)
        else:
            x = self._prepare_input(x)
            if verbose == 0 and len(x) <= rows and steps is None and callbacks is None:
                return self._own(Network(self.layers, None).infer(x), x)
            source = ArraySource(x, None, None, rows, limit=steps)
        self._check_stateful(source)
        with holding(variable for layer in self.layers for variable in layer.weights):
            return self._predict(source, _verbosity(verbose), callbacks)

    def _own(self, output: Array, x: Array) -> Array:
        return output.copy() if np.may_share_memory(output, x) else output

    def _predict(self, source: Source, verbose: int, callbacks: Any) -> Array:
        hooks = CallbackList(callbacks, self, verbose=verbose, epochs=1, steps=source.steps)
        begin, end = hooks.hook("on_predict_batch_begin"), hooks.hook("on_predict_batch_end")
        bar = ProgressBar(source.steps, verbose) if verbose else None
        network, outputs = Network(self.layers, None), []
        hooks.call("on_predict_begin", {})
        for step, (x, _, _) in enumerate(source.epoch()):
            for method in begin:
                method(step, {})
            outputs.append(self._own(network.infer(x), x))
            for method in end:
                method(step, {"outputs": outputs[-1]})
            if bar is not None and bar.due(step + 1):
                bar.draw(step + 1, {})
        hooks.call("on_predict_end", {})
        if bar is not None:
            bar.finish(len(outputs), {})
        return np.concatenate(outputs) if outputs else self._no_outputs(source)

    def _no_outputs(self, source: Source) -> Array:
        if isinstance(source, ArraySource):
            return Network(self.layers, None).infer(source.x)
        raise ValueError("x: got no batches, wanted at least one")

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training; gives loss and metrics of this batch before the step, as `evaluate` does."""
        self._require_compiled(loss=True)
        batch = self._prepare(x, y, sample_weights(y, sample_weight, class_weight))
        meters = self._fresh_meters()
        with WholeSteps() as gate, np.errstate(all="ignore"):
            outcome = self._train_step(self._network(), gate, *batch)
        meters.update(outcome, batch[1], batch[2])  # type: ignore[arg-type]
        return self._results(return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch, as `evaluate`."""
        self._require_compiled()
        x, labels, weights = self._prepare(x, y, sample_weight)
        assert labels is not None
        meters = self._fresh_meters()
        meters.update(self._network().evaluate(x, labels, weights), labels, weights)
        return self._results(return_dict)

    def _infer(self, x: Array) -> Array:
        return Network(self.layers, None).infer(x)

    def predict_on_batch(self, x: Any) -> Array:
        """Return the model's outputs for one batch."""
        x = self._prepare_input(x)
        return self._own(self._infer(x), x)


class _FiniteWatch:
    """Warns once a training when the loss is not finite."""

    def __init__(self) -> None:
        self._epoch, self._warned = 0, False

    def at(self, epoch: int) -> "_FiniteWatch":
        self._epoch = epoch
        return self

    def found(self, loss: float, batch: int) -> None:
        if not self._warned:
            self._warned = True
            message = (
                f"the loss is {loss} at epoch {self._epoch + 1}, batch {batch}; look for NaN in the data, lower the "
                "learning rate or set clipnorm, or stop with callbacks.TerminateOnNaN()"
            )
            warnings.warn(message, RuntimeWarning, stacklevel=user_stacklevel())


def _runtime_shape(x: Array, shape: Shape) -> Shape:
    """Return the output shape with the number of steps that `x` has, where the model leaves it open."""
    if len(shape) == 3 and x.ndim >= 2:
        return (None, x.shape[1], shape[2])
    return (None, *shape[1:])


def _open_steps(shape: Shape) -> Shape:
    return (None, None, shape[2]) if len(shape) == 3 else shape


def _metric_for(name: Any, y_ndim: int, shape: Shape, y_last: int | None) -> Metric:
    if isinstance(name, str) and name.lower() in ("accuracy", "acc"):
        return metrics.accuracy_for(y_ndim, shape, y_last)(name=name)
    return metrics.get(name)


def _metric_list(argument: str, given: Any) -> list[Any]:
    if given is None:
        return []
    if not isinstance(given, list | tuple):
        raise ValueError(f"{argument}: got {given!r}, wanted a list, for instance [{given!r}]")
    for name in given:
        if not (isinstance(name, str) and name.lower() in ("accuracy", "acc")):
            metrics.get(name, argument)
    return list(given)


def _check_ignored(run_eagerly: Any, steps_per_execution: Any, jit_compile: Any, auto_scale_loss: Any) -> None:
    checks.truth("run_eagerly", run_eagerly)
    checks.whole_number("steps_per_execution", steps_per_execution, at_least=1)
    if jit_compile is not None and not isinstance(jit_compile, str):
        checks.truth("jit_compile", jit_compile)
    elif jit_compile is not None:
        checks.one_of("jit_compile", jit_compile, ("auto",))
    checks.truth("auto_scale_loss", auto_scale_loss)


def _single_number(name: str, value: Any) -> float:
    value = value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: got {value!r}, wanted a number; the model has one output")
    return float(value)


def _verbosity(verbose: str | int) -> int:
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ValueError(f"verbose: got {verbose!r}, wanted 'auto', 0, 1 or 2")
    return int(verbose)


def _validates(epoch: int, frequency: Any) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % count("validation_freq", frequency) == 0
    return epoch + 1 in frequency
