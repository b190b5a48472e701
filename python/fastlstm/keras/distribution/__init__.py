"""Training on several processes and machines, under the names of ``keras.distribution``."""

from .data_parallel import DataParallel, distribution, set_distribution

__all__ = ["DataParallel", "distribution", "set_distribution"]
