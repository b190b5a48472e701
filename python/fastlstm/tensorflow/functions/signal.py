"""Fourier transforms of real numbers along the last axis, through which no gradient passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm.keras.foundation.tensors import tensor


def rfft(input_tensor: Any, fft_length: Any = None) -> Any:
    """Complex amplitudes of the frequencies from 0 to the half of `fft_length`, by default the length of the input."""
    given = tensor(input_tensor, "input_tensor")
    return np.fft.rfft(given, _length(fft_length)).astype(np.complex128 if given.dtype == np.float64 else np.complex64)


def irfft(input_tensor: Any, fft_length: Any = None) -> Any:
    """The numbers whose amplitudes these are."""
    given = tensor(input_tensor, "input_tensor")
    return np.fft.irfft(given, _length(fft_length)).astype(np.float64 if given.dtype == np.complex128 else np.float32)


def _length(fft_length: Any) -> int | None:
    return None if fft_length is None else int(np.asarray(fft_length).reshape(()))
