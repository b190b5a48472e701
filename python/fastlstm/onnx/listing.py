"""What is in a model of ONNX, whether or not it can run here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastlstm.files import regular

from .graph import Source
from .package import required
from .reading import check_graph, laid_out, parsed
from .tensors import array_of
from .values import Array, ValueInfo, value_info


def listed(path: Path) -> tuple[dict[str, str], dict[str, Array]]:
    """Return what is said of a model, by name, and the tensors that it holds."""
    model = parsed(required("reading a model of ONNX"), regular.content(path), str(path))
    check_graph(model, str(path))
    graph, known = model.graph, {tensor.name for tensor in model.graph.initializer}
    facts = {
        "made by": f"{model.producer_name} {model.producer_version}".strip(),
        "opset": ", ".join(f"{entry.domain or 'ai.onnx'} {entry.version}" for entry in model.opset_import),
        "inputs": _shown(value_info(proto, str(path)) for proto in graph.input if proto.name not in known),
        "outputs": _shown(value_info(proto, str(path)) for proto in graph.output),
        "operators": ", ".join(f"{name} {count}" for name, count in Counter(n.op_type for n in graph.node).items()),
        "not supported": _refusal(model, Source(str(path), path.parent)),
    }
    arrays = {tensor.name: array_of(tensor, path.parent, str(path)) for tensor in graph.initializer}
    return {name: fact for name, fact in facts.items() if fact}, arrays


def _shown(infos: Iterator[ValueInfo]) -> str:
    return ", ".join(f"{info.name} {info.dtype} {info.shown_shape}" for info in infos)


def _refusal(model: Any, source: Source) -> str:
    """Return why the model cannot run; nothing: it can."""
    try:
        laid_out(model, source)
    except (ValueError, TypeError, NotImplementedError) as error:
        return str(error)
    return ""
