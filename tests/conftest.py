"""Fixtures that tests share: the instruction set, the number of threads, a limit of memory."""

from __future__ import annotations

import faulthandler
import os
import signal
from collections.abc import Iterator

import pytest

import fastlstm as fl

ISAS = fl.available_isas()

# A shell lets its background jobs ignore Ctrl-C, and Python then leaves it so.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONGEST = 1200 + float(os.environ.get("FASTLSTM_TEST_SOAK", "0"))
"""Seconds a test may take; then its process says where it is and ends, so that what waits for ever fails."""

_STDERR = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep where errors go before tests have theirs taken."""
    config.stash[_STDERR] = os.dup(2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """End the process if a test never does; no thread of Python need be able to run for that."""
    faulthandler.dump_traceback_later(LONGEST, exit=True, file=item.config.stash[_STDERR])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each instruction set this machine has, made active."""
    before = fl.active_isa()
    fl.set_isa(request.param)
    yield request.param
    fl.set_isa(before)


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """A number of threads, three being more than the usual test machine has."""
    before = fl.get_num_threads()
    fl.set_num_threads(request.param)
    yield request.param
    fl.set_num_threads(before)


@pytest.fixture(scope="module")
def little_memory() -> Iterator[None]:
    """Let this process have one more gigabyte of memory and no more, where there are limits."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the tests, the one of minutes comes first: the others do the rest meanwhile."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path.name != "test_sanitizers.py")


def pytest_report_header() -> str:
    """Say which instruction sets the tests cover and which they cannot."""
    built = fl._core.built_isas()
    skipped = [name for name in built if name not in ISAS]
    return f"fastlstm instruction sets: testing {', '.join(ISAS)}; not on this machine: {', '.join(skipped) or 'none'}"
