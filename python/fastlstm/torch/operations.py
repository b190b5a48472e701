"""Runs of layers as operations of PyTorch, which a compiler takes as they are.

A graph that is compiled has numbers and tensors only: a layer is in it by the number of its twin, and what leads back
by its ticket.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .graph import array_of, kept_by, ticket_for
from .sequences import recorded, unrecorded, with_axes
from .twins import twin_of


@torch.library.custom_op("fastlstm::run", mutates_args=())
def run(
    number: int,
    inputs: Sequence[Tensor],
    weights: Sequence[Tensor],
    batch_first: bool,
    dropout: float,
    count: int,
    directions: int,
    sizes: Sequence[int],
) -> list[Tensor]:
    """Return output and last states.

    Parameters
    ----------
    number : int
        Of the twin.
    inputs : list of Tensor
        Sequences, and the states to start with, if any.
    weights : list of Tensor
        As the twin names them.
    batch_first, dropout : bool; float
        As of the module; dropout is 0 where it is not training.
    count, directions, sizes : int; sequence of int
        Layers times directions, directions, and the sizes of the states: what shapes follow from.
    """
    layer = with_axes(twin_of(number).layer(weights), batch_first)
    found = unrecorded(layer, None, dropout, *[array_of(tensor) for tensor in inputs])
    return [torch.from_numpy(array) for array in found]


@torch.library.custom_op("fastlstm::record", mutates_args=())
def record(
    number: int,
    inputs: Sequence[Tensor],
    weights: Sequence[Tensor],
    batch_first: bool,
    dropout: float,
    count: int,
    directions: int,
    sizes: Sequence[int],
) -> list[Tensor]:
    """Return output, last states, and a ticket for the way back. The arguments are those of `run`."""
    layer = with_axes(twin_of(number).layer(weights), batch_first)
    found, back = recorded(layer, None, dropout, *[array_of(tensor) for tensor in inputs])
    return [*[torch.from_numpy(array) for array in found], ticket_for(back)]


@torch.library.custom_op("fastlstm::go_back", mutates_args=())
def go_back(
    ticket: Tensor, gradients: Sequence[Tensor], inputs: Sequence[Tensor], weights: Sequence[Tensor], needed: list[bool]
) -> list[Tensor]:
    """Return the gradients of inputs and weights that are needed, from those of output and last states."""
    found = kept_by(ticket)([array_of(gradient) for gradient in gradients], needed)
    return [torch.from_numpy(gradient) for gradient in found if gradient is not None]


@run.register_fake
def _(number: int, inputs: Sequence[Tensor], weights: Sequence[Tensor], *options: Any) -> list[Tensor]:
    return _shapes(inputs[0], *options)


@record.register_fake
def _(number: int, inputs: Sequence[Tensor], weights: Sequence[Tensor], *options: Any) -> list[Tensor]:
    return [*_shapes(inputs[0], *options), inputs[0].new_empty(1, dtype=torch.int64)]


def _shapes(
    x: Tensor, batch_first: bool, dropout: float, count: int, directions: int, sizes: Sequence[int]
) -> list[Tensor]:
    """Return empty tensors like output and last states, of the arguments of `run` behind the weights."""
    rows = () if x.dim() == 2 else (x.shape[0 if batch_first else 1],)
    y = x.new_empty((*x.shape[:-1], directions * sizes[0]))
    return [y, *[x.new_empty((count, *rows, size)) for size in sizes]]


@go_back.register_fake
def _(
    ticket: Tensor, gradients: Sequence[Tensor], inputs: Sequence[Tensor], weights: Sequence[Tensor], needed: list[bool]
) -> list[Tensor]:
    tensors = zip((*inputs, *weights), needed, strict=True)
    return [torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor, wanted in tensors if wanted]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    ctx.count = len(inputs[1])
    ctx.needed = [tensor.requires_grad for tensor in (*inputs[1], *inputs[2])]
    ctx.save_for_backward(output[-1], *inputs[1], *inputs[2])


def _way_back(ctx: Any, gradients: list[Tensor]) -> tuple[Any, ...]:
    ticket, *tensors = ctx.saved_tensors
    inputs, weights = tensors[: ctx.count], tensors[ctx.count :]
    found = iter(go_back(ticket, gradients[:-1], inputs, weights, ctx.needed))
    every = [next(found) if needed else None for needed in ctx.needed]
    return None, every[: ctx.count], every[ctx.count :], None, None, None, None, None


record.register_autograd(_way_back, setup_context=_keep)
