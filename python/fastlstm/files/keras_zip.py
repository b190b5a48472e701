"""The zip archive of Keras 3, which ends in ``.keras``: two descriptions, a file of weights, and assets."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fastlstm import checks

from . import zips
from .atomic import replaced
from .described import parsed

CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets/"

GROWTH = 2
"""How many times the length of the file its members may take up, beyond `SPARE` bytes: Keras compresses nothing."""
SPARE = 2**25


class Archive(NamedTuple):
    """What an archive holds."""

    config: dict[str, Any]
    metadata: dict[str, Any]
    weights: bytes
    """A file of the format HDF5."""
    assets: dict[str, bytes]
    """Other files, by their path within ``assets``."""


def read(path: Path) -> Archive:
    """Return what the archive at `path` holds; nothing is extracted."""
    with zips.opened(path, "a zip archive of Keras") as (archive, length):
        members = _members(archive, path, length)
        for name in (CONFIG, METADATA, WEIGHTS):
            if name not in members:
                got = f"only {checks.shown(sorted(members))}"
                checks.complain(ValueError, str(path), f"have a member {name!r}", got)
        found = {name: archive.read(member) for name, member in members.items()}
    config, metadata = (parsed(found.pop(name), f"{path}: {name}") for name in (CONFIG, METADATA))
    weights = found.pop(WEIGHTS)
    return Archive(config, metadata, weights, {name.removeprefix(ASSETS): data for name, data in found.items()})


def _members(archive: zipfile.ZipFile, path: Path, length: int) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, when each is one that Keras writes and all of them together are not too large."""
    found: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        if member.is_dir() and member.filename.startswith(ASSETS):
            continue
        if member.filename not in (CONFIG, METADATA, WEIGHTS) and not _is_asset(member.filename):
            known = f"have no members but {CONFIG}, {METADATA}, {WEIGHTS} and files in {ASSETS}"
            checks.complain(ValueError, str(path), known, checks.shown(member.filename))
        found[member.filename] = member
    size, limit = sum(member.file_size for member in found.values()), GROWTH * length + SPARE
    if size > limit:
        checks.complain(
            ValueError, str(path), f"unpack to at most {limit} bytes", f"{size}: it may be made to fill memory"
        )
    return found


def _is_asset(name: str) -> bool:
    parts = name.split("/")
    return name.startswith(ASSETS) and "\\" not in name and all(part not in ("", ".", "..") for part in parts)


def write(path: Path, archive: Archive) -> None:
    """Write an archive as Keras does, uncompressed."""
    described: Mapping[str, Any] = {METADATA: archive.metadata, CONFIG: archive.config}
    with replaced(path) as file, zipfile.ZipFile(file, "w") as packed:
        for name, description in described.items():
            packed.writestr(name, json.dumps(description))
        for name, data in archive.assets.items():
            packed.writestr(ASSETS + name, data)
        packed.writestr(WEIGHTS, archive.weights)
