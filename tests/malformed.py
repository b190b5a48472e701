"""Values that no argument can mean, and what a call must do with them: take the documented ones, refuse the others.

A refusal is TypeError, ValueError or, for sizes, MemoryError, and says the name of the argument and what it got.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

VALUES: dict[str, Any] = {
    "text": "x",
    "bytes": b"3",
    "None": None,
    "True": True,
    "nan": float("nan"),
    "nan of NumPy": np.float32("nan"),
    "inf": float("inf"),
    "-1": -1,
    "0": 0,
    "2.5": 2.5,
    "2**31": 2**31,
    "2**62": 2**62,
    "2**70": 2**70,
    "10**400": 10**400,
    "[]": [],
    "ragged list": [[1.0], [1.0, 2.0]],
    "{}": {},
    "object": object(),
    "class": int,
    "array": np.zeros(3),
    "array of objects": np.array([None, "a"]),
    "complex": 1j,
    "tuple": ("5", 3),
    "negative size": (-1, 3),
}

WHOLE = {"0", "2**31", "2**62", "2**70", "10**400"}
REAL = {"-1", "0", "2.5", "2**31", "2**62", "2**70"}
TRUTH = {"True", "0"}  # 0 and 1 equal False and True


def by_annotation(annotation: Any) -> set[str]:
    """Return the values that an argument of this type may take."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    kinds = {"bool": TRUTH, "int": WHOLE, "float": REAL, "str": {"text"}, "None": {"None"}, "Any": {"None"}}
    parts = [part.strip() for part in text.split("|")]
    return set().union(*(kinds.get(part, set()) for part in parts))


def complaint(call: Callable[[Any], Any], name: str, key: str, allowed: set[str]) -> str | None:
    """Call with one of `VALUES`; return what is wrong with what happens. `name` is a regular expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(VALUES[key])
    except (TypeError, ValueError, MemoryError) as error:
        right = re.search(name, str(error)) and "got" in str(error) and "incompatible" not in str(error)
        return None if right else f"{key}: {type(error).__name__}: {error}"
    except NotImplementedError as error:  # an argument of Keras that is known and has one value here
        return None if re.search(name, str(error)) else f"{key}: {error}"
    except BaseException as error:
        return f"{key}: {type(error).__name__}: {error}"
    return None if key in allowed else f"{key} is accepted"


def complaints(call: Callable[[Any], Any], name: str, allowed: set[str]) -> list[str]:
    """What is wrong with an argument, over all `VALUES`."""
    found = (complaint(call, name, key, allowed) for key in VALUES)
    return [f"{name} = {text}" for text in found if text]
