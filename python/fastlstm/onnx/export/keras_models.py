"""Models of the Keras surface: their plan, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.keras import layers
from fastlstm.keras.foundation.variable import holding

from ..values import NUMBERS, ValueInfo
from .keras_layers import TAKES_MASK, WRITERS
from .site import Site
from .writer import Writer


def export_model(model: Any, path: Path) -> None:
    """Write a model; what ONNX cannot express is refused, naming the layer."""
    plan = model.plan
    inputs = [_info(name, tensor) for name, tensor in zip(model.input_names, plan.inputs, strict=True)]
    outputs = [_info(name, tensor) for name, tensor in zip(model.output_names, plan.outputs, strict=True)]
    outputs = _apart(outputs, {info.name for info in inputs})
    writer = Writer(inputs, outputs)
    with holding(plan.weights):
        names = _Steps(writer, plan, inputs).run()
    for place, info in zip(plan.wanted, outputs, strict=True):
        writer.give(names[place], info)
    writer.write(path, model.name)


def _info(name: str, tensor: Any) -> ValueInfo:
    """Describe a tensor: axes that are open have names."""
    known = {0: "batch", 1: "time"}
    axes = [known.get(k, f"{name}_{k}") if size is None else size for k, size in enumerate(tensor.shape)]
    return ValueInfo(name, tuple(axes), np.dtype(tensor.dtype))


def _apart(infos: Sequence[ValueInfo], taken: set[str]) -> list[ValueInfo]:
    """Give outputs names of their own: a layer may be that of several."""
    found: list[ValueInfo] = []
    for info in infos:
        name, number, used = info.name, 1, taken | {other.name for other in found}
        while name in used:
            name, number = f"{info.name}_{number}", number + 1
        found.append(info._replace(name=name))
    return found


class _Steps:
    """Names of what is at the places of a plan, and of the masks."""

    def __init__(self, writer: Writer, plan: Any, inputs: Sequence[ValueInfo]) -> None:
        self.writer, self.plan = writer, plan
        self.names = {place: info.name for place, info in zip(plan.given, inputs, strict=True)}
        self.masks: dict[int, str | None] = dict.fromkeys(plan.given)
        self.lengths: dict[str, str] = {}
        self.dtypes = {place: info.dtype for place, info in zip(plan.given, inputs, strict=True)}
        self.shapes = plan.array_shapes([tuple(tensor.shape) for tensor in plan.inputs])

    def run(self) -> dict[int, str]:
        """Write all steps."""
        for step in self.plan.steps:
            self._write(step)
        return self.names

    def _write(self, step: Any) -> None:
        layer = step.layer
        write = WRITERS.get(type(layer))
        if write is None:
            known = ", ".join(sorted(cls.__name__ for cls in WRITERS))
            must = f"be of a class that ONNX can express: {known}"
            checks.complain(ValueError, layer.name, must, type(layer).__name__)
        if step.training:
            checks.complain(ValueError, layer.name, "not be called with training=True for ONNX", True)
        masks = [self.masks.get(place) for place in step.inputs]
        mask = masks[0] if step.mask is None else self.names[step.mask]
        if any(masks[1:]) or (mask is not None and type(layer) not in TAKES_MASK):
            checks.complain(ValueError, layer.name, "take inputs without masks for ONNX", "one with a mask")
        names = [self._cast(place, layer) for place in step.inputs]
        site = Site(self.writer, layer, names, mask, [self.shapes[place] for place in step.inputs], self.lengths)
        made = write(site)
        parts = made if isinstance(made, list) else [made]
        self.names |= dict(zip(step.outputs, parts, strict=True))
        self.dtypes |= dict.fromkeys(step.outputs, np.dtype(layer.dtype))
        self.masks[step.outputs[0]] = site.behind

    def _cast(self, place: int, layer: Any) -> str:
        """Return the name of an input in the dtype of the layer."""
        dtype = np.dtype(layer.dtype)
        if self.dtypes[place] == dtype or isinstance(layer, layers.Embedding):
            return self.names[place]
        return self.writer.node("Cast", self.names[place], to=NUMBERS[dtype])
