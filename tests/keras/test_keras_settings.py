"""Settings that hold for everything: the default dtype, the smallest probability, where progress is written."""

import logging

import numpy as np
import pytest

from fastlstm.keras import Sequential, backend, callbacks, config, constraints, layers, losses

PAIRS = ["backend", "epsilon", "floatx", "image_data_format", "set_epsilon", "set_floatx", "set_image_data_format"]


@pytest.fixture(autouse=True)
def _as_before():
    before = config.floatx(), config.epsilon()
    yield
    config.set_floatx(before[0])
    config.set_epsilon(before[1])
    config.enable_interactive_logging()


@pytest.mark.parametrize("name", PAIRS)
def test_settings_are_where_old_programs_look_for_them(name):
    assert getattr(backend, name) is getattr(config, name)
    assert name in backend.__all__
    assert name in config.__all__


def test_the_default_dtype():
    assert config.floatx() == "float32"
    config.set_floatx("float64")
    assert backend.floatx() == "float64"
    assert layers.Dense(2)(np.ones((1, 2))).dtype == np.float64


def test_the_smallest_probability():
    """Numbers by hand: the logarithm of what is kept from 0, and sums with it in the divisor."""
    config.set_epsilon(1e-2)
    assert backend.epsilon() == 1e-2
    assert losses.BinaryCrossentropy()([[1.0]], [[0.0]]) == pytest.approx(-np.log(0.01), rel=1e-6)
    assert losses.Dice()([[1.0, 1.0]], [[1.0, 0.0]]) == pytest.approx(1 - 2 / 3.01, rel=1e-6)
    assert losses.MeanAbsolutePercentageError()([[0.0]], [[1.0]]) == pytest.approx(1e4)
    assert constraints.UnitNorm()(np.ones((1, 1)))[0, 0] == pytest.approx(1 / 1.01)
    assert layers.BatchNormalization().epsilon == 1e-3  # those that layers are given stay


def run(capsys):
    model = Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2))
    stop = callbacks.EarlyStopping("loss", min_delta=10.0, patience=1, verbose=1)
    model.fit(x, np.ones((4, 1)), epochs=3, callbacks=[stop], verbose=2)
    model.predict(x)
    return capsys.readouterr().out


def test_progress_may_go_to_a_log(capsys, caplog):
    assert config.is_interactive_logging_enabled()
    assert "Epoch 1/3" in run(capsys)
    config.disable_interactive_logging()
    assert not config.is_interactive_logging_enabled()
    with caplog.at_level(logging.INFO, "fastlstm.keras"):
        assert run(capsys) == ""
    assert any(message.startswith("1/1 - ") for message in caplog.messages)
    assert caplog.messages[0] == "Epoch 1/3"
    assert any("early stopping" in message for message in caplog.messages)


def test_what_holds_anyhow():
    config.set_image_data_format("channels_last")
    assert config.image_data_format() == "channels_last"
    assert config.backend() == "fastlstm"
    config.disable_traceback_filtering()
    assert not config.is_traceback_filtering_enabled()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: config.set_floatx("float16"), TypeError, "value must be 'float32' or 'float64', got 'float16'"),
        (lambda: config.set_epsilon("x"), TypeError, "value must be a number above 0 and below 1, got 'x'"),
        (lambda: config.set_epsilon(0.0), ValueError, "value must be a number above 0 and below 1, got 0.0"),
        (
            lambda: config.set_image_data_format("channels_first"),
            NotImplementedError,
            "data_format must be 'channels_l",
        ),
        (lambda: config.set_image_data_format("x"), ValueError, "data_format must be 'channels_last'"),
        (lambda: config.set_image_data_format(None), TypeError, "data_format must be a str, got None"),
    ],
)
def test_settings_that_cannot_be_meant(call, error, message):
    with pytest.raises(error, match=message):
        call()
