"""Training, evaluation and prediction: everything a model does with batches."""

import math
import warnings
from functools import partial
from typing import Any

import numpy as np

from fastlstm import checks

from .. import losses, metrics, optimizers
from ..callbacks import CallbackList, History, checked_callbacks
from ..foundation.arrays import Array, Shape, user_stacklevel
from ..foundation.variable import CHANGE, seeing, values_now
from ..graph.network import Network
from ..graph.plan import Plan
from ..losses import BinaryCrossentropy, Loss, expand
from ..metrics import Metric
from .data import (
    ArraySource,
    Batch,
    Source,
    StreamSource,
    check_rows,
    is_stream,
    split_rows,
)
from .interrupts import WholeSteps
from .meters import CompiledMetrics, Logs, Meters
from .objective import Objective, Outcome
from .progress import ProgressBar
from .run_options import (
    ClassWeights,
    FitOptions,
    batch_rows,
    class_weights,
    fit_options,
    loss_scale,
    refuse_beside_batches,
    steps_of,
    verbosity,
)
from .stopping import Stop, Stops
from .weighting import check_weights, weights_from_classes


class Trainer:
    """What a model needs to be compiled, trained, evaluated and asked; `Sequential` adds the layers."""

    name: str

    def __init__(self) -> None:
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: Any = None
        self._stops = Stops()
        self.history: History | None = None
        self.compiled = False
        self._loss: Loss | None = None
        self._loss_scale = 1.0
        self._metric_names: tuple[list[Any], list[Any]] = ([], [])
        self._metrics: CompiledMetrics | None = None

    def _arrays(self, x: Any) -> tuple[Array, ...]:
        raise NotImplementedError

    @property
    def plan(self) -> Plan:
        """The steps from inputs to outputs."""
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
            only. ``"accuracy"`` is the accuracy that fits labels and output. Every run works with copies of the
            instances and leaves its state in them when it, or an epoch of it, ends.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Ways of computing; accepted and ignored.
        """
        _check_ignored(run_eagerly, steps_per_execution, jit_compile, auto_scale_loss)
        new_optimizer = optimizers.get(optimizer)
        new_loss = None if loss is None else losses.get(loss)
        names = _metric_list("metrics", metrics), _metric_list("weighted_metrics", weighted_metrics)
        scale = loss_scale(loss_weights)
        self.optimizer, self.loss, self._loss, self._loss_scale = new_optimizer, loss, new_loss, scale
        self._metric_names, self._metrics = names, None
        self.compiled = True

    @property
    def metrics(self) -> list[Metric]:
        """The metrics, as the run that ended last left them; empty before the first batch."""
        return [] if self._metrics is None else self._metrics.all

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` gives."""
        return ["loss", *([] if self._metrics is None else self._metrics.names)]

    @property
    def stop_training(self) -> bool:
        """Whether `fit` stops after this batch; set it in a callback, or in another thread."""
        return self._stops.asked()

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self._stops.ask(bool(value))

    def reset_metrics(self) -> None:
        """Forget what runs have left in the metrics."""
        if self._metrics is not None:
            self._metrics.reset()

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
            ``(x, y, sample_weight)`` batches, whose methods ``on_epoch_begin`` and ``on_epoch_end``, if there are any,
            are called around every epoch.
        batch_size
            Rows a step; 32 by default. Batches of an iterable have their own.
        epochs, initial_epoch
            Number of the last epoch, and of the first less one.
        verbose
            0: silent, 1: a bar, 2: a line an epoch; ``"auto"`` is 1.
        callbacks
            `Callback` instances.
        validation_split
            The last part of the rows to hold back for validation; not together with `validation_data`.
        validation_data
            ``(x, y)``, ``(x, y, sample_weight)`` or an iterable of batches, evaluated after every epoch.
        shuffle
            Whether every epoch has an order of its own: of the rows, or of the batches of an `x` with ``x[i]`` and
            ``len(x)``. Other iterables keep theirs.
        class_weight
            Weight of each class in the loss, by number; 1 for others. With a label at every step, of each row and step.
        sample_weight
            Weight of each row, or of each row and step. A weight of 0 takes it out of the loss and the weighted
            metrics, whatever is there: NaN, infinity, or a class number out of range. Negative weights are taken: the
            loss of their rows grows.
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
        options = fit_options(
            *(batch_size, epochs, verbose, validation_split, shuffle, class_weight, initial_epoch),
            *(steps_per_epoch, validation_steps, validation_batch_size, validation_freq),
        )
        if options.split and validation_data is not None:
            raise ValueError("validation_split and validation_data are both given, wanted at most one of them")
        if is_stream(x):
            split = options.split or None
            refuse_beside_batches(y=y, sample_weight=sample_weight, batch_size=batch_size, validation_split=split)
        callbacks = checked_callbacks(callbacks)
        source, held_back = self._fit_sources(x, y, sample_weight, options)
        if validation_data is not None:
            held_back = self._validation_source(validation_data, options)
        self._check_stateful(source, held_back)
        last = options.epochs.stop
        hooks = CallbackList(
            callbacks, self, add_history=True, verbose=options.verbose, epochs=last, steps=source.steps
        )
        self._run_epochs(source, held_back, options, hooks)
        return hooks.history

    def _fit_sources(self, x: Any, y: Any, weights: Any, options: FitOptions) -> tuple[Source, Source | None]:
        """Give what to train on, and what is held back for validation."""
        if is_stream(x):
            check = partial(self._prepare, class_weight=options.class_weight)
            return StreamSource(x, check, options.steps, options.shuffle), None
        batch, rest = self._prepare(x, y, weights), None
        if options.split:
            batch, held_back = split_rows(options.split, *batch)
            rest = ArraySource(*held_back, options.validation_rows, limit=options.validation_steps)
        if options.class_weight is not None:  # classes weigh in training only
            batch = self._class_weighted(batch, options.class_weight)
        return ArraySource(*batch, options.rows, options.shuffle, options.steps), rest

    def _validation_source(self, data: Any, options: FitOptions) -> Source:
        try:
            return self._checked_validation(data, options)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"validation_data: {error}") from error

    def _checked_validation(self, data: Any, options: FitOptions) -> Source:
        if is_stream(data):
            source = StreamSource(data, self._prepare, options.validation_steps)
            source.look_ahead()
            return source
        if not isinstance(data, tuple | list) or len(data) not in (2, 3):
            raise ValueError(f"got {type(data).__name__}, wanted (x, y) or (x, y, sample_weight)")
        x, y, weights = (*data, None)[:3]
        return ArraySource(*self._prepare(x, y, weights), options.validation_rows, limit=options.validation_steps)

    def _test_source(self, x: Any, y: Any, weights: Any, batch_size: Any, steps: Any) -> Source:
        rows, limit = batch_rows("batch_size", batch_size), steps_of("steps", steps)
        if is_stream(x):
            refuse_beside_batches(y=y, sample_weight=weights, batch_size=batch_size)
            return StreamSource(x, self._prepare, limit)
        return ArraySource(*self._prepare(x, y, weights), rows, limit=limit)

    def _prepare(self, x: Any, y: Any, weights: Any, class_weight: ClassWeights | None = None) -> Batch:
        """Check one set of arrays completely, so that the batches taken from it need no more checks."""
        x = self._arrays(x)[0]
        shape, dtype = self.plan.output_shapes([x.shape])[0], self.plan.outputs[0].dtype
        if y is None:
            raise TypeError("y: got None, wanted labels, one a row of x")
        checked = check_weights(weights, dtype, (None, *shape[1:]))
        labels: Array = np.asarray(y)
        if self._loss is not None:
            counted = partial(self._counted, x, checked)
            labels = self._loss.prepare_counted(y, (None, *shape[1:]), dtype, counted)
        if check_rows(x=x, y=labels, sample_weight=checked) == 0:
            raise ValueError(f"x: got no rows (shape {x.shape}), wanted at least one")
        if self._metrics is None:
            self._make_metrics(labels)
        batch = x, labels, checked
        return batch if class_weight is None else self._class_weighted(batch, class_weight)

    def _counted(self, x: Array, weights: Array | None) -> Array | None:
        """Which labels count, by rows or by rows and steps; None if all do."""
        masks = Network(self.plan).output_masks([x])
        mask = None if masks is None else masks[0]
        if weights is None or mask is None or len(weights) != len(mask):
            return mask if weights is None else weights != 0
        result: Array = mask & expand(weights != 0, mask.ndim)
        return result

    def _class_weighted(self, batch: Batch, class_weight: ClassWeights) -> Batch:
        x, labels, weights = batch
        if weights is not None:
            raise ValueError("class_weight and sample_weight are both given, wanted one of them")
        assert labels is not None
        shape = self.output_shape
        classes = 2 if shape[-1] == 1 and isinstance(self._loss, BinaryCrossentropy) else shape[-1]
        by_class = weights_from_classes(labels, len(shape), None if classes == 1 else classes, class_weight)
        return x, labels, by_class.astype(self.plan.outputs[0].dtype)

    def _make_metrics(self, labels: Array) -> None:
        shape, last = self.output_shape, labels.shape[-1] if labels.ndim else None
        found: list[list[Metric]] = []
        for names in self._metric_names:
            found.append([_metric_for(name, labels.ndim, shape, last) for name in names])
        for metric in (*found[0], *found[1]):
            metric.check(labels, _open_steps(shape))
        compiled = CompiledMetrics(*found)
        with CHANGE:  # if several threads come here first, all of them use what one of them has made
            self._metrics = self._metrics or compiled

    def _check_stateful(self, *sources: Source | None) -> None:
        """Refuse, before the first step, batches that cannot all start from the states of the one before."""
        stateful = [layer.name for layer in self.plan.working_layers if getattr(layer, "stateful", False)]
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

    def _run_epochs(self, source: Source, validation: Source | None, options: FitOptions, hooks: CallbackList) -> None:
        logs: Logs = {}
        watch = _FiniteWatch()
        verbose, epochs = options.verbose, options.epochs
        with WholeSteps() as gate, self._stops.fit() as stop:
            hooks.call("on_train_begin", {})
            for epoch in epochs:
                if verbose and epochs.stop > 1:
                    print(f"Epoch {epoch + 1}/{epochs.stop}")
                hooks.call("on_epoch_begin", epoch, {})
                bar = ProgressBar(source.steps, verbose) if verbose else None
                steps, logs = self._train_epoch(source, bar, hooks, gate, watch.at(epoch), stop)
                if validation is not None and options.validates(epoch):
                    logs |= {f"val_{name}": v for name, v in self._evaluate(validation, hooks, None).items()}
                logs = dict(sorted(logs.items()))
                hooks.call("on_epoch_end", epoch, logs)
                if bar is not None:
                    bar.finish(steps, logs)
                if stop.asked or steps == 0:
                    break
            hooks.call("on_train_end", logs)

    def _train_epoch(
        self,
        source: Source,
        bar: ProgressBar | None,
        hooks: CallbackList,
        gate: WholeSteps,
        watch: "_FiniteWatch",
        stop: Stop,
    ) -> tuple[int, Logs]:
        begin, end = hooks.hook("on_train_batch_begin"), hooks.hook("on_train_batch_end")
        steps, meters = 0, None
        objective = self._objective()
        with np.errstate(all="ignore"):
            for x, y, weights in source.epoch():
                if meters is None:
                    meters = self._new_meters()
                for method in begin:
                    method(steps, {})
                outcome = self._train_step(objective, gate, x, y, weights)
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
                if stop.asked:
                    break
        return steps, {} if meters is None else dict(sorted(meters.finish().items()))

    def _objective(self) -> Objective:
        return Objective(self.plan, [self._loss], [self._loss_scale])

    def _new_meters(self) -> Meters:
        assert self._metrics is not None
        return self._metrics.take()

    def _train_step(
        self, objective: Objective, gate: WholeSteps, x: Array, y: Array | None, weights: Array | None
    ) -> Outcome:
        assert y is not None
        assert self.optimizer is not None
        outcome, gradients = objective.gradients([x], [y], [weights])
        if gradients:
            gate.run(self.optimizer.apply, gradients, objective.variables)
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
        as_dict, level = checks.truth("return_dict", return_dict), verbosity(verbose)
        callbacks = checked_callbacks(callbacks)
        source = self._test_source(x, y, sample_weight, batch_size, steps)
        self._check_stateful(source)
        hooks = CallbackList(callbacks, self, verbose=level, epochs=1, steps=source.steps)
        bar = ProgressBar(source.steps, level) if level else None
        return _as_given(self._evaluate(source, hooks, bar), as_dict)

    def _evaluate(self, source: Source, hooks: CallbackList, bar: ProgressBar | None) -> Logs:
        """Loss and metrics in the order of `metrics_names`; empty if a validation got no more batches."""
        begin, end = hooks.hook("on_test_batch_begin"), hooks.hook("on_test_batch_end")
        hooks.call("on_test_begin", {})
        steps, meters, objective = 0, None, self._objective()
        with np.errstate(all="ignore"):
            for x, y, weights in source.epoch():
                meters = self._new_meters() if meters is None else meters
                for method in begin:
                    method(steps, {})
                assert y is not None
                meters.update(objective.evaluate([x], [y], [weights]), y, weights)
                steps += 1
                for method in end:
                    method(steps - 1, meters.logs())
                if bar is not None and bar.due(steps):
                    bar.draw(steps, meters.logs())
        values = {} if meters is None else meters.finish()
        logs = dict(sorted(values.items()))
        hooks.call("on_test_end", logs)
        if bar is not None:
            bar.finish(steps, logs)
        return values

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
        rows, limit, level = batch_rows("batch_size", batch_size), steps_of("steps", steps), verbosity(verbose)
        callbacks = checked_callbacks(callbacks)
        if is_stream(x):
            refuse_beside_batches(batch_size=batch_size)
            source: Source = StreamSource(x, lambda x, y, weights: (self._arrays(x)[0], None, None), limit)
        else:
            x = self._arrays(x)[0]
            if level == 0 and len(x) <= rows and limit is None and not callbacks:
                return self._own(Network(self.plan).infer([x])[0], x)
            source = ArraySource(x, None, None, rows, limit=limit)
        self._check_stateful(source)
        return self._predict(source, level, callbacks)

    def _own(self, output: Array, x: Array) -> Array:
        return output.copy() if np.may_share_memory(output, x) else output

    def _predict(self, source: Source, verbose: int, callbacks: Any) -> Array:
        hooks = CallbackList(callbacks, self, verbose=verbose, epochs=1, steps=source.steps)
        begin, end = hooks.hook("on_predict_batch_begin"), hooks.hook("on_predict_batch_end")
        bar = ProgressBar(source.steps, verbose) if verbose else None
        network, outputs = Network(self.plan), []
        values = values_now(
            network.plan.weights
        )  # of the start for all batches; what callbacks do goes by those of then
        hooks.call("on_predict_begin", {})
        for step, (x, _, _) in enumerate(source.epoch()):
            for method in begin:
                method(step, {})
            with seeing(values):
                outputs.append(self._own(network.infer([x])[0], x))
            for method in end:
                method(step, {"outputs": outputs[-1]})
            if bar is not None and bar.due(step + 1):
                bar.draw(step + 1, {})
        hooks.call("on_predict_end", {})
        if bar is not None:
            bar.finish(len(outputs), {})
        return np.concatenate(outputs) if outputs else network.infer([source.x])[0]  # type: ignore[union-attr]

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
        as_dict = checks.truth("return_dict", return_dict)
        batch = self._prepare(x, y, sample_weight, class_weights(class_weight))
        with WholeSteps() as gate, np.errstate(all="ignore"):
            outcome = self._train_step(self._objective(), gate, *batch)
            return _as_given(self._results_of_one(outcome, batch), as_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch, as `evaluate`."""
        self._require_compiled()
        as_dict = checks.truth("return_dict", return_dict)
        batch = self._prepare(x, y, sample_weight)
        with np.errstate(all="ignore"):
            outcome = self._objective().evaluate([batch[0]], [batch[1]], [batch[2]])
            return _as_given(self._results_of_one(outcome, batch), as_dict)

    def _results_of_one(self, outcome: Outcome, batch: Batch) -> Logs:
        meters = self._new_meters()
        meters.update(outcome, batch[1], batch[2])  # type: ignore[arg-type]
        return meters.finish()

    def _infer(self, x: Array) -> Array:
        return Network(self.plan).infer([x])[0]

    def predict_on_batch(self, x: Any) -> Array:
        """Return the model's outputs for one batch."""
        x = self._arrays(x)[0]
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


def _as_given(values: Logs, as_dict: bool) -> Any:
    """Loss and metrics as `evaluate` gives them."""
    if as_dict:
        return dict(sorted(values.items()))
    return list(values.values()) if len(values) > 1 else values["loss"]
