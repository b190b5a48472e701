"""Files from elsewhere, kept in a folder."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from fastlstm import checks

_SCHEMES = ("http", "https", "file")
_CHUNK = 2**16
_SECONDS = 60
"""How long a server may say nothing."""


def keras_home() -> Path:
    """Return Keras' folder: what the environment variable ``KERAS_HOME`` says, or ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


class _Places(NamedTuple):
    file: Path
    folder: Path
    """Where an archive is taken apart."""


class _Hash(NamedTuple):
    """What the bytes of a file must give."""

    algorithm: str
    digits: str

    def check(self, path: Path) -> None:
        """ValueError if a file has other bytes."""
        found = self.of(path)
        if found != self.digits:
            must = f"be that of {path}"
            cause = f"{self.digits}, where {self.algorithm} gives {found}: the file is incomplete or another one"
            checks.complain(ValueError, "file_hash", must, cause)

    def of(self, path: Path) -> str:
        """Return the hash of a file."""
        made = hashlib.new(self.algorithm, usedforsecurity=self.algorithm != "md5")
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                made.update(chunk)
        return made.hexdigest()


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Get a file, unless it is there already, and return its path.

    Parameters
    ----------
    fname : str, optional
        What to call it; None: as `origin` does. With `extract`, a name without a dot is that of the folder.
    origin : str, optional
        Its URL: of ``http``, ``https`` or ``file``.
    untar : bool
        As `extract`, of a tar archive.
    md5_hash : str, optional
        As `file_hash`, by MD5.
    file_hash : str, optional
        Hash of the file in hexadecimal digits. A file that is there and has another one is got again; what is got must
        have it. None: any file will do.
    cache_subdir : str
        Folder within `cache_dir`.
    hash_algorithm : str
        ``"sha256"``, ``"md5"``, or ``"auto"``: what the length of the hash says.
    extract : bool
        Whether to take an archive apart; the path is then that of the folder with what was in it.
    archive_format : str or sequence of str, optional
        ``"tar"``, ``"zip"``, a list of these, or ``"auto"`` for both.
    cache_dir : path, optional
        Where to keep files; None: what the environment variable ``KERAS_HOME`` says, or ``~/.keras``.
    force_download : bool
        Whether to get it even if it is there.

    Raises
    ------
    ConnectionError
        The file could not be got. Nothing is left of it, and a file from before stays.
    ValueError
        It has another hash, or is no archive.
    """
    wanted = _wanted_hash(file_hash, md5_hash, hash_algorithm)
    untar = checks.truth("untar", untar)
    extract = checks.truth("extract", extract) or untar
    formats = _formats("tar" if untar else archive_format, extract)
    origin = _checked_origin(origin)
    name = _checked_name(fname) if fname else _name_in(origin)
    root = keras_home() if cache_dir is None else Path(checks.path("cache_dir", cache_dir)).expanduser()
    places = _places(root / checks.path("cache_subdir", cache_subdir), name, bool(fname), extract)
    force = checks.truth("force_download", force_download)
    new = force or not places.file.is_file() or (wanted is not None and wanted.of(places.file) != wanted.digits)
    if new:
        _get(origin, places.file, wanted)
    if not extract:
        return str(places.file)
    if new or not places.folder.is_dir():
        _take_apart(places, formats)
    return str(places.folder)


def _wanted_hash(file_hash: Any, md5_hash: Any, algorithm: Any) -> _Hash | None:
    algorithm = checks.one_of("hash_algorithm", algorithm, ("auto", "sha256", "md5"))
    if file_hash is None and md5_hash is not None:
        file_hash, algorithm = checks.text("md5_hash", md5_hash), "md5"
    if file_hash is None:
        return None
    digits = checks.text("file_hash", file_hash).lower()
    if algorithm == "auto":
        algorithm = "sha256" if len(digits) == 64 else "md5"
    length = {"sha256": 64, "md5": 32}[algorithm]
    if len(digits) != length or set(digits) - set("0123456789abcdef"):
        checks.refuse(ValueError, "file_hash", f"{length} hexadecimal digits, of {algorithm}", file_hash)
    return _Hash(algorithm, digits)


def _formats(given: Any, extract: bool) -> tuple[str, ...]:
    several = ("tar", "zip") if isinstance(given, str) and given == "auto" else given
    found = tuple(several) if isinstance(several, list | tuple) else (several,)
    for entry in found:
        checks.one_of("archive_format", entry, ("tar", "zip", "auto", None))
    if extract and not set(found) & {"tar", "zip"}:
        checks.refuse(ValueError, "archive_format", "'tar', 'zip' or 'auto' with extract", given)
    return found


def _checked_origin(origin: Any) -> str:
    if origin is None:
        checks.refuse(ValueError, "origin", "the URL of a file", origin)
    scheme = urllib.parse.urlsplit(checks.text("origin", origin)).scheme
    if scheme not in _SCHEMES:
        checks.refuse(ValueError, "origin", f"a URL that begins with {', '.join(_SCHEMES)}", origin)
    return str(origin)


def _checked_name(fname: Any) -> str:
    name = checks.path("fname", fname)
    if name != os.path.basename(name) or name in (".", ".."):
        checks.refuse(ValueError, "fname", "the name of a file", fname, "; cache_dir and cache_subdir say where it is")
    return name


def _name_in(origin: str) -> str:
    name = os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(origin).path))
    if name in ("", ".", ".."):
        checks.complain(ValueError, "fname", "be given where origin ends in no name", repr(origin))
    return name


def _places(folder: Path, name: str, is_given: bool, extract: bool) -> _Places:
    """Return where a file and what is in it belong, as Keras has it."""
    if not extract:
        return _Places(folder / name, folder)
    if is_given and "." in name:
        return _Places(folder / name, folder / f"{name[: name.find('.')]}_extracted")
    return _Places(folder / f"{name}_archive", folder / name)


def _get(origin: str, path: Path, wanted: _Hash | None) -> None:
    """Bring a file to its place, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with part.open("xb") as file:
            _copy(origin, file)
        if wanted is not None:
            wanted.check(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _copy(origin: str, file: Any) -> None:
    try:
        with urllib.request.urlopen(origin, timeout=_SECONDS) as source:  # of a scheme that was checked
            size = source.headers.get("Content-Length")
            shutil.copyfileobj(source, file, _CHUNK)
    except OSError as error:  # as urllib's are
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the answer of the server, too
        _refuse_origin(origin, f"{getattr(error, 'reason', None) or error}", error)
    if size is not None and size.isdigit() and file.tell() != int(size):
        _refuse_origin(origin, f"only {file.tell()} of {size} bytes came")


def _refuse_origin(origin: str, cause: str, error: Exception | None = None) -> NoReturn:
    cure = "; get it by other means and put it where cache_dir and cache_subdir say"
    checks.complain(ConnectionError, "origin", "be a URL that can be read", f"{origin}: {cause}{cure}", cause=error)


def _take_apart(places: _Places, formats: tuple[str, ...]) -> None:
    """Put what is in an archive into its folder, whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=f".{places.folder.name}.", dir=places.folder.parent) as name:
        new = Path(name) / "new"
        new.mkdir()
        _extract(places.file, new, formats)
        if places.folder.is_dir():  # there may be more in it
            shutil.copytree(new, places.folder, dirs_exist_ok=True, symlinks=True)
        else:
            new.replace(places.folder)


def _extract(archive: Path, folder: Path, formats: tuple[str, ...]) -> None:
    try:
        if "tar" in formats and tarfile.is_tarfile(archive):
            if not hasattr(tarfile, "data_filter"):
                raise NotImplementedError("extract: this Python cannot take a tar archive apart safely; 3.10.12 can")
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")  # which refuses what lies outside
        elif "zip" in formats and zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                _check_members(packed)
                packed.extractall(folder)
        else:
            wanted = " or ".join(one for one in formats if one)
            checks.complain(ValueError, "origin", f"be a {wanted} archive for extract", str(archive))
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        must = "be an archive that can be taken apart safely"
        checks.complain(ValueError, "origin", must, f"{archive}: {error}", cause=error)


def _check_members(packed: zipfile.ZipFile) -> None:
    for member in packed.namelist():
        path = Path(member.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise zipfile.BadZipFile(f"{member!r} lies outside of it")
