"""What Keras calls the dtype policy of a layer: its dtype, and the precision of its products."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastlstm import checks, precisions
from fastlstm.precisions import BFLOAT16, FULL

from . import settings
from .arrays import POLICIES, policy_name

MIXED = "mixed_bfloat16"
"""The policy of products of bfloat16 with float32 weights."""

_QUANTIZED = "QuantizedDTypePolicy"
_MODES = ("int8",)
"""Whose names a quantized policy may have."""
_NAME = re.compile(f"({'|'.join(_MODES)})_from_(.+)")


class DTypePolicy:
    """What a layer is told as `dtype`: the dtype of its weights and the precision of its products.

    Parameters
    ----------
    name : str, optional
        ``"float32"``, ``"float64"`` or ``"mixed_bfloat16"``; None is that of `global_policy`.

    Raises
    ------
    TypeError
        If there is no such policy.

    Notes
    -----
    With ``"mixed_bfloat16"`` products are made of numbers rounded to bfloat16. What a layer is given and gives is
    float32, where Keras has bfloat16.

    Examples
    --------
    >>> from fastlstm import keras
    >>> policy = keras.DTypePolicy("mixed_bfloat16")
    >>> policy.name, policy.variable_dtype
    ('mixed_bfloat16', 'float32')
    """

    def __init__(self, name: str | None = None) -> None:
        told = settings.policy() if name is None else checks.text("name", name)
        self._dtype, self._precision = _of_name(told, "name")

    @property
    def name(self) -> str:
        """As Keras has it."""
        return _name(self._dtype, self._precision)

    @property
    def compute_dtype(self) -> str:
        """Of the numbers that products are made of."""
        return BFLOAT16 if self._precision == BFLOAT16 else self._dtype.name

    @property
    def variable_dtype(self) -> str:
        """Of the weights."""
        return self._dtype.name

    @property
    def quantization_mode(self) -> None:
        """None: the policy of a quantized layer is another."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """Return the policy of a config."""
        return cls(**checks.settings("config", config))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


def dtype_policy() -> DTypePolicy:
    """Return the policy of layers that are not told a dtype: that of `set_dtype_policy`, or else of ``floatx()``."""
    return DTypePolicy()


def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Set the policy of layers that are made from now on and not told a dtype.

    Parameters
    ----------
    policy : str or DTypePolicy
        A `DTypePolicy`, or the name of one: ``"float32"``, ``"float64"`` or ``"mixed_bfloat16"``.
    """
    if not isinstance(policy, str | DTypePolicy):
        checks.refuse(TypeError, "policy", "a DTypePolicy or the name of one, such as 'mixed_bfloat16'", policy)
    settings.set_policy(_name(*_of_name(policy if isinstance(policy, str) else policy.name, "policy")))


def _name(dtype: np.dtype[Any], precision: str) -> str:
    return MIXED if precision == BFLOAT16 else dtype.name


def _of_name(name: str, argument: str) -> tuple[np.dtype[Any], str]:
    if name == MIXED:
        return np.dtype(np.float32), BFLOAT16
    wanted = f"'float32', 'float64' or {MIXED!r}"
    if name.startswith("mixed_"):
        checks.refuse(TypeError, argument, wanted, name)
    return checks.float_dtype(argument, name, wanted), FULL


def taken_apart(dtype: Any, name: str) -> tuple[Any, str]:
    """Return the dtype and the precision of what a layer is told as `dtype`: a name, a policy, or one described."""
    told = settings.policy() if dtype is None else dtype.name if isinstance(dtype, DTypePolicy) else dtype
    if isinstance(told, Mapping) and told.get("class_name") in POLICIES:
        told = policy_name({**told}, name)
    found = _NAME.fullmatch(told) if isinstance(told, str) else None
    if found is not None:
        return _source(found[2]), precisions.chosen(found[1])
    if isinstance(told, str) and told.startswith("mixed_"):
        return _of_name(told, name)
    if not isinstance(told, Mapping) or told.get("class_name") != _QUANTIZED:
        return told, FULL
    config = checks.settings(f"{name}: config", told.get("config"))
    if config.get("mode") not in _MODES:
        wanted = f"one with the mode {' or '.join(map(repr, _MODES))}"
        checks.refuse(NotImplementedError, name, wanted, dtype)
    return _source(config.get("source_name")), precisions.chosen(config["mode"])


def get(policy: Any) -> DTypePolicy:
    """Return the policy of a name or a description, or itself; None is that of `dtype_policy`."""
    if policy is None or isinstance(policy, DTypePolicy):
        return DTypePolicy() if policy is None else policy
    dtype, precision = taken_apart(policy, "policy")
    if precision in precisions.WHOLE:
        checks.refuse(NotImplementedError, "policy", "one of layers that are not quantized", policy)
    return DTypePolicy(MIXED if precision == BFLOAT16 else dtype)


def serialize(policy: DTypePolicy) -> dict[str, Any]:
    """Return a policy as configs describe it."""
    if not isinstance(policy, DTypePolicy):
        checks.refuse(TypeError, "policy", "a DTypePolicy", policy)
    return _object("keras", "DTypePolicy", policy.get_config())


def deserialize(config: Mapping[str, Any]) -> DTypePolicy:
    """Return the policy that a config describes."""
    if not isinstance(config, Mapping):
        checks.refuse(TypeError, "config", "the description of a DTypePolicy", config)
    return get(config)


def _source(name: Any) -> Any:
    """Return the dtype of a policy that a layer had before it was quantized."""
    return "float32" if name == MIXED else name


def described(dtype: Any, precision: str = FULL) -> dict[str, Any]:
    """Return a dtype and a precision as Keras describes the policy of a layer."""
    if precision in precisions.WHOLE:
        of_mode = {"mode": precisions.mode_of(precision), "source_name": dtype.name}
        return _object("keras.dtype_policies", _QUANTIZED, of_mode)
    return _object("keras", "DTypePolicy", {"name": _name(dtype, precision)})


def _object(module: str, name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}
