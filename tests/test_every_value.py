"""The numbers of the reference, forward and backward, for every small layer that can be drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from drawing import Arguments, Drawn, layers, make_arguments
from helpers import Array
from running import Found, on, present, train
from seeds import for_all
from tolerances import TOLERANCE

from fastlstm import reference

KINKED = ("hard_sigmoid", "relu", "leaky_relu", "thresholded_relu", "elu", "selu")


def smooth(drawn: Drawn) -> bool:
    """Whether all slopes are continuous: a rounding of float32 may carry a sum over a kink, where a gradient jumps."""
    functions = [name for name, _, _ in drawn.options.get("activations", ())]
    return drawn.cell != "rnn_relu" and "clip" not in drawn.options and not set(functions) & set(KINKED)


def steady(drawn: Drawn) -> bool:
    """Whether states do not grow, and errors with them, as they do with negative gates and with exponentials."""
    gates = drawn.options.get("activations", [("sigmoid", 0, 0)])[0][0]
    return drawn.gates == 1 or (gates in ("sigmoid", "hard_sigmoid") and "exponential" not in str(drawn.options))


def for_reference(drawn: Drawn) -> Drawn:
    return drawn if smooth(drawn) else replace(drawn, dtype="float64")


def reference_weights(a: Arguments) -> dict[str, Array]:
    """Only GRU has two biases in the reference."""
    weights = {name: value.astype("float64") for name, value in a.weights.items()}
    if a.drawn.gates != 3 and "recurrent_bias" in weights:
        weights["bias"] = weights.get("bias", 0) + weights.pop("recurrent_bias")
    return weights


def reference_options(a: Arguments) -> dict[str, Any]:
    options = {**a.drawn.options, **a.steps, "reverse": a.drawn.reverse, "recurrent_masks": a.masks}
    if a.drawn.cell.startswith("rnn_"):
        options["nonlinearity"] = a.drawn.cell.removeprefix("rnn_")
    if a.drawn.gates == 3:
        options["reset_after"] = a.drawn.cell == "gru"
    return options


def by_reference(a: Arguments) -> Found:
    name, weights, options = a.drawn.cell.split("_")[0], reference_weights(a), reference_options(a)
    states, seeds = {"h_0": a.h_0}, {"dy": a.dy, "dh_n": a.dh_n}
    if name == "lstm":
        states, seeds = states | {"c_0": a.c_0}, seeds | {"dc_n": a.dc_n}
    values = getattr(reference, name)(a.x, **weights, **states, **options)
    gradients = getattr(reference, f"{name}_backward")(a.x, **weights, **states, **seeds, **options)._asdict()
    if a.drawn.gates != 3:
        gradients["recurrent_bias"] = gradients["bias"]
    found = dict(zip(("y", "h_n", "c_n"), values, strict=False))
    return found | present(**{f"d{name}": gradient for name, gradient in gradients.items()})


def assert_close(got: Found, wanted: Found, dtype: str) -> None:
    for name, value in got.items():
        tolerance = TOLERANCE[dtype, "gradient" if name.startswith("d") else "value"]
        # Functions without an upper bound feed errors back for a few steps: four times the table's roundings.
        allowed = 4 * tolerance * max(1.0, float(np.abs(wanted[name]).max(initial=0)))
        assert value.dtype == dtype
        np.testing.assert_allclose(value, wanted[name], rtol=0, atol=allowed, err_msg=name)


def check_numbers(drawn: Drawn) -> None:
    arguments = make_arguments(drawn)
    with on(drawn):
        assert_close(train(arguments), by_reference(arguments), drawn.dtype)


@for_all(40, drawn=layers().filter(steady).map(for_reference))
def test_numbers_of_the_reference(drawn: Drawn) -> None:
    check_numbers(drawn)


@for_all(2, drawn=layers(teams=True).filter(lambda drawn: steady(drawn) and drawn.sizes.T < 20).map(for_reference))
def test_numbers_of_teams(drawn: Drawn) -> None:
    check_numbers(drawn)
