"""Command: ``python -m fastlstm convert IN OUT``: a file in another format, which the ending of OUT says."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastlstm import checks, commands, contents
from fastlstm.files import hdf5, kinds
from fastlstm.files.atomic import replaced
from fastlstm.loading import load
from fastlstm.weights import ENDINGS, write_weights

_OF_MODELS = (".keras", ".h5", ".hdf5")


def main(argv: list[str] | None = None) -> int:
    """Write the file; return 1 if it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m fastlstm convert", description=__doc__)
    parser.add_argument("source", metavar="IN", help="of Keras, PyTorch, NumPy, safetensors, ONNX or fastlstm")
    parser.add_argument(
        "target",
        metavar="OUT",
        help=".keras, .h5 and .weights.h5 are Keras'; .npz and .safetensors have the arrays alone, but a model in "
        ".safetensors is one of fastlstm's, as with any other ending but .onnx and PyTorch's",
    )
    given = parser.parse_args(argv)
    return commands.status(lambda: converted(given.source, given.target))


def converted(source: str, target: str) -> Iterable[str]:
    """Write what is in a file to another one, and return what there is to say of that: nothing.

    Parameters
    ----------
    source : str
        Of a kind that `contents` knows.
    target : str
        Its ending says the format. Of a model that goes into arrays alone, the rest is left out.

    Raises
    ------
    ValueError, TypeError
        The source cannot be read, or has not what the format is for.
    """
    if os.path.isdir(target) or not os.path.basename(target):
        checks.refuse(ValueError, "OUT", "the name of a file", target)
    with commands.about("IN", "a file that can be read", source):
        found = contents.of_file(source)
    with commands.about("OUT", "a file that can be written", target):
        whole = found.config is not None or _is_layer(found)
        write = _write_whole if whole and Path(target).suffix != ".npz" else _write_arrays
        write(found, Path(source), Path(target))
    return ()


def _is_layer(found: contents.Contents) -> bool:
    return found.kind == kinds.NATIVE


def _write_arrays(found: contents.Contents, source: Path, target: Path) -> None:
    if target.name.endswith(".weights.h5") and found.kind in (kinds.HDF5, kinds.KERAS):
        if not all(f"/{name}".rpartition("/")[0].endswith("/vars") for name in found.arrays):
            got = "those of Keras 2; load_weights() and save_weights() of the model convert them"
            checks.complain(ValueError, str(source), "have weights as Keras 3 keeps them", got)
        with replaced(target) as file:
            hdf5.write(file, found.arrays, {})
        return
    if target.suffix not in ENDINGS:
        cure = f"; a file of arrays may become one that ends in {', '.join(ENDINGS)}"
        got = "a graph, of which arrays alone can be had" if found.kind == kinds.ONNX else "arrays alone"
        checks.complain(ValueError, str(source), f"have a model to become {target.name}", got, cure)
    write_weights(target, found.arrays)


def _write_whole(found: contents.Contents, source: Path, target: Path) -> None:
    made = _made(found, source)
    if target.suffix == ".onnx":
        from fastlstm.onnx import export  # which is not there for everybody

        export(made, target)
        return
    if target.name.endswith(".weights.h5") and found.config is not None:
        made.save_weights(target)
        return
    if found.config is None and target.suffix in _OF_MODELS:
        got = "a layer; fastlstm.keras has layers for models"
        checks.complain(ValueError, str(source), f"have a model to become {target.name}", got)
    made.save(target)


def _made(found: contents.Contents, source: Path) -> Any:
    if found.kind == kinds.NATIVE:
        return load(source)
    from fastlstm.keras.models import load_model  # which arrays do without

    return load_model(source)
