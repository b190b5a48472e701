"""What the core has of an optimizer."""

from collections.abc import Sequence
from typing import NamedTuple


class Rule(NamedTuple):
    """An update that the core takes in one pass; what it does is written down in `fastlstm.reference.updates`.

    Examples
    --------
    >>> from fastlstm.keras import optimizers
    >>> optimizers.SGD(momentum=0.9).rule(0.5)
    Rule(name='sgd_momentum', numbers=(0.5, 0.9))
    """

    name: str
    numbers: Sequence[float]
