"""Models in files: what of a model goes into one, and how a model is made of one. Formats are in `fastlstm.files`."""

from .backups import read_backup, write_backup
from .entry import load_model, load_weights, save_model, save_weights

__all__ = ["load_model", "load_weights", "read_backup", "save_model", "save_weights", "write_backup"]
