"""Files are replaced whole or not at all, whenever the process that writes them ends."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from seeds import FRESH

from fastlstm.files.atomic import replaced


def test_a_new_file_is_there_when_the_block_ends(tmp_path: Path) -> None:
    with replaced(tmp_path / "a") as new:
        new.write(b"new")
        assert not (tmp_path / "a").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_file_keeps_its_permissions_and_a_new_one_has_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "own").touch(mode=0o600)
    for name in ("own", "new"):
        with replaced(tmp_path / name) as new:
            new.write(b"")
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "own", "new")}
    assert modes["own"] == 0o600
    assert modes["new"] == modes["plain"]


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    with replaced(tmp_path / "link") as new:
        new.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def write_half() -> None:
        with replaced(tmp_path / "a") as new:
            new.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}


def test_a_folder_and_a_path_without_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="must be that of a file, got the folder"), replaced(tmp_path):
        pass
    with pytest.raises(FileNotFoundError, match="must lie in a folder that is there"), replaced(tmp_path / "no" / "a"):
        pass


def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path: Path) -> None:
    with replaced(tmp_path / ("a" * 255)) as new:
        new.write(b"new")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as raised, replaced(tmp_path / "a") as new:
            new.write(b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert raised.value.errno == errno.EFBIG
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}


WRITER = """
import sys
from fastlstm.files.atomic import replaced
print("ready", flush=True)
while True:
    for letter in b"ab":
        with replaced(sys.argv[1]) as new:
            new.write(bytes([letter]) * 300_000)
"""


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    print(f"FASTLSTM_TEST_SEED={FRESH}")
    path, moments = tmp_path / "a", random.Random(FRESH)
    path.write_bytes(b"a" * 300_000)
    for _ in range(40):
        with subprocess.Popen([sys.executable, "-c", WRITER, os.fspath(path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(moments.uniform(0, 0.05))
            child.kill()
        assert path.read_bytes() in (b"a" * 300_000, b"b" * 300_000)
