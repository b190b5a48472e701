"""Against files that PyTorch and Keras wrote; ``golden/make_torch.py`` and ``golden/make_keras.py`` say how."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from golden.programs import PROGRAMS

from fastlstm import reference

GOLDEN = Path(__file__).parent / "golden"
ROUNDING = {"rtol": 1e-11, "atol": 1e-13}  # float64 against float64, in another order of summation
CURVE = {"rtol": 0, "atol": 1e-4}  # float32 training in another order of summation, nine or so updates
WEIGHTS = {"rtol": 0, "atol": 5e-4}  # Adam and RMSprop divide by the gradient's size, so its rounding can count fully


def load(name):
    with np.load(GOLDEN / name, allow_pickle=False) as kept:
        return dict(kept)


def torch_cases():
    for name in ["torch_lstm.npz", "torch_rnn.npz"]:
        kept = load(name)
        for case in sorted({key.split("/")[0] for key in kept if "/" in key}):
            arrays = {key.split("/")[1]: array for key, array in kept.items() if key.startswith(f"{case}/")}
            yield pytest.param(arrays, case.split("_")[0], id=f"{name[6:-4]}-{case}")


def run_reference(arrays, kind):
    """Results and gradients under the names of the file; ``kind`` begins the case's name."""
    names = ["x", "weight_ih", "weight_hh", "h_0", "c_0"]
    given = {name: arrays[name] for name in names if name in arrays} | {"bias": arrays["bias_ih"] + arrays["bias_hh"]}
    upstream = {name: arrays[name] for name in ["dy", "dh_n", "dc_n"] if name in arrays}
    if "c_0" in given:
        results, grads = reference.lstm(**given), reference.lstm_backward(**given, **upstream)
    else:
        results = reference.rnn(**given, nonlinearity=kind)
        grads = reference.rnn_backward(**given, **upstream, nonlinearity=kind)
    found = dict(zip(["y", "h_n", "c_n"], results, strict=False))
    found |= {f"grad_{name}": getattr(grads, name) for name in given if name != "bias"}
    return found | {"grad_bias_ih": grads.bias, "grad_bias_hh": grads.bias}


@pytest.mark.parametrize(("arrays", "kind"), list(torch_cases()))
def test_reference_is_what_torch_computed(arrays, kind):
    found = run_reference(arrays, kind)
    assert set(found) == {name for name in arrays if name in ("y", "h_n", "c_n") or name.startswith("grad_")}
    for name, array in found.items():
        np.testing.assert_allclose(array, arrays[name], **ROUNDING, err_msg=name)


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
