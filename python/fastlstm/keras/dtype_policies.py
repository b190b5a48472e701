"""Dtype policies and their descriptions, under Keras' names."""

from .foundation.policies import DTypePolicy, deserialize, get, serialize

FloatDTypePolicy = DTypePolicy

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]
