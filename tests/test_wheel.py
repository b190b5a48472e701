"""Wheels: the installed one, if fastlstm was installed from one, and what the check of wheels finds in damaged ones."""

from __future__ import annotations

import json
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("elftools")  # pyelftools

import check_wheel

import fastlstm as fl
from fastlstm import _core

ROOT = Path(__file__).parents[1]
PACKAGE = Path(fl.__file__).parent
CORE = Path(_core.__file__)
INFO = f"fastlstm-{fl.__version__}.dist-info/"
SBOM = f"{INFO}sboms/fastlstm.cdx.json"

# What pip adds to the files of a wheel.
OF_PIP = ("INSTALLER", "REQUESTED", "direct_url.json")

elf = pytest.mark.skipif(not CORE.read_bytes().startswith(b"\x7fELF"), reason="the extension is no ELF file")


def installed() -> Iterator[Distribution]:
    """The distribution whose files are the fastlstm that is imported."""
    for found in distributions(name="fastlstm"):
        path = Path(str(found.locate_file("fastlstm/__init__.py")))
        if path.exists() and path.samefile(fl.__file__):
            yield found


def files_of(distribution: Distribution) -> dict[str, bytes]:
    paths = [path for path in distribution.files or () if path.suffix != ".pyc" and path.name not in OF_PIP]
    return {str(path): path.read_binary() for path in paths}


@pytest.fixture(scope="module")
def wheel() -> dict[str, bytes]:
    found = next(installed(), None)
    if found is None or not any(str(path) == "fastlstm/__init__.py" for path in found.files or ()):
        pytest.skip("this fastlstm was not installed from a wheel")
    return files_of(found)


def test_the_installed_wheel(wheel: dict[str, bytes]) -> None:
    """Contents, size, licences, tag and symbols."""
    assert check_wheel.wrong(wheel, check_wheel.packed(wheel)) == []


def test_it_has_all_modules(wheel: dict[str, bytes]) -> None:
    source = ROOT / "python"
    wanted = {str(path.relative_to(source)) for path in (source / "fastlstm").rglob("*.py")}
    assert {name for name in wheel if name.endswith(".py")} == wanted


def test_its_licences_are_whole(wheel: dict[str, bytes]) -> None:
    for name in check_wheel.LICENCES:
        assert wheel[f"{INFO}licenses/{name}"] == (ROOT / name).read_bytes()


@elf
def test_the_extension_shows_no_more_than_others_ask_for() -> None:
    assert check_wheel.exported(CORE.read_bytes()) == check_wheel.EXPORTED


@elf
def test_the_extension_asks_for_nothing_new() -> None:
    """Of what we write; where it is built for others, headers bring nothing either."""
    assert list(check_wheel.wrong_in_extension(CORE.read_bytes(), for_all=False)) == []


@pytest.mark.parametrize(
    ("version", "is_new"),
    [
        ("GLIBC_2.28", False),
        ("GLIBC_2.29", True),
        ("GLIBC_2.3.4", False),
        ("GLIBCXX_3.4.24", False),
        ("GLIBCXX_3.4.30", True),
        ("CXXABI_1.3", False),
        ("CXXABI_1.3.13", True),
        ("GCC_3.0", False),
    ],
)
def test_versions_are_numbers(version: str, is_new: bool) -> None:
    assert check_wheel.too_new({"symbol": version}) == ({"symbol": version} if is_new else {})


def parts() -> dict[str, Any]:
    """The list of what is compiled in, as CMake fills it in."""
    text = (ROOT / "cmake" / "sbom.cdx.json.in").read_text()
    values = {"PROJECT": fl.__version__, "Eigen3": "3.4.0", "pybind11": "3.0.0"}
    for name, version in values.items():
        text = text.replace(f"@{name}_VERSION@", version)
    told: dict[str, Any] = json.loads(text)
    return told


def whole() -> dict[str, bytes]:
    """A wheel with nothing wrong, around the extension of this process."""
    modules = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".pyi", ".npz", ".json", ".md")]
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    flags = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return {
        **{str(path.relative_to(PACKAGE.parent)): path.read_bytes() for path in (*modules, CORE)},
        "fastlstm/py.typed": b"",
        INFO + "METADATA": f"Name: fastlstm\nVersion: {fl.__version__}\n".encode(),
        INFO + "RECORD": b"",
        INFO + "WHEEL": f"Root-Is-Purelib: false\nTag: {python}-{python}{flags}-linux_x86_64\n".encode(),
        SBOM: json.dumps(parts()).encode(),
        **{f"{INFO}licenses/{name}": (ROOT / name).read_bytes() for name in check_wheel.LICENCES},
    }


def test_nothing_is_wrong_with_a_whole_wheel() -> None:
    assert check_wheel.wrong(whole(), check_wheel.MOST_BYTES) == []


def without(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda contents: contents.__delitem__(name)


def having(name: str, data: bytes = b"") -> Callable[[dict[str, bytes]], None]:
    return lambda contents: contents.__setitem__(name, data)


def telling(change: Callable[[Any], object]) -> Callable[[dict[str, bytes]], None]:
    """Change the list of parts."""

    def damage(contents: dict[str, bytes]) -> None:
        told = parts()
        change(told)
        contents[SBOM] = json.dumps(told).encode()

    return damage


DAMAGES: Mapping[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "no types": (without("fastlstm/py.typed"), "py"),
    "no stub": (without("fastlstm/_core.pyi"), "_core"),
    "no licence of Eigen": (without(f"{INFO}licenses/licenses/eigen.txt"), "eigen"),
    "no list of parts": (without(SBOM), "sboms"),
    "tests": (having("tests/test_wheel.py"), "tests/test_wheel.py does not belong here"),
    "an object": (having("fastlstm/unity_0.o"), "fastlstm/unity_0.o does not belong here"),
    "a cache": (having("fastlstm/__pycache__/checks.cpython-311.pyc"), "does not belong here"),
    "a second extension": (having("fastlstm/_core.cpython-36m-linux.so"), "one file must be named"),
    "for any Python": (having(INFO + "WHEEL", b"Tag: py3-none-any\n"), "the tag must be of one CPython"),
    "for another Python": (having(INFO + "WHEEL", b"Tag: cp36-cp36-linux_x86_64\n"), "is not for cp36"),
    "for new systems": (having(INFO + "WHEEL", b"Tag: cp36-cp36-manylinux_2_35_x86_64\n"), "got manylinux_2_35_x86_64"),
    "parts of another version": (
        telling(lambda told: told["metadata"]["component"].update(version="0")),
        "got fastlstm 0",
    ),
    "a part too few": (telling(lambda told: told["components"].pop()), "must name"),
    "a part of no version": (telling(lambda told: told["components"][0].update(version="")), "the version of Eigen"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_wrong_is_said(damage: str) -> None:
    change, wanted = DAMAGES[damage]
    contents = whole()
    change(contents)
    assert any(wanted in line for line in check_wheel.wrong(contents, 0))


def test_a_wheel_may_not_be_large() -> None:
    found = check_wheel.wrong(whole(), check_wheel.MOST_BYTES + 1)
    assert found == ["a wheel must have at most 5,000,000 bytes, got 5,000,001"]


def test_a_file_is_packed_as_its_contents_are(tmp_path: Path) -> None:
    path, contents = tmp_path / "a.whl", {"fastlstm/a.py": b"0" * 10_000, INFO + "WHEEL": b"Tag: none\n"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in contents.items():
            file.writestr(name, data)
    assert check_wheel.read(path) == contents
    assert path.stat().st_size == check_wheel.packed(contents)
