"""What holds for any graph of layers, tried on graphs drawn at random."""

import copy
import importlib.util
import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from drawn_graphs import BATCH, VOCABULARY, T, drawn_graphs, graphs_to_stream
from hypothesis import strategies as st
from seeds import for_all

import fastlstm
from fastlstm.keras import Model, Sequential, callbacks, models
from fastlstm.keras.graph.network import Network

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a softmax of one number

seeds = st.integers(0, 2**32 - 1)
ENDINGS = ["", *([".keras", ".h5"] if importlib.util.find_spec("h5py") else [])]


def leaves(found):
    if isinstance(found, dict):
        return [part for name in sorted(found) for part in leaves(found[name])]
    return [part for entry in found for part in leaves(entry)] if isinstance(found, list | tuple) else [found]


def fill(model, rng):
    """Give all weights values of the same sizes as trained ones; variances are above 0."""
    for variable in model.weights:
        value = (
            rng.uniform(0.5, 1.5, variable.shape) if "variance" in variable.path else rng.normal(size=variable.shape)
        )
        variable.assign((0.6 * value).astype(variable.value.dtype))


def data_for(model, rng, rows=BATCH):
    """Inputs whose rows end at different steps, with zeros behind."""
    arrays = []
    for tensor in model.inputs:
        shape = (rows, *(T if size is None else size for size in tensor.shape[1:]))
        there = np.arange(T) < rng.integers(1, T + 1, (rows, 1))
        if tensor.dtype.kind == "i":
            arrays.append(rng.integers(1, VOCABULARY, shape) * there)
        else:
            x = rng.normal(size=shape).astype(tensor.dtype)
            arrays.append(np.where(there[..., None], x, 0) if x.ndim == 3 else x)
    return arrays if len(arrays) > 1 else arrays[0]


def labels_for(model, x, rng):
    labels = [rng.normal(size=part.shape).astype(part.dtype) for part in leaves(model.predict(x, verbose=0))]
    return dict(zip(model.output_names, labels, strict=True)) if isinstance(model.output, dict) else labels


def same_bits(found, wanted):
    assert len(leaves(found)) == len(leaves(wanted))
    for a, b in zip(leaves(found), leaves(wanted), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def trained(model, x, y):
    """What comes of two epochs, with a batch that is not full."""
    model.compile("sgd", "mse")
    history = model.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0).history
    return [model.get_weights(), model.predict(x, verbose=0), np.array(history["loss"])]


@contextmanager
def threads(count):
    before = fastlstm.get_num_threads()
    fastlstm.set_num_threads(count)
    try:
        yield
    finally:
        fastlstm.set_num_threads(before)


@for_all(25, model=drawn_graphs(functions=False), seed=seeds)
def test_copies_compute_and_train_to_the_same_bits(model, seed):
    rng = np.random.default_rng(seed)
    fill(model, rng)
    x = data_for(model, rng)
    y = labels_for(model, x, rng)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), models.clone_model(model)]
    copies.append(type(model).from_config(model.get_config()))
    for other in copies:
        other.set_weights(model.get_weights())
        assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    wanted = trained(model, x, y)
    for other in copies:
        same_bits(trained(other, x, y), wanted)


@for_all(15, model=drawn_graphs(functions=False, stateful=True), seed=seeds, ending=st.sampled_from(ENDINGS))
def test_a_trained_model_comes_back_from_a_file_and_trains_on_to_the_same_bits(model, seed, ending):
    rng = np.random.default_rng(seed)
    fill(model, rng)
    x = data_for(model, rng)
    y = labels_for(model, x, rng)
    model.compile("adam", "mse")
    with tempfile.TemporaryDirectory() as folder, np.errstate(over="ignore", invalid="ignore"):
        model.train_on_batch(x, y)
        model.save(f"{folder}/m{ending}")
        other = models.load_model(f"{folder}/m{ending}")
        same_bits(other.get_weights(), model.get_weights())
        same_bits(other.optimizer.get_weights(), model.optimizer.get_weights())
        for one in (model, other):
            one.reset_states()  # which no file has
        losses = [np.array(one.train_on_batch(x, y)) for one in (model, other)]
        same_bits(losses[0], losses[1])
        same_bits(other.predict(x, verbose=0), model.predict(x, verbose=0))


@for_all(15, model=drawn_graphs(), seed=seeds)
def test_threads_do_not_matter(model, seed):
    rng = np.random.default_rng(seed)
    fill(model, rng)
    x = data_for(model, rng, 7)
    y = labels_for(model, x, rng)
    start = model.get_weights()
    wanted = trained(model, x, y)
    for count in (1, 2, 3, 16, 64):
        model.set_weights(start)
        with threads(count):
            same_bits(trained(model, x, y), wanted)


@for_all(25, model=drawn_graphs(), seed=seeds)
def test_a_model_inside_others_computes_and_trains_to_the_same_bits(model, seed):
    rng = np.random.default_rng(seed)
    fill(model, rng)
    x = data_for(model, rng)
    y = labels_for(model, x, rng)
    start = model.get_weights()
    wanted = trained(model, x, y)
    tree = model.input
    around = [Model(tree, model(tree))]
    if len(model.inputs) == len(model.outputs) == 1 and not isinstance(model.output, dict):
        around.append(Sequential([model.inputs[0], model]))
    for outer in around:
        model.set_weights(start)
        y_outer = dict(zip(outer.output_names, leaves(y), strict=True)) if isinstance(y, dict) else y
        same_bits(trained(outer, x, y_outer), wanted)


@for_all(40, model=drawn_graphs(dtype="float64"), seed=seeds)
def test_slopes_are_central_differences(model, seed):
    """Of a random sum of the outputs and the penalties, along a random direction of all weights and inputs."""
    rng = np.random.default_rng(seed)
    fill(model, rng)
    inputs = leaves(data_for(model, rng))
    # Where a mask begins, and where equal numbers meet in a maximum, there is no slope.
    inputs = [np.where(x == 0, rng.normal(size=x.shape), x) if x.dtype.kind == "f" else x for x in inputs]
    network = Network(model.plan, penalties=True)
    found, pullback = network.vjp(inputs, need=True)
    dy = [rng.normal(size=out.shape) for out in found.outputs]
    dx, gradients = pullback(dy)
    variables = model.trainable_variables
    starts = [variable.numpy() for variable in variables]
    directions = [rng.normal(size=start.shape) for start in starts]
    moves = [rng.normal(size=x.shape) if x.dtype.kind == "f" else None for x in inputs]

    def value(step):
        for variable, start, direction in zip(variables, starts, directions, strict=True):
            variable.assign(start + step * direction)
        moved = [x if move is None else x + step * move for x, move in zip(inputs, moves, strict=True)]
        run = network.vjp(moved, need=True)[0]
        return run.penalty + sum((out * d).sum() for out, d in zip(run.outputs, dy, strict=True))

    slope = (value(1e-6) - value(-1e-6)) / 2e-6
    pairs = [*zip(gradients, directions, strict=True), *zip(dx, moves, strict=True)]
    expected = sum((g * d).sum() for g, d in pairs if g is not None and d is not None)
    # Values are of order one to a hundred; rounding leaves 1e-8 of them at this step, curvature less.
    assert slope == pytest.approx(expected, rel=1e-5, abs=1e-6)


HOOKS = ("on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_test_batch_end", "on_epoch_end")


@for_all(15, model=drawn_graphs(functions=False), seed=seeds, hook=st.sampled_from(HOOKS))
def test_a_fit_that_is_broken_off_leaves_a_model_as_good_as_new(model, seed, hook):
    rng = np.random.default_rng(seed)
    fill(model, rng)
    x = data_for(model, rng)
    y = labels_for(model, x, rng)
    for error in (RuntimeError, KeyboardInterrupt):
        model.compile("sgd", "mse")
        with pytest.raises(error):
            model.fit(x, y, 3, 3, validation_data=(x, y), callbacks=[Breaking(hook, error)], verbose=0)
        other = models.clone_model(model)
        other.set_weights(model.get_weights())
        with np.errstate(over="ignore", invalid="ignore"):  # some models drawn run away
            same_bits(trained(other, x, y), trained(model, x, y))


class Breaking(callbacks.Callback):
    """Raise an error when a hook is called the second time."""

    def __init__(self, hook, error):
        super().__init__()
        self.error, self.calls = error, 0
        setattr(self, hook, self.count)

    def count(self, *given):
        self.calls += 1
        if self.calls == 2:
            raise self.error("broken off")


@for_all(10, model=drawn_graphs(), seed=seeds)
def test_a_model_answers_in_several_threads_while_another_trains_it(model, seed):
    rng = np.random.default_rng(seed)
    fill(model, rng)
    x = data_for(model, rng)
    y = labels_for(model, x, rng)
    model.compile("sgd", "mse")
    with ThreadPoolExecutor(4) as pool:
        fitting = pool.submit(model.fit, x, y, 3, 3, verbose=0)
        asked = [pool.submit(model.predict, x, verbose=0) for _ in range(12)]
        fitting.result()
        shapes = [[part.shape for part in leaves(one.result())] for one in asked]
    assert all(one == shapes[0] for one in shapes)
    same_bits(model.predict(x, verbose=0), model.predict(x, verbose=0))


@for_all(40, model=graphs_to_stream(), seed=seeds)
def test_a_stream_gives_the_steps_of_predict_or_is_refused(model, seed):
    rng = np.random.default_rng(seed)
    fill(model, rng)
    x = data_for(model, rng)
    try:
        stream = model.stream(BATCH)
    except ValueError as error:
        assert "streamed" in str(error)  # noqa: PT017 - it need not be raised
        return
    wanted, found = model.predict(x, verbose=0), [stream.step(x[:, t]) for t in range(T)]
    np.testing.assert_array_equal(found[-1] if wanted.ndim == 2 else np.stack(found, axis=1), wanted)
