"""How many threads there are by default: what the environment says, else what processors and containers grant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastlstm import _core

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="affinity and control groups are those of Linux")


def in_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    names = ("FASTLSTM_NUM_THREADS", "OMP_NUM_THREADS")
    rest = {name: value for name, value in os.environ.items() if name not in names}
    run = [sys.executable, "-c", code]
    return subprocess.run(run, env=rest | environment, capture_output=True, text=True, check=False)


COUNT = "import fastlstm as fl; print(fl.get_num_threads())"


@pytest.mark.parametrize(
    ("own", "of_openmp", "wanted"),
    [
        ("3", None, "3"),
        ("3", "1", "3"),
        (None, "1", "1"),
        (None, "5", "5"),
        (None, "4,2", "4"),  # by depth of nesting
        (None, " 3 ", "3"),
        ("", "3", "3"),
        (None, "100000", "1024"),
    ],
)
def test_what_the_environment_says(own: str | None, of_openmp: str | None, wanted: str) -> None:
    given = {"FASTLSTM_NUM_THREADS": own, "OMP_NUM_THREADS": of_openmp}
    done = in_process(COUNT, **{name: value for name, value in given.items() if value is not None})
    assert done.stdout.strip() == wanted, done.stderr


@pytest.mark.parametrize("value", ["", "0", "-1", "two", "2x", "1.5"])
def test_what_openmp_would_not_take_either_says_nothing(value: str) -> None:
    done = in_process(COUNT, OMP_NUM_THREADS=value)
    assert done.stdout.strip() == str(_core.processors()), done.stderr


def test_our_own_variable_must_be_right() -> None:
    done = in_process(COUNT, FASTLSTM_NUM_THREADS="two", OMP_NUM_THREADS="1")
    assert "FASTLSTM_NUM_THREADS must be a whole number from 1 to 1024, got 'two'" in done.stderr


@LINUX
def test_processors_are_those_of_the_affinity() -> None:
    one = min(os.sched_getaffinity(0))
    assert in_process(f"import os; os.sched_setaffinity(0, {{{one}}}); {COUNT}").stdout == "1\n"
    assert _core.processors("/nowhere") == len(os.sched_getaffinity(0))


def tree(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


GROUPS, MOUNT = "proc/self/cgroup", "sys/fs/cgroup"
V1 = f"{MOUNT}/cpu"
GRANTED: dict[str, tuple[dict[str, str], float]] = {
    "nothing is said": ({}, 64),
    "no quota": ({GROUPS: "0::/\n", f"{MOUNT}/cpu.max": "max 100000\n"}, 64),
    "half a processor": ({GROUPS: "0::/\n", f"{MOUNT}/cpu.max": "50000 100000\n"}, 1),
    "one and a half": ({GROUPS: "0::/\n", f"{MOUNT}/cpu.max": "150000 100000\n"}, 1),
    "more than there are": ({GROUPS: "0::/\n", f"{MOUNT}/cpu.max": "10000000 100000\n"}, 64),
    "a group": ({GROUPS: "0::/a/b\n", f"{MOUNT}/a/b/cpu.max": "100000 100000\n"}, 1),
    "a group above": ({GROUPS: "0::/a/b\n", f"{MOUNT}/a/b/cpu.max": "max 1", f"{MOUNT}/a/cpu.max": "100000 100000"}, 1),
    "a path from outside": ({GROUPS: "0::/docker/1234\n", f"{MOUNT}/cpu.max": "100000 100000\n"}, 1),
    "above the mount": ({GROUPS: "0::/../x\n", f"{MOUNT}/cpu.max": "100000 100000\n"}, 1),
    "version 1": (
        {
            GROUPS: "5:memory:/m\n4:cpu,cpuacct:/c\n0::/\n",
            f"{V1}/c/cpu.cfs_quota_us": "100000\n",
            f"{V1}/c/cpu.cfs_period_us": "100000\n",
        },
        1,
    ),
    "version 1 without": (
        {GROUPS: "4:cpu:/\n", f"{V1}/cpu.cfs_quota_us": "-1\n", f"{V1}/cpu.cfs_period_us": "100000\n"},
        64,
    ),
    "another controller": (
        {GROUPS: "4:cpuset:/\n", f"{V1}/cpu.cfs_quota_us": "1\n", f"{V1}/cpu.cfs_period_us": "100000\n"},
        64,
    ),
    "files that lie": ({GROUPS: "rubbish\n::\n0::relative\n:::", f"{MOUNT}/cpu.max": "0 0\n"}, 64),
    "bytes": ({GROUPS: "0::/\n", f"{MOUNT}/cpu.max": "\0\1\2"}, 64),
}


@LINUX
@pytest.mark.parametrize("name", GRANTED)
def test_what_a_container_grants(tmp_path: Path, name: str) -> None:
    files, wanted = GRANTED[name]
    assert _core.processors(tree(tmp_path, files)) == min(wanted, len(os.sched_getaffinity(0)))


@LINUX
def test_two_processors_of_a_quota(tmp_path: Path) -> None:
    files = {GROUPS: "0::/\n", f"{MOUNT}/cpu.max": "250000 100000\n"}
    assert _core.processors(tree(tmp_path, files)) == min(2, len(os.sched_getaffinity(0)))
