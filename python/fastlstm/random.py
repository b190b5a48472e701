"""`set_seed` under the name that programs have for it which ``import fastlstm as tf``."""

from fastlstm.keras.utils import set_random_seed as set_seed

__all__ = ["set_seed"]
