"""Models in files: what of a model goes into one, and how a model is made of one. Formats are in `fastlstm.files`."""

from .entry import load_model, load_weights, save_model, save_weights

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]
