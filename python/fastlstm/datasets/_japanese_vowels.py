"""The Japanese Vowels data set, in which the task is to tell who is speaking."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks

__all__ = ["JapaneseVowels", "japanese_vowels"]

Floats: TypeAlias = NDArray[np.float32]
Integers: TypeAlias = NDArray[np.int64]

STEPS = 29  # of the longest utterance


class JapaneseVowels(NamedTuple):
    """Padded utterances, how long each really is, and who said it (0 to 8), for training and for testing."""

    x_train: Floats  # (270, 29, 12)
    lengths_train: Integers  # (270,)
    y_train: Integers  # (270,)
    x_test: Floats  # (370, 29, 12)
    lengths_test: Integers  # (370,)
    y_test: Integers  # (370,)


def japanese_vowels(pad: Literal["post", "pre"] = "post") -> JapaneseVowels:
    """Load 640 utterances of the Japanese vowels /ae/ by nine men, as sequences of 12 LPC cepstrum coefficients.

    The task is to tell the speaker. Utterances have 7 to 29 steps of 6.4 ms. For training there are 270, 30 a speaker,
    for testing 370, 24 to 88 a speaker; both stand in order of speaker.

    Parameters
    ----------
    pad : {"post", "pre"}, default "post"
        Fill up to 29 steps with zeros after the utterance, which suits ``lengths``, or before it, which suits a network
        that reads every step and answers after the last.

    Returns
    -------
    JapaneseVowels
        New arrays at every call: ``x_train`` (270, 29, 12) float32, ``lengths_train`` and ``y_train`` (270,) int64, and
        likewise ``x_test``, ``lengths_test`` and ``y_test`` with 370 rows.

    Raises
    ------
    ValueError
        If ``pad`` is neither.

    Notes
    -----
    The data are by Mineichi Kudo, Jun Toyama and Masaru Shimbo and are licensed under CC BY 4.0
    (https://creativecommons.org/licenses/by/4.0/). They come from the UCI Machine Learning Repository, page "Japanese
    Vowels", https://doi.org/10.24432/C5NS47. Changed here: the file format, padding, and labels that start at 0.

    References
    ----------
    M. Kudo, J. Toyama and M. Shimbo, "Multidimensional Curve Classification Using Passing-Through Regions", Pattern
    Recognition Letters 20(11-13), 1999.

    Examples
    --------
    >>> data = japanese_vowels()
    >>> data.x_train.shape, data.x_test.shape
    ((270, 29, 12), (370, 29, 12))
    >>> np.bincount(data.y_test)
    array([31, 35, 88, 44, 29, 24, 40, 50, 29])
    """
    checks.one_of("pad", pad, ("post", "pre"))
    with (files(__package__) / "japanese_vowels.npz").open("rb") as file, np.load(file, allow_pickle=False) as kept:
        return JapaneseVowels(*_part(kept, "train", pad), *_part(kept, "test", pad))


def _part(kept: Mapping[str, NDArray[Any]], name: str, pad: str) -> tuple[Floats, Integers, Integers]:
    lengths = kept[f"lengths_{name}"].astype(np.int64)
    speakers = kept[f"speakers_{name}"].astype(np.int64)
    return _padded(_joined(kept[f"millionths_{name}"]), lengths, pad), lengths, speakers


def _joined(planes: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Put numbers (rows, 12) together of their bytes (3, 12, rows), the lowest first, which so take less room."""
    low, middle, high = planes.astype(np.int32)
    moved: NDArray[np.int32] = low + (middle << 8) + (high << 16) - (1 << 23)
    return moved.T


def _padded(millionths: NDArray[np.int32], lengths: Integers, pad: str) -> Floats:
    """Deal the steps, which stand one utterance after the other, out to rows of equal length."""
    valid = np.arange(STEPS) < lengths[:, None]
    if pad == "pre":
        valid = valid[:, ::-1]
    x = np.zeros((len(lengths), STEPS, millionths.shape[1]), dtype=np.float32)
    x[valid] = millionths / 1e6  # the division is in float64, so each value is the float32 nearest to the published one
    return x
