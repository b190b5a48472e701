"""Make ``moves/*.pt`` and ``moves/wanted.npz``: what PyTorch's programs in docs/from-pytorch.md save and compute.

    python tests/golden/make_torch_moves.py

The files here were made with PyTorch 2.13.0.
"""

import os
import re
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "from-pytorch.md"
RESULTS = ("probabilities", "first", "second", "wave")


def main():
    """Run the programs in the folder of the files."""
    wanted = {}
    os.chdir(HERE / "moves")
    torch.manual_seed(0)
    for program in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        if "import torch" in program:
            names = {}
            exec(program, names)
            wanted |= {name: names[name].numpy() for name in RESULTS if name in names}
    np.savez("wanted.npz", **wanted)


if __name__ == "__main__":
    main()
