"""Fixtures every test shares: the instruction set, the number of threads, and tolerances with their reasons."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import fastlstm as fl

ISAS = fl.available_isas()

# Largest difference from the float64 reference, relative to the largest magnitude in the compared array (at least 1).
# float32 has 6e-8 of relative rounding a step. An output is a chain of up to 200 products (rounding grows like the
# square root of the number of terms), through activations of 6 ULP, fed back for up to 30 steps of a contracting
# recurrence: 4e-6 is 64 roundings; observed 1.8e-6. Weight gradients sum over up to 960 steps and rows more: 1e-5.
# float64 has 1.1e-16: the same counts of roundings, 7e-15 and 2e-14, and the reference rounds too.
TOLERANCE = {
    ("float32", "value"): 4e-6,
    ("float32", "gradient"): 1e-5,
    ("float64", "value"): 1.5e-14,
    ("float64", "gradient"): 4e-14,
}


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


def pytest_report_header() -> str:
    """Say which instruction sets the tests cover and which they cannot."""
    built = fl._core.built_isas()
    skipped = [name for name in built if name not in ISAS]
    return f"fastlstm instruction sets: testing {', '.join(ISAS)}; not on this machine: {', '.join(skipped) or 'none'}"
