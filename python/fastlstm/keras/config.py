"""Settings that hold for everything, under Keras' names."""

from .backend import backend
from .foundation.data_format import image_data_format, set_image_data_format
from .foundation.policies import dtype_policy, set_dtype_policy
from .foundation.settings import (
    disable_interactive_logging,
    enable_interactive_logging,
    epsilon,
    floatx,
    is_interactive_logging_enabled,
    set_epsilon,
    set_floatx,
)

__all__ = [
    "backend",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_interactive_logging",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_interactive_logging_enabled",
    "is_traceback_filtering_enabled",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]


def is_traceback_filtering_enabled() -> bool:
    """Return False: tracebacks are whole."""
    return False


def disable_traceback_filtering() -> None:
    """Do nothing: tracebacks are whole."""
