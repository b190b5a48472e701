"""Against files that PyTorch and Keras wrote; ``golden/make_torch.py`` and ``golden/make_keras.py`` say how."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from golden.programs import PROGRAMS

import fastlstm as fl
from fastlstm import reference

GOLDEN = Path(__file__).parent / "golden"
ROUNDING = {"rtol": 1e-11, "atol": 1e-13}  # float64 against float64, in another order of summation
KERNELS = {"rtol": 0, "atol": 1e-12}  # float64, activations good to a few units in the last place, numbers up to 20
CURVE = {"rtol": 0, "atol": 1e-4}  # float32 training in another order of summation, nine or so updates
WEIGHTS = {"rtol": 0, "atol": 5e-4}  # Adam and RMSprop divide by the gradient's size, so its rounding can count fully


def load(name):
    with np.load(GOLDEN / name, allow_pickle=False) as kept:
        return dict(kept)


def cases_of(name):
    """Give each case of a file and its arrays by name."""
    kept = load(name)
    for case in sorted({key.split("/")[0] for key in kept if "/" in key}):
        yield case, {key.split("/")[1]: array for key, array in kept.items() if key.startswith(f"{case}/")}


def torch_cases():
    for cell in ["lstm", "rnn", "gru"]:
        for case, arrays in cases_of(f"torch_{cell}.npz"):
            yield pytest.param(arrays, case.split("_")[0] if cell == "rnn" else cell, id=f"{cell}-{case}")


def run_reference(arrays, kind):
    """Results and gradients under the names of the file; ``kind`` is the cell, or a simple one's nonlinearity."""
    names = ["x", "weight_ih", "weight_hh", "h_0", "c_0"]
    given = {name: arrays[name] for name in names if name in arrays}
    upstream = {name: arrays[name] for name in ["dy", "dh_n", "dc_n"] if name in arrays}
    if kind == "gru":
        biases = {"bias": arrays["bias_ih"], "recurrent_bias": arrays["bias_hh"]}
        results, grads = reference.gru(**given, **biases), reference.gru_backward(**given, **biases, **upstream)
        bias_grads = grads.bias, grads.recurrent_bias
    else:
        functions = (
            (reference.lstm, reference.lstm_backward) if kind == "lstm" else (reference.rnn, reference.rnn_backward)
        )
        options = {"bias": arrays["bias_ih"] + arrays["bias_hh"]} | ({} if kind == "lstm" else {"nonlinearity": kind})
        results, grads = functions[0](**given, **options), functions[1](**given, **options, **upstream)
        bias_grads = grads.bias, grads.bias
    found = dict(zip(["y", "h_n", "c_n"], results, strict=False))
    found |= {f"grad_{name}": getattr(grads, name) for name in given}
    return found | dict(zip(["grad_bias_ih", "grad_bias_hh"], bias_grads, strict=True))


@pytest.mark.parametrize(("arrays", "kind"), list(torch_cases()))
def test_reference_is_what_torch_computed(arrays, kind):
    found = run_reference(arrays, kind)
    assert set(found) == results_in(arrays)
    for name, array in found.items():
        np.testing.assert_allclose(array, arrays[name], **ROUNDING, err_msg=name)


def results_in(arrays):
    """Return the names of what the other library computed."""
    return {name for name in arrays if name in ("y", "h_n", "c_n") or name.startswith("grad_")}


@pytest.mark.parametrize(("case", "arrays"), list(cases_of("torch_gru_stack.npz")), ids=lambda value: str(value)[:13])
def test_layers_are_what_torch_computed(case, arrays):
    hidden_size, input_size = arrays["h_0"].shape[2], arrays["x"].shape[2]
    options = {"num_layers": 1 + ("weight_ih_l1" in arrays), "bidirectional": "weight_ih_l0_reverse" in arrays}
    layer = fl.GRU(input_size, hidden_size, dtype="float64", **options)
    layer.load_state_dict({name: array for name, array in arrays.items() if name.startswith(("weight", "bias"))})
    (y, h_n), pullback = layer.vjp(arrays["x"], arrays["h_0"], arrays.get("lengths"))
    grads = pullback(arrays["dy"], arrays["dh_n"])
    found = {"y": y, "h_n": h_n, "grad_x": grads.x, "grad_h_0": grads.state}
    found |= {f"grad_{name}": array for name, array in grads.parameters.items()}
    assert set(found) == results_in(arrays)
    for name, array in found.items():
        np.testing.assert_allclose(array, arrays[name], **KERNELS, err_msg=name)


def numbered(kept, prefix):
    """Return the arrays ``<prefix>_0``, ``<prefix>_1``, ... in order."""
    return [kept[f"{prefix}_{k}"] for k in range(sum(key.startswith(f"{prefix}_") for key in kept))]


@pytest.mark.parametrize("name", PROGRAMS)
def test_training_follows_keras(name):
    keras = importlib.import_module("fastlstm.keras")
    kept, program = load(f"keras_{name}.npz"), PROGRAMS[name]
    model = program.build(keras)
    model.set_weights(numbered(kept, "first"))
    history = program.train(model, kept)
    curves = {key.removeprefix("history_"): curve for key, curve in kept.items() if key.startswith("history_")}
    assert list(history) == list(curves)
    for key, curve in curves.items():
        np.testing.assert_allclose(history[key], curve, **CURVE, err_msg=key)
    for got, wanted in zip(model.get_weights(), numbered(kept, "last"), strict=True):
        np.testing.assert_allclose(got, wanted, **WEIGHTS)
