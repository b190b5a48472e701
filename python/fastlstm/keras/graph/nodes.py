"""The calls that lead from some symbolic tensors to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastlstm import checks

from ..foundation.symbolic import Node, SymbolicTensor, described

Needs = Callable[[Node], list[SymbolicTensor]]
"""Gives the tensors that must be there before a call."""


def needs(node: Node) -> list[SymbolicTensor]:
    """Return what a call cannot be run without."""
    return node.needs


def drawn(node: Node) -> list[SymbolicTensor]:
    """Return that, and the masks that Keras lists with it."""
    return node.drawn


def nodes_between(inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], name: str) -> list[Node]:
    """Nodes that the outputs need, each after those it needs itself; `name` is that of the model, for the error."""
    found, missing = search(inputs, outputs, needs)
    if missing:
        got = f"outputs that need {described(missing)} beside the inputs {described(inputs)}"
        cure = "; give these tensors as inputs too"
        checks.complain(ValueError, f"{name}: outputs", "follow from inputs alone", got, cure)
    return found


def search(
    inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], needs: Needs
) -> tuple[list[Node], list[SymbolicTensor]]:
    """Return the nodes between, each after those it needs, and the tensors that come from elsewhere."""
    found: dict[int, Node] = {}
    known, missing = {id(tensor) for tensor in inputs}, list[SymbolicTensor]()
    ready: set[int] = set()
    waiting = [(tensor, False) for tensor in reversed(outputs)]
    while waiting:  # not by recursion: a chain may be longer than Python's stack
        tensor, inputs_done = waiting.pop()
        node = tensor.node
        if id(tensor) in known or (node is not None and id(node) in ready):
            continue
        if node is None or node.layer is None or not node.inputs:
            missing.append(tensor)
        elif inputs_done:
            ready.add(id(node))
            found[id(node)] = node
        else:
            waiting.append((tensor, True))
            waiting.extend((other, False) for other in reversed(needs(node)))
    return list(found.values()), missing
