"""Command: ``python -m fastlstm inspect FILE``: what is in a file, without making anything of it."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from fastlstm import contents


class _Row(NamedTuple):
    """A layer of a model."""

    name: str
    kind: str
    refusal: str


def main(argv: list[str] | None = None) -> int:
    """Print what a file is and has; return 1 if it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m fastlstm inspect", description=__doc__)
    parser.add_argument("file", help="of Keras, PyTorch, NumPy, safetensors, ONNX or fastlstm")
    path = parser.parse_args(argv).file
    try:
        found = contents.of_file(path)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path}: {found.kind.name}, {os.path.getsize(path):,} bytes")
    for name, value in found.facts.items():
        print(f"{name}: {value}")
    _print_layers([*_layers(found.config)])
    _print_arrays(found)
    return 0


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


def _print_layers(rows: list[_Row]) -> None:
    named = [row for row in rows if row.name.strip()]
    if named:
        width = max(len(row.name) for row in named)
        print("\nlayers:")
        for row in named:
            print(f"  {row.name:{width}}  {row.kind}")
    refused = {f"{row.kind}: {row.refusal}" for row in rows if row.refusal}
    if refused:
        print("\nnot supported:", *sorted(refused), sep="\n  ")


def _print_arrays(found: contents.Contents) -> None:
    if not found.arrays:
        return
    width = max(map(len, found.arrays))
    print("\narrays:")
    for name, array in found.arrays.items():
        print(f"  {name:{width}}  {array.dtype.name:8} {array.shape}")
    numbers = sum(math.prod(array.shape) for array in found.arrays.values())
    print(f"\n{len(found.arrays)} arrays, {numbers:,} numbers, {sum(a.nbytes for a in found.arrays.values()):,} bytes")
