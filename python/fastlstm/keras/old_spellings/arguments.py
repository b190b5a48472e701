"""Old names of arguments."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any

from fastlstm import checks

from .. import callbacks, layers, metrics, models, optimizers, preprocessing, utils
from ..optimizers import schedules
from ..training.trainer import Trainer
from .embedding import new_embedding
from .functions import as_initializer
from .telling import tell

_WEIGHTS = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
}
_RECURRENT = _WEIGHTS | {
    "output_dim": "units",
    "inner_init": "recurrent_initializer",
    "U_regularizer": "recurrent_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}
_GATES = {"inner_activation": "recurrent_activation"}
_POOLING = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"}

ARGUMENTS: dict[str, dict[str, str]] = {
    "layers.LSTM": _RECURRENT | _GATES,
    "layers.GRU": _RECURRENT | _GATES,
    "layers.SimpleRNN": _RECURRENT,
    "layers.Dense": _WEIGHTS | {"output_dim": "units"},
    "layers.Conv1D": _WEIGHTS
    | {
        "nb_filter": "filters",
        "filter_length": "kernel_size",
        "border_mode": "padding",
        "subsample_length": "strides",
    },
    "layers.MaxPooling1D": _POOLING,
    "layers.AveragePooling1D": _POOLING,
    "layers.InputLayer": {"input_shape": "shape", "batch_input_shape": "batch_shape"},
    "layers.UpSampling1D": {"length": "size"},
    "layers.Embedding": {
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "layers.BatchNormalization": {"gamma_init": "gamma_initializer", "beta_init": "beta_initializer"},
    "layers.LeakyReLU": {"alpha": "negative_slope"},
    "layers.Dropout": {"p": "rate"},
    "layers.SpatialDropout1D": {"p": "rate"},
    "layers.GaussianDropout": {"p": "rate"},
    "layers.GaussianNoise": {"sigma": "stddev"},
    "models.Model": {"input": "inputs", "output": "outputs"},
    "models.Model.fit": {"nb_epoch": "epochs"},
    "callbacks.ReduceLROnPlateau": {"epsilon": "min_delta"},
    "preprocessing.text.Tokenizer": {"nb_words": "num_words"},
    "utils.to_categorical": {"nb_classes": "num_classes"},
}
"""By what takes them: what arguments were called, and are."""

WORKERS = ("workers", "use_multiprocessing", "max_queue_size")
"""How batches were made beside the training."""

FORGOTTEN = {
    "layers.LSTM": ("consume_less",),
    "layers.BatchNormalization": ("fused",),
    "layers.GRU": ("consume_less",),
    "layers.SimpleRNN": ("consume_less",),
    "models.Model.fit": WORKERS,
    "models.Model.evaluate": WORKERS,
    "models.Model.predict": WORKERS,
}
"""By what takes them: arguments that chose a way of computing, and no longer exist."""

NAME_FIRST = {
    "layers.Layer.add_weight": ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint"),
    "metrics.Metric.add_weight": ("name", "shape"),
}
"""By what takes them: the order of arguments without names, of which the first is now a shape and was a name."""

_PLACES = {
    "callbacks": callbacks,
    "layers": layers,
    "metrics": metrics,
    "models": models,
    "optimizers": optimizers,
    "preprocessing": preprocessing,
    "utils": utils,
}


def install() -> None:
    """Let functions and constructors take their old arguments."""
    for place in {**ARGUMENTS, **FORGOTTEN}:
        _replace(place, partial(_accepting, place))
    for name in optimizers.__all__:
        kind = getattr(optimizers, name)
        if isinstance(kind, type) and issubclass(kind, optimizers.Optimizer):
            _replace(f"optimizers.{name}", _with_rate_and_decay)
    for place, order in NAME_FIRST.items():
        _replace(place, partial(_with_name_first, order))
    _replace("layers.Layer", _with_sizes)
    _replace("layers.Embedding", _as_embedding)
    _replace("callbacks.ModelCheckpoint", _with_period)
    Trainer.compile = _with_one_metric(Trainer.compile)  # type: ignore[method-assign]
    _replace("utils.to_categorical", _with_dtype)


def _replace(place: str, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put a changed function in place of the one at `place`, or of the constructor of the class there."""
    module, *names = place.split(".")
    holder: Any = _PLACES[module]
    for name in names[:-1]:
        holder = getattr(holder, name)
    found = getattr(holder, names[-1])
    if isinstance(found, type):
        found.__init__ = change(found.__init__)  # type: ignore[misc]
    else:
        setattr(holder, names[-1], change(found))


def _accepting(place: str, function: Callable[..., Any]) -> Callable[..., Any]:
    renamed, forgotten = ARGUMENTS.get(place, {}), FORGOTTEN.get(place, ())
    old = frozenset((*renamed, *forgotten))

    @wraps(function)
    def accepting(*args: Any, **kwargs: Any) -> Any:
        if not old.isdisjoint(kwargs):
            kwargs = _translated(kwargs, renamed, forgotten, place)
        return function(*args, **kwargs)

    return accepting


def _translated(
    kwargs: dict[str, Any], renamed: Mapping[str, str], forgotten: tuple[str, ...], place: str
) -> dict[str, Any]:
    found = {}
    for name, value in kwargs.items():
        today = renamed.get(name, name)
        if name in forgotten:
            tell(f"{place}: {name}=", "")
            continue
        if today != name:
            tell(f"{place}: {name}=", f"{today}=")
            if today in kwargs:
                checks.complain(TypeError, f"{place}: {today}", "be given once", f"{name}= too, its old spelling")
            value = as_initializer(value) if today.endswith("_initializer") else value
        found[today] = value
    return found


def _with_rate_and_decay(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the constructor of an optimizer take ``lr``, ``decay``, and None for the usual ``epsilon``.

    ``decay`` makes the rate ``rate / (1 + decay * step)``.
    """

    @wraps(function)
    def accepting(self: Any, *args: Any, **kwargs: Any) -> None:
        owner = f"optimizers.{type(self).__name__}"
        if "lr" in kwargs:
            kwargs = _translated(kwargs, {"lr": "learning_rate"}, (), owner)
        if "epsilon" in kwargs and kwargs["epsilon"] is None:
            tell(f"{owner}: epsilon=None", "")
            del kwargs["epsilon"]
        if "decay" in kwargs:
            tell(f"{owner}: decay=", "learning_rate=schedules.InverseTimeDecay(rate, 1, decay)")
            decay = kwargs.pop("decay")
            if decay:
                given = inspect.signature(function).bind(self, *args, **kwargs)
                given.apply_defaults()
                rate = schedules.InverseTimeDecay(given.arguments["learning_rate"], 1, decay)
                args, kwargs = (rate, *args[1:]), {k: v for k, v in kwargs.items() if k != "learning_rate"}
        function(self, *args, **kwargs)

    return accepting


def _with_name_first(order: tuple[str, ...], function: Callable[..., Any]) -> Callable[..., Any]:
    """Let what adds a weight take its name as the first argument, and others in the `order` of then."""

    @wraps(function)
    def accepting(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], str):
            tell(f"{type(self).__name__}: add_weight({args[0]!r}, ...)", f"add_weight(..., name={args[0]!r})")
            return function(self, *args[len(order) :], **dict(zip(order, args, strict=False)), **kwargs)
        return function(self, *args, **kwargs)

    return accepting


def _with_sizes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the constructor of all layers take sizes of axes apart.

    These are ``input_length``, beside the number of features, and ``batch_size``: the first axis of an input shape.
    """

    @wraps(function)
    def accepting(self: Any, *args: Any, batch_size: Any = None, input_length: Any = None, **kwargs: Any) -> None:
        if input_length is not None:
            kwargs = _with_length(f"layers.{type(self).__name__}", input_length, kwargs)
        function(self, *args, **kwargs)
        if batch_size is not None:
            rows, shape = checks.size(f"{self.name}: batch_size", batch_size), self.batch_input_shape
            tell(f"{type(self).__name__}: batch_size=", shape and "batch_shape= of an Input, or batch_input_shape=")
            self.batch_input_shape = shape and (rows, *shape[1:])

    return accepting


def _with_length(owner: str, length: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with the shape of a sequence in place of the number of its features."""
    if kwargs.get("input_dim") is None:
        checks.complain(ValueError, f"{owner}: input_length", "come with input_dim", f"{checks.shown(length)} alone")
    steps = checks.whole_number(f"{owner}: input_length", length, at_least=0)
    shape = steps, checks.size(f"{owner}: input_dim", kwargs["input_dim"])
    tell(f"{owner}: input_length=", f"input_shape={shape}")
    return {name: value for name, value in kwargs.items() if name != "input_dim"} | {"input_shape": shape}


def _with_period(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the constructor of ModelCheckpoint take ``period``, a number of epochs."""

    @wraps(function)
    def accepting(self: Any, *args: Any, period: Any = None, **kwargs: Any) -> None:
        function(self, *args, **kwargs)
        if period is not None:
            tell("callbacks.ModelCheckpoint: period=", "save_freq= with a number of batches")
            self.period = checks.whole_number("ModelCheckpoint: period", period, at_least=1)

    return accepting


def _with_one_metric(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let `compile` take the name of a metric in place of a list of it."""

    @wraps(function)
    def accepting(*args: Any, **kwargs: Any) -> None:
        name = kwargs.get("metrics")
        if isinstance(name, str):
            tell(f"models.Model.compile: metrics={name!r}", f"metrics=[{name!r}]")
            kwargs["metrics"] = [name]
        function(*args, **kwargs)

    return accepting


def _with_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let `to_categorical` take ``dtype``."""

    @wraps(function)
    def accepting(*args: Any, dtype: Any = None, **kwargs: Any) -> Any:
        rows = function(*args, **kwargs)
        if dtype is None:
            return rows
        tell("utils.to_categorical: dtype=", "to_categorical(...).astype(dtype)")
        return rows.astype(checks.any_dtype("dtype", dtype))

    return accepting


def _as_embedding(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the constructor of Embedding take ``dropout``, and ``input_length``, which a model is built for."""
    new_embedding.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    layers.Embedding.__new__ = new_embedding  # type: ignore[method-assign, assignment]

    @wraps(function)
    def accepting(self: Any, *args: Any, dropout: Any = None, input_length: Any = None, **kwargs: Any) -> None:
        if input_length is not None:
            checks.whole_number("Embedding: input_length", input_length, at_least=0, at_most=checks.LARGEST_SIZE)
            tell("layers.Embedding: input_length=", "input_shape=(length,), or leave it out")
        known = not kwargs.keys().isdisjoint(("input_shape", "batch_input_shape"))
        if not known and (input_length is not None or "batch_size" in kwargs):
            kwargs["input_shape"] = (input_length,)
        if dropout is not None:
            tell("layers.Embedding: dropout=", "")
        function(self, *args, **kwargs)

    return accepting
