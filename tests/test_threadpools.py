"""threadpoolctl limits the threads of fastlstm with those of other libraries."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import fastlstm as fl

threadpoolctl = pytest.importorskip("threadpoolctl")
threadpools = pytest.importorskip("fastlstm.threadpools")


@pytest.fixture(autouse=True)
def registered() -> None:
    threadpools.register()
    threadpools.register()  # and once more, which does nothing


def known() -> list[dict[str, object]]:
    return [one for one in threadpoolctl.threadpool_info() if one["user_api"] == "fastlstm"]


def test_it_is_known_once() -> None:
    (found,) = known()
    assert found["num_threads"] == fl.get_num_threads()
    assert found["version"] == fl.__version__
    assert found["internal_api"] == "fastlstm"


@pytest.mark.parametrize("limits", [1, {"fastlstm": 1}])
def test_limits_hold_for_a_block(limits: object, threads: int) -> None:
    layer, x = fl.LSTM(3, 5, seed=0), np.ones((4, 2, 3), np.float32)
    before, wanted = fl.get_num_threads(), layer(x)[0]
    with threadpoolctl.threadpool_limits(limits):
        assert fl.get_num_threads() == 1
        assert known()[0]["num_threads"] == 1
        np.testing.assert_array_equal(layer(x)[0], wanted)
    assert fl.get_num_threads() == before


def test_those_of_others_leave_ours_alone(threads: int) -> None:
    before = fl.get_num_threads()
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        assert fl.get_num_threads() == before


def test_what_cannot_be_is_left_out() -> None:
    before = fl.get_num_threads()
    with threadpoolctl.threadpool_limits({"fastlstm": 0}):
        assert fl.get_num_threads() == before


def test_without_it_the_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['threadpoolctl'] = None; import fastlstm; import fastlstm.threadpools"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "fastlstm.threadpools needs threadpoolctl: pip install fastlstm[threadpoolctl]" in done.stderr
