"""Layers of the Keras surface, each as nodes: a table of functions that write one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.keras import layers

from .functions import activated
from .keras_cells import bidirectional, recurrent_layer
from .matrices import floats, of_keras, rows, table_of
from .site import Site

Names = str | list[str]


def _as_it_is(site: Site) -> str:
    """Write nothing: what the layer does, it does in training."""
    return site.x


def _activation(site: Site) -> str:
    return activated(site.writer, site.layer.activation, site.x, site.layer.dtype, site.layer.name)


def _dense(site: Site) -> str:
    writer, layer = site.writer, site.layer
    kernel = floats(writer, of_keras(layer, "kernel"), "kernel", transposed=True)
    bias = writer.constant(layer.bias.value, "bias") if layer.use_bias else None
    if len(site.shape) == 2:
        y = writer.node("Gemm", site.x, kernel, *([bias] if bias else []))
    else:
        y = writer.node("MatMul", site.x, kernel)
        y = writer.node("Add", y, bias) if bias else y
    return activated(writer, layer.activation, y, layer.dtype, layer.name)


def _embedding(site: Site) -> str:
    writer = site.writer
    indices = writer.node("Cast", site.x, to=7)
    if site.layer.mask_zero:
        site.behind = writer.node("Not", writer.node("Equal", indices, writer.constant(np.int64(0))))
    return rows(writer, table_of(site.layer), indices, "embeddings")


def _masking(site: Site) -> str:
    writer, layer = site.writer, site.layer
    if np.isnan(layer.mask_value):
        same = writer.node("IsNaN", site.x)
    else:
        same = writer.node("Equal", site.x, writer.constant(layer.dtype.type(layer.mask_value)))
    there = writer.node("Cast", writer.node("Not", same), to=6)
    found = writer.node("ReduceMax", there, axes=[-1], keepdims=0)
    site.behind = writer.node("Cast", found, to=9)
    if layer.mask_value == 0:
        return site.x
    kept = writer.node("Unsqueeze", site.behind, writer.numbers(-1))
    return writer.node("Where", kept, site.x, writer.constant(layer.dtype.type(0)))


def _time_distributed(site: Site) -> Names:
    inner = site.layer.layer
    if type(inner) not in _STEPWISE:
        known = ", ".join(sorted(cls.__name__ for cls in _STEPWISE))
        checks.complain(ValueError, f"{site.layer.name}: layer", f"be of {known} for ONNX", type(inner).__name__)
    return WRITERS[type(inner)](site.of(inner))


# -- shapes ------------------------------------------------------------------------------------------------------------


def _reshape(site: Site) -> str:
    return site.writer.node("Reshape", site.x, site.writer.numbers(0, *site.layer.target_shape))


def _repeat(site: Site) -> str:
    writer = site.writer
    return writer.node("Tile", writer.node("Unsqueeze", site.x, writer.numbers(1)), writer.numbers(1, site.layer.n, 1))


def _zero_padding(site: Site) -> str:
    before, after = site.layer.padding
    return site.writer.node("Pad", site.x, site.writer.numbers(0, before, 0, 0, after, 0))


def _cropping(site: Site) -> str:
    writer, (before, after) = site.writer, site.layer.cropping
    end = -after if after else np.iinfo(np.int64).max
    return writer.node("Slice", site.x, *(writer.numbers(number) for number in (before, end, 1)))


# -- merges ------------------------------------------------------------------------------------------------------------


def _merged(op: str) -> Callable[[Site], str]:
    """Return the writer of an operator of any number of inputs, all of one rank."""

    def write(site: Site) -> str:
        site.check_ranks()
        return site.writer.node(op, *site.inputs)

    return write


def _in_turn(op: str) -> Callable[[Site], str]:
    """Return the writer of an operator of two inputs."""

    def write(site: Site) -> str:
        site.check_ranks()
        y, *others = site.inputs
        for other in others:
            y = site.writer.node(op, y, other)
        return y

    return write


def _concatenate(site: Site) -> str:
    return site.writer.node("Concat", *site.inputs, axis=site.layer.axis)


# -- normalization -----------------------------------------------------------------------------------------------------


def _batch_normalization(site: Site) -> str:
    writer, layer = site.writer, site.layer
    shape = [-1 if axis == layer.axis % len(site.shape) else 1 for axis in range(len(site.shape))]
    scale, offset = (values.reshape(shape) for values in layer.frozen())
    return writer.node("Add", writer.node("Mul", site.x, writer.constant(scale)), writer.constant(offset))


def _layer_normalization(site: Site) -> str:
    writer, layer, rank = site.writer, site.layer, len(site.shape)
    axes = sorted(axis % rank for axis in (layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]))
    if layer.rms_scaling or axes != [*range(axes[0], rank)]:
        checks.complain(ValueError, f"{layer.name}: axis", "be the last axes for ONNX, without rms_scaling", layer.axis)
    shape = [size for size in site.shape[axes[0] :]]
    one, zero = (np.full(shape, value, layer.dtype) for value in (1, 0))
    gamma = layer.gamma.value if layer.scale else one
    beta = layer.beta.value if layer.center else zero
    given = writer.constant(gamma.reshape(shape), "gamma"), writer.constant(beta.reshape(shape), "beta")
    return writer.node("LayerNormalization", site.x, *given, axis=axes[0], epsilon=layer.epsilon)


def _rescaling(site: Site) -> str:
    writer, dtype = site.writer, site.layer.dtype
    scaled = writer.node("Mul", site.x, writer.constant(np.asarray(site.layer.scale, dtype)))
    return writer.node("Add", scaled, writer.constant(np.asarray(site.layer.offset, dtype)))


# -- activations -------------------------------------------------------------------------------------------------------


def _relu(site: Site) -> str:
    writer, layer = site.writer, site.layer
    if layer.threshold or (layer.negative_slope and layer.max_value is not None):
        wanted = "be without threshold, and with one of negative_slope and max_value, for ONNX"
        checks.complain(ValueError, layer.name, wanted, layer.get_config())
    if layer.negative_slope:
        return writer.node("LeakyRelu", site.x, alpha=layer.negative_slope)
    y = writer.node("Relu", site.x)
    return y if layer.max_value is None else writer.node("Min", y, writer.constant(layer.dtype.type(layer.max_value)))


def _softmax(site: Site) -> str:
    axes = site.layer.axis if isinstance(site.layer.axis, list | tuple) else [site.layer.axis]
    if len(axes) != 1:
        checks.refuse(ValueError, f"{site.layer.name}: axis", "one axis for ONNX", axes)
    return site.writer.node("Softmax", site.x, axis=axes[0])


# -- windows -----------------------------------------------------------------------------------------------------------


def _over_time(site: Site, op: str, *inputs: str, **attributes: Any) -> str:
    """Write an operator that has time as its last axis."""
    writer = site.writer
    turned = writer.node("Transpose", site.x, perm=[0, 2, 1])
    return writer.node("Transpose", writer.node(op, turned, *inputs, **attributes), perm=[0, 2, 1])


def _convolution(site: Site) -> str:
    writer, layer = site.writer, site.layer
    kernel = writer.constant(np.ascontiguousarray(layer.kernel.value.transpose(2, 1, 0)), "kernel")
    bias = [writer.constant(layer.bias.value, "bias")] if layer.use_bias else []
    (taps,), (stride,), (dilation,) = layer.kernel_size, layer.strides, layer.dilation_rate
    padding: dict[str, Any] = {"auto_pad": "SAME_UPPER"} if layer.padding == "same" else {}
    if layer.padding == "causal":
        padding = {"pads": [(taps - 1) * dilation, 0]}
    options = {"strides": [stride], "dilations": [dilation], "group": layer.groups, **padding}
    y = _over_time(site, "Conv", kernel, *bias, kernel_shape=[taps], **options)
    return activated(writer, layer.activation, y, layer.dtype, layer.name)


def _pooling(op: str) -> Callable[[Site], str]:
    def write(site: Site) -> str:
        (taps,), (stride,) = site.layer.pool_size, site.layer.strides
        padding = {"auto_pad": "SAME_UPPER"} if site.layer.padding == "same" else {}
        return _over_time(site, op, kernel_shape=[taps], strides=[stride], **padding)

    return write


def _global_average(site: Site) -> str:
    writer, keep = site.writer, int(site.layer.keepdims)
    if site.mask is None:
        return writer.node("ReduceMean", site.x, axes=[1], keepdims=keep)
    site.behind = None
    there = writer.node("Cast", site.mask, to=site.number)
    weights, steps = writer.node("Unsqueeze", there, writer.numbers(-1)), writer.numbers(1)
    total = writer.node("ReduceSum", writer.node("Mul", site.x, weights), steps, keepdims=keep)
    return writer.node("Div", total, writer.node("ReduceSum", weights, steps, keepdims=keep))


def _global_max(site: Site) -> str:
    return site.writer.node("ReduceMax", site.x, axes=[1], keepdims=int(site.layer.keepdims))


WRITERS: dict[type, Callable[[Site], Names]] = {
    layers.Activation: _activation,
    layers.ActivityRegularization: _as_it_is,
    layers.Add: _merged("Sum"),
    layers.Average: _merged("Mean"),
    layers.AveragePooling1D: _pooling("AveragePool"),
    layers.BatchNormalization: _batch_normalization,
    layers.Bidirectional: bidirectional,
    layers.Concatenate: _concatenate,
    layers.Conv1D: _convolution,
    layers.Cropping1D: _cropping,
    layers.Dense: _dense,
    layers.Dropout: _as_it_is,
    layers.ELU: lambda site: site.writer.node("Elu", site.x, alpha=site.layer.alpha),
    layers.Embedding: _embedding,
    layers.Flatten: lambda site: site.writer.node("Flatten", site.x, axis=1),
    layers.GRU: recurrent_layer,
    layers.GaussianDropout: _as_it_is,
    layers.GaussianNoise: _as_it_is,
    layers.GlobalAveragePooling1D: _global_average,
    layers.GlobalMaxPooling1D: _global_max,
    layers.Identity: _as_it_is,
    layers.LSTM: recurrent_layer,
    layers.LayerNormalization: _layer_normalization,
    layers.LeakyReLU: lambda site: site.writer.node("LeakyRelu", site.x, alpha=site.layer.negative_slope),
    layers.Masking: _masking,
    layers.MaxPooling1D: _pooling("MaxPool"),
    layers.Maximum: _merged("Max"),
    layers.Minimum: _merged("Min"),
    layers.Multiply: _in_turn("Mul"),
    layers.Permute: lambda site: site.writer.node("Transpose", site.x, perm=[0, *site.layer.dims]),
    layers.ReLU: _relu,
    layers.RepeatVector: _repeat,
    layers.Rescaling: _rescaling,
    layers.Reshape: _reshape,
    layers.SimpleRNN: recurrent_layer,
    layers.Softmax: _softmax,
    layers.SpatialDropout1D: _as_it_is,
    layers.Subtract: _in_turn("Sub"),
    layers.TimeDistributed: _time_distributed,
    layers.ZeroPadding1D: _zero_padding,
}
"""By class; a subclass of a user's own is none of them."""

_STEPWISE: Sequence[type] = (
    *(layers.Activation, layers.ActivityRegularization, layers.Dense, layers.Dropout, layers.ELU),
    *(layers.GaussianDropout, layers.GaussianNoise, layers.Identity, layers.LeakyReLU, layers.ReLU, layers.Rescaling),
)
"""Layers that do the same with every step and with all of them at once."""

TAKES_MASK = frozenset(
    {
        *_STEPWISE,
        *(layers.BatchNormalization, layers.Bidirectional, layers.GRU, layers.GlobalAveragePooling1D, layers.LSTM),
        *(layers.LayerNormalization, layers.Masking, layers.SimpleRNN, layers.SpatialDropout1D, layers.TimeDistributed),
    }
)
"""Layers whose input may have a mask."""
