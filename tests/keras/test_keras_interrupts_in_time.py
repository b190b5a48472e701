"""Ctrl-C ends whatever runs within a second: a call of the core, a step of training, a prediction, a file.

Each runs over and over on two threads of a process that is sent Ctrl-C in the midst of it. What is measured is the
promise itself, in time that the process has a processor, as others may have it meanwhile.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")]

WITHIN = 3.0
"""Seconds of two processors: twice the promise, and what it takes to begin to look. Measured are 1.6 at most."""

PROGRAM = """
import os, sys, tempfile, time
import numpy as np
import fastlstm as fl
from fastlstm import _core
from fastlstm.keras import Input, Sequential, layers, models

folder = tempfile.mkdtemp()

def constant(*shape):
    return np.broadcast_to(np.float32(0.01), shape)

def array_layer(**options):
    return fl.LSTM(64, 256, seed=0, **options)

def model():
    made = Sequential([Input((None, 32)), layers.LSTM(128, return_sequences=True), layers.GRU(64), layers.Dense(1)])
    made.compile("adam", "mse")
    return made

def forward():
    layer, x = array_layer(), constant(400_000, 4, 64)
    return lambda: layer(x)

def both_directions():
    layer, x = array_layer(num_layers=2, bidirectional=True), constant(100_000, 4, 64)
    return lambda: layer(x)

def quantized():
    layer, x = array_layer(), constant(400_000, 4, 64)
    layer.quantize("int8")
    return lambda: layer(x)

def linear():
    layer, x = fl.Linear(1024, 4096, seed=0), constant(60_000, 1024)
    return lambda: layer(x)

def convolution():
    made, x = layers.Conv1D(128, 31), np.full((1, 1_000_000, 128), 0.01, "f")
    made.build(x.shape)
    return lambda: made(x)

def convolution_gradients():
    x, dy = np.full((1, 1_000_000, 128), 0.01, "f"), np.full((1, 999_970, 128), 0.01, "f")
    return lambda: _core.convolution_gradients(x, dy, 31, 0)

def softmax():
    x = np.full((1000, 400_000), 0.01, "f")
    return lambda: _core.softmax_and_log(x)

def backward():
    layer, x = array_layer(), constant(10_000, 8, 64)
    (y, _), pullback = layer.vjp(x)
    return lambda: pullback(y)

def checkpoints():
    layer, x = array_layer(), constant(40_000, 8, 64)
    return lambda: layer.vjp(x, checkpoint_every=200)[1](constant(40_000, 8, 256))

def many_steps():
    made, x, y = model(), constant(100_000, 20, 32), np.zeros((100_000, 1), "f")
    return lambda: made.fit(x, y, verbose=0)

def one_step():
    made, x, y = model(), constant(4096, 200, 32), np.zeros((4096, 1), "f")
    start = made.get_weights()
    def fit():
        try:
            made.fit(x, y, batch_size=4096, verbose=0)
        except KeyboardInterrupt:
            steps = int(made.optimizer.iterations)
            assert steps or all(map(np.array_equal, made.get_weights(), start)), "changed by half a step"
            raise
    return fit

def validation():
    made, x, y = model(), constant(4096, 200, 32), np.zeros((4096, 1), "f")
    return lambda: made.fit(x[:4], y[:4], validation_data=(x, y), validation_batch_size=4096, verbose=0)

def predict():
    made, x = model(), constant(20_000, 100, 32)
    return lambda: made.predict(x, batch_size=20_000, verbose=0)

def evaluate():
    made, x, y = model(), constant(20_000, 100, 32), np.zeros((20_000, 1), "f")
    return lambda: made.evaluate(x, y, batch_size=20_000, verbose=0)

def build():
    return lambda: layers.LSTM(1024).build((None, None, 1024))

def save_and_load():
    path = os.path.join(folder, "model")
    Sequential([Input((None, 1024)), layers.LSTM(1024)]).save(path)
    return lambda: models.load_model(path).save(path)

def adapt():
    texts = layers.TextVectorization()
    lines = np.array([" ".join(str(i * j) for j in range(50)) for i in range(20_000)])
    return lambda: texts.adapt(lines)

work = globals()[sys.argv[1]]()
print("started", flush=True)
try:
    while True:
        work()
except KeyboardInterrupt:
    print("interrupted", time.process_time(), flush=True)
"""

NAMES = [
    *(
        "forward",
        "both_directions",
        "quantized",
        "linear",
        "convolution",
        "convolution_gradients",
        "softmax",
        "backward",
        "checkpoints",
        "many_steps",
        "one_step",
        "validation",
    ),
    *("predict", "evaluate", "build", "save_and_load", "adapt"),
]


def seconds_of(process):
    """Time that a process has had processors."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c(name):
    command, environment = [sys.executable, "-c", PROGRAM, name], {**os.environ, "FASTLSTM_NUM_THREADS": "2"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "started\n"
            time.sleep(0.5)
            before = seconds_of(process)
            process.send_signal(signal.SIGINT)
            word, after = process.stdout.readline().split()
            assert word == "interrupted"
            print(f"{name}: {float(after) - before:.2f} s")
            assert float(after) - before < WITHIN
        finally:
            process.kill()
