"""What tomorrow brings at a stock exchange: its return, and how much prices will move next week, which is easier.

The page is docs/examples/forecast_prices.md. Needs the package arch, for its data.
"""

# %% Daily returns, and the variance that the range of each day speaks of (Parkinson, 1980)
import csv
import gzip
from typing import Any

import numpy as np
import showing
from measuring import Array, best_ridge, group_interval, inside, interval

from fastlstm import keras
from fastlstm.keras import layers

options = showing.options(__doc__)
LAGS, WEEK, SEEDS = 44, 5, 2 if options.short else 10

with gzip.open(inside("arch", "data/sp500/sp500.csv.gz", "pip install arch"), "rt", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
high, low, close = (np.array([float(row[key]) for row in rows]) for key in ("High", "Low", "Adj Close"))
years = np.array([int(row["Date"].rpartition("/")[2]) for row in rows])[1:]
returns = 100 * np.diff(np.log(close))
spread = np.log((100 * np.log(high / low)[1:]) ** 2 / (4 * np.log(2)))

# %% Windows of both, in units of the level of their own two months; what comes after them; parts in order of time
last = np.arange(LAGS - 1, len(returns) - WEEK)
before, after = last[:, None] + np.arange(1 - LAGS, 1), last[:, None] + np.arange(1, WEEK + 1)
level = spread[before].mean(1)
x = np.stack([returns[before] / np.exp(level / 2)[:, None], spread[before] - level[:, None]], axis=-1).astype("float32")
week = np.log(np.exp(spread[after]).mean(1))
usual, mean = returns[years < 2011].std(), spread[years < 2011].mean()
as_they_are = np.stack([returns[before] / usual, spread[before] - mean], axis=-1)
last_week = np.log(np.exp(spread[before[:, -WEEK:]]).mean(1))
zero = np.zeros(len(last))
# What is to be forecast; what learned forecasts start from; what it was last.
targets = {
    "return of the next day": (returns[last + 1], zero, "none", returns[last]),
    "log variance of the next week": (week, level, "mean of two months", last_week),
}
# A window belongs to a part only if all that comes after it does, too.
first_year, last_year = years[last + 1], years[last + WEEK]
parts = [np.flatnonzero((first_year >= a) & (last_year < b)) for a, b in ((0, 2011), (2011, 2014), (2014, 2030))]
fit, choose, test = parts


def learned(layer: Any, x: Array, y: Array, seed: int) -> Array:
    """Train until it gets no better on the part for choosing; standardised, and turned back."""
    keras.utils.set_random_seed(seed)
    mean, size = y[fit].mean(), y[fit].std()
    model = keras.Sequential([keras.Input(x.shape[1:]), layer(16), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(2e-3, clipnorm=1.0), "mse")
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    scaled = ((y - mean) / size).astype("float32")[:, None]
    held = (x[choose], scaled[choose])
    model.fit(x[fit], scaled[fit], 64, 1 if options.short else 60, 0, [stop], validation_data=held)
    return np.asarray(model.predict(x[test], verbose=0))[:, 0] * size + mean


def of_lags(y: Array) -> Array:
    flat = x.reshape(len(x), -1)
    return best_ridge((flat[fit], y[fit]), (flat[choose], y[choose]), flat[test])


def of_averages(y: Array) -> Array:
    """Means of a day, a week, a month and two: what volatility is usually forecast by (HAR; Corsi, 2009)."""
    means = np.concatenate([x[:, -k:].mean(1) for k in (1, 5, 22, 44)], axis=1)
    return best_ridge((means[fit], y[fit]), (means[choose], y[choose]), means[test])


# %% Every forecast, judged on the last five years
found = dict[str, dict[str, list[Array]]]()
for target, (y, start, start_name, before_it) in targets.items():
    made = {"mean of the years before": [np.full(len(test), y[fit].mean())]}
    made |= {"the same as last": [before_it[test]], start_name: [start[test]]}
    learners = {"ridge on lags": of_lags, "ridge on averages": of_averages}
    made |= {name: [start[test] + way(y - start)] for name, way in learners.items()}
    for name, layer in (("RNN", layers.SimpleRNN), ("LSTM", layers.LSTM)):
        made[name] = [start[test] + learned(layer, x, y - start, seed) for seed in range(SEEDS)]
    made["LSTM, not scaled"] = [learned(layers.LSTM, as_they_are, y, seed) for seed in range(SEEDS)]
    found[target] = made
    errors = {name: [(one - y[test]) ** 2 for one in many] for name, many in made.items()}
    simple = y[test].var()
    rows = []
    for name, many in errors.items():
        explained = [100 * (1 - error.mean() / simple) for error in many]
        gained = 100 * (errors["ridge on averages"][0] - np.mean(many, 0)) / simple
        right = np.mean([np.sign(one) == np.sign(y[test]) for one in made[name]])
        more = [f"{100 * right:.1f}"] if target.startswith("return") else []
        rows.append([name, interval(explained), group_interval(gained, np.arange(len(test)) // 22), *more])
    print(f"\n{target}: {len(fit)} days to learn from, {len(test)} to be judged by")
    head = ["forecast", "% of variance explained", "more than ridge on averages", "% of signs right"]
    showing.table(head[: len(rows[0])], rows)


# %% A picture of what was forecast
def draw(figure: Any) -> None:
    shown = slice(None, None, WEEK)
    day = 2014 + np.arange(len(test))[shown] / 252
    for axes, (target, made) in zip(figure.subplots(1, 2), found.items(), strict=True):
        axes.plot(day, targets[target][0][test][shown], color="0.7", linewidth=0.8, label="what came")
        for name, colour in (("ridge on averages", "C0"), ("LSTM", "C1")):
            axes.plot(day, made[name][0][shown], color=colour, linewidth=0.9, label=name)
        axes.set(title=target)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)


showing.picture(options.pictures / "forecast_prices.png", draw, (8, 3))
