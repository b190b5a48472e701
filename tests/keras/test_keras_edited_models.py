"""Files of whole models that are damaged or lie: a clear error at once, and no more memory than a file is worth.

They are read in a process of its own, whose memory is limited for each (`reading_files.py`). The environment variable
``FASTLSTM_TEST_FILES`` says how many there are of each kind and format.
"""

import os
import sys

import numpy as np
import pytest
from edited_models import (
    MODELS,
    config_of,
    edited,
    originals,
    weights_of,
    with_config,
    with_every_number,
    with_member,
)
from hostile_files import assert_clear, mutations, read_all
from seeds import FIXED, FRESH

from fastlstm.keras import Input, Model, layers, models

pytest.importorskip("h5py")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and sizes of processes are asked of Linux")

COUNT = int(os.environ.get("FASTLSTM_TEST_FILES", "100"))
ENDINGS = (".keras", ".h5", "")
REFUSALS = ("ValueError", "TypeError")


def read(folder, ending, files, whole):
    """Hold every file to being read or refused at once."""
    names = {f"{k}{ending}": data for k, data in enumerate(files)}
    outcomes = read_all(folder, names, {f"{k}{ending}": data for k, data in enumerate(whole)})
    for name, found in outcomes.items():
        if found["error"] == "NotImplementedError":
            assert f"{name}: " in found["text"]
            assert "not supported" in found["text"]
        elif found["error"] is not None:
            assert_clear(name, found, REFUSALS)
        assert found["seconds"] < 1, name
    return [found for found in outcomes.values() if found["error"] is not None]


@pytest.mark.slow
@pytest.mark.parametrize("number", [10**9, 2**31, 2**40])
@pytest.mark.parametrize("ending", ENDINGS)
def test_every_number_of_a_config_may_be_large(tmp_path, ending, number):
    whole = originals(tmp_path, ending)
    files = [data for one in whole for _, data in with_every_number(one, ending, number)]
    assert len(read(tmp_path, ending, files, whole)) > len(files) / 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", [FIXED, pytest.param(FRESH, id="fresh_seed")])
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", ["edited", "damaged"])
def test_files_of_models(tmp_path, kind, ending, seed):
    print(f"FASTLSTM_TEST_SEED={seed}")
    whole, rng = originals(tmp_path, ending), np.random.default_rng(seed)
    files = edited(whole, ending, rng, COUNT) if kind == "edited" else mutations(whole, rng, COUNT)
    assert len(read(tmp_path, ending, files, whole)) > COUNT / 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", [FIXED, pytest.param(FRESH, id="fresh_seed")])
def test_weights_that_are_damaged_in_a_whole_archive(tmp_path, seed):
    print(f"FASTLSTM_TEST_SEED={seed}")
    whole, rng = originals(tmp_path, ".keras"), np.random.default_rng(seed)
    drawn = mutations([weights_of(one) for one in whole], rng, COUNT)
    read(tmp_path, ".keras", [with_member(whole[0], "model.weights.h5", data) for data in drawn], whole)


def widened(config, units):
    """Let the last dense layer of a config have so many units."""
    entries = config["config"]["layers"]
    for entry in entries:
        if entry["class_name"] in ("Functional", "Sequential"):
            widened(entry, units)
    dense = [entry for entry in entries if entry["class_name"] == "Dense"]
    for entry in dense[-1:]:
        entry["config"]["units"] = units
    return config


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("inside", [False, True])
def test_a_small_file_that_asks_for_much(tmp_path, ending, inside):
    """Nothing is allocated before the sizes are compared with the arrays that are there."""
    model = MODELS["plain"]()
    if inside:
        x = Input((5, 3))
        model = Model(x, layers.Reshape((2,))(model(x)))
    model.save(tmp_path / f"a{ending}")
    data = (tmp_path / f"a{ending}").read_bytes()
    config = widened(config_of(data, ending), 10**9)
    (tmp_path / f"b{ending}").write_bytes(with_config(data, ending, config))
    with pytest.raises(ValueError, match=r"b.*kernel: shape must be of at most \d+ numbers, .*got \(4, 1000000000\)"):
        models.load_model(tmp_path / f"b{ending}")
