"""Dtypes under the names of TensorFlow: those of NumPy."""

import numpy as np

from fastlstm.keras.foundation.texts import TEXT

float16 = half = np.dtype(np.float16)
float32 = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)
int8, int16, int32, int64 = map(np.dtype, (np.int8, np.int16, np.int32, np.int64))
uint8, uint16, uint32, uint64 = map(np.dtype, (np.uint8, np.uint16, np.uint32, np.uint64))
complex64, complex128 = np.dtype(np.complex64), np.dtype(np.complex128)
bool = np.dtype(np.bool_)
string = TEXT
