"""Docstrings are whole: types of parameters, what classes raise, an example; lists of what falls short only shrink."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest
import reference_pages

NOTHING_TO_RAISE = {
    "keras.constraints.NonNeg",
    *(f"layers.over_time.{name}" for name in ("FinalHidden", "LastValidStep", "MaxOverTime", "MeanOverTime")),
}
"""Classes that take nothing that can be wrong."""
MADE_FOR_USERS = {
    "datasets._japanese_vowels.JapaneseVowels",
    *(f"keras.foundation.{name}" for name in ("eager.EagerArray", "symbolic.SymbolicTensor")),
    *(f"keras.pipelines.{name}" for name in ("dataset.Dataset", "specs.DatasetSpec")),
    *(f"reference.{name}" for name in ("convolution.ConvolutionGradients", "gradients.Gradients")),
}
"""Classes that users get and do not make."""
WITHOUT_RAISES = {
    *(f"reference.{name}" for name in ("activations.Activation", "convolution.Taps")),
    *(f"tensorflow.functions.sessions.{name}" for name in ("ConfigProto", "GPUOptions")),
}
"""What is still to be written: take out what is, add nothing."""
WITHOUT_EXAMPLES = {
    "datasets._japanese_vowels.JapaneseVowels",
    *(f"reference.{name}" for name in ("convolution.ConvolutionGradients", "convolution.Taps", "gradients.Gradients")),
    *(f"tensorflow.functions.sessions.{name}" for name in ("ConfigProto", "GPUOptions", "Session")),
}
"""The same."""
PACKAGE = pages.ROOT / "python" / "fastlstm"
OPTIONAL = ("fastlstm.aeon", "fastlstm.onnx", "fastlstm.sklearn", "fastlstm.torch")


def public_classes() -> Iterator[type]:
    """Classes that the reference has, of modules that need nothing else."""
    for name in reference_pages.listed():
        if not name.startswith(OPTIONAL):
            values = (entry.value for entry in reference_pages.entries(importlib.import_module(name)))
            yield from (
                value for value in values if inspect.isclass(value) and value.__module__.startswith("fastlstm.")
            )


CLASSES = {f"{cls.__module__.removeprefix('fastlstm.')}.{cls.__name__}": cls for cls in public_classes()}


def sections(cls: type) -> set[str]:
    """Headings of a class's own docstring."""
    return set(re.findall(r"^(\w[\w ]+)\n-{3,}$", inspect.cleandoc(vars(cls).get("__doc__") or ""), re.MULTILINE))


def lacking(section: str) -> set[str]:
    """Classes without a section; warnings and errors are no classes that one makes."""
    made = {name: cls for name, cls in CLASSES.items() if not issubclass(cls, BaseException)}
    return {name for name, cls in made.items() if section not in sections(cls)}


def test_classes_say_what_they_raise() -> None:
    assert lacking("Raises") == NOTHING_TO_RAISE | MADE_FOR_USERS | WITHOUT_RAISES


def test_classes_have_an_example() -> None:
    assert lacking("Examples") == WITHOUT_EXAMPLES


def docstrings(path: Path) -> Iterator[str]:
    """All docstrings of a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def parameters(docstring: str) -> Iterator[str]:
    """Lines that name parameters."""
    for section in re.findall(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)", docstring, re.DOTALL | re.MULTILINE):
        yield from re.findall(r"^\S.*$", section, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_parameters_have_types(path: Path) -> None:
    for docstring in docstrings(path):
        for line in parameters(docstring):
            assert " : " in line, line
