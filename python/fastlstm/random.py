"""`set_seed` and what else of ``tf.random`` there is: for programs that say ``import fastlstm as tf``."""

from typing import Any

from fastlstm.keras.utils import set_random_seed as set_seed
from fastlstm.tensorflow.finding import find

__all__ = ["set_seed"]


def __getattr__(name: str) -> Any:
    return find(__name__, "random", name)
