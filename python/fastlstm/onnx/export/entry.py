"""The one way out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastlstm import checks
from fastlstm.layers.base import Recurrent
from fastlstm.layers.chains import Chain

from ..package import required
from .array_layers import export_layer
from .chains import export_chain


def export(
    model: Any, path: str | os.PathLike[str], *, states: bool | None = None, lengths: bool | None = None
) -> None:
    """Write a model or a layer to a file of ONNX.

    Parameters
    ----------
    model : model or layer
        A model of `fastlstm.keras`, a `Chain`, or an `LSTM`, `GRU` or `RNN`.
    path : path
        Of the file. One that is there is replaced, and whole until then.
    states : bool, optional
        Whether the initial states of a layer or chain are inputs, ``h_0`` and ``c_0``; the last ones are outputs
        anyway, ``h_n`` and ``c_n``. In a chain with several recurrent layers their names and a dot stand before these.
        Such a graph goes step by step: ``fastlstm.onnx.load(path).stream()``.
    lengths : bool, optional
        Whether a layer or chain has the lengths of the rows as an input, ``lengths``, of int32.

    Raises
    ------
    ValueError
        If ONNX cannot express the model; the message names the layer.
    TypeError
        If `model` is something else, or `states` or `lengths` are given for a model.
    ImportError, OSError
        If the package onnx is not there, or one cannot write to the path. Nothing is left over then.

    Notes
    -----
    The axes of batch and time vary, and those of a model that it leaves open. Masks become lengths of rows: where one
    leaves out steps other than the last ones of a row, running the graph ends in an error.

    Examples
    --------
    >>> import fastlstm as fl
    >>> fl.onnx.export(fl.LSTM(16, 64), "lstm.onnx", states=True)  # doctest: +SKIP
    """
    required("writing a model of ONNX")
    target = Path(checks.path("path", path))
    if isinstance(model, Recurrent | Chain):
        options = checks.truth("states", states or 0), checks.truth("lengths", lengths or 0)
        if isinstance(model, Chain):
            export_chain(model, target, *options)
        else:
            export_layer(model, target, *options)
        return
    from fastlstm.keras import Model  # which layers do without

    from .keras_models import export_model

    if not isinstance(model, Model):
        checks.refuse(TypeError, "model", "a model of fastlstm.keras, a Chain, or an LSTM, GRU or RNN", model)
    for name, given in (("states", states), ("lengths", lengths)):
        if given is not None:
            checks.refuse(TypeError, name, "left out for a model", given)
    export_model(model, target)
