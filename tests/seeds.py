"""Properties checked twice: with one seed that never changes, and with a fresh one in every run of the tests.

The fresh seed comes from the environment variable ``FASTLSTM_TEST_SEED``, or is drawn; a failing test prints it. What
failed is kept in ``.hypothesis`` and tried first the next time.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

FIXED = 20260101
FRESH = int(os.environ.get("FASTLSTM_TEST_SEED") or secrets.randbelow(2**32))

SETTINGS = hypothesis.settings(
    deadline=None,
    derandomize=False,  # which hypothesis would do by itself where CI is set
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
    print_blob=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def for_all(
    examples: int, kept: Sequence[int] = (), **drawn: st.SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As ``hypothesis.given``: a few examples from the fixed seed and, in slow tests, four times as many afresh.

    So many are also drawn from the seeds that are `kept`: those that failed once.
    """

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        again = {"fresh_seed": FRESH} | {f"kept_seed_{seed}": seed for seed in kept}
        slow = [pytest.param(seed, 4 * examples, id=name, marks=pytest.mark.slow) for name, seed in again.items()]

        @pytest.mark.parametrize(("seed", "count"), [pytest.param(FIXED, examples, id="fixed_seed"), *slow])
        def test(seed: int, count: int) -> None:
            print(f"FASTLSTM_TEST_SEED={seed}")
            search = hypothesis.settings(SETTINGS, max_examples=count)(hypothesis.given(**drawn)(check))
            hypothesis.seed(seed)(search)()

        test.__name__, test.__qualname__, test.__doc__ = check.__name__, check.__qualname__, check.__doc__
        test.__module__ = check.__module__
        return test

    return decorate
