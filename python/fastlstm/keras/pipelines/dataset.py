"""The data set: a pipeline of elements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count, islice, takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlstm import checks

from ..foundation.carried import State, check_keys
from ..foundation.eager import EagerArray
from ..foundation.tensors import tensor
from ..foundation.trees import unique
from . import cardinality as counts
from .batching import Join, Padding, batches, rows_of, stacked
from .buckets import Buckets
from .elements import element_of, frozen, function_of_elements, generated, number, signature_of, truth_of
from .orders import END, interleaved, shuffled, windows
from .passes import Cache, Seeds, passes
from .probing import spec_of_results
from .specs import DatasetSpec, TensorSpec, common, spec_of, with_batch_axis, without_batch_axis
from .structures import called, filled, leaves_of, nested

if TYPE_CHECKING:
    from typing_extensions import Self

AUTOTUNE = -1
"""In place of a number of calls side by side or of elements made in advance: as many as is best."""

INNER = 4
"""Inner data sets that `interleave` has open at a time unless told otherwise."""


class Dataset:
    """Elements that are made when they are asked for, anew every time they are gone through.

    An element is a tensor, or tensors in tuples and dicts, one inside another; of Python's objects and arrays tensors
    are made, also of lists. A tensor is an array that has `numpy()`; texts are bytes. `fit`, `evaluate`, `predict` and
    `adapt` take a data set of batches as `x`.

    Parameters
    ----------
    make : callable
        Returns an iterator over the elements.
    length : int
        Number of elements, `INFINITE` or `UNKNOWN`.
    spec : callable
        Returns the `TensorSpec` of every tensor of an element, when it is asked for.
    of : object
        The data sets that it is made of.

    Notes
    -----
    Programs make data sets with the methods ``from_...``, `range` and `zip`, and of one another with the rest. They are
    those of ``tf.data.Dataset``, and where no random numbers are involved, elements and their order are, too. The
    argument `name` of each names a step of a graph; there is none here, and it has no effect. Elements are made by the
    thread that asks for them: `num_parallel_calls` and `deterministic` choose nothing, the order is always the same.

    Examples
    --------
    >>> from fastlstm.data import Dataset
    >>> data = Dataset.from_tensor_slices(([1, 2, 3, 4, 5], [0, 0, 1, 1, 1]))
    >>> for x, y in data.map(lambda x, y: (10 * x, y)).batch(3):
    ...     print(x.numpy(), y.numpy())
    [10 20 30] [0 0 1]
    [40 50] [1 1]
    """

    def __init__(self, make: Callable[[], Iterator[Any]], length: int, spec: Callable[[], Any], *of: Dataset) -> None:
        self._make, self._length, self._spec = make, length, spec
        self._orders: list[Seeds] = unique(order for dataset in of for order in dataset._orders)

    def drawn_by(self, orders: Seeds | None) -> Self:
        """Return this data set, whose elements come in orders that have seeds."""
        if orders is not None:
            self._orders.append(orders)
        return self

    def get_state(self) -> State:
        """Return what the orders of the passes from now on follow from, for a checkpoint of a training."""
        return {"orders": [order.get_state() for order in self._orders]}

    def set_state(self, state: State) -> None:
        """Let the next pass be as the one that came after `get_state` gave this."""
        check_keys("the data set", state, ("orders",))
        if len(state["orders"]) != len(self._orders):
            must = f"have {len(self._orders)} orders, one for each shuffle()"
            checks.complain(ValueError, "the state of the data set", must, len(state["orders"]))
        for order, own in zip(self._orders, state["orders"], strict=True):
            order.set_state(own)

    # --- Where elements come from -------------------------------------------------------------------------------------

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """Return a data set of one element."""
        element = element_of(tensors, "tensors")
        return Dataset(lambda: iter([element]), 1, lambda: nested(spec_of, element))

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """Return a data set of the entries along the first axis of tensors, which are not copied."""
        whole = nested(lambda leaf: frozen(tensor(leaf, "tensors")), tensors)
        parts = list(leaves_of(whole))
        sizes = {part.shape[:1] for part in parts}
        if len(sizes) != 1 or () in sizes:
            got = f"shapes {[part.shape for part in parts]}"
            checks.complain(ValueError, "tensors", "have first axes of the same length", got)
        return Dataset(lambda: rows_of(whole), len(parts[0]), lambda: without_batch_axis(nested(spec_of, whole)))

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: tuple[Any, ...] = (),
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """Return a data set of what a function gives.

        Parameters
        ----------
        generator : callable
            ``generator(*args)`` returns an iterable of elements; it is called for every pass.
        output_types, output_shapes : nested structure, optional
            Dtypes of the tensors of an element, and their shapes; None: any. An older way to write `output_signature`.
        args : tuple
            Arguments, which become tensors.
        output_signature : nested structure, optional
            The `TensorSpec` of every tensor of an element.
        name : str, optional
            No effect; see `Dataset`.
        """
        checks.function("generator", generator, "a function that returns an iterable")
        if (output_signature is None) == (output_types is None):
            checks.refuse_pair("from_generator", output_signature=output_signature, output_types=output_types)
        given = [tensor(value, "args") for value in args]
        signature = signature_of(output_types, output_shapes) if output_signature is None else output_signature
        return Dataset(lambda: generated(generator, given, signature), counts.UNKNOWN, lambda: signature)

    @staticmethod
    def range(*args: Any, output_type: Any = np.int64, name: str | None = None) -> Dataset:
        """Return a data set of whole numbers, as Python's ``range(*args)``."""
        found = range(*[checks.whole_number("range: each argument", arg) for arg in args])
        dtype = checks.any_dtype("output_type", output_type)
        spec = TensorSpec((), dtype)
        return Dataset(lambda: (number(k, dtype) for k in found), len(found), lambda: spec)

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Return a data set whose elements are those of others side by side, until the first one ends.

        Parameters
        ----------
        *args : tuple
            The data sets, or one structure of them.
        datasets : nested structure of Dataset
            The same by name.
        name : str, optional
            No effect; see `Dataset`.
        """
        form = datasets if datasets is not None else args[0] if len(args) == 1 else args
        parts = [_dataset("datasets", part) for part in leaves_of(form)]
        return Dataset(
            lambda: (filled(form, elements) for elements in zip(*parts, strict=False)),
            counts.zipped([part._length for part in parts]),
            lambda: nested(lambda part: part.element_spec, form),
            *parts,
        )

    # --- Going through them -------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        return self._make()

    def __len__(self) -> int:
        if self._length < 0:
            checks.complain(TypeError, "len(): the data set", "have a number of elements that is known", self._end())
        return self._length

    def __bool__(self) -> bool:
        return True

    def _end(self) -> str:
        return "one that never ends" if self._length == counts.INFINITE else "one of unknown length"

    def __repr__(self) -> str:
        return f"<Dataset of {self._end() if self._length < 0 else self._length} elements>"

    def cardinality(self) -> EagerArray:
        """Return the number of elements, `INFINITE` or `UNKNOWN`."""
        return number(self._length)

    @property
    def element_spec(self) -> Any:
        """What is known of the tensors of an element; see `map` for what functions give."""
        return self._spec()

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator over the elements with plain arrays and NumPy's numbers for the tensors."""
        return (nested(_plain, element) for element in self)

    def reduce(self, initial_state: Any, reduce_func: Callable[[Any, Any], Any], name: str | None = None) -> Any:
        """Return the last state: `reduce_func` gives one of that before and of an element, for every element."""
        state = element_of(initial_state, "initial_state")
        for element in self:
            state = element_of(reduce_func(state, element), "what reduce_func gives")
        return state

    # --- One element, one element -------------------------------------------------------------------------------------

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Return a data set of what a function gives for the elements.

        Parameters
        ----------
        map_func : callable
            Takes an element, of a tuple its entries; gives one, of a list a tuple. It is called when the element that
            it makes is asked for, and twice or more for the first ones when `element_spec` is: there, sizes that turn
            out differently are open.
        num_parallel_calls, deterministic, name : int; bool; str, optional
            No effect; see `Dataset`.
        """
        function = function_of_elements("map_func", map_func)
        return self._with(
            lambda: map(function, self), spec=lambda: spec_of_results(function, self._make, self.element_spec)
        )

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Return a data set of pairs: the number of an element, from `start`, and the element."""
        first = checks.whole_number("start", start)
        numbers = Dataset(lambda: (number(k) for k in count(first)), counts.INFINITE, lambda: TensorSpec((), "int64"))
        return Dataset.zip(numbers, self)

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Return a data set that keeps its elements once a pass was complete, and gives these from then on.

        Parameters
        ----------
        filename : str
            An empty text: elements are kept in memory.
        name : str, optional
            No effect; see `Dataset`.
        """
        if filename:
            checks.refuse(NotImplementedError, "filename", "'', for memory", filename, "; numpy.save writes files")
        return self._with(Cache(self._make))

    def prefetch(self, buffer_size: int, name: str | None = None) -> Dataset:
        """Return the same elements: where TensorFlow makes some in advance, they are made when they are asked for."""
        checks.whole_number("buffer_size", buffer_size, at_least=-1)
        return self._with(self._make)

    # --- Fewer, more, others ------------------------------------------------------------------------------------------

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """Return a data set of the elements for which a function gives True; it is called as that of `map`."""
        checks.function("predicate", predicate)
        return self._with(lambda: filter(lambda element: truth_of(predicate, element), self), counts.UNKNOWN)

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """Return a data set of the elements before the first for which a function gives False."""
        checks.function("predicate", predicate)
        return self._with(lambda: takewhile(lambda element: truth_of(predicate, element), self), counts.UNKNOWN)

    def take(self, count: int, name: str | None = None) -> Dataset:
        """Return a data set of the first `count` elements; -1: of all."""
        most = checks.whole_number("count", count, at_least=-1)
        return self._with(lambda: islice(self, None if most < 0 else most), counts.taken(self._length, most))

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """Return a data set without the first `count` elements; -1: without any."""
        first = checks.whole_number("count", count, at_least=-1)
        return self._with(
            lambda: iter(()) if first < 0 else islice(self, first, None), counts.skipped(self._length, first)
        )

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Dataset:
        """Return a data set of every element whose number is `index`, plus a multiple of `num_shards`."""
        shards = checks.whole_number("num_shards", num_shards, at_least=1)
        first = checks.whole_number("index", index, at_least=0, at_most=shards - 1)
        return self._with(lambda: islice(self, first, None, shards), counts.sharded(self._length, shards, first))

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """Return a data set of `count` passes, each anew; of passes without end for None and -1."""
        times = -1 if count is None else checks.whole_number("count", count, at_least=-1)
        return self._with(lambda: passes(self._make, times), counts.repeated(self._length, times))

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """Return a data set of the elements, and then those of another one."""
        other = _dataset("dataset", dataset)
        length = counts.joined([self._length, other._length])
        spec = lambda: common(self.element_spec, other.element_spec)  # noqa: E731
        return Dataset(lambda: chain(self, other), length, spec, self, other)

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Return a data set of the elements in another order.

        Parameters
        ----------
        buffer_size : int
            Elements of a buffer, any of which may be the next one; then the next element takes its place. -2
            (`UNKNOWN`): all elements.
        seed : int, optional
            Of the orders; None: that of ``set_random_seed``.
        reshuffle_each_iteration : bool, optional
            Whether every pass has an order of its own; None: it has.
        name : str, optional
            No effect; see `Dataset`.
        """
        size = None if buffer_size == counts.UNKNOWN else checks.whole_number("buffer_size", buffer_size, at_least=1)
        anew = reshuffle_each_iteration is None or checks.truth("reshuffle_each_iteration", reshuffle_each_iteration)
        drawn = Seeds(checks.seed("seed", seed), anew)
        made = self._with(lambda: shuffled(self._make(), size, np.random.default_rng(next(drawn))))
        return made.drawn_by(drawn)

    # --- Batches ------------------------------------------------------------------------------------------------------

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Return a data set of batches, whose tensors have an axis more, the first.

        Parameters
        ----------
        batch_size : int
            Elements of a batch.
        drop_remainder : bool
            Whether to leave out a last batch that has fewer.
        num_parallel_calls, deterministic, name : int; bool; str, optional
            No effect; see `Dataset`.
        """
        return self._batched(batch_size, drop_remainder, stacked, lambda: self.element_spec)

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Return a data set of batches of elements of different sizes, which are filled up at their ends.

        Parameters
        ----------
        batch_size, drop_remainder : int; bool
            See `batch`.
        padded_shapes : structure of shapes, optional
            The shape of every tensor of an element, with None or -1 for an axis that is to be as long as the longest
            of the batch; None: all are.
        padding_values : structure of numbers, optional
            What to fill up with, for all tensors or for each; None: 0, False or empty texts.
        name : str, optional
            No effect; see `Dataset`.
        """
        padding = Padding(padded_shapes, padding_values)
        return self._batched(batch_size, drop_remainder, padding, lambda: padding.spec(self.element_spec))

    def _batched(self, batch_size: Any, drop_remainder: Any, join: Join, spec: Callable[[], Any]) -> Dataset:
        size = checks.whole_number("batch_size", batch_size, at_least=1)
        drop = checks.truth("drop_remainder", drop_remainder)
        return Dataset(
            lambda: batches(self._make(), size, drop, join),
            counts.batched(self._length, size, drop),
            lambda: with_batch_axis(spec(), size if drop else None),
            self,
        )

    def unbatch(self, name: str | None = None) -> Dataset:
        """Return a data set of the rows of the elements, which are batches."""
        return Dataset(
            lambda: chain.from_iterable(map(rows_of, self)),
            counts.UNKNOWN,
            lambda: without_batch_axis(self.element_spec),
            self,
        )

    def bucket_by_sequence_length(
        self,
        element_length_func: Callable[..., Any],
        bucket_boundaries: Sequence[int],
        bucket_batch_sizes: Sequence[int],
        padded_shapes: Any = None,
        padding_values: Any = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Return a data set of batches of elements of similar length.

        Parameters
        ----------
        element_length_func : callable
            Gives the length of an element; it is called as that of `map`.
        bucket_boundaries : sequence of int
            Lengths at which the next group begins, rising.
        bucket_batch_sizes : sequence of int
            Elements of a batch of each group, of which there is one more.
        padded_shapes, padding_values : structure of shapes; structure of numbers, optional
            See `padded_batch`.
        pad_to_bucket_boundary : bool
            Whether open axes are as long as the longest element that belongs to the group, not as the longest of a
            batch; elements of the last group are then an error.
        no_padding : bool
            Whether elements of a batch must have the same shape.
        drop_remainder : bool
            Whether to leave out batches that have fewer elements.
        name : str, optional
            No effect; see `Dataset`.
        """
        groups = Buckets(
            element_length_func,
            bucket_boundaries,
            bucket_batch_sizes,
            None if checks.truth("no_padding", no_padding) else Padding(padded_shapes, padding_values),
            checks.truth("pad_to_bucket_boundary", pad_to_bucket_boundary),
            checks.truth("drop_remainder", drop_remainder),
        )
        spec = lambda: groups.spec(self.element_spec)  # noqa: E731
        return Dataset(lambda: groups.batches(self, self._spec), counts.UNKNOWN, spec, self)

    # --- Data sets of data sets ---------------------------------------------------------------------------------------

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Return a data set of windows; where an element has a tensor, a window has a data set of such.

        Parameters
        ----------
        size : int
            Elements of a window.
        shift : int, optional
            Elements from the first of a window to the first of the next; None: `size`.
        stride : int
            Elements from one of a window to the next.
        drop_remainder : bool
            Whether to leave out windows that have fewer.
        name : str, optional
            No effect; see `Dataset`.
        """
        length = checks.whole_number("size", size, at_least=1)
        step = length if shift is None else checks.whole_number("shift", shift, at_least=1)
        apart = checks.whole_number("stride", stride, at_least=1)
        drop = checks.truth("drop_remainder", drop_remainder)
        return Dataset(
            lambda: map(_as_datasets, windows(self._make(), length, step, apart, drop)),
            counts.windowed(self._length, (length - 1) * apart + 1, step, drop),
            lambda: nested(DatasetSpec, self.element_spec),
            self,
        )

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """Return a data set of all elements of the data sets that a function gives; it is called as that of `map`."""
        return self.interleave(map_func, cycle_length=1)

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Return a data set of the elements of data sets, some of which are gone through in turn.

        Parameters
        ----------
        map_func : callable
            Gives a data set for an element; it is called as that of `map`.
        cycle_length : int, optional
            How many are gone through at a time; None and -1: `INNER`, where TensorFlow takes the number of cores.
        block_length : int, optional
            Elements to take of one before the next one's turn; None: 1.
        num_parallel_calls, deterministic, name : int; bool; str, optional
            No effect; see `Dataset`.
        """
        checks.function("map_func", map_func)
        cycle_length = INNER if cycle_length in (None, AUTOTUNE) else cycle_length
        cycle = checks.whole_number("cycle_length", cycle_length, at_least=1)
        block = checks.whole_number("block_length", 1 if block_length is None else block_length, at_least=1)

        def inner(element: Any) -> Dataset:
            return _dataset("what map_func gives", called(map_func, element))

        return Dataset(
            lambda: interleaved(self._make(), inner, cycle, block),
            counts.UNKNOWN,
            lambda: inner(self._first()).element_spec,
            self,
        )

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """Return the data set that a function makes of this one."""
        return _dataset("what transformation_func gives", transformation_func(self))

    # --- Of all of them -----------------------------------------------------------------------------------------------

    def _with(
        self, make: Callable[[], Iterator[Any]], length: int | None = None, spec: Callable[[], Any] | None = None
    ) -> Dataset:
        """Return a data set of other elements, with the length and the specs of this one unless told otherwise."""
        return Dataset(make, self._length if length is None else length, spec or self._spec, self)

    def _first(self) -> Any:
        element = next(iter(self), END)
        if element is END:
            checks.complain(ValueError, "element_spec: the data set", "have elements", "none")
        return element


def _dataset(name: str, value: Any) -> Dataset:
    if not isinstance(value, Dataset):
        checks.refuse(TypeError, name, "a Dataset", value)
    return value


def _plain(leaf: Any) -> Any:
    return leaf.numpy() if isinstance(leaf, EagerArray) else leaf


def _as_datasets(window: list[Any]) -> Any:
    """Return a data set of each tensor of the elements of a window, in their structure."""
    return nested(lambda *leaves: Dataset(lambda: iter(leaves), len(leaves), lambda: spec_of(leaves[0])), *window)
