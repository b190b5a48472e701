"""The one device there is: the processor, all cores of which compute together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastlstm import checks


@dataclass(frozen=True)
class PhysicalDevice:
    """A device.

    Parameters
    ----------
    name, device_type : str
        What TensorFlow calls it.
    """

    name: str
    device_type: str


CPU = PhysicalDevice("/physical_device:CPU:0", "CPU")


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Return the devices of a type: the processor for ``"CPU"`` and None, none for others."""
    return [CPU] if device_type in (None, "CPU") else []


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Return False: there is none that this package computes on."""
    return False


def gpu_device_name() -> str:
    """Return the empty text: there is no such device."""
    return ""


def set_memory_growth(device: PhysicalDevice, enable: bool) -> None:
    """Say whether a GPU gets memory bit by bit: ValueError, as the processor has no such setting."""
    checks.refuse(ValueError, "device", "a GPU, of which list_physical_devices('GPU') gives none", device)


@contextmanager
def device(device_name: Any) -> Iterator[None]:
    """Compute on a device: the name must be that of the processor, or None."""
    _check(device_name)
    yield


def _check(name: Any) -> None:
    given = "cpu" if name is None else checks.text("device_name", name)
    if "cpu" not in given.lower():
        checks.refuse(ValueError, "device_name", "'CPU:0'", name, "; everything runs on the processor")


class MirroredStrategy:
    """A strategy that shares work among devices: there is one, so that nothing changes.

    Parameters
    ----------
    devices : list of str, optional
        Names of the devices; None: the processor, which is the only one.
    """

    num_replicas_in_sync = 1

    def __init__(self, devices: Any = None) -> None:
        given = [] if devices is None else checks.items("devices", devices, "a list of names of devices")
        for name in given:
            _check(name)
        if len(given) > 1:
            checks.refuse_count("devices", "one device", given)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Make models within, which are models like others."""
        yield

    def run(self, fn: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Return what a function gives on the one device."""
        return fn(*args, **(kwargs or {}))


def get_strategy() -> MirroredStrategy:
    """Return the strategy there is."""
    return MirroredStrategy()
