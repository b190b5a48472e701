"""The recurrent product of each gate, and its derivative."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .arrays import Array


def recurrent_products(weight_hh: Array, h: Array, masks: Array) -> list[Array]:
    """``R_k (mask_k * h)`` of each gate k, ``(N, H)``."""
    gates = np.split(weight_hh, len(masks))
    return [(mask * h) @ R.T for R, mask in zip(gates, masks, strict=True)]


def recurrent_products_backward(weight_hh: Array, h: Array, masks: Array, dz: Sequence[Array]) -> tuple[Array, Array]:
    """From the gradients ``dz_k`` of the products to those of ``h`` and ``weight_hh``."""
    gates = np.split(weight_hh, len(masks))
    dh = sum((mask * (dz_k @ R) for R, mask, dz_k in zip(gates, masks, dz, strict=True)), np.zeros_like(h))
    return dh, np.concatenate([dz_k.T @ (mask * h) for mask, dz_k in zip(masks, dz, strict=True)])
