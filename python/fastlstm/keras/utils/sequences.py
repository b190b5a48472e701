"""Sequences of several lengths as one array."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import checks

from ..foundation.arrays import Array

_ENDS = ("pre", "post")


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Bring sequences to one length.

    Parameters
    ----------
    sequences : list of sequences
        List of lists or arrays, of numbers or of the features of a step.
    maxlen : int, optional
        Length of all; by default that of the longest.
    dtype : dtype
        Of the result, to which the entries are cast; ``object`` for text of any length.
    padding, truncating : str
        ``"pre"``: the end of a sequence is what ends up at the end, and what stays of one that is too long;
        ``"post"``: its beginning.
    value : array_like
        What stands where a sequence is not.

    Returns
    -------
    ndarray of shape ``(len(sequences), maxlen, ...)``

    Examples
    --------
    >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
    array([[0, 1],
           [2, 3],
           [5, 6]], dtype=int32)
    """
    pad = checks.one_of("padding", padding, _ENDS)
    cut = checks.one_of("truncating", truncating, _ENDS)
    parts = [_entries(part, k, dtype) for k, part in enumerate(_listed(sequences))]
    if maxlen is None:
        if not parts:
            checks.refuse(ValueError, "sequences", "at least one sequence, where maxlen is None", sequences)
        maxlen = max(map(len, parts))
    maxlen = checks.whole_number("maxlen", maxlen, at_least=0)
    found = _filled((len(parts), maxlen, *_shape_of_steps(parts)), value, dtype)
    for row, part in zip(found, parts, strict=True):
        kept = part[max(len(part) - maxlen, 0) :] if cut == "pre" else part[:maxlen]
        if len(kept):
            row[slice(maxlen - len(kept), None) if pad == "pre" else slice(len(kept))] = kept
    return found


def _listed(sequences: Any) -> Any:
    if not hasattr(sequences, "__len__"):
        checks.refuse(ValueError, "sequences", "a list of sequences", sequences)
    return sequences


def _entries(part: Any, number: int, dtype: DTypeLike) -> Array:
    if not hasattr(part, "__len__"):
        checks.refuse(ValueError, f"sequences[{number}]", "a list or an array", part)
    with np.errstate(invalid="ignore"):
        return np.asarray(part, dtype)


def _shape_of_steps(parts: list[Array]) -> tuple[int, ...]:
    """Shape that every step of every sequence has."""
    filled = [(k, part.shape[1:]) for k, part in enumerate(parts) if len(part)]
    for k, shape in filled:
        if shape != filled[0][1]:
            wanted = f"steps of shape {filled[0][1]}, as those of sequences[{filled[0][0]}]"
            checks.complain(ValueError, f"sequences[{k}]", f"have {wanted}", shape)
    return filled[0][1] if filled else ()


def _filled(shape: tuple[int, ...], value: Any, dtype: DTypeLike) -> Array:
    kind = np.dtype(dtype).kind
    if isinstance(value, str) and kind not in "OUS":
        checks.complain(
            ValueError, "value", f"be a number, for dtype {np.dtype(dtype)}", repr(value), "; set dtype=object"
        )
    return np.full(shape, value, dtype)
