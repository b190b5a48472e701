"""What runs tell their users."""

import logging
import sys

from . import settings

LOGGER = logging.getLogger("fastlstm.keras")


def tell(text: str, end: str = "\n") -> None:
    """Write to standard output or, as `settings` may say, to the log."""
    if settings.is_interactive_logging_enabled():
        sys.stdout.write(text + end)
        sys.stdout.flush()
    else:
        LOGGER.info(text.strip())
