"""What is printed: the summary, the progress bar, the lines of epochs."""

import io
import re
import runpy
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, callbacks, layers
from fastlstm.keras.training import progress

EXAMPLES = Path(__file__).parents[2] / "examples"

SUMMARY = """\
Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ lstm (LSTM)                     │ (None, 16)             │         1,280 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 16)             │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 4)              │            68 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
"""


def text_of(model):
    parts = []
    model.summary(line_length=76, print_fn=parts.append)
    assert len(parts) == 1
    return parts[0]


def test_summary_is_the_table_of_keras():
    model = Sequential([Input((5, 3)), layers.LSTM(16), layers.Dropout(0.1), layers.Dense(4)])
    totals = """\
 Total params: 1,348 (5.27 KB)
 Trainable params: 1,348 (5.27 KB)
 Non-trainable params: 0 (0.00 B)
"""
    assert text_of(model) == SUMMARY + totals


def test_summary_counts_the_optimizer_once_it_has_state(data):
    model = Sequential([Input((5, 3)), layers.LSTM(16), layers.Dropout(0.1), layers.Dense(4, activation="softmax")])
    model.layers[0].trainable = True
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    model.fit(*data, verbose=0)
    totals = """\
 Total params: 4,046 (15.81 KB)
 Trainable params: 1,348 (5.27 KB)
 Non-trainable params: 0 (0.00 B)
 Optimizer params: 2,698 (10.54 KB)
"""
    assert text_of(model) == SUMMARY + totals


def test_summary_of_frozen_and_unbuilt_layers(capsys):
    model = Sequential([layers.LSTM(16, name="a_name_that_does_not_fit_into_its_column"), layers.Dense(4)])
    text = text_of(model)
    assert "│ a_name_that_does_not_fit_into_… │ ?                      │   0 (unbuilt) │" in text
    model.build((None, 5, 3))
    model.layers[0].trainable = False
    assert " Non-trainable params: 1,280 (5.00 KB)\n" in text_of(model)
    model.summary()
    assert capsys.readouterr().out.startswith('Model: "sequential"\n┏━')


BAR = "━" * 20


def test_lines_of_fit(model, data, capsys):
    model.fit(*data, epochs=2, validation_data=data)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2"
    assert lines[2] == "Epoch 2/2"
    value = r"\d\.\d{4}"
    values = f"accuracy: {value} - loss: {value} - val_accuracy: {value} - val_loss: {value}"
    assert re.fullmatch(rf"3/3 {BAR} \ds \d+[mu]?s/step - {values}", lines[1])
    assert len(lines) == 4


def test_lines_of_fit_without_bars(model, data, capsys):
    model.fit(*data, epochs=1, verbose=2)
    assert re.fullmatch(
        r"3/3 - \ds - \d+[mu]?s/step - accuracy: \d\.\d{4} - loss: \d\.\d{4}\n", capsys.readouterr().out
    )
    model.fit(*data, verbose=0)
    model.predict(data[0], verbose=0)
    assert capsys.readouterr().out == ""


def test_lines_of_evaluate_and_predict(model, data, capsys):
    model.evaluate(*data)
    assert re.fullmatch(rf"3/3 {BAR} \ds \d+[mu]?s/step - accuracy: .* - loss: .*\n", capsys.readouterr().out)
    model.predict(data[0])
    assert re.fullmatch(rf"3/3 {BAR} \ds \d+[mu]?s/step\n", capsys.readouterr().out)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bar_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(progress, "REFRESH", 0.0)
    bar = progress.ProgressBar(40, 1)
    assert bar.due(1)
    bar.draw(20, {"loss": 1.0})
    bar.finish(40, {"loss": 0.5})
    first, last = screen.getvalue().split("\r")[1:]
    assert first.startswith("\x1b[1m20/40\x1b[0m \x1b[32m━━━━━━━━━━\x1b[0m\x1b[37m━━━━━━━━━━\x1b[0m \x1b[1m0s\x1b[0m ")
    assert first.endswith("/step - loss: 1.0000")
    assert last.startswith(f"\x1b[1m40/40\x1b[0m \x1b[32m{BAR}\x1b[0m \x1b[1m0s\x1b[0m ")
    assert last.endswith("\n")


class OutStream(io.StringIO):
    """Standard output of a notebook, which is no terminal but draws lines anew."""

    __module__ = "ipykernel.iostream"


def slow_steps(data, **options):
    """A training of one epoch whose steps take longer than a drawing waits for the next."""
    model = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(4)])
    model.compile("sgd", "mse")
    pause = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.01))
    model.fit(*data, batch_size=16, callbacks=[pause], **options)


@pytest.mark.parametrize("screen", [Terminal, OutStream])
def test_bars_move_where_lines_can_be_drawn_anew(monkeypatch, data, screen):
    monkeypatch.setattr(sys, "stdout", screen())
    monkeypatch.setattr(progress, "REFRESH", 0.0)
    slow_steps(data)
    steps = -(-len(data[0]) // 16)
    text = re.sub(r"\x1b\[\d+m", "", sys.stdout.getvalue())
    drawn = text.split("\r")[1:]
    assert [int(line.partition("/")[0]) for line in drawn] == [*range(1, steps + 1), steps]
    # What is left of an epoch: steps of 10 ms are done within a second.
    assert all(re.match(rf" *\d+/{steps} [━]{{20}} 0s \d+ms/step - loss: ", line) for line in drawn)
    assert text.count("\n") == 1


def test_the_time_that_is_left_is_told(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(sys, "stdout", Terminal())
    bar = progress.ProgressBar(101, 1)
    for step in (1, 11):
        now[0] += 20 if step == 1 else 10  # the first step, which is not like others, counts for nothing
        assert bar.due(step)
    bar.draw(11, {})
    assert "1:30\x1b[0m 1s/step" in sys.stdout.getvalue()  # 90 steps of a second


def test_log_files_have_a_line_an_epoch(monkeypatch, data, tmp_path):
    path = tmp_path / "log.txt"
    with path.open("w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdout", file)
        monkeypatch.setattr(progress, "REFRESH", 0.0)
        slow_steps(data, epochs=2)
    text = path.read_text("utf-8")
    assert "\r" not in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 4  # with the number of the epoch above each


def test_a_shorter_line_covers_the_longer_one(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    bar = progress.ProgressBar(10, 1)
    bar.draw(5, {"loss": 1.0, "a_long_name": 2.0})
    bar.finish(10, {})
    first, last = (re.sub(r"\x1b\[\d+m", "", part).rstrip("\n") for part in screen.getvalue().split("\r")[1:])
    assert len(last) == len(first)


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (progress.value_text, 0.12345, "0.1235"),
        (progress.value_text, 0.0005, "5.0000e-04"),
        (progress.value_text, -2.0, "-2.0000"),
        (progress.value_text, float("nan"), "nan"),
        (progress.step_text, 2.4, "2s/step"),
        (progress.step_text, 0.0124, "12ms/step"),
        (progress.step_text, 0.00005, "50us/step"),
        (progress.clock_text, 59.9, "59s"),
        (progress.clock_text, 61, "1:01"),
        (progress.clock_text, 3723, "1:02:03"),
    ],
)
def test_texts(function, value, text):
    assert function(value) == text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classic_lstm", "classic_rnn"])
def test_the_classic_programs_run_and_learn(name):
    done = subprocess.run([sys.executable, EXAMPLES / f"{name}.py"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == 'Model: "sequential"'
    assert "Epoch 10/10" in lines
    # Four classes: chance is 0.25.
    assert float(re.search(r"val_accuracy: ([\d.]+)", lines[-1])[1]) > 0.8


@pytest.mark.parametrize("name", ["classic_lstm", "classic_rnn"])
def test_only_the_import_lines_of_the_classic_programs_name_fastlstm(name):
    source = (EXAMPLES / f"{name}.py").read_text()
    named = [line for line in source.splitlines()[1:] if "fastlstm" in line]
    assert named
    assert all(line.startswith("from fastlstm.keras.") for line in named)


def test_the_classic_program_warns_where_it_gives_the_input_shape():
    with pytest.warns(UserWarning, match="Input") as caught:
        runpy.run_path(str(EXAMPLES / "classic_rnn.py"))
    assert Path(caught[0].filename).name == "classic_rnn.py"


def trained():
    model = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 5, 3)), np.ones((2, 1)), epochs=2)
    model.predict(np.ones((2, 5, 3)))
    model.summary()


def test_there_may_be_no_standard_output(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    trained()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_letters_that_standard_output_has_not(monkeypatch, encoding):
    console = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(console, encoding=encoding))
    trained()
    sys.stdout.flush()
    printed = console.getvalue().decode(encoding)
    assert "Epoch 2/2" in printed
    assert "????" in printed
    assert "Total params" in printed


def test_a_softmax_of_one_output_is_told():
    with pytest.warns(UserWarning, match="dense: the softmax of a single output is 1 whatever it is; use .*sigmoid"):
        Sequential([Input((3,)), layers.Dense(1, activation="softmax", name="dense")])


def test_predicting_batches_of_different_lengths_says_what_to_do():
    model = Sequential([Input((None, 3)), layers.LSTM(4, return_sequences=True)])
    message = r"the output of batch 2 must have the shape \(None, 4, 4\) of the first one, got \(2, 7, 4\); pad batches"
    with pytest.raises(ValueError, match=message):
        model.predict(iter([np.ones((2, 4, 3)), np.ones((2, 7, 3))]), verbose=0)


@pytest.mark.parametrize("make", [lambda: layers.LSTM(5), lambda: layers.Conv1D(5, 2)])
def test_steps_that_a_recurrent_layer_kept_to_itself(make):
    message = r"got \(None, 5\); return_sequences=True of a recurrent layer gives all steps"
    with pytest.raises(ValueError, match=message):
        Sequential([Input((6, 3)), layers.LSTM(5), make()])
