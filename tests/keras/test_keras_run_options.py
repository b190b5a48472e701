"""Arguments of compile, fit, evaluate and predict: what cannot be meant is refused by name, before the first step."""

import array

import numpy as np
import pytest

from fastlstm.keras import callbacks, losses

ONES = np.ones(70)


def batches(data, number=3):
    return ((data[0][:8], data[1][:8]) for _ in range(number))


WHOLE = r"must be a whole number of at least 1, got"
FIT = {
    "batch_size True": ({"batch_size": True}, TypeError, f"batch_size {WHOLE} True"),
    "batch_size text": ({"batch_size": "8"}, TypeError, f"batch_size {WHOLE} '8'"),
    "epochs text": ({"epochs": "3"}, TypeError, "epochs must be a whole number of at least 0, got '3'"),
    "epochs True": ({"epochs": True}, TypeError, "epochs must be a whole number of at least 0, got True"),
    "epochs -1": ({"epochs": -1}, ValueError, "epochs must be a whole number of at least 0, got -1"),
    "initial_epoch": ({"initial_epoch": "1"}, TypeError, "initial_epoch must be a whole number .* got '1'"),
    "nothing left": (
        {"initial_epoch": 3, "epochs": 2},
        ValueError,
        "epochs must be at least initial_epoch 3, .* got 2",
    ),
    "steps_per_epoch 0": ({"steps_per_epoch": 0}, ValueError, f"steps_per_epoch {WHOLE} 0"),
    "steps_per_epoch 1.5": ({"steps_per_epoch": 1.5}, TypeError, f"steps_per_epoch {WHOLE} 1.5"),
    "validation_steps": ({"validation_steps": 0}, ValueError, f"validation_steps {WHOLE} 0"),
    "validation_batch_size": ({"validation_batch_size": 0}, ValueError, f"validation_batch_size {WHOLE} 0"),
    "validation_split text": ({"validation_split": "0.2"}, TypeError, "validation_split must be a number .* got '0.2'"),
    "validation_split True": ({"validation_split": True}, TypeError, "validation_split must be a number .* got True"),
    "validation_split NaN": ({"validation_split": np.nan}, ValueError, "validation_split must be .* got nan"),
    "validation_freq text": ({"validation_freq": "a"}, TypeError, f"validation_freq {WHOLE} 'a'"),
    "validation_freq 0": ({"validation_freq": 0}, ValueError, f"validation_freq {WHOLE} 0"),
    "validation_freq list": ({"validation_freq": [1, "b"]}, TypeError, f"validation_freq: an epoch {WHOLE} 'b'"),
    "tbptt 0": ({"tbptt": 0}, ValueError, f"tbptt {WHOLE} 0"),
    "tbptt True": ({"tbptt": True}, TypeError, f"tbptt {WHOLE} True"),
    "checkpoint_every 1.5": ({"checkpoint_every": 1.5}, TypeError, f"checkpoint_every {WHOLE} 1.5"),
    "memory_limit text": ({"memory_limit": "1GB"}, TypeError, f"memory_limit {WHOLE} '1GB'"),
    "verbose text": ({"verbose": "x"}, ValueError, "verbose must be 'auto', 0, 1 or 2, got 'x'"),
    "verbose None": ({"verbose": None}, TypeError, "verbose must be a whole number from 0 to 2, got None"),
    "shuffle": ({"shuffle": "batch"}, TypeError, "shuffle must be True or False, got 'batch'"),
    "callback class": (
        {"callbacks": [callbacks.EarlyStopping]},
        TypeError,
        r"callbacks must be .* EarlyStopping\(...\)",
    ),
    "one class": ({"callbacks": callbacks.EarlyStopping}, TypeError, r"callbacks must be .* EarlyStopping\(...\)"),
    "callback text": ({"callbacks": "EarlyStopping"}, TypeError, "callbacks must be .* got 'EarlyStopping'"),
    "class weight text": ({"class_weight": {0: "a"}}, TypeError, "class_weight: the weight of 0 must be .* got 'a'"),
    "class weight -1": ({"class_weight": {0: -1}}, ValueError, "class_weight: the weight of 0 must be .* got -1"),
    "class weight NaN": ({"class_weight": {0: np.nan}}, ValueError, "class_weight: the weight of 0 must be .* got nan"),
    "class 7": ({"class_weight": {7: 1.0}}, ValueError, r"class_weight must name classes from 0 to 3, got \[7\]"),
    "class text": ({"class_weight": {"a": 1.0}}, TypeError, "class_weight: a class must be a whole number, got 'a'"),
    "class 0.5": ({"class_weight": {0.5: 1.0}}, TypeError, "class_weight: a class must be a whole number, got 0.5"),
    "balanced": ({"class_weight": "balanced"}, TypeError, "class_weight must be a dict .* got 'balanced'"),
    "weights NaN": ({"sample_weight": ONES * np.nan}, ValueError, "sample_weight must be .* finite numbers, got nan"),
    "weights infinite": ({"sample_weight": ONES * np.inf}, ValueError, "sample_weight must be .* finite .* got inf"),
    "weights text": ({"sample_weight": ["a"] * 70}, TypeError, "sample_weight must be an array of numbers, got"),
    "validation text": (
        {"validation_data": "abc"},
        ValueError,
        r"validation_data: the data must be \(x, y\) .*, got 'abc'",
    ),
    "validation of no rows": ({"validation_data": ([], [])}, ValueError, "validation_data: x must have shape .*, got"),
    "validation of nothing": (
        {"validation_data": iter(())},
        ValueError,
        "validation_data: x must give at least one batch, got none",
    ),
    "validation kind": ({"validation_data": (None, ONES)}, TypeError, "validation_data: x must be a float array"),
    "bad batch": (
        {"validation_data": iter([(ONES, ONES)])},
        ValueError,
        r"validation_data: x must have shape .*, got \(70,\)",
    ),
}


@pytest.mark.parametrize("name", FIT)
def test_fit_refuses(name, model, data, capsys):
    options, error, message = FIT[name]
    if not {"validation_data", "validation_split"} & set(options):
        options = {"validation_data": data, **options}
    seen, before = [], model.get_weights()
    hook = callbacks.LambdaCallback(on_train_begin=lambda logs: seen.append(logs))
    with pytest.raises(error, match=message):
        model.fit(*data, **{"callbacks": [hook], **options})
    assert seen == []
    assert capsys.readouterr().out == ""
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


BESIDE_BATCHES = {
    "y": (lambda m, d, b: m.fit(b, d[1]), "y must be left out where x gives batches, got an array of shape"),
    "sample_weight": (lambda m, d, b: m.fit(b, sample_weight=ONES), "sample_weight must be left out"),
    "validation_split": (lambda m, d, b: m.fit(b, validation_split=0.5), "validation_split must be left out"),
    "y of evaluate": (lambda m, d, b: m.evaluate(b, d[1]), "y must be left out"),
    "weights of evaluate": (lambda m, d, b: m.evaluate(b, sample_weight=ONES), "sample_weight must be left out"),
}


@pytest.mark.parametrize("name", BESIDE_BATCHES)
def test_what_batches_bring_themselves_is_refused_beside_them(name, model, data):
    call, message = BESIDE_BATCHES[name]
    given = batches(data)
    with pytest.raises(ValueError, match=message):
        call(model, data, given)
    assert len(list(given)) == 3


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_a_batch_size_beside_batches_is_not_used_and_a_warning_says_so(method, model, data):
    given = batches(data)
    with pytest.warns(UserWarning, match="batch_size=8 is not used: x gives batches") as seen:
        getattr(model, method)(given, batch_size=8, verbose=0)
    assert seen[0].filename == __file__
    assert list(given) == []


OTHERS = {
    "two validations": (
        lambda m, x, y: m.fit(x, y, validation_split=0.5, validation_data=(x, y)),
        ValueError,
        "validation_split must come without validation_data, got both",
    ),
    "no batches": (lambda m, x, y: m.fit(iter(())), ValueError, "x must give at least one batch, got none"),
    "empty loader": (lambda m, x, y: m.fit(Batches(0)), ValueError, "x must give at least one batch, got none"),
    "no batches to evaluate": (
        lambda m, x, y: m.evaluate(iter(())),
        ValueError,
        "x must give at least one batch, got none",
    ),
    "no batches to predict": (
        lambda m, x, y: m.predict(iter(())),
        ValueError,
        "x must give at least one batch, got none",
    ),
    "a batch of None": (lambda m, x, y: m.fit(iter([None])), TypeError, "x must be a float array .*, got None"),
    "return_dict": (lambda m, x, y: m.evaluate(x, y, return_dict="x"), TypeError, "return_dict must be True or False"),
    "one batch": (lambda m, x, y: m.train_on_batch(x, y, return_dict="x"), TypeError, "return_dict must be"),
    "one class": (lambda m, x, y: m.train_on_batch(x, y, class_weight="a"), TypeError, "class_weight must be a dict"),
    "steps": (lambda m, x, y: m.evaluate(x, y, steps="a"), TypeError, f"steps {WHOLE} 'a'"),
    "steps of predict": (lambda m, x, y: m.predict(x, steps=0), ValueError, f"steps {WHOLE} 0"),
    "verbose of predict": (lambda m, x, y: m.predict(x[:1], verbose="x"), ValueError, "verbose must be 'auto'"),
    "callbacks of predict": (lambda m, x, y: m.predict(x[:1], callbacks="a"), TypeError, "callbacks must be"),
    "loss_weights text": (lambda m, x, y: m.compile("sgd", "mse", "a"), TypeError, "loss_weights must be a number"),
    "loss_weights NaN": (lambda m, x, y: m.compile("sgd", "mse", np.nan), ValueError, "loss_weights must be a number"),
    "loss_weights two": (
        lambda m, x, y: m.compile("sgd", "mse", [1, 2]),
        ValueError,
        "loss_weights must have an entry for each of the outputs",
    ),
    "ragged": (lambda m, x, y: m.fit([x[0].tolist(), x[0, :2].tolist()], y[:2]), TypeError, "x must be .* ragged"),
    "flat buffer": (
        lambda m, x, y: m.predict(array.array("f", [1.0, 2.0])),
        ValueError,
        r"x must have shape .*, got \(2,\)",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_refused(name, model, data, capsys):
    call, error, message = OTHERS[name]
    before = model.get_weights()
    with pytest.raises(error, match=message):
        call(model, *data)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


class Batches:
    """Batches with numbers."""

    def __init__(self, number):
        self.number = number

    def __len__(self):
        return self.number

    def __getitem__(self, i):
        raise AssertionError("never asked")


def test_what_is_meant_is_taken(model, data):
    numbers = {"batch_size": np.int64(16), "epochs": np.int32(2), "validation_split": np.float32(0.25)}
    history = model.fit(*data, verbose=False, shuffle=np.True_, validation_freq=(2,), **numbers)
    assert len(history.history["val_loss"]) == 1
    assert model.fit(*data, epochs=3, initial_epoch=3, verbose=0).epoch == []
    model.compile("sgd", "mse", loss_weights=np.float32(2))
    one = losses.MeanSquaredError()(data[1], model.predict(data[0], verbose=0))
    # float32 means of 280 numbers below one.
    assert model.evaluate(*data, verbose=0) == pytest.approx(2 * float(one), rel=1e-5)


def test_negative_sample_weights_are_meant(model, data):
    """As in policy gradients, where a weight is how much better than expected an action was."""
    before = model.evaluate(*data, verbose=0)[0]
    model.fit(*data, sample_weight=-ONES, epochs=3, verbose=0)
    assert model.evaluate(*data, verbose=0)[0] > before


def test_memory_of_any_kind_is_an_array(model, data):
    wanted = model.predict(data[0], verbose=0)
    np.testing.assert_array_equal(model.predict(memoryview(data[0]), verbose=0), wanted)
    assert model.evaluate(memoryview(data[0]), memoryview(data[1]), verbose=0) == model.evaluate(*data, verbose=0)
