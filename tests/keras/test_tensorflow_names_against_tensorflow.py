"""Functions under TensorFlow's names against TensorFlow's: values, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastlstm.tensorflow as ours

theirs = pytest.importorskip("tensorflow")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 4, 2)).astype("float32"), RNG.normal(size=(3, 4, 2)).astype("float32")
N = RNG.integers(0, 5, (3, 4))
M = RNG.normal(size=(2, 4, 4)).astype("float32") + 4 * np.eye(4, dtype="float32")
TEXTS = ["Hällo Wörld", "  a,b , C\t", "", "x1 y22", "ÄÖ a"]

CALLS: dict[str, Callable[[Any], Any]] = {
    **{
        name: lambda tf, name=name: getattr(tf, name)(X)
        for name in (
            "abs",
            "cos",
            "exp",
            "floor",
            "negative",
            "round",
            "sigmoid",
            "sign",
            "sin",
            "square",
            "tan",
            "tanh",
        )
    },
    **{
        f"math.{name}": lambda tf, name=name: getattr(tf.math, name)(np.abs(X) + 0.1)
        for name in ("ceil", "erf", "expm1", "log", "log1p", "reciprocal", "rsqrt", "softplus", "softsign", "is_nan")
    },
    **{
        name: lambda tf, name=name: getattr(tf, name)(X, Y)
        for name in (
            "add",
            "subtract",
            "multiply",
            "divide",
            "maximum",
            "minimum",
            "greater",
            "less_equal",
            "not_equal",
        )
    },
    **{
        f"{name} {axis}": lambda tf, name=name, axis=axis: getattr(tf, name)(X, axis=axis, keepdims=axis == 1)
        for name in ("reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod", "reduce_logsumexp")
        for axis in (None, 1, [0, 2])
    },
    "reduce_any": lambda tf: tf.reduce_any(X > 1, axis=0),
    "reduce_all": lambda tf: tf.reduce_all(X > -9),
    "reduce_std": lambda tf: tf.math.reduce_std(X, axis=0),
    "argmax": lambda tf: tf.argmax(X),
    "argmin": lambda tf: tf.argmin(X, axis=-1, output_type=tf.int32),
    "argsort": lambda tf: tf.argsort(X, axis=1, direction="DESCENDING"),
    "sort": lambda tf: tf.sort(X, axis=1, direction="DESCENDING"),
    "boolean_mask": lambda tf: tf.boolean_mask(tf.constant(X), N > 2),
    "cumsum": lambda tf: tf.cumsum(X),
    "cumsum back": lambda tf: tf.cumsum(X, axis=1, exclusive=True, reverse=True),
    "gather": lambda tf: tf.gather(X, [2, 0]),
    "gather axis": lambda tf: tf.gather(X, N[0] % 4, axis=1),
    "matmul": lambda tf: tf.matmul(X, Y, transpose_b=True),
    "matmul a": lambda tf: tf.matmul(X, Y, transpose_a=True),
    "einsum": lambda tf: tf.einsum("nti,ntj->nij", X, Y),
    "tensordot": lambda tf: tf.tensordot(X, Y, axes=[[2], [2]]),
    "one_hot": lambda tf: tf.one_hot(N, 4),
    "one_hot values": lambda tf: tf.one_hot(N, 4, on_value=5.0, off_value=-1.0, axis=1),
    "pad": lambda tf: tf.pad(N, [[1, 0], [0, 2]], constant_values=7),
    "pad reflect": lambda tf: tf.pad(X, [[1, 0], [0, 2], [0, 0]], mode="REFLECT"),
    "slice": lambda tf: tf.slice(X, [1, 0, 1], [2, -1, 1]),
    "split": lambda tf: tf.split(X, 2, axis=1),
    "split sizes": lambda tf: tf.split(X, [1, 3], axis=1),
    "unstack": lambda tf: tf.unstack(X, axis=1),
    "stack": lambda tf: tf.stack([X, Y], axis=1),
    "stack of numbers": lambda tf: tf.stack([1, 2, 3]),
    "concat": lambda tf: tf.concat([X, Y], axis=-1),
    "where": lambda tf: tf.where(X > 0, X, 0.0),
    "where alone": lambda tf: tf.where(N > 2),
    "tile": lambda tf: tf.tile(N, [2, 1]),
    "repeat": lambda tf: tf.repeat(N, 2, axis=1),
    "reverse": lambda tf: tf.reverse(X, axis=[1]),
    "roll": lambda tf: tf.roll(X, shift=1, axis=0),
    "transpose": lambda tf: tf.transpose(X, [1, 0, 2]),
    "transpose all": lambda tf: tf.transpose(X),
    "expand_dims": lambda tf: tf.expand_dims(X, -1),
    "squeeze": lambda tf: tf.squeeze([[[1.0], [2.0]]], axis=-1),
    "clip_by_value": lambda tf: tf.clip_by_value(X, -0.5, 0.5),
    "cast": lambda tf: tf.cast(X, tf.int32),
    "range": lambda tf: tf.range(2, 10, 3),
    "range of floats": lambda tf: tf.range(3, dtype=tf.float32),
    "linspace": lambda tf: tf.linspace(0.0, 1.0, 5),
    "fill": lambda tf: tf.fill([2, 3], 7),
    "zeros": lambda tf: tf.zeros([2, 3], dtype=tf.int64),
    "ones": lambda tf: tf.ones(3),
    "eye": lambda tf: tf.eye(3),
    "shape": lambda tf: tf.shape(X),
    "size": lambda tf: tf.size(X),
    "rank": lambda tf: tf.rank(X),
    "constant": lambda tf: tf.constant([1, 2, 3]),
    "constant in a shape": lambda tf: tf.constant(5.0, shape=[2, 2]),
    "constant texts": lambda tf: tf.constant([["a", "ü"]]),
    "convert": lambda tf: tf.convert_to_tensor([1, 2], dtype=tf.float32),
    "norm": lambda tf: tf.norm(X, axis=1),
    "inv": lambda tf: tf.linalg.inv(M),
    "det": lambda tf: tf.linalg.det(M),
    "trace": lambda tf: tf.linalg.trace(M),
    "diag_part": lambda tf: tf.linalg.diag_part(M),
    "cholesky": lambda tf: tf.linalg.cholesky(np.matmul(M, np.swapaxes(M, 1, 2))),
    "l2_normalize": lambda tf: tf.math.l2_normalize(X, axis=-1),
    "top_k": lambda tf: list(tf.math.top_k(X, k=1)),
    "divide_no_nan": lambda tf: tf.math.divide_no_nan(X, np.where(X > 0, X, 0)),
    "multiply_no_nan": lambda tf: tf.math.multiply_no_nan(np.float32([np.nan, 1]), np.float32([0, 2])),
    "segment_sum": lambda tf: tf.math.unsorted_segment_sum(X, [2, 0, 2], num_segments=4),
    "segment_mean": lambda tf: tf.math.unsorted_segment_mean(X, [2, 0, 2], num_segments=4),
    "segment_max": lambda tf: tf.math.unsorted_segment_max(X, [2, 0, 2], num_segments=4),
    "gelu": lambda tf: tf.nn.gelu(X),
    "gelu approximate": lambda tf: tf.nn.gelu(X, approximate=True),
    "elu": lambda tf: tf.nn.elu(X),
    "leaky_relu": lambda tf: tf.nn.leaky_relu(X, alpha=0.3),
    "relu6": lambda tf: tf.nn.relu6(8 * X),
    "selu": lambda tf: tf.nn.selu(X),
    "silu": lambda tf: tf.nn.silu(X, beta=2.0),
    "softmax": lambda tf: tf.nn.softmax(X, axis=1),
    "log_softmax": lambda tf: tf.nn.log_softmax(X),
    "moments": lambda tf: list(tf.nn.moments(X, axes=[0, 1])),
    "embedding_lookup": lambda tf: tf.nn.embedding_lookup(M[0], [3, 1]),
    "sigmoid cross-entropy": lambda tf: tf.nn.sigmoid_cross_entropy_with_logits(labels=np.float32(X > 0), logits=Y),
    "softmax cross-entropy": lambda tf: tf.nn.softmax_cross_entropy_with_logits(labels=np.float32(X > 0), logits=Y),
    "sparse cross-entropy": lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=N % 2, logits=Y),
    "rfft": lambda tf: tf.signal.rfft(X),
    "irfft": lambda tf: tf.signal.irfft(tf.signal.rfft(X)),
    "rfft of a length": lambda tf: tf.signal.rfft(X, fft_length=[6]),
    **{
        f"strings.{name}": lambda tf, name=name: getattr(tf.strings, name)(TEXTS)
        for name in ("lower", "upper", "strip", "length", "reduce_join", "split", "bytes_split")
    },
    "unicode_split": lambda tf: tf.strings.unicode_split(TEXTS, "UTF-8"),
    "lower all": lambda tf: tf.strings.lower(TEXTS, encoding="utf-8"),
    "length in characters": lambda tf: tf.strings.length(TEXTS, unit="UTF8_CHAR"),
    "join": lambda tf: tf.strings.join(["<", TEXTS, ">"], separator="|"),
    "reduce_join rows": lambda tf: tf.strings.reduce_join([["a", "b"], ["c", "d"]], axis=0, separator=" "),
    "reduce_join kept": lambda tf: tf.strings.reduce_join([["a", "b"], ["c", "d"]], axis=-1, keepdims=True),
    "regex_replace": lambda tf: tf.strings.regex_replace(TEXTS, "[,öl]", r"<\0>"),
    "regex_replace groups": lambda tf: tf.strings.regex_replace(TEXTS, r"(\w)(\d)", r"\2-\1", replace_global=False),
    "regex_full_match": lambda tf: tf.strings.regex_full_match(TEXTS, r"\w+ \w+"),
    "split at": lambda tf: tf.strings.split("a,b,,c", sep=","),
    "split once": lambda tf: tf.strings.split(["a b c", " d e"], maxsplit=1),
    "substr": lambda tf: tf.strings.substr(["hello", "wörld"], 1, 3, unit="UTF8_CHAR"),
    "substr from the end": lambda tf: tf.strings.substr(["hello", "world"], -3, 2),
    "to_number": lambda tf: tf.strings.to_number(["1.5", "-2"]),
    "to whole number": lambda tf: tf.strings.to_number(["15", "-2"], out_type=tf.int32),
    "as_string": lambda tf: tf.strings.as_string([1, 23]),
    "as_string of floats": lambda tf: tf.strings.as_string([1.5, 2.25], precision=3),
    "as_string of truths": lambda tf: tf.strings.as_string([True, False]),
    "concat texts": lambda tf: tf.concat([["a"], ["b", "c"]], 0),
}


def plain(value: Any) -> Any:
    if hasattr(value, "to_list"):  # a ragged tensor
        return value.to_list()
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value.numpy()


@pytest.mark.parametrize("name", CALLS)
def test_same(name: str) -> None:
    found, wanted = plain(CALLS[name](ours)), plain(CALLS[name](theirs))
    if isinstance(wanted, list) and not isinstance(wanted[0], np.ndarray):
        assert [part.tolist() if isinstance(part, np.ndarray) else part for part in found] == wanted
        return
    for one, other in zip(*([part] if not isinstance(part, list) else part for part in (found, wanted)), strict=True):
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None)
        if isinstance(other, bytes) or np.asarray(other).dtype.kind in "Ob":
            np.testing.assert_array_equal(one, other)
        else:  # float32 sums and powers of a few numbers, in another order
            np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)
