"""Threads, instruction sets and facts about this build."""

from __future__ import annotations

import platform
import warnings

import numpy as np

from fastlstm import _core, checks, precisions


def available_isas() -> list[str]:
    """Instruction sets this build has and this processor can run, fastest first.

    Returns
    -------
    list of str
        Names such as ``"avx512"``, ``"avx2"``, ``"baseline"``, ``"neon"``, ``"plain"``.

    Examples
    --------
    >>> import fastlstm as fl
    >>> fl.active_isa() in fl.available_isas()
    True
    """
    return _core.available_isas()


def active_isa() -> str:
    """Name of the instruction set new weights are packed for.

    It is the fastest available one unless the environment variable ``FASTLSTM_ISA`` or `set_isa` names another.

    Returns
    -------
    str
    """
    return _core.active_isa()


def set_isa(name: str) -> None:
    """Make `name` the active instruction set. Weights packed before keep theirs.

    Parameters
    ----------
    name : str
        One of `available_isas`.

    Raises
    ------
    ValueError
        If `name` is unknown or this processor cannot run it; the message lists the valid names.
    TypeError
        If `name` is not a str.
    """
    _core.set_isa(checks.text("name", name))


def get_num_threads() -> int:
    """Largest number of threads a call may use.

    The default is the environment variable ``FASTLSTM_NUM_THREADS``, else ``OMP_NUM_THREADS``, which Dask, Ray, Spark
    and joblib set in their workers, else the processors this process may run on or, where that is less, those that the
    time a container grants it amounts to, rounded down.

    Returns
    -------
    int
    """
    return _core.get_num_threads()


def set_num_threads(n: int) -> None:
    """Set the largest number of threads a call may use. Results do not depend on it.

    Parameters
    ----------
    n : int
        From 1 to 1024.

    Raises
    ------
    ValueError
        If `n` is outside that range.
    TypeError
        If `n` is not a whole number.

    Examples
    --------
    >>> import fastlstm as fl
    >>> before = fl.get_num_threads()
    >>> fl.set_num_threads(1)
    >>> fl.get_num_threads()
    1
    >>> fl.set_num_threads(before)
    """
    _core.set_num_threads(checks.whole_number("n", n, at_least=1, at_most=1024))


def config() -> dict[str, str]:
    """Facts about this build and machine, as text.

    Returns
    -------
    dict of str to str
        Versions, instruction sets built, available and active, how it makes products in each reduced precision,
        threads, compiler and flags, and whether it is optimized.
    """
    build = _core.build_config()
    return {
        "fastlstm": build["version"],
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "isas built": ", ".join(f"{name} ({build['isa ' + name]})" for name in _core.built_isas()),
        "isas available": ", ".join(available_isas()),
        "isa active": active_isa(),
        **{f"products {name}": _products(name) for name in precisions.NAMES},
        "threads": _threads(),
        "compiler": build["compiler"],
        "flags": build["flags"],
        "optimized": build["optimized"],
    }


def warn_if_slow() -> None:
    """Warn if this build is not optimized; done once, by the import of the package."""
    build = _core.build_config()
    if build["optimized"] == "no":
        text = (
            f"this fastlstm was compiled without optimization ({build['flags'].strip()}), for a debugger, and is slow: "
            "install it with -Ccmake.build-type=Release to use it"
        )
        warnings.warn(text, RuntimeWarning, stacklevel=2)


def _products(precision: str) -> str:
    """Return how the active instruction set makes products in a precision."""
    try:
        emulated = " (emulated)" if precisions.is_emulated(precision) else ""
        return _core.kernel_description(precision) + emulated
    except ValueError:
        return "none in this build"


def _threads() -> str:
    wanted, granted = get_num_threads(), _core.granted_threads()
    refused = granted and granted < wanted
    return f"{wanted} (calls run on {granted}: the system refused to start more)" if refused else str(wanted)


def show_config() -> None:
    """Print `config`, a line each: what to paste into a bug report."""
    for name, value in config().items():
        print(f"{name:20} {value}")
