"""The habits of this project, held by tests: which way calls go, types, format, stubs and documents that are true."""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sanitize

import fastlstm as fl

ROOT = Path(__file__).parents[1]
CPP = ROOT / "cpp"

# Which folder may include which (docs/design.md); a file may always include its own folder.
MAY_INCLUDE = {
    "kernels": set(),
    "layers": {"kernels/kernel_table.hpp"},
    "bindings": {"layers/", "kernels/dispatch.hpp"},
    "model": {"layers/", "kernels/dispatch.hpp", "include/fastlstm/"},
}


def includes_of(path: Path) -> list[str]:
    return re.findall(r'#include [<"]([^>"]+)[>"]', path.read_text())


@pytest.mark.parametrize("path", sorted(CPP.rglob("*.?pp")), ids=lambda path: str(path.relative_to(CPP)))
def test_includes_go_one_way(path: Path) -> None:
    folder = path.parent.name
    for include in includes_of(path):
        if include.startswith("../"):
            target = include.removeprefix("../")
            assert any(target.startswith(allowed) for allowed in MAY_INCLUDE[folder]), include
        if include.startswith("pybind11"):
            assert folder == "bindings", include
        if include.startswith("Eigen"):
            assert path.name.endswith(".inl.hpp"), include


# The floors of fastlstm.keras, from the top; a module may import from its own floor and those below it.
FLOORS = [
    {"__init__"},
    {"models", "saving", "utils", "preprocessing", "datasets", "old_spellings", "wrappers"},
    {"files"},
    {"training", "callbacks"},
    {"graph"},
    {"layers"},
    {"losses", "metrics", "optimizers"},
    {"ops", "backend", "config", "distribution", "dtype_policies", "mixed_precision", "random", "pipelines"},
    {"activations", "initializers", "regularizers", "constraints", "quantizers", "foundation"},
]
PACKAGE = ROOT / "python" / "fastlstm"
KERAS = PACKAGE / "keras"


def floor_of(parts: tuple[str, ...]) -> int:
    return next(i for i, names in enumerate(FLOORS) if (parts[0] if parts else "__init__") in names)


def keras_imports(path: Path) -> Iterator[tuple[str, ...]]:
    """What a module imports of fastlstm.keras, as parts of the path below it; within functions too."""
    package = path.relative_to(KERAS).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and 1 <= node.level <= len(package) + 1:
            base = package[: len(package) - node.level + 1]
            target = (*base, *(node.module.split(".") if node.module else ()))
            yield from [target] if target else [(alias.name,) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastlstm.keras"):
            yield tuple((node.module or "").split(".")[2:])


@pytest.mark.parametrize("path", sorted(KERAS.rglob("*.py")), ids=lambda path: str(path.relative_to(KERAS)))
def test_calls_of_the_keras_surface_go_down(path: Path) -> None:
    own = floor_of(path.relative_to(KERAS).with_suffix("").parts)
    for target in keras_imports(path):
        assert floor_of(target) >= own, ".".join(target)


DOOR = KERAS / "foundation" / "core.py"


@pytest.mark.parametrize("path", sorted(KERAS.rglob("*.py")), ids=lambda path: str(path.relative_to(KERAS)))
def test_one_module_of_the_keras_surface_imports_the_core(path: Path) -> None:
    imported = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            origin = (getattr(node, "module", None) or "").split(".")
            imported |= {part for alias in node.names for part in (*origin, *alias.name.split("."))}
    assert ("_core" in imported) == (path == DOOR)


# Underscored attributes of what is no class of this package.
FOREIGN = {
    "sys._getframe": "the only way to the frames of a program",
    "x._value": "what autograd's boxes hold has no public name",
    **dict.fromkeys(("_replace", "_asdict", "_fields"), "public methods of a NamedTuple"),
}


def names_defined_in(tree: ast.Module) -> Iterator[str]:
    """Functions, methods, attributes of classes and of ``self`` that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr
        elif isinstance(node, ast.ClassDef):
            targets = [
                target for part in node.body for target in getattr(part, "targets", [getattr(part, "target", None)])
            ]
            yield from [target.id for target in targets if isinstance(target, ast.Name)]


def underscored_uses(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Whose underscored attributes a module uses, and which, by a dot or by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner, name = node.value, node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "setattr"):
            owner, name = node.args[0], str(getattr(node.args[1], "value", ""))
        else:
            continue
        if name.startswith("_") and not name.endswith("__"):
            yield ast.unparse(owner), name


@pytest.mark.parametrize("path", sorted(KERAS.rglob("*.py")), ids=lambda path: str(path.relative_to(KERAS)))
def test_what_is_underscored_is_used_by_its_own_module(path: Path) -> None:
    """A class says what others may use of it: an attribute of anything but ``self`` has no underscore elsewhere."""
    tree = ast.parse(path.read_text())
    known = {*names_defined_in(tree), *FOREIGN}
    for owner, name in underscored_uses(tree):
        assert owner in ("self", "cls", "super()") or known & {name, f"{owner}.{name}"}, f"{owner}.{name}"


# What of layers on arrays others go by: what makes files of ONNX of them, and PyTorch's modules.
OF_LAYERS = {"_now", "_parameters", "_plan", "_state_size", "_states", "_weights"}
OUTSIDE = ("torch._C", "torch.autograd", "module._flat_weights_names")  # of PyTorch, which has no public name for it


def package_of(path: Path) -> Path:
    """The folder right below fastlstm; of a module that lies there, the module."""
    return PACKAGE / path.relative_to(PACKAGE).parts[0]


def underscored_in(package: Path) -> set[str]:
    """What the modules of a package define with an underscore."""
    paths = package.rglob("*.py") if package.is_dir() else [package]
    return {name for path in paths for name in names_defined_in(ast.parse(path.read_text())) if name.startswith("_")}


@pytest.mark.parametrize("package", sorted({package_of(path) for path in PACKAGE.rglob("*.py")}), ids=lambda p: p.name)
def test_what_is_underscored_stays_in_its_package(package: Path) -> None:
    """That of the Keras surface even in its module."""
    known = {*underscored_in(package), *OF_LAYERS, *FOREIGN}
    for path in package.rglob("*.py") if package.is_dir() else [package]:
        for owner, name in underscored_uses(ast.parse(path.read_text())):
            full = f"{owner}.{name}"
            inside = owner in ("self", "cls", "super()") or known & {name, full} or full.startswith(OUTSIDE)
            assert inside, f"{path.relative_to(PACKAGE)}: {full}"


NO_PUBLIC_NAME = {"_core", "_check_sample_weight"}  # ours, and how scikit-learn's own estimators read their weights


@pytest.mark.parametrize("folder", ["python", "bench", "tools", "examples"])
def test_no_module_imports_what_another_underscores(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            for alias in node.names if isinstance(node, ast.ImportFrom) else ():
                public = not alias.name.startswith("_") or alias.name.endswith("__")
                assert public or alias.name in NO_PUBLIC_NAME, f"{path.name}: {alias.name}"


MOST_LINES = 60  # of a function, without its docstring


def python_functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first, has_text = node.body[0], ast.get_docstring(node) is not None
            text = (first.end_lineno or 0) - first.lineno + 1 if has_text else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - text


def cpp_functions(path: Path) -> Iterator[tuple[str, int]]:
    """What begins with ``... (...) {`` and ends with a brace as far to the right; clang-format sees to that."""
    begun = dict[str, tuple[int, str]]()
    for number, line in enumerate(path.read_text().splitlines()):
        indent = line[: len(line) - len(line.lstrip())]
        if line.startswith(f"{indent}}}") and indent in begun:
            start, name = begun.pop(indent)
            yield name, number - start + 1
        if line.endswith("{") and "(" in line and not line.lstrip().startswith(":"):
            begun[indent] = number, line.strip()


def sources(*patterns: str) -> list[Path]:
    folders = [ROOT / name for name in ("python", "cpp", "tests", "bench", "tools", "examples")]
    return [path for folder in folders for pattern in patterns for path in sorted(folder.rglob(pattern))]


@pytest.mark.parametrize(("functions", "patterns"), [(python_functions, ["*.py"]), (cpp_functions, ["*.cpp", "*.hpp"])])
def test_functions_are_short(functions: Any, patterns: list[str]) -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}": lines for path in sources(*patterns) for name, lines in functions(path)
    }
    assert len(found) > 500
    assert {name: lines for name, lines in found.items() if lines > MOST_LINES} == {}


def test_instruction_set_files_hold_no_code() -> None:
    for path in (CPP / "kernels").glob("kernels_*.cpp"):
        lines = path.read_text().splitlines()
        assert len(lines) <= 10, path.name
        runs_anywhere = path.name.startswith("kernels_plain")
        assert runs_anywhere or any(line.startswith("#error") for line in lines), path.name


def run_module(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_types() -> None:
    pytest.importorskip("mypy")
    run_module("mypy", "--no-incremental")


# What a stub cannot say of classes that pybind11 makes: their metaclass, and that a tape is not made by a call.
UNSAID = r"fastlstm\._core\.(Convolution|Dense|Scope|Stream|Tape(\.__init__)?|Weights)"


@pytest.mark.slow
def test_the_stub_is_the_module(tmp_path: Path) -> None:
    """Without `py.typed` beside it nothing is compared, and nothing said."""
    pytest.importorskip("mypy")
    unsaid = tmp_path / "unsaid"
    unsaid.write_text(UNSAID)
    run_module("mypy.stubtest", "fastlstm._core", "--ignore-disjoint-bases", "--allowlist", str(unsaid))


def test_lint() -> None:
    pytest.importorskip("ruff")
    run_module("ruff", "check", ".")
    run_module("ruff", "format", "--check", ".")


def test_cpp_format() -> None:
    clang_format = shutil.which("clang-format", path=str(Path(sys.executable).parent))
    if clang_format is None:
        pytest.skip("clang-format is not installed beside this Python")
    folders = (CPP, ROOT / "tests" / "cpp", ROOT / "tests" / "cpp_api", ROOT / "examples" / "cpp")
    sources = [str(path) for folder in folders for path in sorted(folder.rglob("*.?pp"))]
    done = subprocess.run([clang_format, "--dry-run", "-Werror", *sources], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def modules() -> list[str]:
    found = pkgutil.walk_packages(fl.__path__, "fastlstm.")
    return ["fastlstm", *(module.name for module in found if not module.name.endswith(("__main__", "_core")))]


@pytest.mark.parametrize("name", modules())
def test_docstring_examples(name: str) -> None:
    package = name.split(".")[1] if "." in name else ""
    needed = {"aeon": "aeon", "sklearn": "sklearn", "threadpools": "threadpoolctl", "torch": "torch"}
    if package in needed:
        pytest.importorskip(needed[package])
    outside = {"__name__": "__main__"}  # classes that examples define are a user's
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs=outside, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def files_that_name(example: str) -> int:
    """How many sources have a name, alone or in the names of what is for it."""
    named = re.compile(rf"(?i){example}(?![a-z])")
    paths = [path for folder in ("cpp", "cmake", "python/fastlstm") for path in (ROOT / folder).rglob("*.*")]
    paths = [path for path in paths if path.suffix in (".py", ".pyi", ".hpp", ".cpp", ".cmake")]
    return sum(bool(named.search(f"{path.stem}\n{path.read_text('utf-8')}")) for path in paths)


def test_new_things_touch_as_many_files_as_it_says() -> None:
    table = re.findall(r"^\| .+ \| (\d+) \| `(\w+)` \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    assert len(table) == 7
    for most, example in table:
        assert 0.7 * int(most) < files_that_name(example) <= int(most), example


def test_version_is_the_same_everywhere() -> None:
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert declared is not None
    assert fl.__version__ == declared[1]
    assert f"## {declared[1]}" in (ROOT / "CHANGELOG.md").read_text()
    assert f"version: {declared[1]}\n" in (ROOT / "CITATION.cff").read_text()


def test_types_are_installed() -> None:
    """The marker that has type checkers look at them, and the stub."""
    for name in ("py.typed", "_core.pyi"):
        assert Path(fl.__file__).with_name(name).exists(), name


def test_presets_set_what_there_is() -> None:
    declared = "".join((ROOT / name).read_text() for name in ("CMakeLists.txt", "cmake/isa.cmake"))
    presets = json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]
    for name in {name for preset in presets for name in preset["cacheVariables"] if name.startswith("FASTLSTM_")}:
        assert re.search(rf"(option|set)\({name} .*", declared), name
    sanitizers = {preset["name"]: preset["cacheVariables"].get("FASTLSTM_SANITIZE") for preset in presets}
    assert sanitizers.items() >= sanitize.SANITIZERS.items()


def test_the_session_of_sanitizers_says_what_it_needs() -> None:
    """What `tools/sanitize.py` asks for where nothing is named."""
    (session,) = re.findall(r'^def sanitize\(.*\n    """(.+)"""$', (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    assert {"doctest-dev", "valgrind"} <= {*re.findall(r"[\w-]+", session)}


def test_import_needs_no_more_than_numpy() -> None:
    """`import fastlstm` stays quick: nothing of the Keras surface, tqdm or safetensors is loaded by it."""
    code = "import sys, numpy; before = set(sys.modules); import fastlstm; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "fastlstm",
        "fastlstm._core",
        "fastlstm.checks",
        "fastlstm.frames",
        "fastlstm.precisions",
        "fastlstm.runtime",
    }


# Errors that are not about an argument, and so have no "must ..., got ...".
WORDED_BY_HAND = {"streaming.py: __reduce_ex__"}


def raised_by_hand(path: Path) -> Iterator[str]:
    """Functions of a module that raise a ValueError or TypeError themselves, with a text."""
    for function in ast.walk(ast.parse(path.read_text())):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            call = node.exc if isinstance(node, ast.Raise) else None
            kind = call.func if isinstance(call, ast.Call) else None
            if isinstance(kind, ast.Name) and kind.id in ("ValueError", "TypeError"):
                yield f"{path.relative_to(PACKAGE)}: {function.name}"


def test_errors_about_arguments_have_one_wording() -> None:
    """`fastlstm.checks` builds them."""
    paths = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "checks.py")
    assert {found for path in paths for found in raised_by_hand(path)} == WORDED_BY_HAND


def test_fresh_seeds_have_a_name() -> None:
    """Processes that share the tests must agree on their names, and each has a fresh seed of its own."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for line in path.read_text().splitlines():
            if line.startswith("@pytest.mark.parametrize") and "FRESH" in line:
                assert 'FRESH, id="fresh_seed"' in line, f"{path.name}: {line}"
