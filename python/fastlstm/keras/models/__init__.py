"""Models: layers one after the other, and graphs of them."""

from ..files import load_model, save_model
from ..foundation.published import publish, publish_as
from .cloning import clone_model
from .configs import FUNCTIONAL
from .from_json import model_from_json
from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

publish("keras", Model, Sequential)
for _module in ("keras", FUNCTIONAL, "keras.src.engine.functional", "keras.engine.functional", "keras.models"):
    publish_as(_module, "Functional", Model)
