"""Windows of time steps, one for each step of an output."""

from typing import Any, NamedTuple

from fastlstm import checks

PADDINGS = ("valid", "same", "causal")


class Windows(NamedTuple):
    """Windows of a sequence.

    Parameters
    ----------
    size : int
        Number of steps that a window takes.
    stride : int
        Number of steps from one window to the next.
    padding : str
        What is added at the ends of a sequence. ``"valid"``: nothing, there are whole windows only. ``"same"``: steps
        at both ends, so that every `stride`-th step has a window. ``"causal"``: steps before, so that these windows end
        at their steps.
    dilation : int
        Number of steps from one that a window takes to the next.
    """

    size: int
    stride: int
    padding: str
    dilation: int = 1

    @property
    def span(self) -> int:
        """Number of steps from the first to the last of a window, both counted."""
        return (self.size - 1) * self.dilation + 1

    def number_in(self, steps: int, owner: str) -> int:
        """Return the number of windows of a sequence; ValueError about the input of `owner` if there is none."""
        if self.padding != "valid":
            return -(-steps // self.stride)
        if steps < self.span:
            checks.complain(ValueError, f"{owner}: x", f"have at least the {self.span} time steps of a window", steps)
        return (steps - self.span) // self.stride + 1

    def ends(self, steps: int) -> tuple[int, int]:
        """Return how many steps are added before and behind a sequence; where the number is odd, one more behind."""
        if self.padding == "valid":
            return 0, 0
        if self.padding == "causal":
            return self.span - 1, 0
        added = max((-(-steps // self.stride) - 1) * self.stride + self.span - steps, 0)
        return added // 2, added - added // 2


def one_size(name: str, value: Any) -> tuple[int]:
    """`value`, a size or a tuple of one, as a tuple."""
    if isinstance(value, list | tuple):
        if len(value) != 1:
            checks.refuse(ValueError, name, "a whole number, or a tuple of one", value)
        (value,) = value
    return (checks.size(name, value),)
