"""What programs tell TensorFlow of its own workings: sessions, the memory of GPUs, messages.

None of it is here, so that there is nothing to set: what programs say first is taken, what asks for more is an error.
"""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, NoReturn

from fastlstm import checks
from fastlstm.keras.old_spellings.telling import tell

DEBUG, INFO, WARN, ERROR, FATAL = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL


def set_verbosity(v: Any) -> None:
    """Say from which level on TensorFlow logs; nothing is logged here."""
    checks.whole_number("v", v)


def get_logger() -> logging.Logger:
    """Return a logger, which nothing here writes to."""
    return logging.getLogger("tensorflow")


def enable_eager_execution() -> None:
    """Compute what is called at once, as everything here does."""


class ConfigProto(SimpleNamespace):
    """Settings of a `Session`, of which none has an effect.

    Parameters
    ----------
    **kwargs : keyword arguments
        They, by name.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"gpu_options": GPUOptions()} | kwargs))
        tell("tf.ConfigProto", "")


class GPUOptions(SimpleNamespace):
    """Settings of GPUs, of which there is none."""


class Session:
    """What TensorFlow 1 computes in: nothing waits here to be computed, and there is nothing that it can run.

    Parameters
    ----------
    target, graph : str; object
        Where, and what; no effect.
    config : ConfigProto, optional
        A `ConfigProto`.

    Raises
    ------
    TypeError
        If `config` is no `ConfigProto`.
    """

    def __init__(self, target: str = "", graph: Any = None, config: ConfigProto | None = None) -> None:
        tell("tf.Session", "")
        if config is not None and not isinstance(config, ConfigProto):
            checks.refuse(TypeError, "config", "a ConfigProto", config)
        self.graph = graph

    def run(self, fetches: Any, feed_dict: Any = None) -> NoReturn:
        """TypeError: arrays are there already."""
        checks.complain(TypeError, "fetches", "be left out, as everything is computed when it is called", fetches)

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *caught: object) -> None:
        self.close()
