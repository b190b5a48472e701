"""Threads of fastlstm for threadpoolctl, by which scikit-learn and joblib limit those of all libraries at once."""

from __future__ import annotations

from functools import cache

from fastlstm import _core, checks

try:
    import threadpoolctl
except ImportError as error:
    checks.refuse_without("threadpoolctl", "fastlstm.threadpools", "threadpoolctl", error)

__all__ = ["Controller", "register"]


class Controller(threadpoolctl.LibController):  # type: ignore[misc]
    """How threadpoolctl reads and sets the threads that a call may use."""

    user_api = "fastlstm"
    internal_api = "fastlstm"
    filename_prefixes = ("_core",)
    check_symbols = ("fastlstm_get_num_threads", "fastlstm_set_num_threads")

    def get_num_threads(self) -> int:
        """Return them, as `fastlstm.get_num_threads`."""
        return int(self.dynlib.fastlstm_get_num_threads())

    def set_num_threads(self, num_threads: int) -> None:
        """Set them, as `fastlstm.set_num_threads`."""
        self.dynlib.fastlstm_set_num_threads(num_threads)

    def get_version(self) -> str:
        """Return the version of the library."""
        return _core.build_config()["version"]


@cache
def register() -> None:
    """Let threadpoolctl know of the threads of fastlstm, from now on and in this process.

    Its ``threadpool_limits`` then holds for them like for those of BLAS, and ``threadpool_info`` names them. Results do
    not depend on the number of threads. Calling it again does nothing.

    Raises
    ------
    ImportError
        When this module is imported without threadpoolctl.

    Examples
    --------
    >>> import fastlstm as fl
    >>> import threadpoolctl
    >>> from fastlstm import threadpools
    >>> threadpools.register()
    >>> with threadpoolctl.threadpool_limits(1):
    ...     fl.get_num_threads()
    1
    """
    threadpoolctl.register(Controller)
