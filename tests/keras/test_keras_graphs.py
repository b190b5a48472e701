"""Functional models: what they compute, their gradients, and what they have in common with a Sequential."""

import copy
import pickle

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers, ops
from fastlstm.keras.graph.network import Network

N, T, I = 4, 5, 3
GRADIENT = 1e-7  # central differences in float64 are exact to about 1e-9 here


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def copied_weights(model, source):
    model.set_weights(source.get_weights())
    return model


# --- Models, each with its inputs in float64 --------------------------------------------------------------------------


def encoder_decoder():
    """States go from one LSTM to another."""
    source, target = Input((T, I)), Input((3, 2))
    _, h, c = layers.LSTM(4, return_state=True, dtype="float64")(source)
    y = layers.LSTM(4, return_sequences=True, dtype="float64")(target, initial_state=[h, c])
    out = layers.Dense(2, "softmax", dtype="float64")(y)
    return Model([source, target], out), [draw(N, T, I), draw(N, 3, 2, seed=1)]


def bidirectional_encoder():
    """States of both directions, put together by a merge."""
    source, target = Input((T, I)), Input((3, 2))
    encoder = layers.Bidirectional(layers.GRU(3, return_state=True, dtype="float64"))
    y, h, h_back = encoder(source)
    h = layers.Add(dtype="float64")([h, h_back])
    out = layers.GRU(3, return_sequences=True, dtype="float64")(target, initial_state=h)
    return Model([source, target], [out, y]), [draw(N, T, I), draw(N, 3, 2, seed=1)]


def shared():
    """One encoder for two inputs, nested, and one output used twice."""
    encoder = Sequential([Input((T, I)), layers.LSTM(4, dtype="float64"), layers.Dense(3, "tanh", dtype="float64")])
    a, b = Input((T, I)), Input((T, I))
    both = layers.Add(dtype="float64")([encoder(a), encoder(b)])
    twice = layers.Add(dtype="float64")([both, both])
    return Model([a, b], [layers.Dense(2, dtype="float64")(twice), both]), [draw(N, T, I), draw(N, T, I, seed=1)]


def residual():
    """A layer's input and output, added up."""
    x = Input((T, I))
    h = layers.LSTM(4, return_sequences=True, dtype="float64")(layers.Masking(dtype="float64")(x))
    h = layers.Add(dtype="float64")([h, layers.SimpleRNN(4, return_sequences=True, dtype="float64")(h)])
    inputs = draw(N, T, I)
    inputs[1:, 3:] = 0
    return Model(x, layers.GRU(2, dtype="float64")(h)), [inputs]


def frozen_middle():
    """Gradients go through a layer that is not trained."""
    x = Input((T, I))
    middle = layers.LSTM(4, return_sequences=True, trainable=False, dtype="float64")
    h = middle(layers.Dense(3, dtype="float64")(x))
    return Model(x, layers.Dense(2, dtype="float64")(h)), [draw(N, T, I)]


MODELS = {f.__name__: f for f in (encoder_decoder, bidirectional_encoder, shared, residual, frozen_middle)}


@pytest.mark.parametrize("name", MODELS)
def test_gradients_of_whole_graphs(name, central_differences):
    model, inputs = MODELS[name]()
    network = Network(model.plan)
    found, pullback = network.vjp(inputs, need=True)
    rng = np.random.default_rng(3)
    dy = [rng.normal(size=out.shape) for out in found.outputs]
    dx, gradients = pullback(dy)

    def value(xs):
        return float(sum((out * d).sum() for out, d in zip(network.run(xs).outputs, dy, strict=True)))

    for k, x in enumerate(inputs):
        moved = lambda v, k=k: value([v if i == k else other for i, other in enumerate(inputs)])  # noqa: E731
        slope = central_differences(moved, x)
        # A step is masked where all of it is 0, so there is no derivative there.
        there = (x != 0) | (name != "residual")
        np.testing.assert_allclose(np.where(there, dx[k], 0), np.where(there, slope, 0), atol=GRADIENT)
    assert len(gradients) == len(model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        start = variable.numpy()

        def loss(v, variable=variable):
            variable.assign(v)
            return value(inputs)

        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


@pytest.mark.parametrize("name", MODELS)
def test_a_copy_computes_the_same(name):
    model, inputs = MODELS[name]()
    outputs = model(inputs if len(inputs) > 1 else inputs[0])
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        for a, b in zip(
            *(found if isinstance(found, list) else [found] for found in (twin(inputs), outputs)), strict=True
        ):
            np.testing.assert_array_equal(a, b)
        assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
        assert twin.get_layer(index=-1).output is not model.get_layer(index=-1).output


# --- A chain in many forms --------------------------------------------------------------------------------------------

CHAINS = {
    "lstm": lambda: [layers.LSTM(4), layers.Dense(2, "softmax")],
    "stack": lambda: [
        *(layers.LSTM(4, return_sequences=True), layers.Dropout(0.0), layers.GRU(5, return_sequences=True)),
        *(layers.SimpleRNN(3), layers.Dense(2, "softmax")),
    ],
    "masked": lambda: [layers.Masking(), layers.Bidirectional(layers.LSTM(3)), layers.Dense(2, "softmax")],
    "flat": lambda: [layers.GRU(4, return_sequences=True), layers.Flatten(), layers.Dense(2, "softmax")],
}


def sequential(chain):
    return Sequential([Input((T, I)), *chain])


def functional(chain):
    x = y = Input((T, I))
    for layer in chain:
        y = layer(y)
    return Model(x, y)


def nested(chain):
    return Sequential([Input((T, I)), Sequential(chain[:1]), functional_of(chain[1:], chain[0])])


def functional_of(chain, first):
    """A functional model of the rest of a chain, to be called."""
    start = Sequential([Input((T, I)), first]).output_shape
    x = y = Input(batch_shape=start)
    for layer in chain:
        y = layer(y)
    return Model(x, y)


def inside(chain):
    x = Input((T, I))
    return Model(x, sequential(chain)(x))


def trained(model):
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    x, y = draw(70, T, I).astype("float32"), np.eye(2)[np.random.default_rng(5).integers(0, 2, 70)]
    x[3:40, 3:] = 0
    history = model.fit(x, y, 32, 2, verbose=0, shuffle=False, validation_data=(x[:9], y[:9])).history
    return history, model.predict(x, verbose=0), model.evaluate(x, y, verbose=0), model.get_weights()


@pytest.mark.parametrize("form", [functional, nested, inside])
@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_has_the_same_bits_in_every_form(name, form):
    plain = sequential(CHAINS[name]())
    other = copied_weights(form(CHAINS[name]()), plain)
    wanted, found = trained(plain), trained(other)
    assert found[0] == wanted[0]
    assert found[2] == wanted[2]
    np.testing.assert_array_equal(found[1], wanted[1])
    for a, b in zip(found[3], wanted[3], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["lstm", "stack"])
def test_a_chain_streams_in_every_form(name):
    plain = sequential([layer for layer in CHAINS[name]()])
    x = draw(T, I).astype("float32")
    wanted = [stream.step(x_t) for stream in [plain.stream()] for x_t in x]
    for form in (functional, nested, inside):
        stream = copied_weights(form(CHAINS[name]()), plain).stream()
        np.testing.assert_array_equal([stream.step(x_t) for x_t in x], wanted)


def test_the_order_of_construction_does_not_matter():
    outputs = []
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        a, b = Input((T, I), name="a"), Input((T, I), name="b")
        parts = [layers.LSTM(3, name="one"), layers.GRU(3, name="two"), layers.SimpleRNN(3, name="three")]
        made = {}
        for k in order:
            made[k] = parts[k]([a, b, a][k])
        y = layers.Add(name="sum")([layers.Add(name="first")([made[0], made[1]]), made[2]])
        model = Model([a, b], y)
        assert [layer.name for layer in model.layers] == ["a", "b", "one", "two", "first", "three", "sum"]
        rng = np.random.default_rng(1)
        model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
        outputs.append(model([draw(N, T, I), draw(N, T, I, seed=1)]))
    np.testing.assert_array_equal(outputs[1], outputs[0])
    np.testing.assert_array_equal(outputs[2], outputs[0])


# --- Parts of models --------------------------------------------------------------------------------------------------


def test_inference_models_of_an_encoder_decoder_step_as_the_whole_does():
    source, target = Input((None, I)), Input((None, 2))
    _, h, c = layers.LSTM(4, return_state=True)(source)
    decoder = layers.LSTM(4, return_sequences=True, return_state=True)
    y, _, _ = decoder(target, initial_state=[h, c])
    dense = layers.Dense(2, "softmax")
    whole = Model([source, target], dense(y))
    encoder = Model(source, [h, c])
    h_in, c_in = Input((4,)), Input((4,))
    y, h, c = decoder(target, initial_state=[h_in, c_in])
    stepper = Model([target, h_in, c_in], [dense(y), h, c])
    x, z = draw(N, T, I).astype("float32"), draw(N, 6, 2).astype("float32")
    states, outputs = encoder(x), []
    for t in range(6):
        out, *states = stepper([z[:, t : t + 1], *states])
        outputs.append(out)
    np.testing.assert_array_equal(np.concatenate(outputs, axis=1), whole([x, z]))


def test_models_cut_out_of_others_share_their_weights():
    x = Input((T, I))
    model = Model(x, layers.Dense(2, name="out")(layers.LSTM(4, name="inner")(x)))
    part = Model(model.input, model.get_layer("inner").output)
    front = Sequential(model.layers[1:-1])
    data = draw(N, T, I).astype("float32")
    np.testing.assert_array_equal(front(data), part(data))
    np.testing.assert_array_equal(model.get_layer("out")(part(data)), model(data))
    model.get_layer("inner").set_weights([w + 1 for w in model.get_layer("inner").get_weights()])
    np.testing.assert_array_equal(front(data), part(data))
    tail = Model(model.get_layer("inner").output, model.output)
    np.testing.assert_array_equal(tail(part(data)), model(data))


def test_structures_of_inputs_and_outputs():
    a, b = Input((T, I), name="a"), Input((2,), name="b")
    y, z = layers.LSTM(3, name="y")(a), layers.Dense(3, name="z")(b)
    x = {"a": draw(N, T, I).astype("float32"), "b": draw(N, 2).astype("float32")}
    wanted = [Model(a, y)(x["a"]), Model(b, z)(x["b"])]
    for inputs in ([a, b], (a, b), {"a": a, "b": b}):
        model = Model(inputs, [y, z])
        assert (model.input_names, model.output_names) == (["a", "b"], ["y", "z"])
        for given in (x, list(x.values()), tuple(x.values())):
            for part, of in zip(model(given), wanted, strict=True):
                np.testing.assert_array_equal(part, of)
    assert list(Model([a, b], {"first": y, "second": z})(x)) == ["first", "second"]
    assert isinstance(Model([a, b], (y, z))(x), tuple)
    np.testing.assert_array_equal(Model([a], [y])([x["a"]]), wanted[0])


def test_dicts_go_by_their_sorted_keys():
    """As in Keras: lists beside them are in that order, but what comes out has the keys as they were given."""
    a, b = Input((T, I), name="a"), Input((2,), name="b")
    outputs = {"second": layers.LSTM(3, name="y")(a), "first": layers.Dense(4, name="z")(b)}
    model = Model({"b": b, "a": a}, outputs)
    assert (model.input_names, model.output_names) == (["a", "b"], ["first", "second"])
    assert [layer.name for layer in model.layers] == ["b", "a", "z", "y"]
    x = [draw(N, T, I).astype("float32"), draw(N, 2).astype("float32")]
    found = model(x)
    assert list(found) == ["second", "first"]
    np.testing.assert_array_equal(found["second"], Model(a, outputs["second"])(x[0]))
    inner = model({"a": Input((T, I)), "b": Input((2,))})
    assert [(key, tensor.shape) for key, tensor in inner.items()] == [("second", (None, 3)), ("first", (None, 4))]
    assert list(pickle.loads(pickle.dumps(model))(x)) == list(model.predict(x, verbose=0)) == ["second", "first"]


def test_a_model_that_is_a_class_may_give_a_dict():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.one, self.other = layers.LSTM(3), layers.Dense(2)

        def call(self, x):
            h = self.one(x)
            return {"h": h, "and": self.other(h)}

    model, x = Two(), draw(N, T, I).astype("float32")
    found = model.predict(x, verbose=0)
    assert {key: part.shape for key, part in found.items()} == {"h": (N, 3), "and": (N, 2)}
    assert model.output_names == ["and", "h"]
    np.testing.assert_array_equal(model(x)["and"], found["and"])


def test_stateful_layers_keep_their_states_in_a_graph():
    x = Input(batch_shape=(N, T, I))
    model = Model(x, layers.LSTM(4, stateful=True)(x))
    plain = copied_weights(Sequential([Input((2 * T, I)), layers.LSTM(4)]), model)
    data = draw(N, 2 * T, I).astype("float32")
    model.predict(data[:, :T], batch_size=N, verbose=0)
    np.testing.assert_array_equal(model.predict(data[:, T:], batch_size=N, verbose=0), plain(data))
    model.reset_states()
    np.testing.assert_array_equal(model(data[:, :T]), plain(data[:, :T]))


def test_a_functional_model_takes_the_sizes_of_its_inputs():
    """As in Keras; a Sequential takes what its layers take."""
    x, open_ended = Input((T, I), name="x"), Input((None, I))
    lstm = layers.LSTM(2)
    fixed, free = Model(x, lstm(x), name="fixed"), Model(open_ended, lstm(open_ended))
    short = draw(N, T - 1, I).astype("float32")
    wanted = rf"x must have shape \(None, {T}, {I}\), the input of fixed, got \({N}, {T - 1}, {I}\); a size"
    fixed.compile("sgd", "mse")
    for call in (fixed, fixed.predict, lambda data: fixed.fit(data, np.ones((N, 2)), verbose=0)):
        with pytest.raises(ValueError, match=wanted):
            call(short)
    chain = Sequential([Input((T, I)), lstm])
    np.testing.assert_array_equal(chain(short), free(short))


def test_masks_travel_through_a_graph_and_a_model_inside():
    x = Input((None,))
    h = layers.Embedding(7, 3, mask_zero=True)(x)
    inner = Sequential([layers.LSTM(4, return_sequences=True), layers.LSTM(2)])
    model = Model(x, inner(h))
    tokens = np.array([[1, 2, 3, 0, 0], [4, 5, 0, 0, 0]])
    short = model(tokens[1:, :2])
    np.testing.assert_array_equal(model(tokens)[1:], short)


def test_a_mask_may_be_given_and_a_call_may_say_that_it_trains():
    x, mask = Input((T, I)), Input((T,), dtype="bool")
    layer = layers.LSTM(3)
    model = Model([x, mask], layer(x, mask=mask))
    data, there = draw(N, T, I).astype("float32"), np.arange(T) < np.array([5, 3, 1, 2])[:, None]
    np.testing.assert_array_equal(model([data, there]), layer(data, mask=there))
    always = Model(x, layers.Dropout(0.5, seed=1)(x, training=True))
    assert (always(data) == 0).any()


def test_given_states_hide_the_mask_of_the_inputs_as_in_keras_3():
    """It goes on to the layers behind; to be seen here, it has to be given."""
    x, ids = Input((T, I)), draw(N, T, I).astype("float32")
    ids[0, :2] = ids[1, 3:] = 0
    masked = layers.Masking()(x)
    h = layers.Dense(3)(layers.Flatten()(x))
    for layer, states in ((layers.GRU(3, return_sequences=True), [h]), (layers.LSTM(3, return_sequences=True), [h, h])):
        start = [Model(x, h)(ids) for _ in states]
        there = (ids != 0).any(-1)
        unseen, seen = (
            layer(masked, initial_state=states),
            layer(masked, initial_state=states, mask=ops.not_equal(x[..., 0], 0)),
        )
        np.testing.assert_array_equal(Model(x, unseen)(ids), layer(ids, initial_state=start))
        np.testing.assert_array_equal(Model(x, seen)(ids), layer(ids, initial_state=start, mask=there))
        behind = layers.GRU(2)
        np.testing.assert_array_equal(
            Model(x, behind(unseen))(ids), behind(layer(ids, initial_state=start), mask=there)
        )


@pytest.mark.parametrize("make", ["graph", "chain", "a list of one"])
def test_a_model_inside_gives_tensors_of_its_own_dtypes(make):
    x = Input((T, I), dtype="float64")
    y = layers.LSTM(2, dtype="float64")(x)
    chain = Sequential([Input((T, I), dtype="float64"), layers.LSTM(2, dtype="float64")])
    inner = {"graph": Model(x, y), "chain": chain, "a list of one": Model([x], [y])}[make]
    assert Model(x, [inner(x), x]).outputs[0].dtype == np.float64
    several = Model(x, {"tuple": y, "index": ops.argmax(y)})
    assert {key: tensor.dtype for key, tensor in several(x).items()} == {"tuple": np.float64, "index": np.int32}


def test_a_model_inside_takes_floats_of_its_own_dtype():
    """Also where an operation, which takes what comes, is first."""
    data = draw(N, T, I)
    for outside, inside in (("float64", "float32"), ("float32", "float64")):
        given = Input((T, I), dtype=inside)
        inner = Model(given, [given * 2.0, layers.Dense(2, dtype=inside)(given)])
        x = Input((T, I), dtype=outside)
        model = Model(x, inner(x))
        assert [tensor.dtype for tensor in model.outputs] == [inside, inside]
        for one in (model, pickle.loads(pickle.dumps(model))):
            found = one(data)
            assert [part.dtype for part in found] == [inside, inside]
            np.testing.assert_array_equal(found[0], 2 * data.astype(inside))
        model.compile("sgd", "mse")
        model.train_on_batch(data, [data, draw(N, T, 2)])


def test_chains_take_part_in_the_numbering_of_functional_models():
    """As in Keras, which makes a functional model of a chain whenever it changes."""

    def name():
        x = Input((I,))
        return Model(x, layers.Dense(1)(x)).name

    chain = [layers.Dense(2), layers.Dense(3)]
    assert name() == "functional"
    known = Sequential([Input((I,)), *chain])
    assert name() == "functional_2"
    known.add(layers.Dense(4))
    known.pop()
    assert name() == "functional_5"
    waiting = Sequential([layers.Dense(2), layers.Dense(3)])
    assert name() == "functional_6"
    waiting.build((None, I))
    assert name() == "functional_8"


# --- Errors -----------------------------------------------------------------------------------------------------------


def test_errors():
    x, other = Input((T, I), name="x"), Input((T, I), name="other")
    y = layers.LSTM(3, name="y")(x)
    with pytest.raises(ValueError, match=r"need \(None, 5, 3\) from 'x' beside the inputs \(None, 5, 3\) from 'other'"):
        Model(other, y)
    with pytest.raises(TypeError, match="outputs must be symbolic tensors"):
        Model(x, layers.LSTM(3))
    with pytest.raises(ValueError, match="inputs and outputs must come together, got inputs alone"):
        Model(x)
    wider = layers.LSTM(4, name="wider")(other)
    for merge in (layers.Add(name="plus"), layers.Dot(1, name="plus"), lambda pair: pair[0] + pair[1]):
        with pytest.raises(ValueError, match=r"called on \(None, 3\) from 'y', \(None, 4\) from 'wider'"):
            merge([y, wider])
    twin = layers.LSTM(3, name="y")(other)
    with pytest.raises(ValueError, match="layers must have a name each, got 'y' twice"):
        Model([x, other], [y, twin])
    model = Model([x, other], layers.Add()([y, layers.LSTM(3, name="z")(other)]), name="pair")
    data = draw(N, T, I)
    with pytest.raises(
        ValueError, match=r"must be a list or dict of 2 arrays, for the inputs \['x', 'other'\] of pair, got 3"
    ):
        model([data, data, data])
    with pytest.raises(ValueError, match=r"add 'other'"):
        model({"x": data, "y": data})
    with pytest.raises(ValueError, match="must have the same number of rows"):
        model([data, data[:2]])
    with pytest.raises(ValueError, match=r"x must have shape \(None, 5, 3\), the input 'x' of pair, got \(4, 5\)"):
        model([data[:, :, 0], data])
    with pytest.raises(ValueError, match="initial_state must have the shapes"):
        layers.LSTM(4)(x, initial_state=[y, y])
    with pytest.raises(TypeError, match=r"must have values to decide by, got a symbolic tensor"):
        bool(y)
    with pytest.raises(TypeError, match="must have values that NumPy could take, got a symbolic tensor"):
        np.asarray(y)
