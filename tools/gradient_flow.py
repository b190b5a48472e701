"""How far gradients reach back: RNN beside LSTM beside GRU on the adding problem and the copy task.

Makes the pictures of docs/gradient-flow.md and prints its tables. Needs matplotlib.

    python tools/gradient_flow.py             # some ten minutes of one core
    python tools/gradient_flow.py --short     # everything once, in seconds, of trainings that learn nothing
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from fastlstm import keras
from fastlstm.keras import layers, optimizers

Array = NDArray[Any]
UNITS, ROWS, SYMBOLS, EPOCHS = 64, 32, 10, 10
COLOURS = {"RNN": "tab:blue", "LSTM": "tab:orange", "GRU": "tab:green"}
REACHED = 1e-3
"""Part of the largest norm down to which gradients count as having reached a step."""


class Problem(NamedTuple):
    """What is learned, over a distance."""

    name: str
    distance: int

    @property
    def steps(self) -> int:
        """Of a sequence."""
        return self.distance + (2 * SYMBOLS if self.name == "copy" else 0)

    @property
    def idle_loss(self) -> float:
        """That of the best answer that uses nothing of the input: the mean; one of eight symbols."""
        return float(np.log(8)) if self.name == "copy" else 1 / 6

    def batch(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Sum of the two marked numbers; or ten symbols to be said again after the distance."""
        if self.name == "copy":
            symbols, steps = rng.integers(1, 9, (ROWS, SYMBOLS)), np.zeros((ROWS, self.steps), int)
            steps[:, :SYMBOLS], steps[:, -SYMBOLS:] = symbols, 9
            return np.eye(10, dtype="float32")[steps], symbols - 1
        x, half, rows = np.zeros((ROWS, self.steps, 2), "float32"), self.steps // 2, np.arange(ROWS)
        x[..., 0] = rng.uniform(size=x.shape[:2])
        x[rows, rng.integers(0, half, ROWS), 1] = x[rows, rng.integers(half, self.steps, ROWS), 1] = 1
        return x, (x[..., 0] * x[..., 1]).sum(1, keepdims=True)

    def model(self, layer: Callable[..., Any]) -> keras.Sequential:
        """Return a model of a recurrent layer and what reads it."""
        if self.name == "copy":
            inside = [layer(return_sequences=True), layers.Cropping1D((self.steps - SYMBOLS, 0)), layers.Dense(8)]
        else:
            inside = [layer(), layers.Dense(1)]
        return keras.Sequential([keras.Input(self.batch(np.random.default_rng(0))[0].shape[1:]), *inside])

    @property
    def loss(self) -> Any:
        """Of the last layer."""
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True) if self.name == "copy" else "mse"


class Way(NamedTuple):
    """A layer, and how it is trained."""

    cell: str
    options: Mapping[str, Any] = MappingProxyType({})
    open_gates: bool = False
    clipnorm: float | None = 1.0
    tbptt: int | None = None

    def layer(self, problem: Problem) -> Callable[..., Any]:
        """Return what makes the layer."""
        kind = {"RNN": layers.SimpleRNN, "LSTM": layers.LSTM, "GRU": layers.GRU}[self.cell]
        options = dict(self.options)
        if self.open_gates:
            options["bias_initializer"] = open_gates(problem.steps)
            options |= {"unit_forget_bias": False} if self.cell == "LSTM" else {}
        return lambda **more: kind(UNITS, name="layer", **options, **more)


def open_gates(steps: int) -> Callable[..., Array]:
    """Biases with which gates forget over all distances up to `steps` (Tallec and Ollivier, ICLR 2018)."""

    def make(shape: tuple[int, ...], dtype: Any = None) -> Array:
        bias = np.zeros(shape, "float32")
        far = np.log(np.random.default_rng(0).uniform(1, steps - 1, UNITS))
        if len(shape) == 2:  # GRU: u of the inputs
            bias[0, :UNITS] = far
        else:  # LSTM: i, f
            bias[:UNITS], bias[UNITS : 2 * UNITS] = -far, far
        return bias

    return make


class Found(NamedTuple):
    """What came of a training."""

    before: Array
    """Norms of dL/dh_t before it, (T,)."""
    before_c: Array | None
    after: Array
    losses: list[float]

    @property
    def reach(self) -> tuple[int, int]:
        """How far gradients reach back, before and after."""
        return reach(self.before), reach(self.after)


def reach(norms: Array) -> int:
    """Return the steps back to the farthest whose norm is not below a part of the largest."""
    if not np.isfinite(norms).all():
        return len(norms) - 1
    return len(norms) - 1 - int(np.argmax(norms >= REACHED * norms.max()))


def learn(problem: Problem, way: Way, updates: int) -> Found:
    """Train on fresh batches, and measure before it."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    model, flow = problem.model(way.layer(problem)), keras.callbacks.GradientFlow(vanishing=0, exploding=np.inf)

    def batches() -> Iterator[tuple[Array, Array]]:
        while True:
            yield problem.batch(rng)

    def fit(optimizer: Any, epochs: int, steps: int) -> keras.callbacks.History:
        model.compile(optimizer, problem.loss)
        options = {"epochs": epochs, "steps_per_epoch": steps, "verbose": 0, "tbptt": way.tbptt}
        return model.fit(batches(), callbacks=[flow], **options)

    fit(optimizers.SGD(0.0), 1, 4)
    before, before_c = flow.h["layer"][0], flow.c["layer"][0] if flow.c else None
    history = fit(optimizers.Adam(3e-3, clipnorm=way.clipnorm), EPOCHS, max(1, updates // EPOCHS))
    return Found(before, before_c, flow.h["layer"][-1], history.history["loss"])


# --- Pictures and tables ----------------------------------------------------------------------------------------------


def draw_before(ax: Any, label: str, found: Found, problem: Problem, colour: Any) -> None:
    """Draw norms over the distance before the training, those of dL/dc dotted."""
    draw_norms(ax, label, found.before, colour)
    if found.before_c is not None:
        scaled = found.before_c[::-1] / found.before[-1]
        ax.plot(np.arange(len(scaled)), scaled, ":", color=colour, label=f"{label}, dL/dc", linewidth=1.2)


def draw_after(ax: Any, label: str, found: Found, problem: Problem, colour: Any) -> None:
    """Draw norms over the distance, those of the last part of the training."""
    draw_norms(ax, label, found.after, colour)


def draw_norms(ax: Any, label: str, norms: Array, colour: Any) -> None:
    """Draw norms over that of the last step."""
    with np.errstate(all="ignore"):
        ax.plot(np.arange(len(norms)), norms[::-1] / norms[-1], color=colour, label=label, linewidth=1.4)
    ax.set(yscale="log", xlabel="steps back from the last", ylim=(1e-8, 1e3))


def draw_losses(ax: Any, label: str, found: Found, problem: Problem, colour: Any) -> None:
    """Draw a curve of losses, and the loss of who uses nothing of the input."""
    ax.plot(np.arange(1, EPOCHS + 1) / EPOCHS, found.losses, color=colour, label=label, linewidth=1.4)
    ax.axhline(problem.idle_loss, color="grey", linestyle=":", linewidth=1)
    ax.set(xlabel="part of the training", ylim=(0, 1.5 * problem.idle_loss), ylabel="loss")


def picture(path: Path, rows: int, columns: int, draw: Callable[[Any], None]) -> None:
    """Write a file of panels."""
    from matplotlib import pyplot

    size = (4 * columns, 2.8 * rows + 0.5)
    figure, axes = pyplot.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    draw(axes)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def row(*cells: Any) -> None:
    """Print a row of a table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def table(*heads: str) -> None:
    """Begin a table."""
    print()
    row(*heads)
    row(*["---"] * len(heads))


def shown(problem: Problem, found: Found) -> list[str]:
    """Return cells of a table: how many steps back gradients could reach and how many they do, and the loss."""
    before, after = found.reach
    return [f"{problem.steps - 1}", f"{before}", f"{after}", f"{found.losses[-1]:.3f} ({problem.idle_loss:.3f})"]


HEADS = ("steps back", "reached before", "reached after", "loss (of no input)")


def compare_cells(distances: dict[int, int], out: Path) -> None:
    """Train RNN, LSTM and GRU side by side."""
    table("task", "T", "cell", *HEADS)
    problems = [Problem(name, distance) for name in ("adding", "copy") for distance in distances]
    every: dict[Problem, dict[str, Found]] = {}
    for problem in problems:
        for cell in COLOURS:
            found = learn(problem, Way(cell), distances[problem.distance])
            every.setdefault(problem, {})[cell] = found
            row(problem.name, problem.distance, cell, *shown(problem, found))

    for name, part in (("before", draw_before), ("after", draw_after), ("losses", draw_losses)):

        def draw(axes: Any, part: Callable[..., None] = part) -> None:
            for problem, ax in zip(problems, axes.flat, strict=True):
                for cell, found in every[problem].items():
                    part(ax, cell, found, problem, COLOURS[cell])
                ax.set(title=f"{problem.name}, T = {problem.distance}")

        picture(out / f"gradient_flow_{name}.png", 2, len(distances), draw)


CHANGES = {
    "RNN, orthogonal start": Way("RNN"),
    "RNN, Glorot start": Way("RNN", {"recurrent_initializer": "glorot_uniform"}),
    "RNN of relu, clipped": Way("RNN", {"activation": "relu"}),
    "RNN of relu, not clipped": Way("RNN", {"activation": "relu"}, clipnorm=None),
    "LSTM, forget bias 0": Way("LSTM", {"unit_forget_bias": False}),
    "LSTM, forget bias 1": Way("LSTM"),
    "LSTM, forget bias up to log T": Way("LSTM", open_gates=True),
    "LSTM, tbptt=50": Way("LSTM", tbptt=50),
    "GRU, update bias 0": Way("GRU"),
    "GRU, update bias up to log T": Way("GRU", open_gates=True),
}


def compare_changes(distance: int, updates: int, out: Path) -> None:
    """Change one thing at a time."""
    table("task", "change", *HEADS)
    problems = [Problem(name, distance) for name in ("adding", "copy")]
    every = {problem: dict[str, Found]() for problem in problems}
    for problem in problems:
        for name, way in CHANGES.items():
            every[problem][name] = learn(problem, way, updates)
            row(problem.name, name, *shown(problem, every[problem][name]))

    def draw(axes: Any) -> None:
        for problem, (ax, below) in zip(problems, axes.T, strict=True):
            for number, (name, found) in enumerate(every[problem].items()):
                draw_norms(ax, name, found.before, f"C{number}")
                draw_losses(below, name, found, problem, f"C{number}")
            ax.set(title=f"{problem.name}, T = {distance}")

    picture(out / "gradient_flow_changes.png", 2, 2, draw)


def main(arguments: list[str] | None = None) -> None:
    """Run from a command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="everything once, in seconds")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"), help="folder of the pictures")
    given = parser.parse_args(arguments)
    mpl.use("agg")
    given.out.mkdir(parents=True, exist_ok=True)
    compare_cells({20: 10} if given.short else {50: 1500, 200: 1000, 1000: 250}, given.out)
    compare_changes(*((60, 10) if given.short else (200, 1000)), given.out)


if __name__ == "__main__":
    main()
