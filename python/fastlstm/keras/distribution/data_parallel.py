"""Training with the rows of every batch shared out among the processes of a job."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakSet

from fastlstm import checks

from ..foundation import distributed
from ..foundation.arrays import Array
from ..foundation.carried import restore_numbers, state_of_numbers
from .communication import METHODS, TreeSum, end_together, sum_of_all, world


class DataParallel:
    """The ranks of a job of MPI train one model, each on its share of the rows of every batch.

    All ranks run the same program on the same data, with the batch size of the whole. They add up their gradients and
    what losses and metrics sum, and take the same step. See `docs/mpi.md`.

    Parameters
    ----------
    comm : communicator, optional
        Communicator of mpi4py, or what has the same methods; None: all processes of the job.
    shards : int, optional
        Parts that every batch is cut into, a multiple of the number of ranks. Their gradients are added up in one fixed
        order, so that weights have the same bits for any number of ranks that divides it. None: one part a rank, added
        up by MPI's own allreduce.

    Raises
    ------
    ImportError
        There is no mpi4py: ``pip install fastlstm[mpi]``.

    Examples
    --------
    >>> from fastlstm import keras
    >>> class Alone:  # in a job: DataParallel(shards=8), run by mpiexec
    ...     Get_rank, Get_size = (lambda self: 0), (lambda self: 1)
    ...     Allreduce = Alltoallv = bcast = allgather = Abort = None
    >>> distribution = DataParallel(Alone(), shards=8)
    >>> distribution.rank, distribution.size, list(distribution.own_parts)
    (0, 1, [0, 1, 2, 3, 4, 5, 6, 7])
    """

    def __init__(self, comm: Any = None, shards: int | None = None) -> None:
        self.comm = world() if comm is None else _checked(comm)
        self.rank, self.size = int(self.comm.Get_rank()), int(self.comm.Get_size())
        """Number of this process, from 0, and how many there are."""
        self.shards = None if shards is None else checks.whole_number("shards", shards, at_least=1)
        self.parts = self.shards or self.size
        """Parts of a batch."""
        if self.parts % self.size:
            must = f"be a multiple of the number of ranks, {self.size}"
            checks.complain(ValueError, "shards", must, self.shards)
        each = self.parts // self.size
        self.own_parts = range(self.rank * each, (self.rank + 1) * each)
        """Those of this rank."""
        self.equal = WeakSet[Any]()
        """Models that rank 0 has given its weights of to all ranks."""
        self._tree = None if self.shards is None else TreeSum(self.comm, self.parts)

    def scope(self) -> AbstractContextManager[Any]:
        """For this thread and the time of a block, this distribution is in force."""
        return distributed.being(self)

    def rows(self, part: int, count: int) -> slice:
        """Return which rows of a batch of `count` rows are a part of it.

        Examples
        --------
        >>> class Alone:
        ...     Get_rank, Get_size = (lambda self: 0), (lambda self: 1)
        ...     Allreduce = Alltoallv = bcast = allgather = Abort = None
        >>> [DataParallel(Alone(), shards=4).rows(part, 10) for part in range(4)]
        [slice(0, 2, None), slice(2, 5, None), slice(5, 7, None), slice(7, 10, None)]
        """
        return slice(part * count // self.parts, (part + 1) * count // self.parts)

    def sum(self, parts: Sequence[Array]) -> Array:
        """Return the sum over all parts of arrays ``(K,)``, of which these are this rank's; they are written to."""
        return sum_of_all(self.comm, parts[0]) if self._tree is None else self._tree(parts)

    def from_first(self, value: Any) -> Any:
        """Return what rank 0 has as `value`; others may give anything."""
        return value if self.size == 1 else self.comm.bcast(value, root=0)

    def share_numbers(self) -> None:
        """Let all random generators in force go on as those of rank 0 do."""
        state = self.from_first(state_of_numbers())
        if self.rank:
            restore_numbers(state)

    def agree(self, name: str, value: Any) -> None:
        """ValueError on every rank unless all have the same `value`."""
        found = [value] if self.size == 1 else self.comm.allgather(value)
        if any([other != found[0] for other in found]):
            other = next(rank for rank, value in enumerate(found) if value != found[0])
            got = f"{checks.shown(found[0])} on rank 0 and {checks.shown(found[other])} on rank {other}"
            checks.complain(ValueError, name, "be the same on every rank", got)


def _checked(comm: Any) -> Any:
    missing = [name for name in METHODS if not hasattr(comm, name)]
    if missing:
        checks.refuse(TypeError, "comm", "a communicator of mpi4py", comm)
    return comm


def distribution() -> DataParallel | None:
    """Return the distribution in force; None: there is none."""
    found: DataParallel | None = distributed.current()
    return found


def set_distribution(value: DataParallel | None) -> None:
    """Let a distribution be in force for all that follows; None: every process trains for itself.

    The random generators of all ranks, NumPy's and Python's too, go on as those of rank 0, so models that are made next
    begin with the same weights. An error that ends one rank ends the job.
    """
    if value is not None and not isinstance(value, DataParallel):
        checks.refuse(TypeError, "value", "a DataParallel or None", value)
    distributed.set_current(value)
    if value is not None and value.size > 1:
        end_together(value.comm)
        value.share_numbers()
