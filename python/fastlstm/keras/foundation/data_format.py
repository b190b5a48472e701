"""Where the features are, an argument of Keras that has one value here."""

from typing import Any

from fastlstm import checks


def checked_data_format(name: str, value: Any) -> str:
    """`value` if it is ``"channels_last"``, which None stands for; NotImplementedError for ``"channels_first"``."""
    found = checks.one_of(name, value, ("channels_last", "channels_first", None))
    if found == "channels_first":
        checks.refuse(NotImplementedError, name, "'channels_last'", found, "; put a Permute in front")
    return "channels_last"


def image_data_format() -> str:
    """Return where the channels of an image are."""
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Take ``"channels_last"``, which holds anyhow."""
    checks.text("data_format", data_format)
    checked_data_format("data_format", data_format)
