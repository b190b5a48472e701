"""Workers as the orchestrator sees them: started, asked, and stopped while another has its turn."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

WORKER = Path(__file__).with_name("worker.py")
START_TIMEOUT = 300.0  # seconds; importing TensorFlow on a slow disk takes long
ANSWER_TIMEOUT = 600.0  # preparing may compile


class GoneError(Exception):
    """The worker died, or took too long and was killed."""


@dataclass(frozen=True)
class Entrant:
    """Who takes part: a module of ``contenders`` in a precision, run by a Python under an environment."""

    label: str
    module: str
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)
    precision: str = "float32"


def thread_environment(threads: int) -> dict[str, str]:
    """Tell every library how many threads it has; most read this only when they are imported."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "FASTLSTM_NUM_THREADS")
    variables = dict.fromkeys(names, str(threads))
    if threads == 1:
        variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return variables


def run_alone(arguments: Sequence[str], cores: Sequence[int]) -> str:
    """Run Python from start to end on these cores, and give the last line it prints."""
    quiet = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **thread_environment(len(cores)), **quiet},
        capture_output=True,
        text=True,
        check=True,
        timeout=ANSWER_TIMEOUT,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return done.stdout.splitlines()[-1]


def last_words(error: subprocess.SubprocessError) -> str:
    """Say in a line why a process that ran alone gave nothing."""
    if isinstance(error, subprocess.CalledProcessError):
        lines: list[str] = error.stderr.strip().splitlines()
        return lines[-1] if lines else f"ended with code {error.returncode}"
    return str(error)


class Process:
    """A running worker. It is stopped (SIGSTOP) except during its turns, so that its threads cannot spin."""

    def __init__(self, entrant: Entrant, cores: list[int], log: IO[bytes]) -> None:
        self.entrant, self.cores, self.log = entrant, cores, log
        self.start()

    def start(self) -> None:
        """Start; raise `GoneError` if it ends at once."""
        environment = {**os.environ, **thread_environment(len(self.cores)), **self.entrant.environment}
        options = ["--cores", ",".join(map(str, self.cores)), "--precision", self.entrant.precision]
        self.process = subprocess.Popen(
            [self.entrant.python, str(WORKER), self.entrant.module, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
        )
        self.greeting = self._reply(START_TIMEOUT)
        self._signal(signal.SIGSTOP)

    def restart(self) -> None:
        """Start again after a death."""
        self.close()
        self.start()

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.process.poll() is None

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Give the worker a turn."""
        assert self.process.stdin is not None
        with self._awake():
            try:
                self.process.stdin.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
                self.process.stdin.flush()
            except BrokenPipeError as error:
                raise GoneError(f"{self.entrant.label} is gone") from error
            return self._reply(ANSWER_TIMEOUT)

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()  # works on a stopped process too
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()

    @contextlib.contextmanager
    def _awake(self) -> Iterator[None]:
        self._signal(signal.SIGCONT)
        try:
            yield
        finally:
            self._signal(signal.SIGSTOP)

    def _signal(self, number: signal.Signals) -> None:
        if self.alive:
            self.process.send_signal(number)

    def _reply(self, timeout: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        timer = threading.Timer(timeout, self.process.kill)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            code = self.process.wait()
            raise GoneError(f"{self.entrant.label} ended with code {code}, or was killed after {timeout:.0f} s")
        reply: dict[str, Any] = json.loads(line)
        return reply
