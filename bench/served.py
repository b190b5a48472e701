"""What serving costs: the time from the start of a process to its first answer, and answers a second.

    python bench/served.py    # needs fastapi, uvicorn and websockets

The server of `examples/serving.py` runs as a process of its own, and the clients in this one share the cores with it.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from typing import IO, Any

import numpy as np

EXAMPLE = Path(__file__).parents[1] / "examples" / "serving.py"
LISTENS = re.compile(r"http://127\.0\.0\.1:(\d+)")
STEPS = 200


class Served:
    """A server process and what it says.

    Parameters
    ----------
    command
        Must make it listen on port 0 of 127.0.0.1.
    options
        Of `subprocess.Popen`.
    """

    def __init__(self, command: list[str], **options: Any) -> None:
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)
        self.told = list[str]()
        self.port = next((int(found[1]) for line in self._lines() if (found := LISTENS.search(line))), 0)
        if not self.port:
            raise RuntimeError("".join(self.told))
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _lines(self) -> Iterator[str]:
        stderr: IO[str] | None = self.process.stderr
        for line in stderr or ():
            self.told.append(line)
            yield line

    def _listen(self) -> None:
        with self.process.stderr or nullcontext():
            for _ in self._lines():
                pass

    def post(self, body: Any, path: str = "/predict", **options: Any) -> tuple[int, Any]:
        """Return the status and what the JSON of the answer says."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body), **options)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    @property
    def streams(self) -> str:
        """Where streams are served."""
        return f"ws://127.0.0.1:{self.port}/stream"

    def stop(self) -> int:
        """Ask it to end, and wait until it has."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended."""
        status = self.process.wait(30)
        self.listener.join()
        return status


@contextmanager
def serving(*command: str, **options: Any) -> Iterator[Served]:
    """Run a server for the time of a block."""
    served = Served([sys.executable, *command], stdout=subprocess.DEVNULL, **options)
    try:
        yield served
    finally:
        served.stop()


def save_model(path: Path, units: int = 64) -> Any:
    """Make a model of 3 features and 2 answers, save it at `path` and return it."""
    from fastlstm import keras

    model: Any = keras.Sequential([keras.Input((None, 3)), keras.layers.LSTM(units, seed=0), keras.layers.Dense(2)])
    model.save(path)
    return model


def first_answer(path: Path) -> float:
    """Return the seconds from the start of the process to its first answer."""
    start = time.perf_counter()
    with serving(str(EXAMPLE), str(path), "--port", "0") as served:
        served.post({"x": [[0.0, 0.0, 0.0]]})
        return time.perf_counter() - start


async def session(address: str, samples: Any, waits: list[float]) -> None:
    from websockets.asyncio.client import connect

    async with connect(address) as socket:
        for x in samples:
            start = time.perf_counter()
            await socket.send(json.dumps({"x": x}))
            await socket.recv()
            waits.append(time.perf_counter() - start)


async def sessions(address: str, count: int) -> str:
    waits = list[float]()
    samples = np.random.default_rng(0).normal(size=(STEPS, 3)).tolist()
    start = time.perf_counter()
    await asyncio.gather(*(session(address, samples, waits) for _ in range(count)))
    rate = len(waits) / (time.perf_counter() - start)
    return f"{rate:.0f} steps/s, {median(waits) * 1e3:.2f} ms each"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.fastlstm"
        save_model(path)
        print(f"first answer: {', '.join(f'{first_answer(path):.2f}' for _ in range(5))} s after the start")
        with serving(str(EXAMPLE), str(path), "--port", "0") as served:
            for count in (1, 10, 100):
                print(f"{count} sessions: {asyncio.run(sessions(served.streams, count))}")


if __name__ == "__main__":
    main()
