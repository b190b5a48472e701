"""Values with arrays inside, taken apart into arrays and JSON, and put together."""

import json
import math
import random

import numpy as np
import pytest

from fastlstm.files.values import put_together, taken_apart

VALUES = [
    *(None, True, 3, -(2**127), 0.1, math.inf, "text", "", [], (), {}),
    *([1, 2.5, "a", None, [True, ()]], {"a": 1, 2: {"b": (3,)}, True: 4, 0.5: []}),
    *(list(range(100)), [0.1] * 50, tuple(range(-20, 0)), [2**70] * 20, [1, 2.0] * 20, [True] * 20),
    random.Random(1).getstate(),
    np.random.default_rng(2).bit_generator.state,
]


def through_a_file(value):
    arrays = {}
    plain = json.loads(json.dumps(taken_apart(value, "state", arrays)))
    return put_together(plain, arrays, "a")


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_values_come_back(value):
    found = through_a_file(value)
    assert found == value
    assert repr(found) == repr(value)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "uint32", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 2), (3,), (2, 3)])
def test_arrays_come_back_as_copies(dtype, shape):
    value = np.ones(shape, dtype)
    found = through_a_file([value])[0]
    np.testing.assert_array_equal(found, value, strict=True)
    assert not np.may_share_memory(found, value)
    scalar = through_a_file(value.dtype.type(1))
    assert type(scalar) is value.dtype.type


def test_nan_comes_back():
    assert math.isnan(through_a_file({"a": math.nan})["a"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": {1}}, "state/0 must be of numbers, texts, .*, got {1}"),
        ([object], "state/0 must be of numbers, texts"),
        ({(1, 2): 3}, r"state: each key must be a text or a number, got \(1, 2\)"),
        ([np.array(["a"])], "state/0 must have dtype one of floats, integers or booleans, got <U1"),
    ],
)
def test_what_no_file_can_hold(value, text):
    with pytest.raises(TypeError, match=text):
        taken_apart(value, "state", {})


@pytest.mark.parametrize(
    "plain",
    [
        *([], {"list": 3}, {"list": [[]]}, {"dict": [1]}, {"dict": [[[1], 2]]}, {"set": []}, {}, {"array": "b"}),
        *({"array": 1}, {"scalar": "a"}, {"list": [], "tuple": []}),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(plain):
    with pytest.raises((ValueError, TypeError), match=r"a: state.* must .*, got "):
        put_together(plain, {"a": np.zeros(2)}, "a: state")
