"""Values weighted by how well their keys go with queries: what the attention layers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, any_numbers, as_array, shape_text
from ...foundation.eager import as_eager, mask_of
from ...foundation.random import generator
from ...foundation.symbolic import Arguments
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback
from ..regularization.dropout import dropout_mask


class Request(NamedTuple):
    """What an attention is called with: arrays or, in their stead, symbolic tensors, shapes, masks or places."""

    query: Any
    value: Any
    key: Any = None
    """None: the values are their own keys."""
    query_mask: Any = None
    value_mask: Any = None
    key_mask: Any = None
    attention_mask: Any = None
    return_attention_scores: Any = False
    use_causal_mask: Any = False


TENSORS = Request._fields[:7]


class Found(NamedTuple):
    """What an attention gives."""

    output: Array
    probabilities: Array
    pullback: Callable[[Array | None, Array | None], tuple[list[Any], list[Array]]]
    """Takes the gradients of output and probabilities; gives those of query, value and key, and of the weights."""
    penalty: float = 0.0


class Lookup(Layer):
    """Base class of attention layers; a subclass says how it is called and what it computes.

    A call is noted in one form: the query is the first of the tensors.
    """

    by_name = True
    no_stream = "a step looks at all the others"

    def __init__(self, dropout: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dropout = checks.fraction(f"{self.name}: dropout", dropout)
        self.seed = checks.seed(f"{self.name}: seed", seed)
        self._generator = None if seed is None else np.random.default_rng(self.seed)

    def _request(self, *args: Any, **kwargs: Any) -> Request:
        """Return what a call is given, by name."""
        raise NotImplementedError(f"{type(self).__name__} must define _request")

    def _as_called(self, request: Request) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return args and kwargs of a call, so that the query is the first of the tensors among them."""
        raise NotImplementedError(f"{type(self).__name__} must define _as_called(request)")

    def _shapes(self, query: Any, value: Any, key: Any) -> tuple[Any, Any]:
        """Return the shapes of output and probabilities for those of the inputs; ValueError if they do not fit."""
        raise NotImplementedError(f"{type(self).__name__} must define _shapes(query, value, key)")

    def _masks(self, given: Request, brought: Request) -> Request:
        """Return the masks that count: those that a call was given, or those `brought` by the arrays."""
        raise NotImplementedError(f"{type(self).__name__} must define _masks(given, brought)")

    def _attend(self, given: Request, call: Call, penalized: bool) -> Found:
        """Look up, with arrays of booleans for the masks; key is never None."""
        raise NotImplementedError(f"{type(self).__name__} must define _attend(given, call, penalized)")

    # Calls.

    def __call__(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Look up what the queries ask for; see the class for what it is called with."""
        try:
            request = self._request(*args, **kwargs)
        except TypeError as error:
            text = str(error).partition("._request()")[2]  # Python's own of wrong arguments
            if not text:
                raise
            name, got = f"{self.name}: the arguments of a call", f"others: {text.lstrip()}"
            checks.complain(TypeError, name, "be those of the layer", got, cause=error)
        for name in ("return_attention_scores", "use_causal_mask"):
            request = request._replace(**{name: checks.truth(f"{self.name}: {name}", getattr(request, name))})
        args, kwargs = self._as_called(request)
        return super().__call__(*args, training=training, **kwargs)

    def _on_arrays(self, *args: Any, training: Any = None, **kwargs: Any) -> Any:
        request, drops = self._request(*args, **kwargs), self._drops(training)
        named = {name: getattr(request, name) for name in TENSORS}
        arrays = {name: self.as_input(part, f"{self.name}: {name}") for name, part in named.items() if part is not None}
        args, kwargs = self._as_called(request._replace(**arrays))
        arguments = Arguments(args, kwargs, _is_array)
        shapes: Any = [(None, *part.shape[1:]) for part in arguments.tensors]
        self.get_ready(arguments, shapes)
        carried = {id(array): mask_of(named[name]) for name, array in arrays.items()}
        masks = [carried[id(tensor)] for tensor in arguments.tensors]
        y = self.forward(arguments.tensors, Call(drops, masks, arguments=arguments))
        return as_eager(y, self.compute_mask(arguments.tensors, masks))

    def as_input(self, x: Any, name: str, wanted: str = "an array of numbers") -> Array:
        """`x` as an array of this layer's dtype; booleans, which masks are made of, stay what they are."""
        array = any_numbers(x, name, wanted)
        return array if array.dtype == np.bool_ else as_array(array, name, self.dtype, wanted)

    def _noted(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        return self.note(Arguments(args, kwargs), training=training)

    def _of(self, arguments: Arguments, values: Any) -> Request:
        """Return what a call is given with these `values` for its tensors."""
        args, kwargs = arguments.filled(values)
        return self._request(*args, **kwargs)

    def get_ready(self, arguments: Arguments, shape: Any) -> None:
        """Build the layer for the shapes of query, value and key."""
        query, value, key, *_ = self._of(arguments, shape)
        for name, part in (("query", query), ("value", value), ("key", key)):
            if not isinstance(part, tuple) and not (part is None and name == "key"):
                checks.refuse(TypeError, f"{self.name}: {name}", "a tensor, as the others are", part)
        self.ensure_built([query, value] if key is None else [query, value, key])  # type: ignore[arg-type]

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of the shapes in a list: those of query, value and perhaps key."""
        shapes = [tuple(shape) for shape in checks.items(f"{self.name}: input_shape", input_shape, _WANTED)]
        if len(shapes) not in (2, 3):
            checks.refuse(ValueError, f"{self.name}: input_shape", _WANTED, input_shape)
        query, value, key = (*shapes, shapes[1])[:3]
        self._shapes(query, value, key)
        if not self.built:
            self._create_weights([query, value, key])  # type: ignore[arg-type]
            self.input_shape = tuple(shapes)  # type: ignore[arg-type]  # one for every input
            self.built = True

    @property
    def _has_build(self) -> bool:
        return True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output for inputs of the shapes in a list, all with the batch axis."""
        shapes = [tuple(shape) for shape in checks.items(f"{self.name}: input_shape", input_shape, _WANTED)]
        if len(shapes) not in (2, 3):
            checks.refuse(ValueError, f"{self.name}: input_shape", _WANTED, input_shape)
        query, value, key = (*shapes, shapes[1])[:3]
        return self._shapes(query, value, key)[0]

    def output_shape_for(self, shape: Any, arguments: Arguments) -> Any:
        """Shape of the output of a call, or a list with that of the probabilities."""
        request = self._of(arguments, shape)
        key = request.value if request.key is None else request.key
        output, probabilities = self._shapes(request.query, request.value, key)
        return [output, probabilities] if request.return_attention_scores else output

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask of the query."""
        return mask[0] if isinstance(mask, list | tuple) else None

    def _refuse_shapes(self, wanted: str, *shapes: Any) -> None:
        given = ", ".join(map(shape_text, shapes))
        checks.complain(ValueError, f"{self.name}: query, value and key", f"have {wanted}", given)

    # What is computed.

    def forward(self, x: Any, call: Call = INFERENCE) -> Any:
        """Return the output for a list of arrays, or a list of it and the probabilities; see `Layer.forward`."""
        return self._run(x, call)[0]

    def vjp(self, x: Any, call: Call = TRAINING) -> tuple[Any, Pullback]:
        """See `Layer.vjp`; `x` is a list: query, value and perhaps key, unless `call` has arguments."""
        y, pullback, _ = self._run(x, call)
        return y, pullback

    def penalized_forward(self, x: Any, call: Call = INFERENCE) -> tuple[Any, float]:
        """Return what `forward` gives, and the penalties."""
        y, _, penalty = self._run(x, call, penalized=True)
        return y, penalty + self.output_penalty(y)

    def penalized_vjp(self, x: Any, call: Call = TRAINING) -> tuple[Any, Pullback, float]:
        """Return what `vjp` gives, and the penalties, whose gradients the pullback adds."""
        y, pullback, penalty = self._run(x, call, penalized=True)
        return y, self.penalized_pullback(y, pullback), penalty + self.output_penalty(y)

    def _run(self, x: list[Any], call: Call, penalized: bool = False) -> tuple[Any, Pullback, float]:
        arguments = call.arguments or Arguments(*self._as_called(Request(*x)), _is_array)
        given = self._of(arguments, x)
        key = given.value if given.key is None else given.key
        self._shapes(given.query.shape, given.value.shape, key.shape)
        masks = self._masks(given, self._of(arguments, call.mask or [None] * len(x)))
        output, probabilities, slopes, penalty = self._attend(self._with(masks, given, key), call, penalized)
        both, places = given.return_attention_scores, self._of(arguments, list(range(len(x))))

        def pullback(dy: Any) -> tuple[Any, list[Array]]:
            (dquery, dvalue, dkey), gradients = slopes(*(dy if both else (dy, None)))
            dx: list[Any] = [None] * len(x)
            if call.need_dx:
                dx[places.query], dx[places.value] = dquery, dvalue if given.key is not None else dvalue + dkey
                if given.key is not None:
                    dx[places.key] = dkey
            return dx, gradients

        return [output, probabilities] if both else output, pullback, penalty

    def _with(self, masks: Request, given: Request, key: Any) -> Request:
        """Return what is given with the masks as booleans."""
        found = {name: self._as_booleans(name, getattr(masks, name)) for name in TENSORS[3:]}
        return given._replace(key=key, **found)

    def _as_booleans(self, name: str, mask: Any) -> Array | None:
        if mask is None:
            return None
        array = any_numbers(mask, f"{self.name}: {name}", "an array of booleans, True for what is there")
        return array if array.dtype == np.bool_ else array != 0

    def _dropped(self, probabilities: Array, call: Call) -> tuple[Array, Array | None]:
        """Return the probabilities that are left in training, and what they were multiplied with."""
        if not call.training or self.dropout == 0:
            return probabilities, None
        noise = self._generator or generator("noise")
        keep = dropout_mask(noise, probabilities.shape, self.dropout, probabilities.dtype)
        return probabilities * keep, keep

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"dropout": self.dropout, "seed": self.seed}


_WANTED = "a list of the shapes of query and value, and perhaps of key"


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray)


def times(x: Array, factor: Array | None) -> Array:
    """Return ``x * factor``; None is 1."""
    return x if factor is None else x * factor


def added(x: Array, other: Array | None) -> Array:
    """Return ``x + other``; None is 0."""
    return x if other is None else x + other


def turned(x: Array) -> Array:
    """Return matrices with rows for columns."""
    return x.swapaxes(-1, -2)
