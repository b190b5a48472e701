"""Models out of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastlstm import checks

from ..foundation.keras_2 import is_of_keras_2, todays_config
from ..foundation.serialization import check_levels, deserialize_keras_object
from .model import Model


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """Return a model made of what JSON says, with new weights.

    Parameters
    ----------
    json_string : str
        What `Model.to_json` gives, here or in Keras, version 2 or 3.
    custom_objects : dict, optional
        Classes and functions of your own by the names that the text has for them.

    Raises
    ------
    TypeError, ValueError
        Something is not as it must be, or names a class that is not known.
    """
    try:
        config = json.loads(checks.text("json_string", json_string))
    except json.JSONDecodeError as error:
        checks.refuse(ValueError, "json_string", "JSON", json_string, f": {error}")
    except RecursionError:
        checks.complain(ValueError, "json_string", "not be nested so deep", "more levels than Python's stack can hold")
    check_levels(config, "json_string")
    if not isinstance(config, dict):
        checks.refuse(TypeError, "json_string", "that of an object, { ... }", config)
    if is_of_keras_2(config.get("keras_version")):
        config = todays_config(config)
    model = deserialize_keras_object(config, custom_objects)
    if not isinstance(model, Model):
        checks.refuse(TypeError, "json_string", "that of a model", model)
    return model
