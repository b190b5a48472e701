"""What runs tell their users."""

import logging
import sys

from . import settings
from .distributed import speaks

LOGGER = logging.getLogger("fastlstm.keras")


def tell(text: str, end: str = "\n") -> None:
    """Write to standard output or, as `settings` may say, to the log."""
    if not speaks():
        return
    if settings.is_interactive_logging_enabled():
        write(text + end)
    else:
        LOGGER.info(text.strip())


def write(text: str) -> None:
    """Write to standard output, if there is one; what it has no letters for becomes question marks."""
    stream = sys.stdout
    if stream is None:  # as in a program without a console
        return
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(text.encode(stream.encoding, "replace").decode(stream.encoding))
    stream.flush()


def redraws() -> bool:
    """Whether a line of standard output can be drawn anew: in terminals and notebooks, not in files and pipes."""
    stream = sys.stdout
    if stream is None:
        return False
    return stream.isatty() or type(stream).__module__.partition(".")[0] == "ipykernel"
