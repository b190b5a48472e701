"""Loss and metrics without training."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from .interrupts import WholeSteps
from .meters import Logs
from .setup import Setup, Watchers
from .streams import Source


def evaluated(setup: Setup, source: Source, watchers: Watchers, gate: WholeSteps | None = None) -> Logs:
    """Loss and metrics; nothing if a validation got no more batches. Ctrl-C waits if the `gate` of a training does."""
    hooks, bar = watchers
    gate = gate or WholeSteps()
    begin, end = hooks.hook("on_test_batch_begin"), hooks.hook("on_test_batch_end")
    hooks.call("on_test_begin", {})
    steps, meters, objective = 0, None, setup.objective()
    gate.changes_nothing = True
    with np.errstate(all="ignore"), closing(source.epoch(waiting=gate.at_once)) as batches:
        for batch in batches:
            meters = setup.meters() if meters is None else meters
            for method in begin:
                method(steps, {})
            meters.update(objective.evaluate(*batch), batch[1], batch[2])
            steps += 1
            watchers.after(end, steps, meters)
            gate.check()
    gate.changes_nothing = False
    logs = {} if meters is None else dict(sorted(meters.finish().items()))
    hooks.call("on_test_end", logs)
    if bar is not None:
        bar.finish(steps, logs)
    return logs
