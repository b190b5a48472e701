"""Attention of every query to all keys of a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastlstm import checks

from ... import activations, ops
from ...foundation import core
from ...foundation.arrays import Array
from ...foundation.symbolic import any_symbolic
from ...foundation.variable import Variable
from ..call import Call
from .lookup import Found, Lookup, Request, added, times, turned

LEFT_OUT = 1e9
"""What is taken off a score that a mask leaves out."""

Slopes = Callable[[Array], tuple[Array, Array, list[Array]]]
"""Takes the gradient of the scores; gives those of query and key, and of the weights."""


class Attention(Lookup):
    """Values weighted by how well their keys go with each query: ``softmax(query @ key.T) @ value``.

    Called on a list ``[query (N, T, D), value (N, S, F)]``, or with a key ``(N, S, D)`` as third; without one the
    values are their own keys. The output is ``(N, T, F)``.

    Parameters
    ----------
    use_scale : bool
        Whether the scores are multiplied by a weight ``scale``.
    score_mode : str
        ``"dot"``: scores are products of query and key. ``"concat"``: ``w * sum(tanh(scale * (query + key)))``.
    dropout : float
        Fraction of the probabilities dropped while training.
    seed : int, optional
        Seed of the dropout.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `dropout` or `seed` is out of range, `score_mode` is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    Notes
    -----
    A call also takes ``mask``, a list of the masks of query and value in place of those that these bring;
    ``training``; ``return_attention_scores``, which gives a list of the output and the probabilities ``(N, T, S)``;
    ``use_causal_mask``, which hides from query t the keys after t.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> query, value = np.ones((1, 2, 3)), np.arange(12.0).reshape(1, 4, 3)
    >>> output, probabilities = layers.Attention()([query, value], return_attention_scores=True, use_causal_mask=True)
    >>> probabilities[0, 0].tolist()
    [1.0, 0.0, 0.0, 0.0]
    """

    scale: Variable | None = None
    concat_score_weight: Variable | None = None

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout, seed, **kwargs)
        self.use_scale = checks.truth(f"{self.name}: use_scale", use_scale)
        self.score_mode = checks.one_of(f"{self.name}: score_mode", score_mode, ("dot", "concat"))

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return that of the query."""
        found = super().compute_mask(x, mask)
        return ops.convert_to_tensor(found) if any_symbolic(found) else found

    def _request(
        self, inputs: Any, mask: Any = None, return_attention_scores: Any = False, use_causal_mask: Any = False
    ) -> Request:
        parts = self._listed("inputs", inputs, "query, value and perhaps key")
        masks = [None, None] if mask is None else self._listed("mask", mask, "the masks of query and value")
        query, value, key = (*parts, None)[:3]
        return Request(query, value, key, masks[0], masks[1], None, None, return_attention_scores, use_causal_mask)

    def _listed(self, name: str, given: Any, what: str) -> list[Any]:
        found = checks.items(f"{self.name}: {name}", given, f"a list of {what}")
        if len(found) not in (2, 3):
            checks.complain(ValueError, f"{self.name}: {name}", f"be a list of {what}", f"{len(found)} of them")
        return found

    def _as_called(self, request: Request) -> tuple[tuple[Any, ...], dict[str, Any]]:
        query, value, key, query_mask, value_mask, _, _, both, causal = request
        kwargs: dict[str, Any] = {"return_attention_scores": True} if both else {}
        kwargs |= {"use_causal_mask": True} if causal else {}
        if query_mask is not None or value_mask is not None:
            kwargs["mask"] = [query_mask, value_mask]
        return ([query, value] if key is None else [query, value, key],), kwargs

    def _masks(self, given: Request, brought: Request) -> Request:
        said = given.query_mask is not None or given.value_mask is not None
        return given if said else Request(None, None, None, brought.query, brought.value)

    def _shapes(self, query: Any, value: Any, key: Any) -> tuple[Any, Any]:
        if not len(query) == len(value) == len(key) == 3:
            self._refuse_shapes("3 axes (batch, time, features)", query, value, key)
        if None not in (query[2], key[2]) and query[2] != key[2]:
            self._refuse_shapes("the same number of features in query and key", query, value, key)
        if None not in (value[1], key[1]) and value[1] != key[1]:
            self._refuse_shapes("as many steps in value as in key", query, value, key)
        rows = {shape[0] for shape in (query, value, key)} - {None}
        if len(rows) > 1:
            self._refuse_shapes("the same number of rows", query, value, key)
        return (*query[:2], value[2]), (*query[:2], key[1])

    def _create_weights(self, input_shape: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _scores(self, query: Array, key: Array) -> tuple[Array, Slopes]:
        """Return scores ``(N, T, S)``, and the way back."""
        values = list(self.frozen())
        scale = values[0] if self.use_scale else None
        if self.score_mode == "concat":
            return _bent_scores(query, key, scale, values[-1])
        plain = query @ turned(key)
        scores = plain if scale is None else plain * scale

        def slopes(dscores: Array) -> tuple[Array, Array, list[Array]]:
            dplain = dscores if scale is None else dscores * scale
            gradients = [] if scale is None else [np.asarray(np.vdot(dscores, plain))]
            return dplain @ key, turned(dplain) @ query, gradients

        return scores, slopes

    def _attend(self, given: Request, call: Call, penalized: bool) -> Found:
        query, value, key = given.query, given.value, given.key
        scores, slopes = self._scores(query, key)
        there = self._there(given, scores.shape)
        if there is not None:
            scores = np.where(there, scores, scores - self.dtype.type(LEFT_OUT))
        whole = core.softmax(scores)
        probabilities, keep = self._dropped(whole, call)
        of_queries = None if given.query_mask is None else given.query_mask[..., None]
        y = times(probabilities @ value, of_queries)

        def pullback(dy: Array | None, dprobabilities: Array | None) -> tuple[list[Any], list[Array]]:
            dfound = np.zeros_like(y) if dy is None else times(dy, of_queries)
            dvalue = turned(probabilities) @ dfound
            dprobabilities = times(added(dfound @ turned(value), dprobabilities), keep)
            dscores = activations.softmax.backward(dprobabilities, scores, whole)
            dquery, dkey, gradients = slopes(dscores)
            return [dquery, dvalue, dkey], gradients if self.trainable else []

        return Found(y, probabilities, pullback)

    def _there(self, given: Request, shape: tuple[int, ...]) -> Array | None:
        """Return which keys each query sees, in a shape that broadcasting takes to that of the scores."""
        rows, queries, keys = shape
        for name, steps in (("query_mask", queries), ("value_mask", keys)):
            mask = getattr(given, name)
            if mask is not None and mask.shape != (rows, steps):
                checks.refuse_shape(f"{self.name}: {name}", (rows, steps), mask.shape)
        seen = np.tri(queries, keys, dtype=np.bool_) if given.use_causal_mask else None
        if given.value_mask is None:
            return seen
        there: Array = given.value_mask[:, None, :]
        return there if seen is None else there & seen

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"use_scale": self.use_scale, "score_mode": self.score_mode}


def _bent_scores(query: Array, key: Array, scale: Array | None, weight: Array) -> tuple[Array, Slopes]:
    """Return ``weight * sum(tanh(scale * (query + key)))``, and the way back."""
    sums = query[:, :, None] + key[:, None]
    bent = np.tanh(sums if scale is None else sums * scale)
    total = np.add.reduce(bent, axis=-1)

    def slopes(dscores: Array) -> tuple[Array, Array, list[Array]]:
        dinner = (dscores * weight)[..., None] * (1 - bent * bent)
        gradients = [] if scale is None else [np.asarray(np.vdot(dinner, sums))]
        gradients.append(np.asarray(np.vdot(dscores, total)))
        dsums = dinner if scale is None else dinner * scale
        return np.add.reduce(dsums, axis=2), np.add.reduce(dsums, axis=1), gradients

    return weight * total, slopes
