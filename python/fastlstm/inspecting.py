"""Command: ``python -m fastlstm inspect FILE``: what is in a file, without making anything of it."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from fastlstm import commands, contents


class _Row(NamedTuple):
    """A layer of a model."""

    name: str
    kind: str
    refusal: str


def main(argv: list[str] | None = None) -> int:
    """Print what a file is and has; return 1 if it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m fastlstm inspect", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="of Keras, PyTorch, NumPy, safetensors, ONNX or fastlstm")
    path = parser.parse_args(argv).file
    return commands.status(lambda: lines_of(path))


def lines_of(path: str) -> list[str]:
    """Return what there is to say of a file."""
    with commands.about("FILE", "a file that can be read", path):
        found, size = contents.of_file(path), os.path.getsize(path)
    facts = [f"{name}: {value}" for name, value in found.facts.items()]
    first = f"{path}: {found.kind.name}, {size:,} bytes"
    return [first, *facts, *_of_layers([*_layers(found.config)]), *_of_arrays(found)]


def _layers(config: Any) -> Iterator[_Row]:
    """Return the objects that a config describes, each after the one that it lies in."""
    waiting = [] if config is None else [(config, 0)]
    while waiting:
        tree, depth = waiting.pop()
        if isinstance(tree, dict) and isinstance(tree.get("class_name"), str) and isinstance(tree.get("config"), dict):
            kind = tree["class_name"]
            if not kind.startswith("__"):
                name = tree["config"].get("name") or tree.get("name") or ""
                yield _Row("  " * depth + str(name), kind, contents.refusal_of(tree))
                depth += 1
        entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
        parts = [entry for key, entry in entries if key != "dtype" and isinstance(entry, dict | list)]
        waiting += [(entry, depth) for entry in reversed(parts)]


def _of_layers(rows: list[_Row]) -> Iterator[str]:
    named = [row for row in rows if row.name.strip()]
    if named:
        width = max(len(row.name) for row in named)
        yield from ("", "layers:")
        yield from (f"  {row.name:{width}}  {row.kind}" for row in named)
    refused = {f"{row.kind}: {row.refusal}" for row in rows if row.refusal}
    if refused:
        yield from ("", "not supported:")
        yield from (f"  {line}" for line in sorted(refused))


def _of_arrays(found: contents.Contents) -> Iterator[str]:
    if not found.arrays:
        return
    width = max(map(len, found.arrays))
    yield from ("", "arrays:")
    for name, array in found.arrays.items():
        yield f"  {name:{width}}  {array.dtype.name:8} {array.shape}"
    numbers = sum(math.prod(array.shape) for array in found.arrays.values())
    yield ""
    yield f"{len(found.arrays)} arrays, {numbers:,} numbers, {sum(a.nbytes for a in found.arrays.values()):,} bytes"
