"""The serving example, asked over the loopback as a client asks it: what it answers are the bits of one process."""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import json
import os
import re
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
websockets = pytest.importorskip("websockets")
from served import EXAMPLE, Served, save_model, serving  # noqa: E402
from websockets.asyncio.client import connect  # noqa: E402
from websockets.sync.client import connect as connect_sync  # noqa: E402

MB = 2**20
RNG = np.random.default_rng(5)
PAGE = (EXAMPLE.parents[1] / "docs" / "serving.md").read_text("utf-8")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served") / "net.fastlstm"


@pytest.fixture(scope="module")
def model(path: Path) -> Any:
    return save_model(path)


@pytest.fixture(scope="module")
def served(path: Path, model: Any) -> Iterator[Served]:
    with serving(str(EXAMPLE), str(path), "--port", "0") as found:
        yield found


def sequence(T: int) -> Any:
    return RNG.normal(size=(T, 3)).astype("float32")


def asking(x: Any) -> str:
    return json.dumps({"x": np.asarray(x).tolist()})


def bits(text: str | bytes) -> Any:
    return np.array(json.loads(text)["y"], "float32")


def steps_alone(model: Any, x: Any) -> Any:
    stream = model.stream()
    return np.array([stream.step(x_t) for x_t in x])


@pytest.mark.parametrize("T", [1, 2, 50, 5000])
def test_whole_sequences_have_the_bits_of_one_process(served: Served, model: Any, T: int) -> None:
    x = sequence(T)
    status, answer = served.post({"x": x.tolist()})
    assert status == 200
    np.testing.assert_array_equal(np.array(answer["y"], "float32"), model.predict(x[None], verbose=0)[0])


async def one_session(address: str, x: Any) -> Any:
    async with connect(address) as session:
        found = []
        for x_t in x:
            await session.send(asking(x_t))
            found.append(bits(await session.recv()))
        return np.array(found)


def test_many_sessions_at_once_have_the_bits_of_each_alone(served: Served, model: Any) -> None:
    xs = [sequence(int(T)) for T in RNG.integers(1, 30, 100)]

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(one_session(served.streams, x) for x in xs))

    for x, found in zip(xs, asyncio.run(all_of_them()), strict=True):
        np.testing.assert_array_equal(found, steps_alone(model, x))
    wait_for_sessions(served, 0)


def test_samples_that_wait_are_stepped_in_one_call(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import serving as example

    counts, goes_on = list[int](), threading.Event()

    def step_many(streams: Any, x: Any) -> Any:
        counts.append(len(streams))
        assert goes_on.wait(30)
        return x

    async def steps() -> None:
        stepper = example.Stepper()
        first = [asyncio.create_task(stepper.step(k, np.float32(k))) for k in range(20)]
        await asyncio.sleep(0)
        later = [asyncio.create_task(stepper.step(k, np.float32(k))) for k in range(7)]
        await asyncio.sleep(0)
        first[3].cancel()  # sessions that end while their samples are computed, or wait
        later[2].cancel()
        goes_on.set()
        for tasks, cancelled in [(first, 3), (later, 2)]:
            found = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(found.pop(cancelled), asyncio.CancelledError)
            assert found == [k for k in range(len(tasks)) if k != cancelled]

    monkeypatch.setattr(example, "step_many", step_many)
    asyncio.run(asyncio.wait_for(steps(), 30))
    assert counts == [20, 7]


def test_an_error_of_a_step_ends_its_sessions_and_not_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    import serving as example

    def step_many(streams: Any, x: Any) -> Any:
        if "bad" in streams:
            raise MemoryError
        return x

    async def steps() -> None:
        stepper = example.Stepper()
        bad = await asyncio.gather(stepper.step("bad", 1), stepper.step("good", 2), return_exceptions=True)
        assert [type(error) for error in bad] == [MemoryError, MemoryError]
        assert await stepper.step("good", 3) == 3

    monkeypatch.setattr(example, "step_many", step_many)
    asyncio.run(asyncio.wait_for(steps(), 30))


SHAPE = r"x must have shape \(T, 3\), got "
FINITE = "x must be finite in float32, got NaN, infinity or a number that is too large"
KIND = "x must be numbers, got something else among them"
MALFORMED = {
    "nothing": ("", 400, "a request must be JSON, got something else: "),
    "no JSON": ("x=1", 400, "a request must be JSON, got something else: "),
    "no text": (b"\xff\xfe\x00\x01\x80", 400, "a request must be JSON, got something else: "),
    "too deep": ("[" * 100_000, 400, "a request must be JSON, got something else: "),
    "a list": ("[[1, 2, 3]]", 422, r'a request must be an object \{"x": numbers\}'),
    "no x": ('{"y": [[1, 2, 3]]}', 422, r'a request must be an object \{"x": numbers\}'),
    "null": ('{"x": null}', 422, SHAPE + r"\(\)"),
    "empty": ('{"x": []}', 422, SHAPE + r"\(0,\)"),
    "two features": ('{"x": [[1, 2], [3, 4]]}', 422, SHAPE + r"\(2, 2\)"),
    "a batch": ('{"x": [[[1, 2, 3]]]}', 422, SHAPE + r"\(1, 1, 3\)"),
    "ragged": ('{"x": [[1, 2, 3], [4, 5]]}', 422, SHAPE + "lists of unequal lengths"),
    "deep": ('{"x": ' + "[" * 200 + "]" * 200 + "}", 422, SHAPE),
    "texts": ('{"x": [["1", "2", "3"]]}', 422, KIND),
    "a gap": ('{"x": [[1, null, 3]]}', 422, KIND),
    "truths": ('{"x": [[true, true, false]]}', 422, KIND),
    "huge whole numbers": ('{"x": [[1, 2, 1%s]]}' % ("0" * 400), 422, KIND),
    "NaN": ('{"x": [[1, NaN, 3]]}', 422, FINITE),
    "infinity": ('{"x": [[1, 2, -Infinity]]}', 422, FINITE),
    "beyond float64": ('{"x": [[1, 2, 1e999]]}', 422, FINITE),
    "beyond float32": ('{"x": [[1, 2, 1e39]]}', 422, FINITE),
    "too many bytes": (" " * (MB + 1), 413, "a request must have at most 1048576 bytes, got more"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_bodies(served: Served, name: str) -> None:
    body, status, message = MALFORMED[name]
    got, answer = served.post(body if isinstance(body, bytes) else body.encode())
    assert got == status
    assert re.match(message, answer["error"]), answer


def test_a_body_without_a_length_and_without_an_end(served: Served) -> None:
    """It is refused as soon as it is too long, before it has come to an end."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.putrequest("POST", "/predict")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for _ in range(17):
        connection.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
    assert connection.getresponse().status == 413
    connection.close()


def told(session: Any, message: str | bytes) -> Any:
    session.send(message)
    return json.loads(session.recv(timeout=30))


def test_garbage_in_a_stream_disturbs_nobody(served: Served, model: Any) -> None:
    """It is answered by an error, and its session goes on as if it had not come."""
    x, other = sequence(len(MALFORMED)), sequence(len(MALFORMED))
    wanted, of_other = steps_alone(model, x), steps_alone(model, other)
    garbage = [body for body, status, _ in MALFORMED.values() if status != 413]
    with connect_sync(served.streams) as session, connect_sync(served.streams) as neighbour:
        for k, message in enumerate([*garbage, asking(x)]):
            assert list(told(session, message)) == ["error"]
            np.testing.assert_array_equal(bits(json.dumps(told(neighbour, asking(other[k])))), of_other[k])
            np.testing.assert_array_equal(bits(json.dumps(told(session, asking(x[k]).encode()))), wanted[k])


def test_a_message_that_is_too_large_ends_its_session(served: Served, model: Any) -> None:
    x = sequence(2)
    with connect_sync(served.streams) as neighbour:
        told(neighbour, asking(x[0]))
        with connect_sync(served.streams) as session:
            session.send(" " * (MB + 1))
            with pytest.raises(websockets.ConnectionClosed) as closed:
                session.recv(timeout=30)
            assert closed.value.rcvd.code == 1009
        np.testing.assert_array_equal(bits(json.dumps(told(neighbour, asking(x[1])))), steps_alone(model, x)[1])


def sessions_of(served: Served) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", "/health")
    found = json.loads(connection.getresponse().read())["sessions"]
    connection.close()
    return int(found)


def wait_for_sessions(served: Served, count: int) -> None:
    until = time.monotonic() + 30
    while (found := sessions_of(served)) != count:
        assert time.monotonic() < until, found
        time.sleep(0.01)


def test_a_session_ends_with_its_connection(served: Served) -> None:
    """Closed by its client, or cut off by a network."""
    wait_for_sessions(served, 0)
    with connect_sync(served.streams) as cut:
        with connect_sync(served.streams) as closed:
            told(closed, asking([1, 2, 3]))
            told(cut, asking([1, 2, 3]))
            assert sessions_of(served) == 2
        wait_for_sessions(served, 1)
        cut.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        cut.socket.shutdown(socket.SHUT_RDWR)
    wait_for_sessions(served, 0)


LIMITED = "import sys, uvicorn, serving; uvicorn.run(serving.make_app(sys.argv[1], most_sessions=2), port=0)"


def test_more_sessions_than_there_is_room_for_are_sent_away(path: Path, model: Any) -> None:
    with serving("-c", LIMITED, str(path), cwd=EXAMPLE.parent) as served, connect_sync(served.streams):
        with connect_sync(served.streams), connect_sync(served.streams) as third:
            with pytest.raises(
                websockets.ConnectionClosed, match="there are 2 sessions already; try again later"
            ) as closed:
                third.recv(timeout=30)
            assert closed.value.rcvd.code == 1013
        wait_for_sessions(served, 1)
        with connect_sync(served.streams) as fourth:
            assert "y" in told(fourth, asking([1, 2, 3]))


def test_what_has_begun_is_answered_before_the_end(path: Path, model: Any) -> None:
    """SIGTERM in the middle of a request: it is answered; sessions are told that the server restarts."""
    x = sequence(200)
    body = asking(x).encode()
    with serving(str(EXAMPLE), str(path), "--port", "0") as served, connect_sync(served.streams) as session:
        told(session, asking([1, 2, 3]))
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body[:1000])
        assert sessions_of(served) == 1  # and so the server has seen the beginning
        served.process.send_signal(signal.SIGTERM)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            session.recv(timeout=30)
        assert closed.value.rcvd.code == 1012
        connection.send(body[1000:])
        np.testing.assert_array_equal(bits(connection.getresponse().read()), model.predict(x[None], verbose=0)[0])
        connection.close()
        served.wait()
        assert any("Finished server process" in line for line in served.told)


def commands() -> list[list[str]]:
    """Those of the page that begin a server."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = [line.partition("  #")[0] for block in blocks for line in block.splitlines()]
    return [line.split() for line in lines if "gunicorn" in line.split()]


@pytest.mark.slow
@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_workers_of_gunicorn(command: list[str], path: Path, model: Any, tmp_path: Path) -> None:
    """Loaded in each or forked from one that loaded it: the same bits, from every worker."""
    for package in {"gunicorn", "uvicorn_worker"}.intersection(re.findall(r"\w+", " ".join(command))):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    begin = command.index("gunicorn")
    options = [part.replace("net.fastlstm", str(path)).strip('"') for part in command[begin + 1 :]]
    at_home = os.environ | {"HOME": str(tmp_path)}  # where gunicorn puts a socket
    with serving("-m", "gunicorn", "--bind", "127.0.0.1:0", *options, cwd=EXAMPLE.parent, env=at_home) as served:
        xs = [sequence(40) for _ in range(8)]
        for x in xs:
            status, answer = served.post({"x": x.tolist()})
            assert status == 200
            np.testing.assert_array_equal(np.array(answer["y"], "float32"), model.predict(x[None], verbose=0)[0])
        found = [asyncio.run(one_session(served.streams, x)) for x in xs]
        for x, ys in zip(xs, found, strict=True):
            np.testing.assert_array_equal(ys, steps_alone(model, x))
        assert served.stop() == 0
