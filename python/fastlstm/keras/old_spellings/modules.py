"""Old places of modules and of names in them."""

import importlib
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from fastlstm.absent import missing
from fastlstm.frames import is_asked_by_import

from ..foundation.published import publish_as
from .functions import initializations, slice_rows
from .telling import tell

ROOT = __name__.split(".old_spellings", maxsplit=1)[0]

MODULES = {
    "backend.tensorflow_backend": "backend",
    "callbacks.callbacks": "callbacks",
    "engine": "layers",
    "engine.base_layer": "layers",
    "engine.input_layer": "layers",
    "engine.sequential": "models",
    "engine.topology": "layers",
    "engine.training": "models",
    "layers.advanced_activations": "layers",
    "layers.convolutional": "layers",
    "layers.convolutional_recurrent": "layers",
    "layers.core": "layers",
    "layers.embeddings": "layers",
    "layers.experimental": "layers",
    "layers.experimental.preprocessing": "layers",
    "layers.local": "layers",
    "layers.merge": "layers",
    "layers.noise": "layers",
    "layers.normalization": "layers",
    "layers.pooling": "layers",
    "layers.recurrent": "layers",
    "layers.rnn": "layers",
    "layers.wrappers": "layers",
    "objectives": "losses",
    "optimizers.experimental": "optimizers",
    "optimizers.legacy": "optimizers",
    "utils.data_utils": "utils",
    "utils.generic_utils": "utils",
    "utils.layer_utils": "utils",
    "utils.np_utils": "utils",
    "utils.vis_utils": "utils",
}
"""Where the names of an old module are today. Some of the old ones are folders of this package, too."""

_DIFFERENCES = {
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}
_SHORT = _DIFFERENCES | {name.upper(): today for name, today in _DIFFERENCES.items() if len(name) < 5}

NAMES = {
    "constraints": {
        "maxnorm": "constraints.max_norm",
        "nonneg": "constraints.non_neg",
        "unitnorm": "constraints.unit_norm",
    },
    "layers": {"CuDNNGRU": "layers.GRU", "CuDNNLSTM": "layers.LSTM"},
    "losses": {name: f"losses.{today}" for name, today in _SHORT.items()},
    "metrics": {name: f"metrics.{today}" for name, today in _SHORT.items()},
    "models": {"Input": "layers.Input"},
    "regularizers": {"l1l2": "regularizers.l1_l2"},
    "utils": {"Sequence": "utils.PyDataset"},
}
"""Names that were in other modules, or were others."""


def install() -> None:
    """Make the old modules, and let those that are there find what was in them."""
    for old, today in MODULES.items():
        module = sys.modules.get(f"{ROOT}.{old}") or _made(old)
        _find_in(module, _finder(old, partial(_place_in, today)), sorted(_module(today).__all__))
    for place, names in NAMES.items():
        _find_in(_module(place), _finder(place, names.get))
    _made("initializations").__dict__.update(initializations())
    _module("engine.training").__dict__["slice_X"] = slice_rows
    for name, today in NAMES["layers"].items():  # configs have them too
        publish_as("keras.layers", name, getattr(_module("layers"), today.rpartition(".")[2]))


def _module(place: str) -> ModuleType:
    return importlib.import_module(f"{ROOT}.{place}")


def _place_in(today: str, name: str) -> str:
    """Return the place today of what an old module has; in the module `today` the name may be an old one, too."""
    return NAMES.get(today, {}).get(name, f"{today}.{name}")


def _made(old: str) -> ModuleType:
    module = ModuleType(f"{ROOT}.{old}", "An old place of names.")
    module.__path__ = []  # there may be modules below it
    sys.modules[module.__name__] = module
    above, _, name = old.rpartition(".")
    holder = sys.modules[f"{ROOT}.{above}" if above else ROOT]
    setattr(holder, name, module)
    return module


def _find_in(module: ModuleType, find: Callable[[str], Any], every: list[str] | None = None) -> None:
    """Let a module give what `find` finds; `every` is what ``import *`` takes."""
    module.__dict__["__getattr__"] = find
    if every is not None:
        module.__dict__["__all__"] = every


def _finder(old: str, today_of: Callable[[str], str | None]) -> Callable[[str], Any]:
    """Return what finds the names of an old module.

    Parameters
    ----------
    old : str
        Place of the module.
    today_of : callable
        Gives the place of a name today, None for one that it does not know.
    """

    def find(name: str) -> Any:
        today = None if name.startswith("__") else today_of(name)
        holder, _, attribute = (today or "").rpartition(".")
        found = getattr(_module(holder), attribute, None) if holder else None
        if found is None:
            raise missing(f"module '{ROOT}.{old}'", name, today or f"{old}.{name}")
        if not is_asked_by_import():
            tell(f"{ROOT}.{old}.{name}", f"{ROOT}.{today}")
        return found

    return find
