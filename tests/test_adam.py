"""The core's step of Adam: the bits of the same operations in NumPy, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import Array

from fastlstm import _core

RATES = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "rate": 3e-3}
SIZES = [0, 1, 3, 4, 7, 64, 1001]


def arrays(size: int, dtype: str, seed: int = 0) -> dict[str, Array]:
    draw = np.random.default_rng(seed)
    found = {name: draw.standard_normal(size).astype(dtype) for name in ("w", "g", "m")}
    return found | {"next": np.full(size, np.nan, dtype), "v": draw.random(size).astype(dtype)}


def in_numpy(a: dict[str, Array]) -> dict[str, Array]:
    """Take the step one operation at a time."""
    m, v, number = a["m"].copy(), a["v"].copy(), a["w"].dtype.type
    m += (a["g"] - m) * number(1 - RATES["beta_1"])
    v += (a["g"] * a["g"] - v) * number(1 - RATES["beta_2"])
    found = {"m": m, "v": v}
    if "largest" in a:
        found["largest"] = v = np.maximum(a["largest"], v)
    return found | {"next": a["w"] - m / (np.sqrt(v) + number(RATES["epsilon"])) * number(RATES["rate"])}


def in_core(a: dict[str, Array]) -> dict[str, Array]:
    given = {name: array.copy() for name, array in a.items()}
    _core.adam(**given, **RATES)
    for name in ("w", "g"):
        np.testing.assert_array_equal(given.pop(name), a[name])
    return given


def assert_same(a: dict[str, Array]) -> None:
    with np.errstate(all="ignore"):
        wanted = in_numpy(a)
    found = in_core(a)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
def test_the_bits_of_numpy(size: int, dtype: str, largest: bool) -> None:
    a = arrays(size, dtype)
    assert_same(a | ({"largest": arrays(size, dtype, 1)["v"]} if largest else {}))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_sizes_of_numbers(dtype: str) -> None:
    """Subnormal numbers, the largest ones, infinities and NaN among gradients and what is kept."""
    limits = np.finfo(dtype)
    values = [0.0, limits.smallest_subnormal, limits.tiny, 1e-20, 1.0, 1e20, limits.max, np.inf, np.nan]
    grid = np.array(np.meshgrid(values, values, values)).reshape(3, -1).astype(dtype)
    g, m, v = np.concatenate([grid, -grid * [[1], [1], [-1]]], axis=1).astype(dtype)
    assert_same({"w": np.ones_like(g), "g": g, "m": m, "v": v, "next": np.empty_like(g)})


def test_an_input_may_be_the_output_and_need_not_be_dense() -> None:
    a = arrays(33, "float32")
    wanted = in_numpy(a)["next"]
    _core.adam(a["w"], a["g"].repeat(2)[::2], a["w"], a["m"], a["v"], **RATES)
    np.testing.assert_array_equal(a["w"], wanted)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"g": np.zeros(4, "float32")}, ValueError, r"g must have shape \(5,\), got \(4,\)"),
        ({"m": np.zeros(5)}, TypeError, "m must have dtype float32, got float64"),
        ({"w": np.zeros((5, 1), "float32")}, ValueError, "w must have"),
        ({"w": np.zeros(5, "int32")}, TypeError, "w must have dtype float32 or float64, got int32"),
        ({"v": np.zeros(10, "float32")[::2]}, ValueError, "v must be aligned, in native byte order and have no gaps"),
        ({"next": np.frombuffer(bytes(20), "float32")}, ValueError, "next must be writeable"),
    ],
)
def test_wrong_arrays(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _core.adam(**arrays(5, "float32") | change, **RATES)


def test_outputs_that_overlap() -> None:
    a = arrays(5, "float32")
    with pytest.raises(ValueError, match="next, m, v and largest must not share memory"):
        _core.adam(**a | {"m": a["v"]}, **RATES)
