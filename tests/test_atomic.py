"""Files are replaced whole or not at all, whenever the process that writes them ends."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from seeds import FRESH

from fastlstm.files import atomic
from fastlstm.files.atomic import replaced


def test_a_new_file_is_there_when_the_block_ends(tmp_path: Path) -> None:
    with replaced(tmp_path / "a") as new:
        new.write(b"new")
        assert not (tmp_path / "a").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(ValueError, match=r"must be that of a regular file, got .*pipe, a pipe"):
            replaced(tmp_path / name).__enter__()
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


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


@pytest.mark.parametrize("path_of_open_files", ["/proc/self/fd", "/nowhere"])
def test_systems_without_nameless_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path_of_open_files: str
) -> None:
    """There a file has a name of its own while it is written, and the rest is the same."""
    monkeypatch.setattr(atomic, "_OPEN", path_of_open_files)
    seen = set()
    for text in (b"old", b"new"):
        with replaced(tmp_path / "a") as new:
            new.write(text)
            seen |= {path.name for path in tmp_path.iterdir()}
    assert any(name.startswith(".fastlstm-") for name in seen) == (path_of_open_files == "/nowhere")
    with pytest.raises(TypeError), replaced(tmp_path / "a") as new:
        new.write("half")  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"new"}


@pytest.mark.parametrize("path_of_open_files", ["/proc/self/fd", "/nowhere"])
def test_ctrl_c_just_after_a_file_was_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path_of_open_files: str
) -> None:
    """The signal came while the system replaced it: nothing is left to remove, and Ctrl-C is what is raised."""
    (tmp_path / "a").write_bytes(b"old")
    replace = os.replace

    def interrupted(*args: Any, **kwargs: Any) -> None:
        replace(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "_OPEN", path_of_open_files)
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), replaced(tmp_path / "a") as new:
        new.write(b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"new"}


def test_what_was_left_over_goes_and_what_is_being_written_stays(tmp_path: Path) -> None:
    left, held = tmp_path / ".fastlstm-0123.tmp", tmp_path / ".fastlstm-4567.tmp"
    left.touch()
    with held.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with replaced(tmp_path / "a") as new:
            new.write(b"new")
        assert {path.name for path in tmp_path.iterdir()} == {"a", held.name}
    with replaced(tmp_path / "a") as new:
        new.write(b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


def test_several_processes_may_write_one_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER.replace("while True", "for _ in range(50)"), os.fspath(tmp_path / "a")]
    writers = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert {path.name for path in tmp_path.iterdir()} == {"a"}
    assert (tmp_path / "a").read_bytes() in WHOLE


WHOLE = (b"a" * 300_000, b"b" * 300_000)
WRITER = """
import sys
from fastlstm.files import atomic
print("ready", flush=True)
while True:
    for letter in b"ab":
        with atomic.replaced(sys.argv[1]) as new:
            new.write(bytes([letter]) * 300_000)
"""


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True])
def test_a_process_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path, named: bool) -> None:
    """And nothing else, but between the last two steps; that goes at the next time."""
    print(f"FASTLSTM_TEST_SEED={FRESH}")
    path, moments = tmp_path / "a", random.Random(FRESH)
    writer = WRITER.replace("print", "atomic._OPEN = '/nowhere'\nprint") if named else WRITER
    path.write_bytes(WHOLE[0])
    left = 0
    for _ in range(50):
        with subprocess.Popen([sys.executable, "-c", writer, os.fspath(path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(moments.uniform(0, 0.05))
            child.kill()
        assert path.read_bytes() in WHOLE
        left += len(list(tmp_path.iterdir())) > 1
        with replaced(tmp_path / "b") as new:
            new.write(b"b")
        assert {entry.name for entry in tmp_path.iterdir()} == {"a", "b"}
        (tmp_path / "b").unlink()
    assert named or left < 10
