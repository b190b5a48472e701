"""Models in files: what of a model goes into one, and how a model is made of one. Formats are in `fastlstm.files`."""

from .checkpoints import checkpoint_of, read_checkpoint, write_checkpoint
from .entry import existing, load_model, load_weights, save_model, save_weights

__all__ = [
    "checkpoint_of",
    "existing",
    "load_model",
    "load_weights",
    "read_checkpoint",
    "save_model",
    "save_weights",
    "write_checkpoint",
]
