"""Ranks of a job as threads of one process, for tests without MPI."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from fastlstm.keras.distribution import DataParallel
from fastlstm.keras.utils import set_random_seed


class Job:
    """What ranks give each other: a place for each, and meetings."""

    def __init__(self, size: int) -> None:
        self.places: list[Any] = [None] * size
        self.meeting = threading.Barrier(size, timeout=60)


class Comm:
    """The communicator of a rank, with the methods of mpi4py's."""

    def __init__(self, job: Job, rank: int) -> None:
        self.job, self.rank = job, rank

    def Get_rank(self) -> int:  # noqa: N802
        return self.rank

    def Get_size(self) -> int:  # noqa: N802
        return len(self.job.places)

    def allgather(self, value: Any) -> list[Any]:
        self.job.places[self.rank] = value
        self.job.meeting.wait()
        found = list(self.job.places)
        self.job.meeting.wait()
        return found

    def bcast(self, value: Any, root: int = 0) -> Any:
        return self.allgather(value)[root]

    def Allreduce(self, sent: Any, received: Any) -> None:  # noqa: N802
        parts = self.allgather(received if sent is None else sent)
        total = sum(parts[1:], parts[0])
        self.job.meeting.wait()
        received[...] = total

    def Alltoallv(self, sent: Any, received: Any) -> None:  # noqa: N802
        total, (lengths, starts) = received
        for rank, (part, (counts, begins)) in enumerate(self.allgather(sent)):
            assert counts[self.rank] == lengths[rank]
            total[starts[rank] : starts[rank] + lengths[rank]] = part[begins[self.rank] :][: lengths[rank]]
        self.job.meeting.wait()

    def Abort(self, code: int) -> None:  # noqa: N802
        self.job.meeting.abort()


def in_ranks(size: int, function: Callable[[DataParallel], Any], shards: int | None = None, seed: int = 3) -> list[Any]:
    """Return what `function` gives on each rank; the error of the first that raises one is raised."""
    job, found, errors = Job(size), [None] * size, list[BaseException]()

    def work(rank: int) -> None:
        try:
            distribution = DataParallel(Comm(job, rank), shards)
            with distribution.scope(), np.errstate(all="ignore"):
                set_random_seed(seed)
                found[rank] = function(distribution)
        except BaseException as error:
            if not isinstance(error, threading.BrokenBarrierError):
                errors.append(error)
            job.meeting.abort()

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return found
