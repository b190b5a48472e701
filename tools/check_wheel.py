"""Check built wheels: what is in them, how large they are, what they show to others and which systems can load them.

python tools/check_wheel.py WHEEL...    prints what is wrong, a line each, and ends with an error if there is anything

Needs pyelftools, of the extra `test`.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from email.parser import Parser
from pathlib import Path

from elftools.elf.elffile import ELFFile

Contents = Mapping[str, bytes]
"""The files of a wheel, by their names in it."""

MOST_BYTES = 5_000_000
"""Of a packed wheel."""

EXPORTED = {"PyInit__core", "fastlstm_get_num_threads", "fastlstm_set_num_threads"}
"""What is found by name in the extension: by Python, and by threadpoolctl."""

LICENCES = ("LICENSE", "licenses/eigen.txt", "licenses/pybind11.txt")
"""Ours, and those of what is compiled into the extension."""

COMPILED_IN = {"Eigen": "MPL-2.0", "pybind11": "BSD-3-Clause"}
"""What that is, with its licence."""

EXTENSION = r"fastlstm/_core\.\S+\.so"
INFO = r"fastlstm-[^/]+\.dist-info/"
SBOM = INFO + r"sboms/fastlstm\.cdx\.json"
NEEDED = [
    EXTENSION,
    r"fastlstm/__init__\.py",
    r"fastlstm/_core\.pyi",
    r"fastlstm/py\.typed",
    r"fastlstm/absent/names\.json",
    r"fastlstm/datasets/README\.md",
    r"fastlstm/datasets/japanese_vowels\.npz",
    INFO + "METADATA",
    INFO + "RECORD",
    INFO + "WHEEL",
    SBOM,
    *(INFO + "licenses/" + re.escape(name) for name in LICENCES),
]
"""Patterns of names, each of which one file has."""

ALLOWED = [*NEEDED, r"fastlstm/(\w+/)*\w+\.py", INFO + r"sboms/auditwheel\.cdx\.json"]

NEWEST = {"GLIBC": (2, 28), "GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)}
"""Versions of symbols that systems have for which wheels of manylinux_2_28 are made, or later ones."""

OF_HEADERS = re.compile(
    r"pthread_\w+"  # in a library of their own until 2.34
    r"|log|__libc_single_threaded|__isoc23_\w+"  # in headers of 2.29, 2.32 and 2.38
    r"|_ZSt28__throw_bad_array_new_lengthv|_ZNSt15__exception_ptr13exception_ptr\d+_M_(addref|release)Ev"  # of GCC 11
    r"|_ZNSt7__cxx1112basic_string\w+_M_replace_cold\w+|__cxa_call_terminate"  # of GCC 13 and 14
)
"""Symbols that newer headers ask for in a newer version, whatever we write; a wheel for all is built with old ones."""


def read(path: Path) -> dict[str, bytes]:
    """Return the files of a wheel."""
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist() if not name.endswith("/")}


def packed(contents: Contents) -> int:
    """Return how many bytes a wheel of these files has."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in contents.items():
            file.writestr(name, data)
    return len(memory.getvalue())


def named(contents: Contents, pattern: str) -> list[str]:
    """Return the names that have a pattern."""
    return [name for name in contents if re.fullmatch(pattern, name)]


def wrong_in_names(contents: Contents) -> Iterator[str]:
    """Yield what is missing and what does not belong."""
    for pattern in NEEDED:
        if len(found := named(contents, pattern)) != 1:
            yield f"one file must be named {pattern}, got {found or 'none'}"
    for name in contents:
        if not any(re.fullmatch(pattern, name) for pattern in ALLOWED):
            yield f"{name} does not belong here"


def tags(contents: Contents) -> list[str]:
    """Return what a wheel says of the Pythons and systems that it is for."""
    (name,) = named(contents, INFO + "WHEEL")
    return Parser().parsestr(contents[name].decode()).get_all("Tag", [])


def wrong_in_tags(contents: Contents) -> Iterator[str]:
    """Yield tags that are not those of the extension."""
    (extension,) = named(contents, EXTENSION)
    for tag in tags(contents):
        python, abi, platform = tag.split("-")
        if not re.fullmatch(r"cp3\d+", python) or not re.fullmatch(rf"{python}t?", abi):
            yield f"the tag must be of one CPython and its ABI, got {tag}"
        if f".cpython-{abi[2:]}-" not in extension:
            yield f"{extension} is not for {abi}"
        if not re.match(r"(manylinux_2_28|manylinux_2_17|manylinux2014|linux|macosx_\d+_\d+)_\w+$", platform):
            yield f"the platform must be manylinux_2_28 or older, or macosx, got {platform}"


def wrong_in_sbom(contents: Contents) -> Iterator[str]:
    """Yield what the list of parts does not say."""
    (sbom,), (metadata,) = named(contents, SBOM), named(contents, INFO + "METADATA")
    told = json.loads(contents[sbom])
    ours, version = told["metadata"]["component"], Parser().parsestr(contents[metadata].decode())["Version"]
    if (told["bomFormat"], ours["name"], ours["version"]) != ("CycloneDX", "fastlstm", version):
        yield f"{sbom} must be of fastlstm {version}, got {ours['name']} {ours['version']}"
    parts = {part["name"]: part["licenses"][0]["license"]["id"] for part in told["components"]}
    if parts != COMPILED_IN:
        yield f"{sbom} must name {COMPILED_IN}, got {parts}"
    for part in told["components"]:
        if not re.fullmatch(r"\d+(\.\d+)+", part["version"]):
            yield f"{sbom} must give the version of {part['name']}, got {part['version']!r}"


def exported(extension: bytes) -> set[str]:
    """Return the symbols that others may find in an ELF file."""
    symbols = ELFFile(io.BytesIO(extension)).get_section_by_name(".dynsym").iter_symbols()
    return {symbol.name for symbol in symbols if symbol.name and symbol["st_shndx"] != "SHN_UNDEF"}


def asked_for(extension: bytes) -> dict[str, str]:
    """Return the symbols that an ELF file wants of others and that have versions, with these, such as GLIBC_2.17."""
    elf = ELFFile(io.BytesIO(extension))
    sections = (elf.get_section_by_name(name) for name in (".dynsym", ".gnu.version", ".gnu.version_r"))
    symbols, indices, needs = sections
    versions = {version["vna_other"]: version.name for _, all_of_one in needs.iter_versions() for version in all_of_one}
    numbers = (index["ndx"] for index in indices.iter_symbols())
    pairs = zip(symbols.iter_symbols(), numbers, strict=True)
    return {symbol.name: versions[number] for symbol, number in pairs if number in versions}


def too_new(symbols: Mapping[str, str]) -> dict[str, str]:
    """Return those of versioned symbols that older systems do not have."""
    found = {}
    for symbol, version in symbols.items():
        family, _, number = version.partition("_")
        if tuple(map(int, number.split("."))) > NEWEST[family]:
            found[symbol] = version
    return found


def wrong_in_extension(extension: bytes, for_all: bool) -> Iterator[str]:
    """Yield what is wrong with the symbols of an ELF file; `for_all` without those that this system's headers bring."""
    if (found := exported(extension)) != EXPORTED:
        yield f"the extension must export {sorted(EXPORTED)}, got {sorted(found)}"
    for symbol, version in too_new(asked_for(extension)).items():
        if for_all or not OF_HEADERS.fullmatch(symbol):
            yield f"the extension asks for {symbol} of {version}, which manylinux_2_28 does not have"


def wrong(contents: Contents, size: int) -> list[str]:
    """Return what is wrong with a wheel of so many bytes, a line each."""
    if found := [*wrong_in_names(contents)]:
        return found
    found = [*wrong_in_tags(contents), *wrong_in_sbom(contents)]
    if size > MOST_BYTES:
        found.append(f"a wheel must have at most {MOST_BYTES:,} bytes, got {size:,}")
    (name,) = named(contents, EXTENSION)
    if contents[name].startswith(b"\x7fELF"):
        found += wrong_in_extension(contents[name], any("manylinux" in tag for tag in tags(contents)))
    return found


def main() -> None:
    """Check the wheels that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", metavar="WHEEL", type=Path)
    complaints = 0
    for path in parser.parse_args().wheels:
        found = wrong(read(path), path.stat().st_size)
        complaints += len(found)
        print(f"{path.name}: {path.stat().st_size:,} bytes", *(found or ["nothing is wrong"]), sep="\n  ")
    sys.exit(complaints > 0)


if __name__ == "__main__":
    main()
