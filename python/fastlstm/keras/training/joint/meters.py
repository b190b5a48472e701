"""Loss and metrics of batches of which every rank has a part."""

from __future__ import annotations

from typing import NamedTuple

from ...foundation.arrays import Array
from ...foundation.carried import State
from ..data import Parts
from ..meters import Logs, Meters
from ..objective import Outcome
from .figures import Form, added, put


class JointOutcome(NamedTuple):
    """What came of a batch, on all ranks."""

    loss: float
    losses: list[float]
    rows: int
    gathered: Array
    """What metrics have gathered of it."""
    form: Form
    """What that belongs to."""


class JointMeters(Meters):
    """Loss and metrics, the same on all ranks; see `Meters`.

    Metrics are sums, as they are for Keras where several devices train: what they gather of the parts of a batch is
    added up.
    """

    _gathered: Array | None = None
    _form: Form | None = None

    def reset(self) -> None:
        """Forget the batches."""
        super().reset()
        self._gathered = self._form = None

    def update(self, outcome: Outcome | JointOutcome, ys: Parts, weights: Parts) -> None:
        """Take in one batch."""
        assert isinstance(outcome, JointOutcome)
        self.count(outcome.loss, outcome.losses, outcome.rows)
        if self._gathered is None and self.batches > 1:  # the others were before a checkpoint
            self._gathered = added(self.all)[0]
        before, self._form = self._gathered, outcome.form
        self._gathered = outcome.gathered if before is None else before + outcome.gathered

    def measured(self, outcome: Outcome, ys: Parts, weights: Parts) -> tuple[Array, Form]:
        """Return what the metrics gather of a part of a batch, by itself."""
        self.measure(outcome, ys, weights)
        return added(self.all)

    def _settle(self) -> None:
        if self._gathered is not None and self._form is not None:
            put(self.all, self._gathered, self._form)

    def values(self) -> Logs:
        """See `Meters.values`."""
        self._settle()
        return super().values()

    def get_state(self) -> State:
        """See `Meters.get_state`."""
        self._settle()
        return super().get_state()
