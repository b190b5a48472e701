"""The warning that goes with every old spelling."""

import warnings

from fastlstm.frames import user_stacklevel


def tell(old: str, today: str) -> None:
    """Warn of an old spelling; no `today`: there is nothing in its place."""
    cure = f"write {today}" if today else "leave it out"
    warnings.warn(f"{old} is an old spelling; {cure}", DeprecationWarning, stacklevel=user_stacklevel())
