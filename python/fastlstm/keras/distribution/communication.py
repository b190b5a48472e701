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
from .trees import Node, halves, largest_nodes, tree_sum

METHODS = ("Get_rank", "Get_size", "Allreduce", "Alltoallv", "bcast", "allgather", "Abort")
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


IN_PLACE = None
"""What mpi4py takes in place of an array that is sent: it lies where the result is wanted."""


def sum_of_all(comm: Any, own: Array) -> Array:
    """Return the sum of the arrays of all ranks, in MPI's own order; it takes the place of this rank's."""
    comm.Allreduce(IN_PLACE, own)
    return own


class TreeSum:
    """Sums of the parts that several ranks have, in the order of the tree.

    Every rank adds up what it has alone. Of what is left to add each rank takes a stretch of all numbers: it gets that
    stretch from all other ranks, adds, and all get the stretches of the sum. A sum of many numbers takes as long as
    memory does, so it is made where the parts are, and of what is sent there is no copy.

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
        self._room = np.empty(0, np.uint8)
        """For what others send."""
        self._nodes: list[list[Node]] = [
            [*largest_nodes(range(rank * each, (rank + 1) * each), self._tree)] for rank in range(ranks)
        ]

    def __call__(self, parts: Sequence[Array]) -> Array:
        """Return the sum of the parts of all ranks, of which these are this rank's; it takes the place of one."""
        known = {(number, number + 1): part for number, part in zip(self._own, parts, strict=True)}
        nodes = [tree_sum(known, node) for node in self._nodes[self._rank]]
        return nodes[0] if len(self._nodes) == 1 else self._exchanged(nodes)

    def _exchanged(self, nodes: list[Array]) -> Array:
        total, ranks = nodes[0], len(self._nodes)
        cuts = [total.size * rank // ranks for rank in range(ranks + 1)]
        lengths = [stop - start for start, stop in pairwise(cuts)]
        own = slice(*cuts[self._rank : self._rank + 2])
        known = self._swapped(nodes, lengths)
        known |= {node: sums[own] for node, sums in zip(self._nodes[self._rank], nodes, strict=True)}
        left, right = (tree_sum(known, half) for half in halves(self._tree))
        np.add(left, right, out=total[own])
        self._send([total[own], [lengths[self._rank]] * ranks, [0] * ranks], [total, lengths, cuts[:-1]])
        return total

    def _swapped(self, nodes: list[Array], lengths: list[int]) -> dict[Node, Array]:
        """Send the others their stretches, of such lengths, of this rank's nodes; return this rank's of theirs."""
        sent = nodes[0]
        if len(nodes) > 1:
            stretches = [np.split(node, np.cumsum(lengths[:-1])) for node in nodes]
            sent = np.concatenate([part for parts in zip(*stretches, strict=True) for part in parts])
        counts, length = [number * len(nodes) for number in lengths], lengths[self._rank]
        others = [[] if rank == self._rank else found for rank, found in enumerate(self._nodes)]
        coming = [length * len(found) for found in others]
        received = self._room_for(sum(coming), sent.dtype)
        self._send([sent, counts, _starts(counts)], [received, coming, _starts(coming)])
        known = [node for found in others for node in found]
        return dict(zip(known, received.reshape(len(known), length), strict=True))

    def _send(self, sent: list[Any], received: list[Any]) -> None:
        """Send parts of an array to all other ranks, how many numbers and from where, and receive theirs."""
        for _, counts, _ in (sent, received):
            counts[self._rank] = 0
        ways = [[array, (counts, starts)] for array, counts, starts in (sent, received)]
        self._comm.Alltoallv(*ways)

    def _room_for(self, count: int, dtype: np.dtype[Any]) -> Array:
        size = count * dtype.itemsize
        if self._room.size < size:
            self._room = np.empty(size, np.uint8)
        return self._room[:size].view(dtype)


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
