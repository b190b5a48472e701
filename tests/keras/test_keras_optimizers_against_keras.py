"""The same gradients given to the optimizers of real Keras, where it is installed."""

import numpy as np
import pytest

from fastlstm.keras import optimizers
from fastlstm.keras.foundation.variable import Variable

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

# Keras takes the decay rates for numbers of float32, also for weights of float64: 1 - 0.999 is off by 1.3e-5 of itself,
# and so are the steps of Adam.
TOLERANCE = {"float32": 5e-5, "float64": 2e-5}
SHAPES = {"kernel": (3, 4), "bias": (4,), "table": (2, 3, 4)}
STEPS = 12

PLAIN = {
    "SGD": {"momentum": 0.9, "nesterov": True},
    "RMSprop": {"momentum": 0.5, "centered": True},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "Nadam": {},
    "Adagrad": {},
    "Adadelta": {"rho": 0.5, "epsilon": 1e-3},
    "Adamax": {"beta_2": 0.9},
    "Lion": {},
    "Ftrl": {"l1_regularization_strength": 0.05, "l2_regularization_strength": 0.1, "beta": 0.2},
    "Adafactor": {},
    "Lamb": {},
}
SHARED = {
    "nothing": {},
    "weight decay": {"weight_decay": 0.1},
    "clipnorm": {"clipnorm": 0.7},
    "clipvalue": {"clipvalue": 0.3},
    "global_clipnorm": {"global_clipnorm": 0.9},
    "means": {"use_ema": True, "ema_momentum": 0.7},
    "means that overwrite": {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    "accumulation": {"gradient_accumulation_steps": 3, "clipnorm": 0.7},
    "accumulation and means": {
        **{"gradient_accumulation_steps": 2, "weight_decay": 0.1},
        **{"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    },
}


def gradients(dtype):
    rng = np.random.default_rng(3)
    return [[rng.normal(size=shape).astype(dtype) for shape in SHAPES.values()] for _ in range(STEPS)]


def run(module, variables, name, options, dtype, rate):
    """Apply the gradients; the weights after every step, the state, and the weights after the end of a training."""
    optimizer = getattr(module.optimizers, name)(rate(module.optimizers.schedules), **PLAIN[name] | options)
    seen = []
    for step in gradients(dtype):
        optimizer.apply(step, variables)
        seen.append([np.array(v.numpy()) for v in variables])
    state = optimizer.get_weights() if hasattr(optimizer, "get_weights") else [v.numpy() for v in optimizer.variables]
    optimizer.finalize_variable_values(variables)
    return seen, state, [v.numpy() for v in variables], optimizer


def both(name, options, dtype, rate=lambda schedules: 0.1):
    rng = np.random.default_rng(4)
    start = [rng.normal(size=shape).astype(dtype) for shape in SHAPES.values()]
    mine = [Variable(value, name=key) for key, value in zip(SHAPES, start, strict=True)]
    other = [theirs.Variable(value, name=key, dtype=dtype) for key, value in zip(SHAPES, start, strict=True)]

    class Ours:
        pass

    Ours.optimizers = optimizers
    return run(Ours, mine, name, options, dtype, rate), run(theirs, other, name, options, dtype, rate)


def assert_close(got, wanted, dtype, name):
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype], err_msg=name)


@pytest.mark.parametrize(("shared", "dtype"), [*((shared, "float32") for shared in SHARED), ("nothing", "float64")])
@pytest.mark.parametrize("name", PLAIN)
def test_steps_and_state(name, shared, dtype):
    (seen, state, end, _), (wanted, wanted_state, wanted_end, _) = both(name, SHARED[shared], dtype)
    for step, (got, expected) in enumerate(zip(seen, wanted, strict=True)):
        assert_close(got, expected, dtype, f"step {step}")
    assert_close(state, wanted_state, dtype, "state")
    assert_close(end, wanted_end, dtype, "end")


SCHEDULES = {
    "ExponentialDecay": lambda s: s.ExponentialDecay(0.1, 5, 0.5),
    "ExponentialDecay by stairs": lambda s: s.ExponentialDecay(0.1, 5, 0.5, staircase=True),
    "InverseTimeDecay": lambda s: s.InverseTimeDecay(0.1, 5, 0.5),
    "InverseTimeDecay by stairs": lambda s: s.InverseTimeDecay(0.1, 5, 0.5, staircase=True),
    "PolynomialDecay": lambda s: s.PolynomialDecay(0.1, 7, 0.01, 2.0),
    "PolynomialDecay again and again": lambda s: s.PolynomialDecay(0.1, 7, 0.01, 2.0, cycle=True),
    "PiecewiseConstantDecay": lambda s: s.PiecewiseConstantDecay([3, 8], [0.1, 0.05, 0.01]),
    "CosineDecay": lambda s: s.CosineDecay(0.1, 8, 0.1),
    "CosineDecay with a warm-up": lambda s: s.CosineDecay(0.01, 6, 0.1, warmup_target=0.2, warmup_steps=4),
    "CosineDecayRestarts": lambda s: s.CosineDecayRestarts(0.1, 3, 2.0, 0.8, 0.1),
    "CosineDecayRestarts of one length": lambda s: s.CosineDecayRestarts(0.1, 4, 1.0, 0.8),
    "CosineDecayRestarts of odd lengths": lambda s: s.CosineDecayRestarts(0.1, 3, 1.5, 0.8),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    ours, other = SCHEDULES[name](optimizers.schedules), SCHEDULES[name](theirs.optimizers.schedules)
    assert ours.get_config() == other.get_config()
    for step in range(40):
        assert ours(step) == pytest.approx(float(other(step)), rel=1e-5), step  # theirs are of float32


@pytest.mark.parametrize("name", SCHEDULES)
def test_steps_with_schedules(name):
    options = {"gradient_accumulation_steps": 2, "weight_decay": 0.1}
    (seen, *_), (wanted, *_) = both("SGD", options, "float64", SCHEDULES[name])
    for got, expected in zip(seen, wanted, strict=True):
        assert_close(got, expected, "float64", name)
