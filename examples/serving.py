"""A saved net behind FastAPI: whole sequences by POST, streams by WebSocket, all of them stepped together.

    pip install fastapi uvicorn websockets
    python examples/serving.py net.fastlstm --port 8000

``POST /predict`` takes ``{"x": [[...], ...]}``, a sequence of shape (T, I), and answers ``{"y": ...}``, the bits of
``model.predict``. On the WebSocket ``/stream`` each connection is a sequence of its own: a message is ``{"x": [...]}``,
one step of shape (I,), and the answer ``{"y": ...}``. What is wrong is answered by ``{"error": ...}``, and a stream
goes on as if nothing had come. docs/serving.md says what to do about processes, threads and containers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool

from fastlstm import keras, step_many

MOST_BYTES = 2**20  # of a body or a message


class RefusedError(ValueError):
    """What a client is told, and the status of HTTP for it."""

    def __init__(self, text: str, status: int = 422) -> None:
        super().__init__(text)
        self.status = status


def refuse_size(size: int) -> None:
    if size > MOST_BYTES:
        raise RefusedError(f"a request must have at most {MOST_BYTES} bytes, got more", 413)


def asked(text: str | bytes) -> Any:
    """What a request has as x."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"a request must be JSON, got something else: {error}", 400) from error
    if not isinstance(found, dict) or "x" not in found:
        raise RefusedError('a request must be an object {"x": numbers}, got something else')
    return found["x"]


def numbers(x: Any, shape: tuple[int | None, ...]) -> Any:
    """`x` as an array; None in `shape` is T, any number but 0."""
    must = f"x must have shape {shape}".replace("None", "T")
    try:
        array = np.array(x)
    except ValueError:
        raise RefusedError(f"{must}, got lists of unequal lengths") from None
    wanted = [got if size is None else size for size, got in zip(shape, array.shape, strict=False)]
    if not array.size or array.shape != (*wanted,) or array.ndim != len(shape):
        raise RefusedError(f"{must}, got {array.shape}")
    if array.dtype.kind not in "iuf":
        raise RefusedError("x must be numbers, got something else among them")
    with np.errstate(over="ignore"):
        array = array.astype("float32")
    if not np.isfinite(array).all():
        raise RefusedError("x must be finite in float32, got NaN, infinity or a number that is too large")
    return array


def written(y: Any) -> str:
    if not np.isfinite(y).all():
        raise RefusedError("x must be numbers that the net can take, got some for which its answer is not finite")
    return json.dumps({"y": y.tolist()})


class Sample(NamedTuple):
    """What a session waits for."""

    stream: Any
    x: Any
    answer: asyncio.Future[Any]


def fail(samples: list[Sample], error: Exception) -> None:
    for sample in samples:
        if not sample.answer.done():
            sample.answer.set_exception(error)


class Stepper:
    """Steps the streams that have a sample waiting, in one call; those of the next call gather while it computes."""

    def __init__(self) -> None:
        self.waiting: list[Sample] = []
        self.running: asyncio.Task[None] | None = None

    async def step(self, stream: Any, x: Any) -> Any:
        sample = Sample(stream, x, asyncio.get_running_loop().create_future())
        self.waiting.append(sample)
        if self.running is None:  # made by the first sample, and so in the process that answers: a fork keeps no tasks
            self.running = asyncio.create_task(self.run())
        return await sample.answer

    async def run(self) -> None:
        while self.waiting:
            taken, self.waiting = self.waiting, []
            streams = [sample.stream for sample in taken]
            try:
                y = await asyncio.to_thread(step_many, streams, np.stack([sample.x for sample in taken]))
            except Exception as error:  # such as a lack of memory: it ends these sessions and not the server
                fail(taken, error)
            else:
                for sample, row in zip(taken, y, strict=True):
                    if not sample.answer.done():  # its session may have ended
                        sample.answer.set_result(row)
        self.running = None


async def body_of(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        refuse_size(len(body))
    return bytes(body)


class Service:
    """What is served of a model, whose inputs are (N, T, I)."""

    def __init__(self, model: Any, most_sessions: int) -> None:
        self.model, self.most_sessions = model, most_sessions
        self.stepper, self.sessions = Stepper(), set[WebSocket]()
        _, self.T, *self.sample = model.input_shape
        # Weights are packed by the first use: here, so that processes forked from this one share them.
        model.predict(np.zeros((1, self.T or 1, *self.sample), "float32"), verbose=0)
        model.stream()

    async def health(self) -> dict[str, int]:
        return {"sessions": len(self.sessions)}

    def answer(self, body: bytes) -> str:
        x = numbers(asked(body), (self.T, *self.sample))
        return written(self.model.predict(x[None], verbose=0)[0])

    async def predict(self, request: Request) -> Response:
        # In other threads than those of asyncio: steps of streams do not wait for whole sequences.
        text = await run_in_threadpool(self.answer, await body_of(request))
        return Response(text, media_type="application/json")

    async def step(self, stream: Any, text: str | bytes) -> str:
        try:
            refuse_size(len(text))
            return written(await self.stepper.step(stream, numbers(asked(text), (*self.sample,))))
        except RefusedError as error:
            return json.dumps({"error": str(error)})

    async def stream(self, socket: WebSocket) -> None:
        await socket.accept()
        if len(self.sessions) == self.most_sessions:
            await socket.close(1013, f"there are {self.most_sessions} sessions already; try again later")
            return
        self.sessions.add(socket)
        stream = self.model.stream()
        try:
            while (message := await socket.receive())["type"] != "websocket.disconnect":
                await socket.send_text(await self.step(stream, message.get("text") or message.get("bytes") or ""))
        except WebSocketDisconnect:
            pass
        finally:
            self.sessions.remove(socket)


async def refused(request: Request, error: Any) -> Response:
    return Response(json.dumps({"error": str(error)}), error.status, media_type="application/json")


def make_app(path: str | Path, most_sessions: int = 1000) -> FastAPI:
    service = Service(keras.models.load_model(path), most_sessions)
    app = FastAPI(title="fastlstm", exception_handlers={RefusedError: refused})
    app.get("/health")(service.health)
    app.post("/predict")(service.predict)
    app.websocket("/stream")(service.stream)
    return app


def main() -> None:
    import uvicorn  # gunicorn's own workers do without

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="what model.save() wrote")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    app = make_app(options.model)
    uvicorn.run(app, host=options.host, port=options.port, ws_max_size=MOST_BYTES, timeout_graceful_shutdown=10)


if __name__ == "__main__":
    main()
