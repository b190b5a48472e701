"""What layers of a user's own say of their inputs: checked where they are called, noted, trained and nested."""

import json

import numpy as np
import pytest

from fastlstm import keras
from fastlstm.keras import InputSpec, layers


class Last(layers.Layer):
    """The last step of an input like a spec."""

    def __init__(self, spec, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = spec

    def call(self, inputs):
        return inputs[:, -1]


class Sum(layers.Layer):
    """A sum of two inputs, in a list or a dict."""

    def __init__(self, spec, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = spec

    def call(self, inputs):
        a, b = inputs.values() if isinstance(inputs, dict) else inputs
        return a + b


REFUSED = [
    (InputSpec(ndim=3), (2, 4), r"l: x must have 3 axes, got shape \(.*, 4\)"),
    (InputSpec(min_ndim=3), (2, 4), "l: x must have at least 3 axes"),
    (InputSpec(max_ndim=2), (2, 4, 3), "l: x must have at most 2 axes"),
    (InputSpec(shape=(None, 4, 3)), (2, 4, 5), r"l: x must have shape \(None, 4, 3\), got shape \(.*, 4, 5\)"),
    (InputSpec(shape=(None, 4), allow_last_axis_squeeze=True), (2, 5, 1), r"l: x must have shape \(None, 4\)"),
    (InputSpec(shape=(None, 4), allow_last_axis_squeeze=True), (2, 4, 4), r"l: x must have shape \(None, 4\)"),
    (InputSpec(axes={-1: 3}), (2, 4, 5), "l: x must have size 3 in axis -1"),
    (InputSpec(axes={2: 3}), (2, 4), "l: x must have size 3 in axis 2"),
    (InputSpec(dtype="int32"), (2, 4), "l: x must have dtype int32, got float32"),
    ([InputSpec(ndim=2)] * 2, (2, 4), "l: x must be 2 arrays, got 1"),
]

TAKEN = [
    (InputSpec(ndim=3, dtype="float32"), (2, 4, 3)),
    (InputSpec(shape=(None, 4, None)), (2, 4, 3)),
    (InputSpec(shape=(None, 4), allow_last_axis_squeeze=True), (2, 4, 1)),
    (InputSpec(shape=(None, 4, 1), allow_last_axis_squeeze=True), (2, 4)),
    (InputSpec(axes={1: 4, -1: None}), (2, 4)),
    ([InputSpec(ndim=2)], (2, 4)),
    (None, (2, 4)),
    ([None], (2, 4)),
]


@pytest.mark.parametrize(("spec", "shape", "words"), REFUSED)
def test_what_does_not_fit_is_refused(spec, shape, words):
    with pytest.raises(ValueError, match=words):
        Last(spec, name="l")(np.zeros(shape))
    with pytest.raises(ValueError, match=words):
        Last(spec, name="l")(keras.Input(shape[1:]))


@pytest.mark.parametrize(("spec", "shape"), TAKEN)
def test_what_fits_is_taken(spec, shape):
    x = np.ones(shape, "float32")
    np.testing.assert_array_equal(Last(spec)(x), x[:, -1])
    assert Last(spec)(keras.Input(shape[1:])).shape == (None, *shape[2:])


def test_open_sizes_are_known_when_it_runs():
    """Neither the sizes that stand for open ones while shapes are found, nor those of the first batch count."""
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, layers.Dense(1)(Last(InputSpec(shape=(4, 5, 3)), name="l")(inputs)))
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 5, 3)), np.ones((8, 1)), batch_size=4, verbose=0)
    assert model.predict(np.ones((4, 5, 3)), verbose=0).shape == (4, 1)
    with pytest.raises(ValueError, match=r"l: x must have shape \(4, 5, 3\), got shape \(2, 5, 3\)"):
        model.fit(np.ones((6, 5, 3)), np.ones((6, 1)), batch_size=4, verbose=0, shuffle=False)
    with pytest.raises(ValueError, match=r"l: x must have shape \(4, 5, 3\), got shape \(4, 6, 3\)"):
        model.predict(np.ones((4, 6, 3)), verbose=0)


def test_inside_another_layer():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.last = Last(InputSpec(axes={1: 4}), name="l")

        def call(self, inputs):
            return self.last(inputs)

    assert Outer()(np.ones((2, 4, 3))).shape == (2, 3)
    with pytest.raises(ValueError, match="l: x must have size 4 in axis 1"):
        Outer()(np.ones((2, 5, 3)))


def test_several_inputs():
    specs = [InputSpec(ndim=2, name="a"), InputSpec(axes={-1: 3}, name="b")]
    a, b = np.ones((2, 3)), np.ones((2, 4))
    assert Sum(specs)([a, a]).shape == (2, 3)
    with pytest.raises(ValueError, match=r"s: x\[1\] must have size 3 in axis -1"):
        Sum(specs, name="s")([a, b])
    assert Sum(specs)({"b": a, "a": a}).shape == (2, 3)
    with pytest.raises(ValueError, match=r"s: x must have the keys \['a', 'b'\], got \['a', 'c'\]"):
        Sum(specs, name="s")({"a": a, "c": a})


def test_a_layer_without_a_call_of_its_own():
    class Wide(layers.Dense):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.input_spec = InputSpec(min_ndim=3)

    assert Wide(2)(np.ones((2, 4, 3))).shape == (2, 4, 2)
    for x in (np.ones((2, 4)), keras.Input((4,))):
        with pytest.raises(ValueError, match="w: x must have at least 3 axes"):
            Wide(2, name="w")(x)


def test_configs_and_what_is_no_spec():
    spec = InputSpec(shape=(None, 3), axes={1: 3}, dtype="float32")
    for config in (spec.get_config(), json.loads(json.dumps(spec.get_config()))):
        assert InputSpec.from_config(config).get_config() == spec.get_config()
    assert repr(spec) == "InputSpec(dtype=float32, shape=(None, 3), ndim=2, axes={1: 3})"
    with pytest.raises(TypeError, match="l: input_spec must be an InputSpec"):
        Last("3-D", name="l")(np.ones((2, 4)))
    for axes, words in (([1], "axes must be a dict"), ({"a": 1}, "each axis must be"), ({1: 0.5}, "axes: 1 must be")):
        with pytest.raises(TypeError, match=words):
            InputSpec(axes=axes)
    with pytest.raises(ValueError, match="InputSpec: axes must be axes of an input with 2"):
        InputSpec(ndim=2, axes={2: 3})
    with pytest.raises(ValueError, match="InputSpec: ndim must be"):
        InputSpec(ndim=-1)
