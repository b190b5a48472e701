"""How many elements there are, as far as that is known."""

INFINITE = -1
"""In place of a number of elements: they never end."""

UNKNOWN = -2
"""In place of a number of elements: only going through them tells."""


def batched(count: int, size: int, drop_remainder: bool) -> int:
    """Return the number of batches."""
    return count if count < 0 else count // size if drop_remainder else -(-count // size)


def repeated(count: int, times: int) -> int:
    """Return the number of elements of several passes; -1 passes never end."""
    if count == 0 or times == 0:
        return 0
    if times < 0:
        return INFINITE
    return count if count < 0 else count * times


def taken(count: int, most: int) -> int:
    """Return the number of the first elements, `most` at most; -1: of all."""
    if most < 0:
        return count
    return most if count == INFINITE else UNKNOWN if count == UNKNOWN and most else min(count, most)


def skipped(count: int, first: int) -> int:
    """Return the number of elements without the `first` ones; -1: without any."""
    return 0 if first < 0 else count if count < 0 else max(count - first, 0)


def sharded(count: int, shards: int, index: int) -> int:
    """Return the number of elements of one of several parts."""
    return count if count < 0 else count // shards + (index < count % shards)


def windowed(count: int, span: int, shift: int, drop_remainder: bool) -> int:
    """Return the number of windows that reach over `span` elements."""
    if count < 0:
        return count
    return max((count - span) // shift + 1, 0) if drop_remainder else -(-count // shift)


def joined(counts: list[int]) -> int:
    """Return the number of elements of data sets that follow each other."""
    return INFINITE if INFINITE in counts else UNKNOWN if UNKNOWN in counts else sum(counts)


def zipped(counts: list[int]) -> int:
    """Return the number of elements of data sets side by side: that of the shortest."""
    ending = [count for count in counts if count != INFINITE]
    if not ending:
        return INFINITE
    return UNKNOWN if UNKNOWN in ending else min(ending)
