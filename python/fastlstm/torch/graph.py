"""A step of autograd's graph, and what is kept for the way back."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

from fastlstm.typing import Floats

from .elsewhere import undisturbed

Back: TypeAlias = Callable[[Sequence[Floats | None], Sequence[bool]], Sequence[Floats | None]]
Again: TypeAlias = Callable[..., Sequence[torch.Tensor]]
Start: TypeAlias = Callable[..., tuple[Sequence[Floats], Back]]


class Ticket(np.ndarray[Any, Any]):
    """An array with the number of what is kept as long as the array is.

    PyTorch keeps such an array with the tensors that a step has saved for its way back. So tapes go when those go: at
    the end of the way back, where a graph is dropped, and under `torch.utils.checkpoint`.
    """

    kept: Any


_numbers = itertools.count()
_tickets: weakref.WeakValueDictionary[int, Ticket] = weakref.WeakValueDictionary()


def ticket_for(what: Any) -> torch.Tensor:
    """Return a tensor that keeps something, and by which it is found again."""
    number = next(_numbers)
    ticket = np.array([number]).view(Ticket)
    ticket.kept = what
    _tickets[number] = ticket
    return torch.from_numpy(ticket)


def kept_by(ticket: torch.Tensor) -> Any:
    """Return what a ticket keeps."""
    found = _tickets.get(int(ticket))
    if found is None:
        raise RuntimeError("the tape of this step is gone: what it had saved was copied, and the copy has none")
    return found.kept


def array_of(tensor: torch.Tensor) -> Floats:
    """Return an array that shares the memory of a tensor."""
    array: Floats = (tensor.detach() if tensor.requires_grad else tensor).numpy()
    return array


class Step(torch.autograd.Function):
    """What a layer does, as one step of the graph."""

    @staticmethod
    def forward(ctx: Any, start: Start, again: Again, count: int, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run.

        Parameters
        ----------
        ctx : context of autograd
            What is kept for the way back.
        start : Start
            Takes the arrays of the first `count` tensors, and returns arrays and the way back: a function of the
            gradients of those, None where there is none, and of whether that of each of the `tensors` is needed.
        again : Again
            Does the same with the `tensors` by operations of PyTorch, for gradients of gradients.
        count : int
            Of the tensors that go in.
        *tensors : torch.Tensor
            They, and the weights.
        """
        outputs, back = start(*[array_of(tensor) for tensor in tensors[:count]])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(ticket_for(back), *tensors)
        ctx.again = again
        return tuple([torch.from_numpy(output) for output in outputs])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> tuple[Any, ...]:
        """Go back."""
        ticket, *tensors = ctx.saved_tensors  # raises an error if one has been changed in place
        needed = ctx.needs_input_grad[3:]
        if torch.is_grad_enabled():
            return None, None, None, *_pull_again(ctx.again, tensors, gradients, needed)
        return None, None, None, *_pull(ticket, gradients, needed)


def _pull_again(
    again: Again, tensors: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor | None], needed: Sequence[bool]
) -> list[torch.Tensor | None]:
    """Return gradients that have a graph of their own."""
    pairs = [pair for pair in zip(again(*tensors), gradients, strict=True) if pair[1] is not None]
    wanted = [tensor for tensor, is_needed in zip(tensors, needed, strict=True) if is_needed]
    outputs, given = zip(*pairs, strict=True)
    found = iter(torch.autograd.grad(outputs, wanted, given, create_graph=True, allow_unused=True))
    return [next(found) if is_needed else None for is_needed in needed]


@undisturbed
def _pull(
    ticket: torch.Tensor, gradients: Sequence[torch.Tensor | None], needed: Sequence[bool]
) -> list[torch.Tensor | None]:
    given = [None if gradient is None else array_of(gradient) for gradient in gradients]
    return [None if found is None else torch.from_numpy(found) for found in kept_by(ticket)(given, needed)]
