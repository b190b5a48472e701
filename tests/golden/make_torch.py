"""Make ``torch_lstm.npz`` and ``torch_rnn.npz``: results and gradients in float64, by PyTorch.

    python tests/golden/make_torch.py

The files here were made with PyTorch 2.13.0 on the CPU and NumPy 2.4.6; each repeats the versions that made it. The
same versions give the same arrays. Nothing in a file is a pickle.

Keys are ``<case>/<array>``, cases ``[nonlinearity_]T.._N.._I.._H..``. Given: ``x h_0 c_0``, ``weight_ih weight_hh
bias_ih bias_hh`` and the gradients of the results ``dy dh_n dc_n``. Found: ``y h_n c_n`` and ``grad_<array>`` for each
of the arrays that went in. Shapes are PyTorch's, without the axis of layers and directions.
"""

from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
SIZES = [(1, 1, 1, 1), (7, 3, 5, 6), (11, 2, 3, 9)]  # T, N, I, H


def tensors(rng, shapes):
    """Random float64 tensors by name."""
    return {name: torch.tensor(rng.normal(scale=0.8, size=shape)) for name, shape in shapes.items()}


def run(layer, rng, size):
    """Forward and backward with random weights, inputs, states and gradients of the results."""
    T, N, I, H = size
    is_lstm = isinstance(layer, torch.nn.LSTM)
    rows = 4 * H if is_lstm else H
    state_names = ["h", "c"] if is_lstm else ["h"]
    given = tensors(rng, {"x": (T, N, I)} | {f"{s}_0": (N, H) for s in state_names})
    weights = tensors(rng, {"weight_ih": (rows, I), "weight_hh": (rows, H), "bias_ih": (rows,), "bias_hh": (rows,)})
    upstream = tensors(rng, {"dy": (T, N, H)} | {f"d{s}_n": (N, H) for s in state_names})
    layer.load_state_dict({f"{name}_l0": weight for name, weight in weights.items()})

    leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    states = [leaves[f"{s}_0"][None] for s in state_names]
    y, state_n = layer(leaves["x"], tuple(states) if is_lstm else states[0])
    results = [y, *(state[0] for state in (state_n if is_lstm else [state_n]))]
    torch.autograd.backward(results, list(upstream.values()))

    found = dict(zip(["y", *(f"{s}_n" for s in state_names)], results, strict=True))
    found |= {f"grad_{name}": leaf.grad for name, leaf in leaves.items()}
    found |= {f"grad_{name}": getattr(layer, f"{name}_l0").grad for name in weights}
    return {name: tensor.detach().numpy() for name, tensor in (given | weights | upstream | found).items()}


def save(name, cases):
    """Write the cases of one kind of layer to one file."""
    kept = {f"{case}/{key}": array for case, arrays in cases.items() for key, array in arrays.items()}
    kept["versions"] = np.array([f"torch {torch.__version__}", f"numpy {np.__version__}"])
    np.savez_compressed(HERE / name, **kept)


def main():
    """Write both files."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    named = [("T{}_N{}_I{}_H{}".format(*size), size) for size in SIZES]
    save("torch_lstm.npz", {name: run(torch.nn.LSTM(*size[2:]).double(), rng, size) for name, size in named})
    rnns = {
        f"{nonlinearity}_{name}": run(torch.nn.RNN(*size[2:], nonlinearity=nonlinearity).double(), rng, size)
        for nonlinearity in ("tanh", "relu")
        for name, size in named
    }
    save("torch_rnn.npz", rnns)


if __name__ == "__main__":
    main()
