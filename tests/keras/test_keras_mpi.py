"""Jobs of MPI: real processes, as many as ranks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pages
import pytest

import fastlstm

pytest.importorskip("mpi4py")
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
if MPIEXEC is None:
    pytest.skip("there is no mpiexec", allow_module_level=True)

PROGRAM = Path(__file__).with_name("mpi_program.py")
LIMIT = 120
"""Seconds after which a job is taken to hang."""
FOLDERS = [str(PROGRAM.parent), str(Path(fastlstm.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(FOLDERS),
    "FASTLSTM_NUM_THREADS": "1",
    # Open MPI starts more ranks than there are cores, and those of root, only if it is told to.
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}


def run(ranks: int, folder: Path, *cases: str, shards: int = 4, module: tuple[str, ...] = ("-m", "mpi4py")) -> Any:
    command = [str(MPIEXEC), "-n", str(ranks), sys.executable, *module, str(PROGRAM), str(folder), *cases]
    environment = ENVIRONMENT | {"SHARDS": str(shards)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)


def results(folder: Path, ranks: int) -> list[list[Any]]:
    """Return what each rank has written."""
    files = [folder / f"{ranks}-{rank}.json" for rank in range(ranks)]
    return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]


SAME_BITS = ["everything", "watched", "of_generator", "with_seeds_of_their_own"]


@pytest.mark.slow
def test_weights_have_the_same_bits_for_1_2_and_4_ranks(tmp_path: Path) -> None:
    """And every log; one training goes on with another number of ranks; one rank prints."""
    found = {}
    for ranks, more in ((1, ["noisy"]), (4, ["interrupted"]), (2, ["resumed", "printing"])):
        done = run(ranks, tmp_path, *SAME_BITS, *more)
        assert done.returncode == 0, done.stderr
        own, *others = results(tmp_path, ranks)
        assert others == [own] * (ranks - 1)
        found[ranks] = {case: values for case, *values in own}
    assert done.stdout.count("Epoch 2/2") == 1
    for case in SAME_BITS:
        assert found[1][case] == found[2][case] == found[4][case], case
    assert found[4]["interrupted"] != found[1]["noisy"] == found[2]["resumed"]


@pytest.mark.slow
def test_without_shards_ranks_agree_among_themselves(tmp_path: Path) -> None:
    done = run(2, tmp_path, *SAME_BITS[:2], shards=0)
    assert done.returncode == 0, done.stderr
    first, second = results(tmp_path, 2)
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize("module", [("-m", "mpi4py"), ()], ids=["mpi4py", "python"])
def test_a_rank_that_raises_ends_the_job_with_its_error(module: tuple[str, ...], tmp_path: Path) -> None:
    done = run(2, tmp_path, "raising", module=module)
    assert done.returncode != 0
    assert "LookupError: the data of rank 1 have a hole" in done.stdout + done.stderr


@pytest.mark.slow
def test_the_programs_of_the_page(tmp_path: Path) -> None:
    train, engine = [block.code for block in pages.blocks("mpi")]
    data = "import numpy as np\nx = np.random.default_rng(0).normal(size=(300, 20, 3))\ny = x[:, 0, :2]\n"
    rows = "x_of_this_rank, y_of_this_rank = x[:9], y[:9]\n"
    agree = "assert len({w.tobytes() for w in MPI.COMM_WORLD.allgather(model.get_weights()[0])}) == 1\n"
    program = tmp_path / "train.py"
    program.write_text(data + train + rows + engine + agree)
    command = [str(MPIEXEC), "-n", "2", sys.executable, "-m", "mpi4py", program.name]
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "net.fastlstm").exists()


@pytest.mark.slow
def test_a_rank_that_is_killed_ends_the_job(tmp_path: Path) -> None:
    assert run(2, tmp_path, "killed").returncode != 0
