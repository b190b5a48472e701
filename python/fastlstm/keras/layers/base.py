"""What every layer is."""

import math
import warnings
from collections.abc import Callable
from operator import is_
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import checks
from fastlstm.frames import user_stacklevel
from fastlstm.precisions import BFLOAT16, FULL, NAMES, WHOLE, mode_of

from .. import constraints, initializers, ops, regularizers
from ..foundation.arrays import (
    Array,
    Shape,
    as_array,
    as_batch_shape,
    as_mask,
    as_shape,
    float_dtype,
    memory_for,
    shape_text,
    weight_shape,
)
from ..foundation.carried import State, set_states_of_generators, states_of_generators
from ..foundation.eager import as_eager, mask_of
from ..foundation.lookup import auto_name, checked_name, of_this_package
from ..foundation.passes import current
from ..foundation.policies import MIXED, DTypePolicy, described, taken_apart
from ..foundation.symbolic import Arguments, SymbolicTensor, any_symbolic
from ..foundation.trees import filled, leaves
from ..foundation.undrawn import claim, is_undrawn
from ..foundation.variable import CHANGE, Variable, assign_all, current_values, is_held
from . import composed, inside
from .call import INFERENCE, TRAINING, Call, Pullback
from .call_arguments import check_mask, check_one, check_tensors, named_arguments
from .configs import Configured
from .input_spec import check_spec
from .symbolic_masks import note_masks

Step: TypeAlias = Callable[[], object]
"""Computes a layer's output for one time step, from an array that is there to another that is there."""

Stepper: TypeAlias = Callable[[Array], tuple[Step, Array]]
"""Takes the array ``(N, ...)`` that will hold a step's inputs; gives the step, and the array of its outputs."""

OPTIONS: dict[str, Callable[[Any, str], Any]] = {
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
}
"""What a layer can be told about a weight, and how it is looked up."""

_SHAPES = ("input_shape", "batch_shape", "batch_input_shape", "input_dim")
"""Arguments that say the shape of an input, in one way each."""


class Layer(Configured):
    """Base class of all layers.

    A layer holds weights and settings, never anything of a call in progress: several threads may run one layer.
    A subclass defines `compute_output_shape`, `forward`, `vjp` and, if it has weights, `_create_weights` and `_freeze`.

    Parameters
    ----------
    name : str, optional
        By default the class name in snake case, numbered within the process.
    dtype : dtype, optional
        ``"float32"`` (default) or ``"float64"``: of the weights, of the computation and of the output.
    trainable : bool
        Whether `fit` changes the weights.
    activity_regularizer : str or Regularizer, optional
        Name or regularizer: a penalty on the output, divided by the number of rows and added to the loss.
    input_shape, batch_input_shape, input_dim : tuple of int; int
        One of them: shape of a sample, of a batch, or number of features. An ``Input`` as first layer says the same.

    Raises
    ------
    ValueError
        If `input_dim` is out of range, `activity_regularizer` is unknown, or `input_shape` or
        `batch_input_shape` has another form.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers, ops
    >>> import numpy as np
    >>> class Scaled(layers.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    ...
    ...     def call(self, inputs):
    ...         return ops.multiply(inputs, self.factor)
    ...
    >>> layer = Scaled()
    >>> layer(np.ones((2, 3))).shape
    (2, 3)
    >>> layer.count_params()
    3
    """

    min_ndim = 1
    ndim: int | None = None
    input_dtype: Any = None
    """Dtype of the input that a Sequential makes for its first layer; None: that of `settings.floatx`."""
    mask_ndim: int | None = None
    """Number of axes a mask must have; None: as many as it comes with."""
    composed = False
    """Whether a user's ``call`` says what is computed; layers among the attributes belong to this one then."""
    supports_masking = False
    """Whether a layer with a user's ``call`` hands the mask of its input on."""
    keeps: frozenset[str] = frozenset()
    """Methods of `Composed` that a class does without when a subclass defines ``call``."""
    takes_several = False
    """Whether a call may be on several tensors."""
    call_arguments: ClassVar[tuple[str, ...]] = ("x", "training", "mask")
    """Arguments of a call, in the order in which they may come without names."""
    told_of_mask: ClassVar[bool] = False
    """Whether Keras hands it the mask of its input, rather than only passing that on."""
    joins_rows = False
    """Whether in training a row of the output depends on the other rows of the batch."""
    over_time = False
    """Whether the second axis of an input is time, along which a step depends on others."""
    steps_without_time = False
    """Whether `step_function` holds where an input has no axis of time, too, behind a last output."""
    by_name = False
    """Whether it is called with several arrays by name, masks among them."""
    found_places: ClassVar[tuple[str, ...]] = ()
    """Where files have what the layer finds out beside its weights, below its own place."""
    may_be_quantized = False
    """Whether `quantize` changes the weights of the layer itself."""
    input_spec: Any = None
    """What inputs have to be like: an `InputSpec`, or a list or dict of them. For layers of one's own."""
    _precision: str = FULL
    merges = False
    """Whether shapes of several inputs come as a list; otherwise only that of the first one matters."""

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        kind = type(self).__name__
        self.name = checked_name(name, kind) or auto_name(kind)
        self.batch_input_shape = self._pop_input_shape(kwargs)
        penalty = kwargs.pop("activity_regularizer", None)
        self.activity_regularizer = regularizers.get(penalty, f"{self.name}: activity_regularizer")
        checks.truth(f"{self.name}: autocast", kwargs.pop("autocast", True))
        if kwargs:
            checks.complain(ValueError, f"{kind}: arguments", "be ones that the layer has", sorted(kwargs))
        dtype, precision = taken_apart(dtype, f"{self.name}: dtype")
        self.dtype = float_dtype(dtype, f"{self.name}: dtype")
        if precision != FULL:
            self.set_precision(precision)
        self.trainable = trainable
        self.built = False
        self.input_shape: Shape | None = None
        self._weights: list[Variable] = []
        self._all_have_gradients = True
        self._adds_losses = False
        self._warned_of_mask = False
        self._options: tuple[str, ...] = ()
        self._frozen: tuple[list[Variable], tuple[Array, ...], Any] | None = None

    def _pop_input_shape(self, kwargs: dict[str, Any]) -> Shape | None:
        given = {name: shape for name in _SHAPES if (shape := kwargs.pop(name, None)) is not None}
        if not given:
            return None
        if len(given) > 1:
            checks.complain(ValueError, f"{self.name}: the shape of its input", "be given once", " and ".join(given))
        ((argument, shape),) = given.items()
        warnings.warn(
            "an input shape given to a layer works; an `Input(shape)` as the first layer of the model is preferred",
            UserWarning,
            stacklevel=user_stacklevel(),
        )
        if argument == "input_shape":
            return self._sample_shape(shape)
        if argument == "input_dim":
            return self._shape_from_features(shape)
        return as_batch_shape(shape, f"{self.name}: {argument}")

    def _sample_shape(self, sample: Any) -> Shape:
        return None, *as_shape(sample if isinstance(sample, list | tuple) else (sample,), f"{self.name}: input_shape")

    def set_precision(self, precision: str) -> None:
        """Take what a dtype such as ``"int8_from_float32"`` says beside the dtype."""
        if precision not in WHOLE:  # a policy for whole models, in which other layers compute in float32
            self._precision = precision
            return
        must = f"be 'float32' or 'float64' for a {type(self).__name__}, which is not quantized"
        checks.complain(ValueError, f"{self.name}: dtype", must, repr(f"{precision}_from_{self.dtype}"))

    def precision_now(self) -> str:
        """Return the precision of the products; as an attribute only layers have it that can be quantized."""
        return self.dtype.name if self._precision == FULL or not self.may_be_quantized else self._precision

    @property
    def dtype_policy(self) -> DTypePolicy:
        """What the layer was told of its dtype and precision."""
        return DTypePolicy(MIXED if self._precision == BFLOAT16 else self.dtype.name)

    @property
    def variable_dtype(self) -> str:
        """Of the weights as they are trained."""
        return self.dtype.name

    @property
    def compute_dtype(self) -> str:
        """Of the arrays that the layer takes and gives."""
        return self.dtype.name

    def described_policy(self) -> dict[str, Any]:
        """Return the dtype as a config has it."""
        return described(self.dtype, self._precision)

    @property
    def quantization_mode(self) -> str | None:
        """``"int8"`` after `quantize` to it; None: the weights are floats."""
        precision = self.precision_now()
        return mode_of(precision) if precision in WHOLE else None

    def quantize(
        self, mode: Any = None, config: Any = None, type_check: bool = True, *, activations: str | None = None
    ) -> None:
        """NotImplementedError: `Dense`, `EinsumDense`, `Embedding` and recurrent layers can be quantized."""
        self.check_quantized(mode, config, type_check, activations)

    def check_quantized(self, mode: Any, config: Any, type_check: Any, activations: Any) -> str:
        """Return the precision that `quantize` is told, or raise if the layer cannot have it."""
        cure = "Dense, EinsumDense, Embedding and recurrent layers can"
        raise NotImplementedError(f"{self.name}: a {type(self).__name__} cannot be quantized: {cure}")

    def in_file_order(self, variables: list[Variable]) -> list[Variable]:
        """Return weights of this layer in the order of Keras' files: those first that it was made to train."""
        return sorted(variables, key=lambda variable: not variable.has_gradient)

    def _shape_from_features(self, features: int) -> Shape:
        """Return the shape of a batch: for a layer of sequences, of any length."""
        steps = (None,) if self.ndim == 3 else ()
        return None, *steps, checks.size(f"{self.name}: input_dim", features)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__ and (cls.composed or not of_this_package(cls)):
            composed.adopt(cls)

    def ensure_built(self, input_shape: Shape) -> None:
        """Build the layer, unless it is built; a `build` of a user's own need not say that it was."""
        with CHANGE:  # several threads may bring the first data
            if not self.built:
                self.build(input_shape)
                self.built = True
                self._keep_input_shape(input_shape)

    def _keep_input_shape(self, input_shape: Shape) -> None:
        self.input_shape = self.input_shape or tuple(input_shape)

    def build(self, input_shape: Shape) -> None:
        """Create the weights for inputs of `input_shape`, which includes the batch axis, unless they are there."""
        input_shape = self._checked_shape(input_shape)
        if not self.built:
            self._create_weights(input_shape)
            self.input_shape = input_shape
            self.built = True
            self._build_parts(input_shape)

    def _build_parts(self, input_shape: Shape) -> None:
        """Create the weights of layers inside a ``call``."""

    def _create_weights(self, input_shape: Shape) -> None:
        """Create the weights; a layer without weights has nothing to do."""

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: DTypeLike | None = None,
        *,
        name: str | None = None,
        regularizer: Any = None,
        constraint: Any = None,
        trainable: bool | None = True,
        autocast: Any = True,
        aggregation: Any = None,
        layout: Any = None,
    ) -> Variable:
        """Create a weight of this layer and append it to `weights`.

        Parameters
        ----------
        shape : tuple of int
            Its sizes; by default those of a number.
        initializer : str or Initializer
            Name, initializer, or a function of shape and dtype; by default ``glorot_uniform``.
        dtype : dtype, optional
            By default that of the layer.
        name, regularizer, constraint : str; str or Regularizer; str or Constraint, optional
            Of the weight.
        trainable : bool, optional
            Whether training changes it.
        autocast, aggregation, layout : bool; str; object
            There is nothing to choose; accepted and ignored.
        """
        name = checked_name(name, f"{self.name}: add_weight") or auto_name("Variable")
        path = f"{self.weight_prefix}/{name}"
        value = self._first_value(path, shape, initializer, dtype)
        penalty = regularizers.get(regularizer, f"{path}: regularizer")
        limit = constraints.get(constraint, f"{path}: constraint")
        trains = checks.truth(f"{path}: trainable", trainable is None or trainable)
        variable = Variable(value, name=name, path=path, regularizer=penalty, constraint=limit, trainable=trains)
        self._weights.append(variable)
        self._all_have_gradients = self._all_have_gradients and variable.has_gradient
        return variable

    def _first_value(self, path: str, shape: Any, initializer: Any, dtype: DTypeLike | None) -> Array:
        """Return what a weight starts with, from what `add_weight` was told."""
        of_dtype = self.dtype if dtype is None else float_dtype(dtype, f"{path}: dtype")
        shape = () if shape is None else weight_shape(shape, f"{path}: shape")
        initializer = "glorot_uniform" if initializer is None else initializer
        by_name = isinstance(initializer, type) or not callable(initializer)
        draw = initializers.get(initializer, f"{path}: initializer") if by_name else initializer
        ours = type(draw).__module__ == initializers.__name__
        claim(shape, f"{path}: shape")
        with memory_for(shape, f"{path}: shape", of_dtype):
            drawn = np.zeros(shape, of_dtype) if ours and is_undrawn() else draw(shape, dtype=of_dtype)
            value = as_array(drawn, path, of_dtype)
        if value.shape != shape:
            checks.complain(ValueError, f"{path}: the initializer", f"give an array of shape {shape}", value.shape)
        if ours and value.base is None:
            value.flags.writeable = False  # nobody else has it, so that it need not be copied
        return value

    def _set_options(self, **options: Any) -> None:
        """Keep what ``kernel_initializer``, ``bias_regularizer`` and the like stand for as attributes."""
        for name, given in options.items():
            setattr(self, name, OPTIONS[name.rpartition("_")[2]](given, f"{self.name}: {name}"))
        self._options = tuple(options)

    def _add_weight(self, shape: tuple[int, ...], name: str, role: str | None = None, draw: Any = None) -> Variable:
        """Create a weight with the options whose names begin with its name, or with `role`."""
        initializer, regularizer, constraint = (getattr(self, f"{role or name}_{option}") for option in OPTIONS)
        return self.add_weight(shape, draw or initializer, name=name, regularizer=regularizer, constraint=constraint)

    @property
    def weight_prefix(self) -> str:
        """What the paths of the weights begin with."""
        return self.name

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """ValueError about the argument `name` if this layer takes no input of `shape`."""
        rank = len(shape)
        if rank < self.min_ndim or (self.ndim is not None and rank != self.ndim):
            wanted = f"{self.ndim} axes" if self.ndim else f"at least {self.min_ndim} axes"
            must = f"have {wanted}{self._axes_text()}"
            checks.complain(ValueError, f"{self.name}: {name}", must, shape_text(shape) + self._axes_cure(rank))
        built = self.input_shape if self._weights else None
        if built is not None and shape[-1] != built[-1] and built[-1] is not None:
            cure = f": {shape[-1]} features for {built[-1]}"
            checks.refuse_shape(f"{self.name}: {name}", shape_text((None, *built[1:])), shape_text(shape), cure)

    def _checked_shape(self, shape: Any) -> Shape:
        """`shape` as a tuple, with the axes that an input of this layer has."""
        found = as_shape(shape, f"{self.name}: input_shape", f"a tuple of sizes{self._axes_text()}")
        self.check_input_shape(found)
        return found

    def _axes_text(self) -> str:
        return ""

    def _axes_cure(self, rank: int) -> str:
        if not self.over_time or rank != 2:
            return ""
        return "; return_sequences=True of a recurrent layer gives all steps, x[..., None] steps of one feature"

    def _known_features(self, input_shape: Shape) -> int:
        features = input_shape[-1]
        if features is None or features < 1:
            name = f"{self.name}: the last axis of input_shape"
            checks.complain(ValueError, name, "be a positive size", shape_text(input_shape))
        return int(features)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for an input of `input_shape`, both with the batch axis."""
        return self._checked_shape(input_shape)

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, with the batch axis; known once the layer is built."""
        if self.input_shape is None:
            raise AttributeError(f"{self.name} has no output shape before it is built")
        return self.compute_output_shape(self.input_shape)

    def found_by_adapt(self) -> dict[str, Any]:
        """Return what the layer found out and neither config nor weights have: arrays and files by `found_places`."""
        return {}

    def take_found(self, found: dict[str, Any]) -> None:
        """Go on with what `found_by_adapt` gave; ValueError if it makes no sense."""

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask of the output; by default that of the input."""
        return mask

    @property
    def ends_masks(self) -> bool:
        """Whether the mask of an input is neither looked at nor handed on."""
        return False

    def watch_mask(self, mask: Any, of_output: Any) -> None:
        """Warn, once, if the mask of an input ends here unseen, as Keras does."""
        ends = self.ends_masks and not self._warned_of_mask and all(part is None for part in leaves(of_output))
        if ends and any(part is not None for part in leaves(mask)):
            self._warned_of_mask = True
            message = (
                f"{self.name}: a {type(self).__name__} does not support masking, and the mask of its input ends here: "
                "layers behind it take all steps"
            )
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; a subclass may define it with functions of `ops` and other layers, and go on from here.

        What it is given, and gives, are arrays, or boxes that stand for arrays while a gradient is taken.
        """
        return inside.called_as_built_in(self, args, kwargs)

    def add_loss(self, loss: Any) -> None:
        """Add a number to the loss, from within ``call``."""
        passing = current()
        if passing is None:
            checks.complain(ValueError, f"{self.name}: add_loss()", "be called within call()", "a call from elsewhere")
        self._adds_losses = True
        passing.penalties.extend(ops.sum(part) for part in leaves(loss))

    def forward(self, x: Any, call: Call = INFERENCE) -> Any:
        """Return the output for `x`: an array of this layer's dtype, or a list of such where there are several."""
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs), or forward(x, call)")

    def vjp(self, x: Any, call: Call = TRAINING) -> tuple[Any, Pullback]:
        """Return the output and its vector-Jacobian product.

        Parameters
        ----------
        x : array_like
            Input, of this layer's dtype, or a list of inputs. It must stay unchanged until the pullback is done.
        call : Call
            What holds for this call.
        """
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs), or vjp(x, call)")

    @property
    def penalizes_output(self) -> bool:
        """Whether there is a penalty on the output, or on that of a layer inside."""
        return self.activity_regularizer is not None

    def penalized_forward(self, x: Any, call: Call = INFERENCE) -> tuple[Any, float]:
        """Return what `forward` gives, and the penalty on it."""
        y = self.forward(x, call)
        return y, self.output_penalty(y)

    def penalized_vjp(self, x: Any, call: Call = TRAINING) -> tuple[Any, Pullback, float]:
        """Return what `vjp` gives, and the penalty on the output, whose gradient the pullback adds."""
        y, pullback = self.vjp(x, call)
        return y, self.penalized_pullback(y, pullback), self.output_penalty(y)

    def output_penalty(self, y: Any) -> float:
        """Return the penalty on what the layer gives."""
        regularizer = self.activity_regularizer
        return 0.0 if regularizer is None else sum(regularizer(part) / max(len(part), 1) for part in leaves(y))

    def penalized_pullback(self, y: Any, pullback: Pullback) -> Pullback:
        """Return a pullback that adds the gradient of the penalty on `y`."""
        regularizer = self.activity_regularizer
        if regularizer is None:
            return pullback
        slopes = [regularizer.gradient(part) / max(len(part), 1) for part in leaves(y)]

        def penalized(dy: Any) -> tuple[Any, list[Array]]:
            sums = (s if d is None else d + s for d, s in zip(leaves(dy), slopes, strict=True))
            return pullback(filled(dy, sums))

        return penalized

    def step_function(self) -> Stepper:
        """Return what makes the steps of a stream, with the weights of now. A step should not allocate.

        A layer whose output at a step depends on more than the input at this step raises ValueError.
        """
        made: Stepper = super().step_function()
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output for an array or anything that makes one; builds the layer at first.

        Given symbolic tensors, note the call and return the tensors that will come out; see `models.Model`.

        Parameters
        ----------
        x : array_like
            The input.
        training : bool
            Whether dropout drops.
        mask : array_like, optional
            Which time steps are there; by default as the layer that gave `x` says.
        """
        if "inbound_nodes" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}: call super().__init__() first in __init__()")
        own = self.composed or self.by_name
        if any_symbolic(args, kwargs):
            return self._noted(*args, **kwargs) if own else self._noted(**named_arguments(self, args, kwargs))
        passing = current()
        if passing is not None:
            return inside.called(self, passing, args, kwargs)
        if own or (len(args) == 1 and not kwargs):
            return self._on_arrays(*args, **kwargs)
        return self._on_arrays(**named_arguments(self, args, kwargs))

    def _on_arrays(self, x: Any, training: bool = False, mask: Any = None) -> Any:
        drops = self._drops(training)
        x, mask = self._with_mask(x, mask)
        y, found = self.forward(x, Call(drops, mask)), self.compute_mask(x, mask)
        if mask is not None:
            self.watch_mask(mask, found)
        return as_eager(y, found)

    def _with_mask(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Return `x` in the form `forward` takes, and the mask that was given, or else the one that `x` carries."""
        carried = mask_of(x) if mask is None else None
        x = self._prepared(x)
        if self.input_spec is not None:
            check_spec(self.input_spec, x, self.name)
        return x, self._checked_mask(mask, x) if carried is None else carried

    def _drops(self, training: Any) -> bool:
        return training is not None and checks.truth(f"{self.name}: training", training)

    def _prepared(self, x: Any) -> Array:
        """`x` in the form `forward` takes; the layer is built then."""
        x = self.as_input(x, f"{self.name}: x")
        self.check_input_shape(x.shape, "x")
        self.ensure_built((None, *x.shape[1:]))
        result: Array = x
        return result

    def _checked_mask(self, mask: Any, x: Array) -> Array | None:
        return None if mask is None else as_mask(mask, f"{self.name}: mask", x.shape, self.mask_ndim)

    def _noted(self, x: Any, training: Any = None, mask: Any = None, initial_state: Any = None) -> Any:
        states = {} if initial_state is None else {"initial_state": initial_state}
        for name, tree in {"x": x, **states, **({} if mask is None else {"mask": mask})}.items():
            check_tensors(f"{self.name}: {name}", tree)
        if not self.takes_several and of_this_package(type(self)):
            check_one(f"{self.name}: x", x)
        if mask is not None:
            self._check_noted_mask(check_one(f"{self.name}: mask", mask), leaves(x)[0].shape)
        return self.note(Arguments((x,), states), mask, training)

    def note(self, arguments: Arguments, mask: Any = None, training: bool | None = None) -> Any:
        """See `Operation.note`; what comes out has a mask if what goes in says so."""
        if self.input_spec is not None:
            args, kwargs = arguments.filled(arguments.tensors)
            check_spec(self.input_spec, next(iter([*args, *kwargs.values()])), self.name)
        outputs = super().note(arguments, mask, training)
        note_masks(self.inbound_nodes[-1])
        return outputs

    def _check_noted_mask(self, mask: SymbolicTensor, shape: Shape) -> None:
        """ValueError if a symbolic mask does not go with an input of a shape."""
        check_mask(f"{self.name}: mask", mask, shape, self.mask_ndim)

    def get_ready(self, arguments: Arguments, shape: Any) -> None:
        """Build the layer for inputs of a shape or of a list of shapes."""
        self.ensure_built(shape if self.merges or not isinstance(shape, list) else shape[0])

    def output_shape_for(self, shape: Any, arguments: Any) -> Any:
        """Shape of the output of a call with `arguments`, for inputs of a shape or of a list of shapes."""
        return self.compute_output_shape(shape)

    def as_input(self, x: Any, name: str, wanted: str = "an array of numbers") -> Array:
        """`x` in the form `forward` takes: an array of this layer's dtype."""
        return as_array(x, name, self.dtype, wanted)

    def takes(self, shape: Shape) -> bool:
        """Whether an input of `shape` has as many axes as the layer was built for, and as many features."""
        wanted = self.input_shape
        return wanted is None or (len(shape) == len(wanted) and shape[-1] == wanted[-1])

    @property
    def trainable(self) -> bool:
        """Whether `fit` changes the weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = checks.truth(f"{self.name}: trainable", value)

    @property
    def weights(self) -> list[Variable]:
        """All weights."""
        return self._weights

    @property
    def differentiated(self) -> list[Variable]:
        """The weights that `vjp` gives gradients of, in order: none of a layer that is not trainable.

        Training leaves those alone whose own ``trainable`` was set to False.
        """
        if not self.trainable:
            return []
        return self._weights if self._all_have_gradients else [v for v in self._weights if v.has_gradient]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The other weights."""
        trained = {id(variable) for variable in self.trainable_variables}
        return [variable for variable in self.weights if id(variable) not in trained]

    @property
    def variables(self) -> list[Variable]:
        """All weights."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that `fit` changes."""
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""
        return self.non_trainable_variables

    @property
    def losses(self) -> list[float]:
        """Penalties of the regularizers, part of the loss."""
        return [v.regularizer(v.value) for v in self.trainable_variables if v.regularizer is not None]

    def frozen(self) -> Any:
        """Describe what `_freeze` derives from the weights, made anew when one has changed."""
        cached, weights = self._frozen, self._weights
        values = current_values(weights)
        if cached is not None and cached[0] is weights and all(map(is_, values, cached[1])):
            return cached[2]
        with CHANGE:
            if not is_held(weights):  # then they may be of two moments
                weights = self._weights
                values = current_values(weights)
            derived = self._freeze(values)
            self._frozen = weights, values, derived
        return derived

    def _freeze(self, values: tuple[Array, ...]) -> Any:
        return values

    def named_parts(self) -> list[tuple[str, Any]]:
        """Return the attributes that hold layers, alone or in lists and dicts, in the order that Keras' files have."""
        names = [name for name in vars(self) if name not in ("inbound_nodes", "_inner")]
        held = [(name, getattr(self, name)) for name in sorted(names, key=lambda name: (name[0] == "_", name))]
        return [(name, part) for name, part in held if any(isinstance(leaf, Layer) for leaf in leaves(part))]

    def get_weights(self) -> list[Array]:
        """Return copies of the weights."""
        with CHANGE:
            return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Set all weights, in the order of `get_weights`; if one does not fit, none is set."""
        assign_all(self.weights, checks.items(f"{self.name}: weights", weights, "a list of arrays"), self.name)

    def get_state(self) -> State:
        """Return what changes in training beside the weights and is no part of layers inside, for a checkpoint.

        By default the states of the random generators among the attributes. A layer of your own that carries anything
        else from batch to batch adds it: a dict of numbers, texts, arrays and lists, tuples and dicts of these.
        """
        return states_of_generators(self)

    def set_state(self, state: State) -> None:
        """Go on from what `get_state` gave."""
        set_states_of_generators(self, state, self.name)

    def count_params(self) -> int:
        """Return the number of single weights."""
        if not self.built:
            checks.complain(ValueError, self.name, "have weights", "none yet", "; build it or call it first")
        return sum(math.prod(variable.shape) for variable in self.weights)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_frozen": None, "inbound_nodes": []}

    def __repr__(self) -> str:
        precision = self.precision_now()
        quantized = f", precision={precision}" if precision in NAMES else ""
        return f"<{type(self).__name__} name={self.name}, built={self.built}{quantized}>"
