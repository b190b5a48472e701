"""What a job of MPI is asked for: its communicator, sums, and the end of all its processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from types import TracebackType
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .trees import Node, largest_nodes, tree_sum

METHODS = ("Get_rank", "Get_size", "Allreduce", "Allgatherv", "Alltoallv", "bcast", "allgather", "Abort")
"""What a communicator must have, as those of mpi4py do."""


def world() -> Any:
    """Return the communicator of all processes of the job."""
    try:
        from mpi4py import MPI
    except ImportError as error:
        checks.refuse_without("mpi4py", "DataParallel", "mpi", error)
    except RuntimeError as error:  # mpi4py is there, and looks for a library
        raise ImportError("DataParallel needs an MPI: install that of your system, or pip install mpich") from error
    return MPI.COMM_WORLD


def sum_of_all(comm: Any, own: Array) -> Array:
    """Return the sum of the arrays of all ranks, in MPI's own order."""
    total = np.empty_like(own)
    comm.Allreduce(own, total)
    return total


class TreeSum:
    """Sums of the parts that several ranks have, in the order of the tree.

    Every rank adds up what it has alone. Of what is left to add each rank takes a stretch of all numbers: it gets that
    stretch from all ranks, adds, and all get the stretches of the sum.

    Parameters
    ----------
    comm : communicator, optional
        The communicator.
    parts : int
        How many there are, of which each rank has as many neighbours.
    """

    def __init__(self, comm: Any, parts: int) -> None:
        self._comm, self._tree = comm, (0, parts)
        self._rank, ranks = comm.Get_rank(), comm.Get_size()
        each = parts // ranks
        self._own = range(self._rank * each, (self._rank + 1) * each)
        self._nodes: list[list[Node]] = [
            [*largest_nodes(range(rank * each, (rank + 1) * each), self._tree)] for rank in range(ranks)
        ]

    def __call__(self, parts: Sequence[Array]) -> Array:
        """Return the sum of the parts of all ranks, of which these are this rank's; they are written to."""
        known = {(number, number + 1): part for number, part in zip(self._own, parts, strict=True)}
        nodes = [tree_sum(known, node) for node in self._nodes[self._rank]]
        return nodes[0] if len(self._nodes) == 1 else self._exchanged(nodes)

    def _exchanged(self, nodes: list[Array]) -> Array:
        size, ranks = nodes[0].size, len(self._nodes)
        cuts = [size * rank // ranks for rank in range(ranks + 1)]
        stretches = [slice(start, stop) for start, stop in pairwise(cuts)]
        lengths = [stretch.stop - stretch.start for stretch in stretches]
        sent = np.concatenate([node[stretch] for stretch in stretches for node in nodes])
        got = self._swapped(sent, [length * len(nodes) for length in lengths], lengths[self._rank])
        total = np.empty_like(nodes[0])
        self._comm.Allgatherv(got, [total, (lengths, cuts[:-1])])
        return total

    def _swapped(self, sent: Array, counts: list[int], length: int) -> Array:
        """Return the sum of this rank's stretch, of so many numbers, for what it has `sent` of the others'."""
        known_nodes = [node for nodes in self._nodes for node in nodes]
        coming = [length * len(nodes) for nodes in self._nodes]
        received = np.empty(sum(coming), sent.dtype)
        self._comm.Alltoallv([sent, (counts, _starts(counts))], [received, (coming, _starts(coming))])
        stretches = received.reshape(len(known_nodes), length)
        return tree_sum(dict(zip(known_nodes, stretches, strict=True)), self._tree)


def _starts(counts: list[int]) -> list[int]:
    return [0, *np.cumsum(counts[:-1]).tolist()]


GRACE = 0.5
"""Seconds that mpiexec has for handing an error on before it ends everybody: what is on its way then is lost."""

_ending: list[Any] = []
"""The communicators of jobs that an error ends."""


def end_together(comm: Any) -> None:
    """Let an error that ends this process end those of all ranks, once it has been written.

    They would wait for this one for ever. ``python -m mpi4py`` does so too, for what ``sys.exit`` says as well.
    """
    if any([known is comm for known in _ending]):
        return
    _ending.append(comm)
    before = sys.excepthook

    def ending(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        before(kind, error, where)
        sys.stdout.flush()
        sys.stderr.flush()
        time.sleep(GRACE)
        comm.Abort(1)

    sys.excepthook = ending
