"""Arrays by name in files, whoever wrote these."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from fastlstm import checks
from fastlstm.files import kinds, npz, safetensors, torch_zip
from fastlstm.files.bundle import Bundle

_READERS: dict[str, Callable[[Path], Bundle]] = {
    ".safetensors": safetensors.read,
    ".npz": npz.read,
    **dict.fromkeys((".pt", ".pth", ".bin"), torch_zip.read),
}
_WRITERS: dict[str, Callable[[Path, Bundle], None]] = {".safetensors": safetensors.write, ".npz": npz.write}
ENDINGS = tuple(_WRITERS)
"""Of files that `write_weights` writes."""


def read_weights(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the arrays of a file by their names.

    Parameters
    ----------
    path : path
        Of a file that ends in ``.safetensors``, ``.npz``, or ``.pt``, ``.pth`` or ``.bin`` of PyTorch since 1.6.
        PyTorch need not be installed.

    Returns
    -------
    dict of str to ndarray
        To read from; make a copy to write to. Those of safetensors are the memory of the file. bfloat16 comes as
        float32. What a file of PyTorch nests, such as ``{"model": {...}, "epoch": 3}``, is nested here too, and its
        plain values are as they are there.

    Raises
    ------
    ValueError
        If the file is not whole, not what its ending says, or holds anything but arrays and plain values. No code in it
        is run, and no more memory is taken than a small multiple of its length.
    TypeError
        If an array is of no numbers.
    OSError
        If there is no such file.

    Examples
    --------
    >>> import os, tempfile, numpy as np, fastlstm as fl
    >>> path = os.path.join(tempfile.mkdtemp(), "a.safetensors")
    >>> fl.write_weights(path, {"w": np.ones((2, 3), "float32")})
    >>> fl.read_weights(path)["w"].shape
    (2, 3)
    """
    given = Path(checks.path("path", path))
    bundle: Bundle = _by_ending(_READERS, given)(given)
    return bundle.arrays


def write_weights(path: str | os.PathLike[str], arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays by their names to a file.

    Parameters
    ----------
    path : path
        Of a file that ends in ``.safetensors`` or ``.npz``. One that is there is replaced, and whole until then.
    arrays : mapping of str to array_like
        Of floats, integers or booleans.

    Raises
    ------
    ValueError
        If the path ends otherwise.
    TypeError
        If an array is of another dtype, or a name is no text.
    OSError
        If one cannot write there. Nothing is left over then.
    """
    given = Path(checks.path("path", path))
    write = _by_ending(_WRITERS, given)
    named = checks.settings("arrays", arrays)
    write(given, Bundle({name: checks.array(name, value) for name, value in named.items()}, {}))


def _by_ending(known: Mapping[str, Any], path: Path) -> Any:
    if path.suffix not in known:
        kind = kinds.kind_by_ending(path)
        cure = f"; {kind.reader} reads {kind.name}" if kind and known is _READERS else ""
        checks.complain(ValueError, "path", f"end in {', '.join(known)}", path, cure)
    return known[path.suffix]
