"""Alarms of a threshold: what they catch, how early, and how often they are false. For `glucose_warning.py`."""

from __future__ import annotations

import bisect
from typing import NamedTuple

import numpy as np
from measuring import Array


class Piece(NamedTuple):
    """Part of somebody's record without gaps; steps are rows."""

    person: int
    level: Array
    x: Array  # (T, inputs)
    soon: Array  # does it happen within `ahead` steps?
    counts: Array  # it does not happen now, and what comes is known
    events: Array  # steps at which it begins
    ahead: int

    def alarms(self, score: Array, threshold: float) -> Array:
        """Steps of alarms: the score is there, and the last alarm is long enough ago."""
        found = [-self.ahead]
        for t in np.flatnonzero((score >= threshold) & self.counts):
            if t - found[-1] >= self.ahead:
                found.append(int(t))
        return np.array(found[1:], int)


def leads(pieces: list[Piece], scores: list[Array], threshold: float) -> tuple[Array, int]:
    """Of each event how many steps before it the first alarm in time came (0: none); and the number of false alarms."""
    found, false = list[int](), 0
    for piece, score in zip(pieces, scores, strict=True):
        rung = piece.alarms(score, threshold)
        false += int((~piece.soon[rung]).sum())
        for t in piece.events:
            before = rung[(rung >= t - piece.ahead) & (rung < t)]
            found.append(int(t - before[0]) if len(before) else 0)
    return np.array(found), false


def leads_at(pieces: list[Piece], scores: list[Array], false: float) -> Array:
    """Return `leads` with the lowest threshold that has no more than so many false alarms."""
    levels = np.unique(np.concatenate(scores))[::-1]
    place = bisect.bisect(range(len(levels)), false, key=lambda k: leads(pieces, scores, levels[k])[1])
    return leads(pieces, scores, levels[max(place - 1, 0)])[0]
