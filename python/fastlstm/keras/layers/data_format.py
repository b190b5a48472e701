"""Where the features are, an argument of Keras that has one value here."""

from typing import Any

from fastlstm import checks


def checked_data_format(name: str, value: Any) -> str:
    """`value` if it is ``"channels_last"``, which None stands for; NotImplementedError for ``"channels_first"``."""
    found = checks.one_of(name, value, ("channels_last", "channels_first", None))
    if found == "channels_first":
        raise NotImplementedError(f"{name} must be 'channels_last', got 'channels_first'; put a Permute in front")
    return "channels_last"
