"""Models that are graphs, and how they are trained, written against Keras' interface.

``make_keras_graphs.py`` runs them with Keras and keeps what came out; ``test_keras_graphs_against_golden.py`` runs the
same lines with ``fastlstm.keras``. The argument ``keras`` is either module.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

T, I, CLASSES, TOKENS = 6, 4, 3, 5  # steps, features
TRAIN, VALIDATE, BATCH, EPOCHS = 70, 20, 32, 3  # the last batch of an epoch has 6 rows
ROWS = TRAIN + VALIDATE
DECODED = 10  # sequences that are decoded step by step

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Graph:
    """A model, how it is compiled, and what it is asked to learn.

    ``draw`` gives arrays of ROWS rows by name; ``feed`` puts some rows of them together as x and y and, in some
    programs, sample_weight, in the structures that ``fit`` is to take. ``further`` gives what else is computed from the
    trained model, and ``texts`` names what is kept of it in words.
    """

    build: Callable[[Any], Any]
    draw: Callable[[np.random.Generator], Arrays]
    feed: Callable[[Arrays], tuple[Any, ...]]
    compile: Callable[[Any], dict[str, Any]]
    further: Callable[[Any, Any, Arrays], Arrays] = lambda keras, model, rows: {}
    texts: tuple[str, ...] = ()
    batch: int = BATCH

    def compiled(self, keras):
        model = self.build(keras)
        model.compile(**{"optimizer": sgd(keras)} | self.compile(keras))
        return model

    def predict(self, model, arrays):
        """Return every output for the rows held back, as a list."""
        x = self.feed(held_back(arrays))[0]
        forget(model)
        return as_list(model.predict(x, batch_size=self.batch, verbose=0))

    def train(self, model, arrays):
        """Run three epochs in the stored order and return the history."""
        x, y, *weights = self.feed({name: array[:TRAIN] for name, array in arrays.items()})
        forget(model)
        return model.fit(
            x,
            y,
            batch_size=self.batch,
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
            validation_data=self.feed(held_back(arrays)),
            sample_weight=weights[0] if weights else None,
        ).history

    def after(self, keras, model, arrays):
        """Return the predictions of the trained model, and what else is computed from it."""
        found = {f"output_{k}": output for k, output in enumerate(self.predict(model, arrays))}
        forget(model)
        return found | self.further(keras, model, held_back(arrays))


def held_back(arrays):
    return {name: array[TRAIN:] for name, array in arrays.items()}


def as_list(outputs):
    if isinstance(outputs, dict):
        return [outputs[name] for name in sorted(outputs)]
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def forget(model):
    """Reset the states of stateful layers."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()


def structure(model):
    """Return what the model is made of, as arrays of text and numbers, none of which depends on weights."""
    return {
        "layers": np.array([layer.name for layer in model.layers]),
        "paths": np.array([weight.path for weight in model.weights]),
        "trainable_paths": np.array([weight.path for weight in model.trainable_weights]),
        "outputs": np.array(getattr(model, "output_names", [])),
        "parameters": np.array(model.count_params()),
    }


def texts(graph, model):
    """Return the table of the model and its configuration as JSON, where the program asks for them."""
    found = {}
    if "summary" in graph.texts:
        parts = []
        model.summary(print_fn=lambda text: parts.append(str(text)), line_length=100)
        found["summary"] = "\n".join(parts)
    if "config" in graph.texts:
        found["config"] = json.dumps(model.get_config(), default=str)
    return found


# What there is to learn


def sequences(rng):
    """Inputs, which of three directions their sum points along most, and how far: learnable, not trivial."""
    x = rng.normal(size=(ROWS, T, I)).astype(np.float32)
    along = x.sum(axis=1) @ rng.normal(size=(I, CLASSES)) / T
    return {"x": x, "kind": np.argmax(along, axis=1).astype(np.int32), "level": along[:, :2].astype(np.float32)}


def padded(rng):
    """`sequences` of different lengths: the steps after the last are zero."""
    arrays = sequences(rng)
    lengths = rng.integers(2, T + 1, size=ROWS)
    arrays["x"][np.arange(T) >= lengths[:, None]] = 0.0
    return arrays


def running_mean(rng):
    """`padded`, with a target (N, T, 2) and a weight (N, T) for every step."""
    arrays = padded(rng)
    means = np.cumsum(arrays["x"], axis=1) / np.arange(1, T + 1)[:, None]
    return {
        "x": arrays["x"],
        "y": means[:, :, :2].astype(np.float32),
        "weight": rng.uniform(0.1, 3.0, size=(ROWS, T)).astype(np.float32),
    }


def translations(rng):
    """Sequences, and the tokens they stand for: one-hot, and the same one step later as input of a decoder."""
    x = rng.normal(size=(ROWS, T, I)).astype(np.float32)
    tokens = np.argmax(np.cumsum(x, axis=1)[:, 1:] @ rng.normal(size=(I, TOKENS)), axis=2)
    y = np.eye(TOKENS, dtype=np.float32)[tokens]
    start = np.eye(TOKENS, dtype=np.float32)[np.zeros((ROWS, 1), np.int64)]
    return {"x": x, "before": np.concatenate([start, y[:, :-1]], axis=1), "y": y}


def pairs(rng):
    """Two sequences and whether their sums lie on the same side."""
    left, right = (rng.normal(size=(ROWS, T, I)).astype(np.float32) for _ in range(2))
    same = np.sign(left.sum(axis=(1, 2))) == np.sign(right.sum(axis=(1, 2)))
    return {"left": left, "right": right, "same": same.astype(np.float32)[:, None]}


def two_kinds(rng):
    """A sequence and fixed features, with a class and a number to tell, and weights for both."""
    arrays = sequences(rng) | {"fixed": rng.normal(size=(ROWS, 3)).astype(np.float32)}
    arrays["level"] = arrays["level"][:, :1] + arrays["fixed"][:, :1]
    for name in ("kind_weight", "level_weight"):
        arrays[name] = rng.uniform(0.1, 3.0, size=ROWS).astype(np.float32)
    return arrays


def tagged_words(rng):
    """Word numbers with zeros after the last, and a class for every word: whether the sum so far is small or large."""
    words = rng.integers(1, 7, size=(ROWS, T)).astype(np.int32)
    words[np.arange(T) >= rng.integers(2, T + 1, size=ROWS)[:, None]] = 0
    tags = np.digitize(np.cumsum(words, axis=1) / np.arange(1, T + 1), [3.0, 4.0]).astype(np.int32)
    return {"words": words, "tags": tags}


def x_to(name):
    return lambda rows: (rows["x"], rows[name])


def sgd(keras):
    """Give the optimizer of most programs: unlike Adam's, its steps grow with the gradient, so the size counts too."""
    return keras.optimizers.SGD(learning_rate=0.05, momentum=0.9)


def classes(keras):
    return {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


# Encoders and decoders


def translator(cell):
    """An encoder whose states start a decoder, which is given the right token of the step before."""

    def build(keras):
        layers = keras.layers
        source, before = keras.Input((T, I), name="source"), keras.Input((None, TOKENS), name="before")
        if cell == "BiLSTM":
            encoder = layers.Bidirectional(layers.LSTM(3, return_state=True), name="encoder")
            _, forward_h, forward_c, backward_h, backward_c = encoder(source)
            h = layers.Concatenate(name="h")([forward_h, backward_h])
            states = [h, layers.Concatenate(name="c")([forward_c, backward_c])]
        else:
            _, *states = getattr(layers, cell)(6, return_state=True, name="encoder")(source)
        decoder = getattr(layers, cell.removeprefix("Bi"))
        decoded, *_ = decoder(6, return_sequences=True, return_state=True, name="decoder")(before, initial_state=states)
        return keras.Model([source, before], layers.Dense(TOKENS, activation="softmax", name="token")(decoded))

    return build


def decode(keras, model, rows):
    """Cut the encoder and the decoder out of a translator and let it choose its tokens, one step after the other."""
    encoder, decoder, token = (model.get_layer(name) for name in ("encoder", "decoder", "token"))
    joined = any(layer.name == "h" for layer in model.layers)
    states = [model.get_layer(name).output for name in "hc"] if joined else list(encoder.output[1:])
    encoder_model = keras.Model(model.input[0], states)
    before, states_in = keras.Input((1, TOKENS)), [keras.Input((6,)) for _ in states]
    decoded, *states_out = decoder(before, initial_state=states_in)
    decoder_model = keras.Model([before, *states_in], [token(decoded), *states_out])

    now = encoded = as_list(encoder_model.predict(rows["x"][:DECODED], verbose=0))
    chosen, probabilities = rows["before"][:DECODED, :1], []
    for _ in range(T - 1):
        found, *now = decoder_model.predict([chosen, *now], verbose=0)
        chosen = np.eye(TOKENS, dtype=np.float32)[np.argmax(found, axis=2)]
        probabilities.append(found)
    kept = {f"encoded_{k}": state for k, state in enumerate(encoded)}
    kept |= {f"last_state_{k}": state for k, state in enumerate(now)}
    return kept | {"decoded": np.concatenate(probabilities, axis=1)}


def autoencoder(keras):
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    code = layers.LSTM(5, name="code")(x)
    steps = layers.LSTM(6, return_sequences=True, name="steps")(layers.RepeatVector(T, name="repeat")(code))
    return keras.Model(x, layers.TimeDistributed(layers.Dense(I, name="dense"), name="each")(steps), name="autoencoder")


def codes(keras, model, rows):
    """What the first half of an autoencoder makes of the rows, and the second half of that."""
    encoder = keras.Model(model.input, model.get_layer("code").output)
    rest = keras.Model(model.get_layer("code").output, model.output)
    code = encoder.predict(rows["x"], verbose=0)
    return {"code": code, "decoded": rest.predict(code, verbose=0)}


# Several inputs and outputs


def two_in_two_out(wrap):
    """A class and a number, from a sequence and features; `wrap` makes the outputs of the model out of both."""

    def build(keras):
        layers = keras.layers
        x, fixed = keras.Input((T, I), name="x"), keras.Input((3,), name="fixed")
        h = layers.LSTM(6, name="lstm")(x)
        both = layers.Concatenate(name="both")([h, layers.Dense(4, activation="tanh", name="dense")(fixed)])
        kind = layers.Dense(CLASSES, activation="softmax", name="kind")(both)
        hidden = layers.Dense(3, activation="tanh", name="hidden")(both)
        level = layers.Dense(1, name="level")(hidden)
        return keras.Model([x, fixed], wrap(kind, level), name="two_in_two_out")

    return build


def by_name(rows, *names):
    return {name: rows[name] for name in names}


def by_output(keras):
    return {
        "loss": {"level": "mse", "kind": "sparse_categorical_crossentropy"},
        "loss_weights": {"level": 0.3, "kind": 2.0},
        "metrics": {"level": ["mae", "mse"], "kind": "accuracy"},
    }


def by_place(keras):
    return {
        "loss": ["sparse_categorical_crossentropy", "mse"],
        "loss_weights": [2.0, 0.3],
        "metrics": [["accuracy"], ["mae"]],
        "weighted_metrics": [None, ["mae", "mse"]],
    }


def siamese(keras):
    """One encoder for both sequences; how far apart its answers are tells whether they belong together."""
    layers = keras.layers
    left, right = keras.Input((T, I), name="left"), keras.Input((T, I), name="right")
    encoder = keras.Sequential([layers.LSTM(6, name="lstm"), layers.Dense(5, name="dense")], name="encoder")
    a, b = encoder(left), encoder(right)
    apart = keras.ops.abs(layers.Subtract(name="difference")([a, b]))
    alike = layers.Dot(axes=1, normalize=True, name="cosine")([a, b])
    together = layers.Concatenate(name="together")([apart, alike])
    return keras.Model([left, right], layers.Dense(1, activation="sigmoid", name="same")(together), name="siamese")


def merges(keras):
    """Two recurrent layers, their outputs merged in every way there is."""
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    pair = [layers.LSTM(5, return_sequences=True, name="lstm")(x), layers.GRU(5, return_sequences=True, name="gru")(x)]
    kinds = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)
    merged = [kind(name=kind.__name__.lower())(pair) for kind in kinds]
    merged.append(layers.Dot(axes=(2, 2), name="dot")(pair))
    every = layers.Concatenate(axis=-1, name="every")(merged)
    longer = layers.Concatenate(axis=1, name="longer")([every, every])
    h = layers.SimpleRNN(6, name="rnn")(longer)
    return keras.Model(x, layers.Dense(CLASSES, activation="softmax", name="kind")(h))


def branches(keras):
    """Branches of different length and layers used at two depths, which settle the order of the weights."""
    layers = keras.layers
    left, right = keras.Input((T, I), name="left"), keras.Input((T, I), name="right")
    shared, lstm = layers.Dense(I, activation="tanh", name="shared"), layers.LSTM(5, name="lstm")
    short = layers.GRU(4, name="gru")(left)
    long = layers.LSTM(4, return_sequences=True, name="first")(shared(shared(right)))
    a, b = lstm(shared(left)), lstm(layers.Dense(I, name="second")(long))
    all_of = layers.Concatenate(name="all")([short, b - a, 2.0 * a])
    same = layers.Dense(1, activation="sigmoid", name="same")(all_of)
    also = layers.Dense(1, activation="sigmoid", name="also")(layers.Dense(3, name="before")(all_of))
    return keras.Model([right, left], [also, same], name="branches")


# Masks


def residual(keras):
    """Recurrent layers that add to what they are given; the mask goes past the additions."""
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    h = layers.Masking(name="masking")(x)
    for k in range(2):
        h = layers.Add(name=f"add_{k}")([h, layers.LSTM(I, return_sequences=True, name=f"lstm_{k}")(h)])
    last = layers.GRU(5, name="last")(h)
    return keras.Model(x, layers.Dense(CLASSES, activation="softmax", name="kind")(last))


def tagger(keras):
    """Two readings of one embedding, one with its mask, one told it; what is padding counts for nothing in the loss."""
    layers = keras.layers
    words = keras.Input((T,), dtype="int32", name="words")
    embedding = layers.Embedding(7, 5, mask_zero=True, name="embedding")
    embedded = embedding(words)
    first = layers.LSTM(4, return_sequences=True, name="lstm")(embedded)
    plain = keras.ops.tanh(embedded)  # carries no mask
    second = layers.GRU(4, return_sequences=True, name="gru")(plain, mask=embedding.compute_mask(words))
    both = layers.Concatenate(name="both")([first, second])
    return keras.Model(words, layers.Dense(CLASSES, activation="softmax", name="tag")(both))


# Attention, in four ways


def attention_by_operators(keras):
    layers, ops = keras.layers, keras.ops
    x = keras.Input((T, I), name="x")
    h = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="lstm")(x)
    a = ops.softmax(layers.Dense(1, activation="tanh", name="score")(h), axis=1)
    both = layers.Concatenate(name="both")([ops.sum(a * h, axis=1), h[:, -1]])
    return keras.Model(x, layers.Dense(CLASSES, activation="softmax", name="kind")(both), name="attention")


def attention_by_layers(keras):
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    h = layers.Bidirectional(layers.GRU(4, return_sequences=True), name="gru")(x)
    score = layers.Flatten(name="flat")(layers.Dense(1, activation="tanh", name="score")(h))
    a = layers.RepeatVector(8, name="repeat")(layers.Activation("softmax", name="softmax")(score))
    weighted = layers.Multiply(name="weighted")([h, layers.Permute((2, 1), name="permute")(a)])
    context = layers.Lambda(lambda t: keras.ops.sum(t, axis=1), name="sum")(weighted)
    return keras.Model(x, layers.Dense(CLASSES, activation="softmax", name="kind")(context))


def attention_over_a_query(keras):
    """Every step of one layer looks at the steps of another: Dot, softmax, Dot."""
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    values = layers.LSTM(5, return_sequences=True, name="values")(x)
    queries = layers.SimpleRNN(5, return_sequences=True, name="queries")(x)
    a = layers.Softmax(axis=-1, name="softmax")(layers.Dot(axes=2, name="scores")([queries, values]))
    context = layers.Dot(axes=(2, 1), name="context")([a, values])
    last = layers.GRU(4, name="gru")(layers.Concatenate(name="both")([context, queries]))
    return keras.Model(x, layers.Dense(CLASSES, activation="softmax", name="kind")(last))


def attention_of_ones_own(keras):
    """A layer that is a class of the program, with a penalty on one of its weights."""
    ops = keras.ops

    class Attention(keras.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            features = input_shape[-1]
            self.kernel = self.add_weight(
                name="kernel",
                shape=(features, self.units),
                initializer="glorot_uniform",
                regularizer=keras.regularizers.L2(0.05),
            )
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
            self.query = self.add_weight(name="query", shape=(self.units, 1), initializer="random_normal")

        def call(self, x):
            score = ops.matmul(ops.tanh(ops.matmul(x, self.kernel) + self.bias), self.query)
            return ops.sum(x * ops.softmax(score, axis=1), axis=1)

    layers = keras.layers
    x = keras.Input((T, I), name="x")
    h = layers.LSTM(5, return_sequences=True, name="lstm")(x)
    context = Attention(4, name="attention")(h)
    return keras.Model(x, layers.Dense(CLASSES, activation="softmax", name="kind")(context))


# Models in models, models with states, models that are classes


def nested(keras):
    """A Sequential in a graph in a Sequential; one layer of the innermost stays as it is."""
    layers = keras.layers
    inner = keras.Sequential(
        [
            keras.Input((T, 5), name="inner_in"),
            layers.LSTM(5, return_sequences=True, name="frozen"),
            layers.LSTM(4, name="free"),
        ],
        name="inner",
    )
    inner.get_layer("frozen").trainable = False
    h = keras.Input((T, 5), name="middle_in")
    skipped = layers.Dense(4, name="skip")(h[:, -1])
    middle = keras.Model(h, layers.Add(name="add")([inner(h), skipped]), name="middle")
    return keras.Sequential(
        [
            keras.Input((T, I), name="outer_in"),
            layers.Dense(5, activation="tanh", name="first"),
            middle,
            layers.Dense(CLASSES, activation="softmax", name="kind"),
        ],
        name="outer",
    )


def stateful(keras):
    layers = keras.layers
    x = keras.Input(batch_shape=(10, T, I), name="x")
    h = layers.LSTM(5, stateful=True, return_sequences=True, name="lstm")(x)
    h = layers.GRU(4, stateful=True, name="gru")(layers.Concatenate(name="both")([x, h]))
    return keras.Model(x, layers.Dense(2, name="level")(h))


def carried_on(keras, model, rows):
    """What a model with states says the first time, the second time, and after its states were reset."""
    x = rows["x"][:10]
    first, second = (model.predict(x, batch_size=10, verbose=0) for _ in range(2))
    forget(model)
    return {"first_time": first, "second_time": second, "reset": model.predict(x, batch_size=10, verbose=0)}


def a_class(keras):
    class Net(keras.Model):
        def __init__(self):
            super().__init__(name="net")
            layers = keras.layers
            self.classify = layers.Dense(CLASSES, activation="softmax", name="kind")
            self.drop = layers.Dropout(0.0, name="dropout")
            self.stack = [layers.LSTM(5, return_sequences=True, name=f"lstm_{k}") for k in range(2)]

        def call(self, x, training=False):
            for layer in self.stack:
                x = layer(x)
            return self.classify(self.drop(x[:, -1], training=training))

    model = Net()
    model(np.zeros((1, T, I), np.float32))  # makes the weights
    return model


# Losses and metrics of one's own


def sequence_to_level(keras):
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    return keras.Model(x, layers.Dense(2, name="level")(layers.LSTM(6, name="lstm")(x)))


def functions_of_ones_own(keras):
    ops = keras.ops

    def weighted_square(y_true, y_pred):
        """One number for a batch."""
        return ops.mean(ops.square(y_true - y_pred) * ops.exp(0.3 * y_true))

    def largest_error(y_true, y_pred):
        """One number for a row."""
        return ops.max(ops.abs(y_true - y_pred), axis=-1)

    return {
        "loss": weighted_square,
        "metrics": [largest_error, lambda y_true, y_pred: ops.mean(ops.abs(y_true - y_pred)), "mae"],
    }


def masked_steps(keras):
    layers = keras.layers
    x = keras.Input((T, I), name="x")
    h = layers.SimpleRNN(6, return_sequences=True, name="rnn")(layers.Masking(name="masking")(x))
    return keras.Model(x, layers.Dense(2, name="mean")(h))


def loss_of_every_step(keras):
    ops = keras.ops

    def smooth_error(y_true, y_pred):
        """One number for a step of a row, so masks and weights reach it."""
        return ops.mean(ops.sqrt(ops.square(y_true - y_pred) + 0.1), axis=-1)

    return {"loss": smooth_error, "metrics": [smooth_error], "weighted_metrics": ["mae"]}


def adam(keras):
    return {"optimizer": keras.optimizers.Adam(learning_rate=0.01)}


words_for = {"loss": "categorical_crossentropy", "metrics": ["accuracy"]}


def teacher(rows):
    return [rows["x"], rows["before"]], rows["y"]


GRAPHS = {
    "translator_lstm": Graph(translator("LSTM"), translations, teacher, lambda keras: words_for, decode, ("config",)),
    "translator_gru": Graph(
        translator("GRU"), translations, teacher, lambda keras: words_for | {"optimizer": "rmsprop"}, decode
    ),
    "translator_bidirectional": Graph(
        translator("BiLSTM"), translations, teacher, lambda keras: words_for | adam(keras), decode, ("summary",)
    ),
    "two_in_two_out_by_name": Graph(
        two_in_two_out(lambda kind, level: [kind, level]),
        two_kinds,
        lambda rows: (by_name(rows, "fixed", "x"), by_name(rows, "level", "kind")),
        by_output,
        texts=("summary",),
    ),
    "two_in_two_out_by_place": Graph(
        two_in_two_out(lambda kind, level: [kind, level]),
        two_kinds,
        lambda rows: (
            [rows["x"], rows["fixed"]],
            [rows["kind"], rows["level"]],
            [rows["kind_weight"], rows["level_weight"]],
        ),
        by_place,
    ),
    "two_in_two_out_in_a_dict": Graph(
        two_in_two_out(lambda kind, level: {"level": level, "kind": kind}),
        two_kinds,
        lambda rows: (
            by_name(rows, "x", "fixed"),
            by_name(rows, "kind", "level"),
            {"kind": rows["kind_weight"], "level": rows["level_weight"]},
        ),
        by_output,
    ),
    "siamese": Graph(
        siamese,
        pairs,
        lambda rows: ([rows["left"], rows["right"]], rows["same"]),
        lambda keras: {"loss": "binary_crossentropy", "metrics": ["accuracy"]},
        texts=("config",),
    ),
    "merges": Graph(merges, sequences, x_to("kind"), classes),
    "branches": Graph(
        branches,
        pairs,
        lambda rows: ({"left": rows["left"], "right": rows["right"]}, {"same": rows["same"], "also": rows["same"]}),
        lambda keras: {"loss": "binary_crossentropy", "metrics": ["accuracy", "mae"]},  # one metric for each output
    ),
    "residual": Graph(residual, padded, x_to("kind"), classes),
    "tagger": Graph(tagger, tagged_words, lambda rows: (rows["words"], rows["tags"]), classes),
    "attention_by_operators": Graph(attention_by_operators, sequences, x_to("kind"), classes, texts=("config",)),
    "attention_by_layers": Graph(attention_by_layers, sequences, x_to("kind"), classes),
    "attention_over_a_query": Graph(attention_over_a_query, sequences, x_to("kind"), classes),
    "attention_of_ones_own": Graph(attention_of_ones_own, sequences, x_to("kind"), classes),
    "autoencoder": Graph(
        autoencoder, sequences, x_to("x"), lambda keras: {"loss": "mse", "metrics": ["mae"]} | adam(keras), codes
    ),
    "stateful": Graph(
        stateful, sequences, x_to("level"), lambda keras: {"loss": "mse", "metrics": ["mae"]}, carried_on, batch=10
    ),
    "nested": Graph(nested, sequences, x_to("kind"), classes, texts=("summary",)),
    "a_class": Graph(a_class, sequences, x_to("kind"), classes),
    "functions_of_ones_own": Graph(sequence_to_level, sequences, x_to("level"), functions_of_ones_own),
    "loss_of_every_step": Graph(
        masked_steps, running_mean, lambda rows: (rows["x"], rows["y"], rows["weight"]), loss_of_every_step
    ),
}
