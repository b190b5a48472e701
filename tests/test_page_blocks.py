"""Blocks of pages that are not Python: commands run, programs in C++ compile, or a comment says why not."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest
from pages import DOCUMENTS, ROOT, SHELL, Block

LINKED = "tests/test_cpp_api.py"
"""Programs in C++, and what CMake is told, are built and run there."""
NO_PROGRAMS = {"text", "{toctree}", "{eval-rst}"}
SLOW = {"examples/who_is_speaking.py"}
NEEDS_A_REASON = {"not run:", "run by", "a part of"}

Case = tuple[Path, Block]


def found(*languages: str) -> list[Case]:
    """The blocks of all pages in these languages."""
    return [(path, block) for path in DOCUMENTS for block in pages.every_block_of(path) if block.language in languages]


def named(case: Case) -> str:
    path, block = case
    return f"{path.relative_to(ROOT)}:{block.line}"


def cases(runs: bool, *languages: str) -> list[object]:
    """Parameters for a test: blocks that run, or all."""
    return [
        pytest.param(case, id=named(case), marks=pytest.mark.slow if any(name in case[1].code for name in SLOW) else ())
        for case in found(*languages)
        if case[1].runs or not runs
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_has_somebody_who_runs_it_or_says_why_not(path: Path) -> None:
    blocks = pages.every_block_of(path)
    assert len(re.findall(r"^ *[`~]{3,}", path.read_text("utf-8"), re.MULTILINE)) == 2 * len(blocks)
    for block in blocks:
        assert block.language in {"python", *SHELL, "cpp", "cmake", *NO_PROGRAMS}, block.line
        assert bool(block.text) or block.mark not in NEEDS_A_REASON, block.line


@pytest.mark.parametrize("case", cases(True, *SHELL))
def test_commands_run(case: Case, tmp_path: Path) -> None:
    pages.run_in_shell(case[1], tmp_path)


@pytest.mark.skipif(shutil.which("c++") is None, reason="nothing to compile with")
@pytest.mark.parametrize("case", cases(True, "cpp"))
def test_programs_compile(case: Case) -> None:
    include, options = ROOT / "cpp" / "include", ("-std=c++17", "-Wall", "-Wextra", "-fsyntax-only")
    program = pages.program_in_cpp(case[1])
    command = ["c++", *options, "-I", include, "-x", "c++", "-"]
    done = subprocess.run(command, input=program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_programs_are_linked_elsewhere() -> None:
    text = (ROOT / LINKED).read_text("utf-8")
    for path, block in found("cpp", "cmake"):
        assert not block.runs or f'pages.blocks("{path.stem}", "{block.language}")' in text, named((path, block))


# --- What commands name, run or not ----------------------------------------------------------------------------------


def commands(path: Path) -> str:
    """Everything on a page that one could type: blocks, and code between words."""
    blocks = [block.code for block in pages.every_block_of(path) if block.language in SHELL]
    return "\n".join([*blocks, *re.findall(r"`((?:python|nox|pip|cmake) [^`\n]+)`", path.read_text("utf-8"))])


def missing_options(path: Path, text: str) -> Iterator[str]:
    """Scripts that are not here, and options that no program of their folder knows."""
    for name, rest in re.findall(r"\bpython3? ((?:\w+/)*\w+\.py)([^#&\n]*)", text):
        folder = ((ROOT if (ROOT / name).exists() else path.parent) / name).parent
        known = "".join(source.read_text("utf-8") for source in folder.glob("*.py"))
        if not (folder / Path(name).name).exists():
            yield name
        yield from (f"{name} {option}" for option in re.findall(r" (--\w[\w-]*)", rest) if f'"{option}"' not in known)


DECLARED = {
    r"(?:\.|fastlstm)\[(\w+)\]": ("pyproject.toml", r"^{} = \["),
    r"\bnox -s (\w+)": ("noxfile.py", r"^def {}\("),
    r"--preset (\w+)": ("CMakePresets.json", r'"name": "{}"'),
}
"""Extras, sessions and presets: how commands name them, and where they are declared."""


def undeclared(text: str) -> Iterator[str]:
    for pattern, (file, declaration) in DECLARED.items():
        declared = (ROOT / file).read_text("utf-8")
        for name in re.findall(pattern, text):
            if not re.search(declaration.format(name), declared, re.MULTILINE):
                yield f"{file}: {name}"


def missing_files(text: str) -> Iterator[str]:
    """Files below folders of the checkout."""
    for name in re.findall(r"(?<![\w/])((?:bench|cpp|docs|examples|tests|tools)/[\w/]+\.\w+)", text):
        if not (ROOT / name).exists():
            yield name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_commands_name_is_there(path: Path) -> None:
    text = commands(path)
    reasons = "\n".join(block.text for block in pages.every_block_of(path) if block.mark in ("not run:", "run by"))
    assert [*missing_options(path, text), *undeclared(text), *missing_files(f"{text}\n{reasons}")] == []
