"""Whole fits, as a user waits for them: the demo's LSTM and a tiny net, in fastlstm and in Keras on TensorFlow.

``python bench/fit.py --out results/fit.json``. The same program runs in both, on the same data and from the same
weights, in turn, each fit in a process of its own. The first fit includes what a library does once (TensorFlow traces
and compiles), the second is a fit of the same model again. Importing is not part of either.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from machine import core_sets, facts, write
from processes import last_words, run_alone
from tables import show, show_seconds, table

BATCH = 32
TOLERANCE = 1e-3  # of the first epoch's loss, relative; rounding has not grown much by then


@dataclass(frozen=True)
class Net:
    """An LSTM and a softmax of its last step."""

    name: str
    units: int
    epochs: int
    validated: bool


NETS = (Net("demo", 128, 20, True), Net("tiny", 16, 5, False))
WORDS = {
    "demo": "Japanese Vowels (270 rows, 29 steps, 12 features), LSTM(128), 20 epochs, validation, accuracy",
    "tiny": "random data, 2048 rows, 20 steps, 8 features, LSTM(16), 5 epochs",
}


class Library(NamedTuple):
    """A contender: the module that is Keras, and how the model is compiled."""

    module: str
    jit_compile: bool


LIBRARIES = {
    "fastlstm": Library("fastlstm.keras", False),
    "keras": Library("keras", False),
    "keras, XLA": Library("keras", True),
}


# --- Inside a process of its own --------------------------------------------------------------------------------------


def fit_twice(net: Net, library: Library, data: Path, threads: int) -> dict[str, Any]:
    """Make, fit and fit again, in this process."""
    with np.load(data) as file:
        arrays = dict(file)
    keras = importlib.import_module(library.module)
    if library.module == "keras":
        _set_tensorflow_threads(threads)
    start = perf_counter()
    model = _make(keras, net, library, arrays)
    losses = _fit(model, net, arrays)
    first = perf_counter() - start
    start = perf_counter()
    _fit(model, net, arrays)
    return {"first": first, "again": perf_counter() - start, "losses": losses}


def _set_tensorflow_threads(threads: int) -> None:
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)


def _make(keras: Any, net: Net, library: Library, arrays: dict[str, Any]) -> Any:
    classes = arrays["y"].shape[1]
    layers = [keras.layers.LSTM(net.units), keras.layers.Dense(classes, activation="softmax")]
    model = keras.Sequential([keras.Input(arrays["x"].shape[1:]), *layers])
    rng = np.random.default_rng(net.units)
    model.set_weights([0.3 * w.shape[0] ** -0.5 * rng.standard_normal(w.shape) for w in model.get_weights()])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], jit_compile=library.jit_compile)
    return model


def _fit(model: Any, net: Net, arrays: dict[str, Any]) -> list[float]:
    validation = (arrays["x_test"], arrays["y_test"]) if net.validated else None
    history = model.fit(
        arrays["x"], arrays["y"], BATCH, net.epochs, verbose=0, validation_data=validation, shuffle=False
    )
    return [float(loss) for loss in history.history["loss"]]


# --- Outside ----------------------------------------------------------------------------------------------------------


def save_data(net: Net, path: Path) -> None:
    """Write the data every library gets."""
    if net.name == "demo":
        from fastlstm import demo

        x, y, x_test, y_test = demo._standardised_vowels()
        np.savez(path, x=x, y=y, x_test=x_test, y_test=y_test)
        return
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2048, 20, 8)).astype("float32")
    y = np.eye(10, dtype="float32")[rng.integers(0, 10, len(x))]
    np.savez(path, x=x, y=y)


def measure(net: Net, cores: Sequence[int], rounds: int) -> dict[str, dict[str, Any]]:
    """Fit in turn; give medians and the last loss of every library whose first epoch agrees with fastlstm's."""
    runs: dict[str, list[dict[str, Any]]] = {}
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data.npz")
        save_data(net, data)
        for _ in range(rounds):
            for name in [name for name in LIBRARIES if name not in failed]:
                inside = ["--inside", json.dumps([net.name, net.epochs, name, str(data), len(cores)])]
                try:
                    runs.setdefault(name, []).append(json.loads(run_alone([__file__, *inside], cores)))
                except subprocess.SubprocessError as error:
                    failed[name] = last_words(error)
    return {name: _summary(name, runs, failed) for name in LIBRARIES}


def _summary(name: str, runs: dict[str, list[dict[str, Any]]], failed: dict[str, str]) -> dict[str, Any]:
    if name in failed:
        print(f"{name} is left out: {failed[name]}", file=sys.stderr)
        return {"status": "failed", "why": failed[name]}
    loss, wanted = runs[name][0]["losses"][0], runs["fastlstm"][0]["losses"][0]
    if not abs(loss - wanted) <= TOLERANCE * wanted:  # so that NaN fails too
        return {"status": "wrong", "why": f"the first epoch's loss is {loss:.4f}, that of fastlstm {wanted:.4f}"}
    medians = {key: statistics.median(run[key] for run in runs[name]) for key in ("first", "again")}
    return {"status": "timed", **medians, "last_loss": runs[name][0]["losses"][-1]}


def section(found: dict[str, Any]) -> str:
    """Lay out the part of the page."""
    header = ("net", "threads", "contender", "first fit", "/ ours", "again", "/ ours", "last loss")
    rows = []
    for part in found["runs"]:
        ours = part["found"]["fastlstm"]
        for name, entry in part["found"].items():
            cells = (part["net"], str(part["threads"]), name)
            if entry["status"] == "timed" and ours["status"] == "timed":
                ratios = {key: show(entry[key] / ours[key], ".1f") for key in ("first", "again")}
                first, again = (show_seconds(entry[key]) for key in ("first", "again"))
                rows.append((*cells, first, ratios["first"], again, ratios["again"], show(entry["last_loss"], ".4f")))
            else:
                rows.append((*cells, entry["status"], "-", "-", "-", "-"))
    said = "\n".join(f"- `{name}`: {words}." for name, words in WORDS.items())
    text = (
        "The same Keras program in both, on the same data from the same weights, batches of 32, in turn, each time in "
        "a new process. The first fit includes what a library does once (TensorFlow traces and compiles), the second "
        "is of the same model again; imports are left out of both. Nothing counts as timed whose first epoch ends at "
        "another loss than fastlstm's."
    )
    return f"## A whole fit\n\n{text}\n\n{said}\n\n{table(header, rows)}"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,all", help="comma-separated numbers or all (default: 1,all)")
    parser.add_argument("--cores", default="", help="processors to use, comma-separated (default: all there are)")
    parser.add_argument("--rounds", type=int, default=2, help="processes of every library (default: 2)")
    parser.add_argument("--out", type=Path, default=Path("results/fit.json"))
    parser.add_argument("--small", action="store_true", help="one epoch: try the script, not the speed")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.inside:
        name, epochs, library, data, threads = json.loads(arguments.inside)
        net = next(net for net in NETS if net.name == name)
        net = Net(name, net.units, epochs, net.validated)
        print(json.dumps(fit_twice(net, LIBRARIES[library], Path(data), threads)))
        return
    runs = []
    for cores in core_sets(arguments.threads, arguments.cores):
        for net in NETS:
            chosen = Net(net.name, net.units, 1, net.validated) if arguments.small else net
            runs.append({"net": net.name, "threads": len(cores), "found": measure(chosen, cores, arguments.rounds)})
    found = {"machine": facts(), "runs": runs}
    write(found, arguments.out)
    print(section(found))


if __name__ == "__main__":
    main()
