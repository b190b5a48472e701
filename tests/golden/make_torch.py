"""Make ``torch_lstm.npz``, ``torch_rnn.npz``, ``torch_gru.npz``: results and gradients in float64, by PyTorch.

    python tests/golden/make_torch.py

The files here were made with PyTorch 2.13.0 on the CPU and NumPy 2.4.6; each repeats the versions that made it. The
same versions give the same arrays. Nothing in a file is a pickle.

Keys are ``<case>/<array>``, cases ``[nonlinearity_]T.._N.._I.._H..``. Given: ``x h_0 c_0``, ``weight_ih weight_hh
bias_ih bias_hh`` and the gradients of the results ``dy dh_n dc_n``. Found: ``y h_n c_n`` and ``grad_<array>`` for each
of the arrays that went in. Shapes are PyTorch's, without the axis of layers and directions.

``torch_gru_stack.npz`` has layers on top of each other, both directions, and rows of several ``lengths``, packed; there
the weights have all of PyTorch's names, such as ``weight_ih_l1_reverse``, and the states the axis of layers.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import rnn

HERE = Path(__file__).parent
SIZES = [(1, 1, 1, 1), (7, 3, 5, 6), (11, 2, 3, 9)]  # T, N, I, H


def tensors(rng, shapes):
    """Random float64 tensors by name."""
    return {name: torch.tensor(rng.normal(scale=0.8, size=shape)) for name, shape in shapes.items()}


def run(layer, rng, size, lengths=None):
    """Forward and backward with random weights, inputs, states and gradients of the results."""
    T, N, I, H = size
    depth, D = layer.num_layers * (1 + layer.bidirectional), 1 + layer.bidirectional
    is_lstm = isinstance(layer, torch.nn.LSTM)
    state_names = ["h", "c"] if is_lstm else ["h"]
    state_shape = (N, H) if depth == 1 else (depth, N, H)
    given = tensors(rng, {"x": (T, N, I)} | {f"{s}_0": state_shape for s in state_names})
    plain = (lambda name: name.removesuffix("_l0")) if depth == 1 else str
    weights = tensors(rng, {plain(name): weight.shape for name, weight in layer.named_parameters()})
    upstream = tensors(rng, {"dy": (T, N, D * H)} | {f"d{s}_n": state_shape for s in state_names})
    layer.load_state_dict({name: weights[plain(name)] for name in layer.state_dict()})

    leaves = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    states = [leaves[f"{s}_0"].reshape(depth, N, H) for s in state_names]
    x = leaves["x"] if lengths is None else rnn.pack_padded_sequence(leaves["x"], lengths, enforce_sorted=False)
    y, state_n = layer(x, tuple(states) if is_lstm else states[0])
    if lengths is not None:
        y, _ = rnn.pad_packed_sequence(y, total_length=T)
        given["lengths"] = torch.tensor(lengths)
    results = [y, *(state.reshape(state_shape) for state in (state_n if is_lstm else [state_n]))]
    torch.autograd.backward(results, list(upstream.values()))

    found = dict(zip(["y", *(f"{s}_n" for s in state_names)], results, strict=True))
    found |= {f"grad_{name}": leaf.grad for name, leaf in leaves.items()}
    found |= {f"grad_{plain(name)}": weight.grad for name, weight in layer.named_parameters()}
    return {name: tensor.detach().numpy() for name, tensor in (given | weights | upstream | found).items()}


def save(name, cases):
    """Write the cases of one kind of layer to one file."""
    kept = {f"{case}/{key}": array for case, arrays in cases.items() for key, array in arrays.items()}
    kept["versions"] = np.array([f"torch {torch.__version__}", f"numpy {np.__version__}"])
    np.savez_compressed(HERE / name, **kept)


def main():
    """Write all files."""
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
    save("torch_gru.npz", {name: run(torch.nn.GRU(*size[2:]).double(), rng, size) for name, size in named})
    stacks = {
        "bidirectional": ((5, 3, 3, 4), {"bidirectional": True}, None),
        "two_layers": ((5, 3, 3, 4), {"num_layers": 2}, None),
        "ragged": ((7, 4, 2, 3), {"num_layers": 2, "bidirectional": True}, [3, 7, 1, 5]),
    }
    save(
        "torch_gru_stack.npz",
        {
            name: run(torch.nn.GRU(*size[2:], **options).double(), rng, size, lengths)
            for name, (size, options, lengths) in stacks.items()
        },
    )


if __name__ == "__main__":
    main()
