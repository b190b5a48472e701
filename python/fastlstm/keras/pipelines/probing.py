"""What is known of what a function of a user gives: it is called to find out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import islice
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.eager import EagerArray
from .specs import TensorSpec, common, spec_of
from .structures import nested


def spec_of_results(function: Callable[[Any], Any], make: Callable[[], Iterator[Any]], spec: Any) -> Any:
    """Return the specs of what a function gives for elements.

    Those are of what it gives for the first two, and for the first with twice the sizes along its open axes, if the
    function takes that: sizes that differ are open.
    """
    first = list(islice(make(), 2))
    if not first:
        checks.complain(ValueError, "element_spec: the data set", "have elements for the function of map()", "none")
    found = reduce(common, [nested(spec_of, function(element)) for element in first])
    try:
        longer = nested(spec_of, function(nested(_longer, first[0], spec)))
    except (ValueError, TypeError, LookupError, ArithmeticError):
        return found
    return common(found, longer)


def _longer(leaf: Any, spec: Any) -> Any:
    """Return a tensor twice as long along its open axes."""
    if not isinstance(spec, TensorSpec) or spec.shape is None:
        return leaf
    for axis, size in enumerate(spec.shape):
        leaf = np.concatenate([leaf, leaf], axis) if size is None else leaf
    return leaf.view(EagerArray)
