"""Training, evaluation and prediction: everything a model does with batches."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastlstm import checks

from ..callbacks import History, checked_callbacks
from ..foundation.arrays import Array
from ..foundation.distributed import being
from ..foundation.late import whole
from ..foundation.random import OwnSources
from ..foundation.variable import CHANGE
from ..graph.network import Network
from ..graph.plan import Plan
from ..optimizers import Optimizer
from .compiling import Compiled
from .data import ArraySource, Batch, nothing_known
from .evaluation import evaluated
from .fitting import run_epochs, train_step
from .gradients import GivesGradients
from .interrupts import WholeSteps
from .joint.start import (
    begin_evaluation,
    begin_fit,
    callbacks_for,
    makers,
    meters_for,
    objective_for,
    share_of_one,
)
from .meters import CompiledMetrics, Logs
from .objective import Outcome
from .prediction import own, predicted
from .preparing import Preparation
from .progress import ProgressBar
from .run_options import (
    batch_rows,
    class_weights,
    fit_options,
    refuse_beside_batches,
    steps_of,
    verbosity,
)
from .setup import Setup, Watchers
from .sources import check_stateful, test_source, training_sources, validation_source
from .stopping import Stops
from .streams import Source, StreamSource, is_stream
from .through_time import way_of

_STEPS = ("train_step", "test_step", "predict_step", "make_train_function", "compute_loss")
"""Methods by which models of Keras have a training of their own."""

_COMPILE = "; call compile(optimizer, loss) first"


class Trainer(GivesGradients):
    """What a model needs to be compiled, trained, evaluated and asked; `Sequential` adds the layers."""

    name: str
    built: bool

    def __init__(self) -> None:
        self._stops, self._numbers = Stops(), OwnSources()
        self.history: History | None = None
        self._compiled: Compiled | None = None
        self._metrics: CompiledMetrics | None = None
        self._preparation: Preparation | None = None

    @property
    def plan(self) -> Plan:
        """The steps from inputs to outputs."""
        raise NotImplementedError

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, by which labels, losses and metrics may be given."""
        raise NotImplementedError

    @property
    def _outputs_have_names(self) -> bool:
        """Whether losses and metrics are logged with the names of the outputs."""
        return True

    @property
    def _awaits_data(self) -> bool:
        """Whether the model has no plan before it has seen data."""
        raise NotImplementedError

    def read_checkpoint(self, filepath: Any) -> Any:
        """Return what a file has of a training."""
        raise NotImplementedError

    def all_layers(self) -> list[Any]:
        """Return the model and all layers inside it."""
        raise NotImplementedError

    def _arrays(self, x: Any, late: bool = False) -> tuple[Array, ...]:
        raise NotImplementedError

    def _as_given(self, outputs: Sequence[Any]) -> Any:
        raise NotImplementedError

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compiled is not None

    @property
    def optimizer(self) -> Any:
        """What changes the weights; None before `compile`."""
        return None if self._compiled is None else self._compiled.optimizer

    @optimizer.setter
    def optimizer(self, optimizer: Optimizer) -> None:
        self._settings().optimizer = optimizer

    @property
    def loss(self) -> Any:
        """What `compile` was given as loss."""
        return None if self._compiled is None else self._compiled.given_loss

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
        optimizer : str or Optimizer
            Name or `Optimizer`.
        loss : str, Loss, list or dict, optional
            Name or `Loss`. For several outputs one for all, or a list or a dict by name, with None for one without.
        loss_weights : list or dict of float, optional
            Numbers the losses are multiplied with: one, or a list or a dict by output.
        metrics, weighted_metrics : list or dict of str or Metric, optional
            Lists of names, `Metric` instances or functions ``f(y_true, y_pred)``; for several outputs a list of such
            lists, or a dict by output. Sample weights count for the latter only. ``"accuracy"`` is the accuracy that
            fits labels and output. Every run works with copies of the instances and leaves its state in them when it,
            or an epoch of it, ends.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss : bool; int; bool or str
            Ways of computing; accepted and ignored.
        """
        _check_ignored(run_eagerly, steps_per_execution, jit_compile, auto_scale_loss)
        compiled = Compiled(optimizer, loss, loss_weights, metrics, weighted_metrics)
        compiled.own_step = next((method for method in _STEPS if hasattr(self, method)), None)
        if self.built:  # else this is done with the first data
            compiled.check(self.output_names)
        self._compiled, self._metrics = compiled, None

    @property
    def metrics(self) -> list[Any]:
        """A mean of the loss, and what holds the metrics in its `metrics`, as the run that ended last left them.

        Empty before the first batch.
        """
        return [] if self._metrics is None else [self._metrics.loss, self._metrics]

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` gives."""
        return ["loss"] if self._metrics is None else list(self._metrics.listed)

    def log_direction(self, name: str) -> str | None:
        """Whether the value of a name in the logs is better ``"up"`` or ``"down"``; None if it is not known."""
        return None if self._metrics is None else self._metrics.direction(name.removeprefix("val_"))

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
        resume_from: Any = None,
        tbptt: int | None = None,
        checkpoint_every: int | None = None,
        memory_limit: int | None = None,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x, y : array_like
            Inputs and labels with the same number of rows, for several inputs or outputs lists of them or dicts by
            name; or x alone, an iterable of ``(x, y)`` or
            ``(x, y, sample_weight)`` batches, whose methods ``on_epoch_begin`` and ``on_epoch_end``, if there are any,
            are called around every epoch.
        batch_size : int, optional
            Rows a step; 32 by default. Batches of an iterable have their own, and a warning says so.
        epochs, initial_epoch : int
            Number of the last epoch, and of the first less one.
        verbose : str or int
            0: silent, 1: a bar, 2: a line an epoch; ``"auto"`` is 1.
        callbacks : list of Callback, optional
            `Callback` instances.
        validation_split : float
            The last part of the rows to hold back for validation; not together with `validation_data`.
        validation_data : tuple, data set or iterable, optional
            ``(x, y)``, ``(x, y, sample_weight)`` or an iterable of batches, evaluated after every epoch.
        shuffle : bool
            Whether every epoch has an order of its own: of the rows, or of the batches of an `x` with ``x[i]`` and
            ``len(x)``. Other iterables keep theirs.
        class_weight : dict, optional
            Weight of each class in the loss, by number; 1 for others. With a label at every step, of each row and step.
        sample_weight : array_like, optional
            Weight of each row, or of each row and step; for several outputs also a list or dict of such. A weight of 0
            takes a row out of the loss and the weighted metrics, whatever is there: NaN, infinity, or a class number
            out of range. Negative weights are taken: the loss of their rows grows.
        steps_per_epoch, validation_steps : int, optional
            Batches an epoch, and a validation.
        validation_batch_size : int, optional
            Rows a step of the validation; by default `batch_size`.
        validation_freq : int or list of int
            Validate every so many epochs, or after the epochs of a list.
        resume_from : path, optional
            Path of a checkpoint, which `BackupAndRestore` or `ModelCheckpoint` has written: the training goes on from
            it, in the epoch and with the batch where it was made, to the end of `epochs`, and ends with the bits of
            one that was never interrupted; see Notes. A model, an optimizer, metrics or data that are others are
            refused.
        tbptt : int, optional
            Steps after which gradients through time are cut (truncated backpropagation through time); see Notes. Not
            for layers that read backwards, so not for a `Bidirectional`.
        checkpoint_every : int, optional
            Steps from one state that recurrent layers keep to the next, in place of all that the way back needs, which
            is computed once more there: the weights are the same to the bit, for up to a third more time. For layers
            in the compiled core, which rounds up to whole chunks of its sums, some hundreds of steps for one row.
        memory_limit : int, optional
            Bytes that all this may take in a step, in place of `checkpoint_every`: as much as goes into it is kept.
            What goes from layer to layer is not counted.

        Returns
        -------
        History

        Notes
        -----
        A checkpoint has the states of the random generators of this package, NumPy and Python, and of those that are
        attributes of layers and data. The order of arrays and of batches with numbers follows from it. Other
        iterables are drawn from again, up to the batch, so they must give the same batches again. Data with
        ``get_state()`` and ``set_state(state)`` say themselves what belongs to a checkpoint: batches with numbers at
        the moment when it is made, other iterables when a pass begins. It is a dict of numbers, texts, arrays, and
        lists, tuples and dicts of these. For what callbacks and layers of your own carry see `Callback` and
        `Layer.get_state`.

        Batches of an iterable, and of arrays that are mapped from files, are made by a thread while the batch before is
        trained on, up to three ahead, one where steps are long, and never more than an epoch takes; errors come out
        where they would without it. This begins with the fourth batch of an epoch, and only if steps take a millisecond
        or more, and making the second batch neither ran a model nor drew from the random generators of the process,
        which a step may change or draw from. Data with an attribute ``workers`` that is 0 has it never, nor a training
        with checkpoints between batches. What callbacks change of the data is seen up to three batches later.

        With ``tbptt=k`` the steps that a recurrent layer takes are pieces of k, counted from the first one it reads.
        The states at the start of a piece are those at the end of the one before, but count as constants. That is all
        that changes: outputs, losses of any kind, metrics and logs are those of whole sequences, and there is one step
        of the optimizer a batch, with the gradient of all pieces. So a loss at every step teaches a layer what lies
        within the same piece. A loss at the last step only, as behind ``return_sequences=False``, reaches the steps of
        the last piece, which are k or as many as are left over: 1 of 101 for ``tbptt=100``. What comes before them is
        read, and gives the layer and those below it no gradient.

        Ctrl-C ends training after the batch, with a KeyboardInterrupt; pressed twice it does so at once, as it does in
        callbacks of your own and while data is waited for. Weights, optimizer, random numbers and ``model.history`` are
        then those of whole steps and whole epochs, but for a step that was pressed twice in.
        """
        self._settings(loss=True)
        options = fit_options(
            *(batch_size, epochs, verbose, validation_split, shuffle, class_weight, initial_epoch),
            *(steps_per_epoch, validation_steps, validation_batch_size, validation_freq),
            *(tbptt, checkpoint_every, memory_limit),
        )
        if options.split and validation_data is not None:
            checks.complain(ValueError, "validation_split", "come without validation_data", "both")
        if is_stream(x):
            split = options.split or None
            refuse_beside_batches(batch_size, y=y, sample_weight=sample_weight, validation_split=split)
        callbacks = checked_callbacks(callbacks)
        class_weighted = lambda batch, by_class: self._preparing().class_weighted(batch, by_class)  # noqa: E731
        with self._numbers.drawing():
            make = makers(numbers_shared=True)
            source, held_back = training_sources(self._prepare, class_weighted, x, y, sample_weight, options, make)
            self._meet(source)
            if validation_data is not None:
                held_back = validation_source(self._prepare, validation_data, options, make)
            check_stateful(lambda: self.plan, source, held_back)
            options = replace(options, by=way_of(lambda: self.plan, options.by))
            last = options.epochs.stop
            hooks = callbacks_for(
                callbacks, self, add_history=True, verbose=options.verbose, epochs=last, steps=source.steps
            )
            found = None if resume_from is None else self.read_checkpoint(resume_from)
            begin_fit(self, (source, held_back), options)
            run_epochs(self._run_setup(), (source, held_back), options, hooks, self._stops, found)
        return hooks.history

    def _prepare(self, x: Any, y: Any, weights: Any, class_weight: Any = None, late: bool = False) -> Batch:
        """Check one set of arrays completely, so that the batches taken from it need no more checks.

        Where it is cast `late`, large arrays are cast when batches are taken.
        """
        xs = self._arrays(x, late)
        prepare = self._preparing()
        batch = prepare(xs, y, weights, class_weight, late)
        if self._metrics is None:
            metrics = prepare.metrics(batch[1], self._outputs_have_names)
            with CHANGE:  # if several threads come here first, all of them use what one of them has made
                self._metrics = self._metrics or metrics
        return batch

    def _meet(self, source: Source) -> None:
        """Build the model for the first batch, if it needs that and has not checked arrays yet."""
        if self._awaits_data and isinstance(source, StreamSource):
            source.check_first()

    def _preparing(self) -> Preparation:
        """Return what prepares data for the model as it is built and compiled now."""
        known, plan, compiled = self._preparation, self.plan, self._settings()
        if known is None or known.plan is not plan or known.compiled is not compiled:
            self._preparation = known = Preparation(plan, self.output_names, compiled)
        return known

    def _settings(self, loss: bool = False) -> Compiled:
        """Return what `compile` was told, or raise."""
        compiled = self._compiled
        if compiled is None:
            checks.complain(ValueError, self.name, "be compiled", "a model that is not", _COMPILE)
        if compiled.own_step:
            raise NotImplementedError(
                f"{self.name}: a {compiled.own_step}() of one's own is not supported; write a loss of your own, "
                "a layer with call(), or a loop over train_on_batch()"
            )
        if loss and not compiled.has_loss:
            checks.complain(ValueError, self.name, "be compiled with a loss", "none", _COMPILE)
        return compiled

    def _run_setup(self) -> Setup:
        return Setup(self._objective, self._new_meters, lambda: self.optimizer, lambda: self._metrics is not None)

    def _objective(self) -> Any:
        return objective_for(self._preparing(), self._new_meters, self.all_layers)

    def _new_meters(self) -> Any:
        assert self._metrics is not None
        return meters_for(self._metrics)

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
        x, y, batch_size, verbose, sample_weight, callbacks : array_like; int; str or int; list of Callback
            See `fit`.
        steps : int, optional
            Batches to stop after.
        return_dict : bool
            Whether to give a dict.

        Returns
        -------
        float, list of float or dict
            The loss; with metrics, a list in the order of `metrics_names`.
        """
        self._settings()
        as_dict, level = checks.truth("return_dict", return_dict), verbosity(verbose)
        callbacks = checked_callbacks(callbacks)
        source = test_source(self._prepare, x, y, sample_weight, batch_size, steps, makers())
        self._meet(source)
        check_stateful(lambda: self.plan, source)
        begin_evaluation(self, source)
        logs = evaluated(self._run_setup(), source, self._watchers(callbacks, level, source.steps))
        return self._as_asked(logs, as_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the model's outputs.

        Parameters
        ----------
        x : array_like
            Inputs, or an iterable of batches of them.
        batch_size, verbose, callbacks : int; str or int; list of Callback
            See `fit`.
        steps : int, optional
            Batches to stop after.

        Returns
        -------
        ndarray
            For several outputs in the form the model was given them: a list, tuple or dict of arrays.
        """
        rows, limit, level = batch_rows("batch_size", batch_size), steps_of("steps", steps), verbosity(verbose)
        callbacks = checked_callbacks(callbacks)
        if is_stream(x):
            refuse_beside_batches(batch_size)
            source: Source = StreamSource(x, lambda x, y, weights: nothing_known(self._arrays(x)), limit)
            self._meet(source)
        else:
            xs = self._arrays(x, late=True)
            if level == 0 and len(xs[0]) <= rows and limit is None and not callbacks:
                xs = tuple([whole(part) for part in xs])
                return self._as_given(own(Network(self.plan).infer(xs), xs))
            source = ArraySource(nothing_known(xs), rows, limit=limit)
            check_stateful(lambda: self.plan, source)
        with being(None):  # every rank predicts all by itself
            watchers = self._watchers(callbacks, level, source.steps)
        return self._as_given(predicted(source, Network(self.plan), watchers, self._as_given))

    def _watchers(self, callbacks: list[Any], verbose: int, steps: int | None) -> Watchers:
        hooks = callbacks_for(callbacks, self, verbose=verbose, epochs=1, steps=steps)
        return Watchers(hooks, ProgressBar(steps, verbose) if verbose else None)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training; gives loss and metrics of this batch before the step, as `evaluate` does."""
        self._settings(loss=True)
        as_dict = checks.truth("return_dict", return_dict)
        batch = self._prepare(x, y, sample_weight, class_weights(class_weight))
        with WholeSteps() as gate, np.errstate(all="ignore"), self._numbers.drawing():
            batch = share_of_one(self, batch)
            outcome = train_step(self._objective(), self.optimizer, batch, gate)
            return self._results_of_one(outcome, batch, as_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch, as `evaluate`."""
        self._settings()
        as_dict = checks.truth("return_dict", return_dict)
        batch = self._prepare(x, y, sample_weight)
        with np.errstate(all="ignore"):
            batch = share_of_one(self, batch)
            outcome = self._objective().evaluate(*batch)
            return self._results_of_one(outcome, batch, as_dict)

    def _results_of_one(self, outcome: Outcome, batch: Batch, as_dict: bool) -> Any:
        meters = self._new_meters()
        meters.update(outcome, batch[1], batch[2])
        return self._as_asked(meters.finish(), as_dict)

    def _as_asked(self, values: Logs, as_dict: bool) -> Any:
        """Loss and metrics as `evaluate` gives them."""
        if as_dict:
            return dict(sorted(values.items()))
        names = self.metrics_names
        return [values[name] for name in names] if len(names) > 1 else values["loss"]

    def predict_on_batch(self, x: Any) -> Any:
        """Return the model's outputs for one batch."""
        xs = self._arrays(x)
        return self._as_given(own(Network(self.plan).infer(xs), xs))


def _check_ignored(run_eagerly: Any, steps_per_execution: Any, jit_compile: Any, auto_scale_loss: Any) -> None:
    checks.truth("run_eagerly", run_eagerly)
    checks.whole_number("steps_per_execution", steps_per_execution, at_least=1)
    if jit_compile is not None and not isinstance(jit_compile, str):
        checks.truth("jit_compile", jit_compile)
    elif jit_compile is not None:
        checks.one_of("jit_compile", jit_compile, ("auto",))
    checks.truth("auto_scale_loss", auto_scale_loss)
