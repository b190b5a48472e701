"""What Keras 2 meant by names that mean something else today."""

from __future__ import annotations

from typing import Any


def with_its_hard_sigmoid(config: Any) -> Any:
    """Return a config of Keras 1 or 2 in which ``hard_sigmoid`` is what it was there: ``clip(0.2 x + 0.5, 0, 1)``."""
    if isinstance(config, list | tuple):
        return [with_its_hard_sigmoid(entry) for entry in config]
    if not isinstance(config, dict):
        return config
    return {
        key: "hard_sigmoid_keras2"
        if value == "hard_sigmoid" and isinstance(key, str) and key.endswith("activation")
        else with_its_hard_sigmoid(value)
        for key, value in config.items()
    }
