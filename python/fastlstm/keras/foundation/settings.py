"""What holds for all from now on: the default dtype, the smallest probability, where progress is written."""

from fastlstm import checks


class _Settings:
    floatx = "float32"
    policy: str | None = None
    epsilon = 1e-7
    interactive = True


_now = _Settings()


def floatx() -> str:
    """Return the dtype of layers that are not told one."""
    return _now.floatx


def set_floatx(value: str) -> None:
    """Set the dtype of layers that are not told one: ``"float32"`` or ``"float64"``."""
    _now.floatx = checks.float_dtype("value", value).name


def policy() -> str:
    """Return the name of the dtype policy of layers that are not told one."""
    return _now.policy or _now.floatx


def set_policy(value: str | None) -> None:
    """Set what `policy` gives; None: `floatx`, as at first."""
    _now.policy = value


def epsilon() -> float:
    """Return how far probabilities are kept from 0 and 1 before a logarithm; what is divided by is at least that."""
    return _now.epsilon


def set_epsilon(value: float) -> None:
    """Set what `epsilon` gives; 1e-7 at first."""
    _now.epsilon = checks.real_number("value", value, above=0, below=1)


def is_interactive_logging_enabled() -> bool:
    """Whether progress and the messages of callbacks are written to standard output, and not to a log."""
    return _now.interactive


def enable_interactive_logging() -> None:
    """Write progress and the messages of callbacks to standard output, as at first."""
    _now.interactive = True


def disable_interactive_logging() -> None:
    """Give progress and the messages of callbacks to the logger ``"fastlstm.keras"``."""
    _now.interactive = False
