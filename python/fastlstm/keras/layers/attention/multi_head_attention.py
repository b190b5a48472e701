"""Attention of several heads, each in a space of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from fastlstm import checks

from ... import activations, regularizers
from ...foundation import core
from ...foundation.arrays import Array, as_batch_shape, shape_text
from ...foundation.serialization import serialize_keras_object
from ..activation.softmax import LEFT_OUT
from ..call import Call, Pullback
from ..core.einsum_dense import EinsumDense
from ..wrapper import Wrapper
from .heads import Axes
from .lookup import Found, Lookup, Request, added, times, turned

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class MultiHeadAttention(Lookup, Wrapper):
    """Attention of several heads: each looks up projections of its own, and a last one puts them together.

    A head gives ``softmax(q @ k.T / sqrt(key_dim)) @ v``, with ``q``, ``k``, ``v`` projected from query, key and value.
    Called on ``query (N, T, ...), value (N, S, ...)`` and perhaps ``key``; without one the values are their own keys.
    The output is ``(N, T, E)``.

    Parameters
    ----------
    num_heads : int
        Number of heads.
    key_dim, value_dim : int
        Sizes of the projections of query and key, and of value; without `value_dim` all have the same.
    dropout : float
        Fraction of the probabilities dropped while training.
    use_bias : bool
        Whether the projections have a bias.
    output_shape : tuple of int or callable, optional
        Size ``E`` of the output, or several; None: that of the query.
    attention_axes : int or tuple of int, optional
        Axes over which is looked up; None: all but those of batch and features.
    sliding_window : int, optional
        How many steps before and after its own a query sees, its own counted; None: all.
    flash_attention : bool, optional
        Accepted and ignored: a way of computing.
    kernel_initializer, bias_initializer : str or Initializer
        Of the weights of all projections.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on them.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What they are brought to after every update.
    activity_regularizer : str or Regularizer, optional
        Of the outputs of all projections.
    use_gate : bool
        Whether what the heads give is multiplied by the sigmoid of one more projection of the query.
    seed : int, optional
        Seed of the dropout.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If a number is out of range, what is named is unknown, or `output_shape` or `attention_axes` has another
        form.
    TypeError
        If an argument has another type.

    Notes
    -----
    A call also takes ``value_mask`` and ``key_mask (N, S)``, in place of the masks that these bring;
    ``attention_mask (N, T, S)``; ``return_attention_scores``, which gives a list of the output and the probabilities
    ``(N, heads, T, S)``; ``use_causal_mask``, which hides from query t the keys after t; and ``training``. As in Keras,
    a ``query_mask`` is taken and counts only if the query brings it. Where a query sees nothing, the probabilities are
    all the same or, with dropout or when they are asked for, 0: these are the numbers of Keras.

    References
    ----------
    Vaswani et al., Attention Is All You Need, NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> x = np.ones((2, 5, 8))
    >>> layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x, use_causal_mask=True).shape
    (2, 5, 8)
    """

    inner_names = ()
    keras_past: ClassVar[Mapping[str, Any]] = {"query_shape": ..., "key_shape": ..., "value_shape": ...}

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout, seed, inner=[], **kwargs)
        self.num_heads = checks.size(f"{self.name}: num_heads", num_heads)
        self.key_dim = checks.size(f"{self.name}: key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else checks.size(f"{self.name}: value_dim", value_dim)
        self.use_bias = checks.truth(f"{self.name}: use_bias", use_bias)
        self.use_gate = checks.truth(f"{self.name}: use_gate", use_gate)
        self.sliding_window = None
        if sliding_window is not None:
            self.sliding_window = checks.size(f"{self.name}: sliding_window", sliding_window)
        if flash_attention is not None:
            checks.truth(f"{self.name}: flash_attention", flash_attention)
        self.own_output_shape = self._checked_output_shape(output_shape)
        self.attention_axes = self._checked_axes(attention_axes)
        self._set_options(
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.projection_regularizer = regularizers.get(activity_regularizer, f"{self.name}: activity_regularizer")

    query_dense: EinsumDense
    key_dense: EinsumDense
    gate_dense: EinsumDense | None
    value_dense: EinsumDense
    output_dense: EinsumDense

    def _checked_output_shape(self, shape: Any) -> tuple[int, ...] | None:
        if shape is None:
            return None
        given = shape if isinstance(shape, list | tuple) else (shape,)
        if not given:
            checks.refuse(ValueError, f"{self.name}: output_shape", "one size or more", shape)
        return tuple(checks.size(f"{self.name}: output_shape", size) for size in given)

    def _checked_axes(self, axes: Any) -> tuple[int, ...] | None:
        if axes is None:
            return None
        given = axes if isinstance(axes, list | tuple) else (axes,)
        if not given:
            checks.refuse(ValueError, f"{self.name}: attention_axes", "one axis or more", axes)
        return tuple(checks.whole_number(f"{self.name}: attention_axes", axis) for axis in given)

    # Calls and shapes.

    def _request(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: Any = False,
        use_causal_mask: Any = False,
    ) -> Request:
        masks = (query_mask, value_mask, key_mask, attention_mask)
        return Request(query, value, key, *masks, return_attention_scores, use_causal_mask)

    def _as_called(self, request: Request) -> tuple[tuple[Any, ...], dict[str, Any]]:
        kwargs = {name: part for name, part in request._asdict().items() if part is not None and part is not False}
        return (kwargs.pop("query"), kwargs.pop("value")), kwargs

    def _masks(self, given: Request, brought: Request) -> Request:
        return given._replace(
            query_mask=brought.query,
            value_mask=brought.value if given.value_mask is None else given.value_mask,
            key_mask=brought.key if given.key_mask is None else given.key_mask,
        )

    def _axes(self, rank: int) -> tuple[int, ...]:
        """Return the axes of inputs with `rank` of them to look along."""
        if self.attention_axes is None:
            return tuple(range(1, rank - 1))
        axes = tuple(axis % rank if -rank <= axis < rank else 0 for axis in self.attention_axes)
        if not all(0 < axis < rank - 1 for axis in axes) or len(set(axes)) < len(axes):
            wanted = "axes between those of the batch and of the features"
            checks.refuse(ValueError, f"{self.name}: attention_axes", wanted, self.attention_axes)
        return axes

    def _shapes(self, query: Any, value: Any, key: Any) -> tuple[Any, Any]:
        rank = len(query)
        if rank < 3 or not rank == len(value) == len(key):
            self._refuse_shapes("as many axes each, 3 or more", query, value, key)
        looked = self._axes(rank)
        for axis in range(rank - 1):
            same = (value, key) if axis in looked else (query, value, key)
            if len({shape[axis] for shape in same} - {None}) > 1:
                whose = "value and key" if axis in looked else "all of them"
                self._refuse_shapes(f"the same size at axis {axis} in {whose}", query, value, key)
        if self.built:
            self._check_features(query, value, key)
        projected = [(*shape[:-1], self.num_heads, self.key_dim) for shape in (query, key)]
        own = (query[-1],) if self.own_output_shape is None else self.own_output_shape
        return (*query[:-1], *own), Axes(rank + 1, looked).scores(*projected)

    def _check_features(self, *shapes: Any) -> None:
        for dense, shape in zip((self.query_dense, self.value_dense, self.key_dense), shapes, strict=True):
            dense.check_input_shape(shape, f"{dense.name}")

    def _create_weights(self, input_shape: Any) -> None:
        query, value, key = input_shape
        self.attention_axes = self._axes(len(query))
        self.query_dense = self._projection("query", query, (self.num_heads, self.key_dim))
        self.key_dense = self._projection("key", key, (self.num_heads, self.key_dim))
        heads = (self.num_heads, self.value_dim)
        self.gate_dense = self._projection("gate", query, heads, activation="sigmoid") if self.use_gate else None
        self.value_dense = self._projection("value", value, heads)
        own = (query[-1],) if self.own_output_shape is None else self.own_output_shape
        self.output_dense = self._projection("attention_output", (*query[:-1], *heads), own, bound=2)
        inner = [self.query_dense, self.key_dense, self.gate_dense, self.value_dense, self.output_dense]
        self._inner = [dense for dense in inner if dense is not None]
        self._adopt_weights()
        if not self.trainable:
            self.trainable = False

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shapes that the weights were made for."""
        if not self.built or self.input_shape is None:
            return None
        names = ("query_shape", "value_shape", "key_shape")
        return {"shapes_dict": dict(zip(names, self.input_shape, strict=False))}

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Create the weights, for what `get_build_config` gives."""
        shapes = config.get("shapes_dict")
        if isinstance(shapes, Mapping) and shapes:
            names = [name for name in ("query_shape", "value_shape", "key_shape") if name in shapes]
            argument = f"{self.name}: build_config"
            self.ensure_built([as_batch_shape(shapes[name], argument) for name in names])  # type: ignore[arg-type]

    def _projection(self, name: str, shape: Any, sizes: Any, bound: int = 1, activation: Any = None) -> EinsumDense:
        """Make a projection from the last `bound` axes of inputs of a `shape` to axes of these `sizes`."""
        free = len(shape) - bound
        kept, summed = _LETTERS[:free], _LETTERS[free : free + bound]
        made = _LETTERS[free + bound : free + bound + len(sizes)]
        options = {option: getattr(self, option) for option in self._options}
        dense = EinsumDense(
            f"{kept}{summed},{summed}{made}->{kept}{made}",
            (*[None] * (free - 1), *sizes),
            activation,
            made if self.use_bias else None,
            name=name,
            dtype=self.dtype_policy,
            activity_regularizer=self.projection_regularizer,
            **{name: deepcopy(option) for name, option in options.items()},
        )
        dense.build((None, *shape[1:]))
        return dense

    @property
    def penalizes_output(self) -> bool:
        """Whether there is a penalty on the outputs of the projections."""
        return self.projection_regularizer is not None

    # What is computed.

    def _attend(self, given: Request, call: Call, penalized: bool) -> Found:
        project = partial(_projected, call, penalized)
        query, key = project(self.query_dense, given.query), project(self.key_dense, given.key)
        gate = project(self.gate_dense, given.query) if self.gate_dense else None
        value = project(self.value_dense, given.value)
        heads, probabilities, slopes = self._heads([query.y, key.y, value.y], given, call)
        output = _projected(call._replace(need_dx=True), penalized, self.output_dense, _gated(heads, gate))

        def pullback(dy: Array | None, dprobabilities: Array | None) -> tuple[list[Any], list[Array]]:
            dgated, of_output = output.pullback(np.zeros_like(output.y) if dy is None else dy)
            projections = slopes(_gated(dgated, gate), dprobabilities)
            pairs = zip((query, key, value), projections, strict=True)
            (dquery, of_query), (dkey, of_key), (dvalue, of_value) = (part.pullback(slope) for part, slope in pairs)
            of_gate: list[Array] = []
            if gate is not None:
                through, of_gate = gate.pullback(dgated * heads)
                dquery = dquery + through if call.need_dx else None
            return [dquery, dvalue, dkey], [*of_query, *of_key, *of_gate, *of_value, *of_output]

        found = (query, key, value, output, *(() if gate is None else (gate,)))
        return Found(output.y, probabilities, pullback, sum(part.penalty for part in found))

    def _heads(
        self, projections: list[Array], given: Request, call: Call
    ) -> tuple[Array, Array, Callable[[Array, Array | None], list[Array]]]:
        """Return what the heads give, the probabilities, and the gradients of the projections from those of both."""
        axes = Axes(projections[0].ndim, self._axes(given.query.ndim))
        query, key, value = map(axes.matrices, projections)
        scale = self.dtype.type(1 / math.sqrt(self.key_dim))
        scores = (query * scale) @ turned(key)
        of_axes = axes.scores(projections[0].shape, projections[1].shape)
        there = self._there(given, scores.shape, of_axes, len(axes.looked))
        if there is not None:
            scores = np.where(there, scores, self.dtype.type(LEFT_OUT))
        whole = core.softmax(scores)
        if there is not None and (self.dropout > 0 or given.return_attention_scores):
            whole = whole * there
        probabilities, keep = self._dropped(whole, call)
        found = probabilities @ value
        shape = (*projections[0].shape[:-1], self.value_dim)

        def slopes(dheads: Array, dprobabilities: Array | None) -> list[Array]:
            dfound = axes.matrices(dheads)
            dgiven = None if dprobabilities is None else dprobabilities.reshape(whole.shape)
            dwhole = added(times(dfound @ turned(value), keep), dgiven)
            dscores = times(activations.softmax.backward(dwhole, scores, whole), there)
            back = (dscores @ key * scale, turned(dscores) @ (query * scale), turned(probabilities) @ dfound)
            return [axes.projection(d, x.shape) for d, x in zip(back, projections, strict=True)]

        return axes.projection(found, shape), whole.reshape(of_axes), slopes

    def _there(self, given: Request, shape: Any, of_axes: Any, looked: int) -> Array | None:
        """Return which keys each query sees, in the `shape` of the scores; `of_axes` has each axis for itself."""
        masks = [
            None if given.query_mask is None else given.query_mask[..., :, None],
            None if given.value_mask is None else given.value_mask[..., None, :],
            None if given.key_mask is None else given.key_mask[..., None, :],
            *self._by_place(given.query.shape[1], given.value.shape[1], given.use_causal_mask),
            given.attention_mask,
        ]
        there = None
        for mask in masks:
            there = mask if there is None else there if mask is None else there & mask
        if there is None:
            return None
        lifted = there.reshape(
            *there.shape[: -2 * looked], *[1] * (len(of_axes) - there.ndim), *there.shape[-2 * looked :]
        )
        try:
            return np.broadcast_to(lifted, of_axes).reshape(shape)
        except ValueError:
            wanted = f"masks that fit scores of shape {shape_text(of_axes)}"
            checks.complain(ValueError, f"{self.name}: attention_mask", f"be one of {wanted}", there.shape)

    def _by_place(self, queries: int, keys: int, causal: bool) -> list[Array | None]:
        """Return which keys each query sees by where they are."""
        seen = np.tri(queries, keys, dtype=np.bool_)[None] if causal else None
        if self.sliding_window is None:
            return [seen]
        distance = np.arange(queries)[:, None] - np.arange(keys)
        return [seen, (abs(distance) < self.sliding_window)[None]]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("num_heads", "key_dim", "value_dim", "use_bias", "use_gate", "attention_axes", "sliding_window")
        own = {name: getattr(self, name) for name in names} | {"output_shape": self.own_output_shape}
        penalty = self.projection_regularizer
        described = None if penalty is None else serialize_keras_object(penalty)
        return super().get_config() | own | {"activity_regularizer": described}


class Projected(NamedTuple):
    """What a projection gives."""

    y: Array
    pullback: Pullback
    penalty: float


def _projected(call: Call, penalized: bool, dense: EinsumDense, x: Array) -> Projected:
    inner = Call(call.training, None, call.need_dx)
    return Projected(*dense.penalized_vjp(x, inner)) if penalized else Projected(*dense.vjp(x, inner), 0.0)


def _gated(x: Array, gate: Projected | None) -> Array:
    return x if gate is None else x * gate.y
