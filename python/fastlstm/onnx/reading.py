"""Models in files, in bytes or in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastlstm import checks
from fastlstm.files import regular

from .graph import Source, network_of
from .network import Network
from .package import required
from .wire import check_memory

OPSETS = range(7, 29)
"""Versions of the operators that are known."""


def load(model: str | os.PathLike[str] | bytes | Any) -> Network:
    """Make a function of a model of ONNX.

    Parameters
    ----------
    model : path, bytes or ModelProto
        The model: a file, what is in one, or what the package onnx made of it.

    Returns
    -------
    Network
        ``network({"x": x})`` gives a dict from the names of the outputs to arrays.

    Raises
    ------
    ValueError
        If the file is not whole, or the graph makes no sense or has what cannot be run here; the message names node and
        operator.
    TypeError
        If `model` is something else.
    ImportError
        If the package onnx is not there.
    OSError
        If there is no such file.

    Notes
    -----
    LSTM, GRU and RNN run on the core, with all of their attributes in opset 7 to 22. Where the text of ONNX leaves room
    the numbers are those of ONNX Runtime. Values that are kept in other files are read from the folder of the model,
    from files and no links.

    Examples
    --------
    >>> import fastlstm as fl
    >>> network = fl.onnx.load("classifier.onnx")  # doctest: +SKIP
    >>> network.inputs  # doctest: +SKIP
    (ValueInfo(name='x', shape=('batch', 'time', 16), dtype=dtype('float32')),)
    >>> network({"x": x})["probabilities"].shape  # doctest: +SKIP
    (32, 10)
    """
    library = required("reading a model of ONNX")
    if isinstance(model, library.ModelProto):
        return laid_out(model, Source("the model", None))
    if isinstance(model, bytes | bytearray | memoryview):
        return laid_out(parsed(library, bytes(model), "the model"), Source("the model", None))
    if not isinstance(model, str | os.PathLike):
        checks.refuse(TypeError, "model", "a path, bytes or an onnx.ModelProto", model)
    path = Path(checks.path("model", model))
    return laid_out(parsed(library, regular.content(path), str(path)), Source(str(path), path.parent))


def parsed(library: Any, data: bytes, owner: str) -> Any:
    """Read the bytes of a model."""
    check_memory(data, library.ModelProto.DESCRIPTOR, owner)
    try:
        return library.load_model_from_string(data)
    except Exception as error:  # of the protocol buffers, which has several
        checks.complain(ValueError, owner, "be a whole model of ONNX", f"bytes that are none: {error}", cause=error)


def check_graph(model: Any, owner: str) -> None:
    """Refuse a model that has no graph, as an empty file."""
    if not model.HasField("graph"):
        checks.complain(ValueError, owner, "have a graph", "a model without one")


def laid_out(model: Any, source: Source) -> Network:
    """Check what the graph needs, and lay it out."""
    check_graph(model, source.owner)
    if model.functions:
        cure = "; onnx.inliner.inline_local_functions(model) writes them out"
        got = f"{checks.shown([function.name for function in model.functions])}{cure}"
        checks.complain(ValueError, source.owner, "have no functions of its own", got)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    opset = opsets.get("", opsets.get("ai.onnx", 0 if opsets else 1))
    if opset not in OPSETS and (opset or not opsets):
        must = f"be of opset {OPSETS[0]} to {OPSETS[-1]}"
        checks.complain(ValueError, source.owner, must, f"opset {opset}; onnx.version_converter changes that")
    return network_of(model.graph, opset, source)
