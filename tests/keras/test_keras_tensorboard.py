"""The callback TensorBoard: what is in the event files, at which step."""

import importlib
import json
from types import SimpleNamespace

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, callbacks, layers, optimizers
from fastlstm.keras.foundation import events

X = np.random.default_rng(0).normal(size=(24, 5, 3)).astype(np.float32)
Y = X.sum(axis=(1, 2))[:, None]
VALIDATION = (X[:8], Y[:8])


def model_of(*first, **names):
    model = Sequential([Input((5, 3)), *first, layers.LSTM(4, name="lstm"), layers.Dense(1, name="dense")], **names)
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


class Recorder:
    """The writer of a package that keeps what it is given."""

    def __init__(self):
        self.written, self.files = [], []

    def EventFileWriter(self, folder):  # noqa: N802
        self.files.append(SimpleNamespace(folder=folder, open=True, flushed=0))
        file, name = self.files[-1], folder.replace("\\", "/").rpartition("/")[2]

        def add_event(event):
            assert file.open
            (value,) = event["summary"]["value"]
            self.written.append((name, value["tag"], event["step"], value))

        def flush():
            file.flushed = len(self.written)

        return SimpleNamespace(add_event=add_event, flush=flush, close=lambda: setattr(file, "open", False))

    def steps(self):
        """Steps by folder and tag."""
        found = {}
        for folder, tag, step, _ in self.written:
            found.setdefault(f"{folder} {tag}", []).append(step)
        return found

    def scalars(self, wanted):
        return [
            value["tensor"]["float_val"][0] for folder, tag, _, value in self.written if f"{folder} {tag}" == wanted
        ]


@pytest.fixture
def recorder(monkeypatch):
    made = Recorder()
    monkeypatch.setattr(events, "_package", lambda purpose: (made, SimpleNamespace(Event=dict)))
    return made


def test_by_epoch(recorder):
    history = model_of().fit(
        X, Y, epochs=2, validation_data=VALIDATION, verbose=0, callbacks=[callbacks.TensorBoard("logs")]
    )
    assert recorder.steps() == {
        "train keras": [0],
        "train epoch_loss": [0, 1],
        "train epoch_mae": [0, 1],
        "train epoch_learning_rate": [0, 1],
        "validation epoch_loss": [0, 1],
        "validation epoch_mae": [0, 1],
        "validation evaluation_loss_vs_iterations": [1, 2],
        "validation evaluation_mae_vs_iterations": [1, 2],
    }
    assert recorder.scalars("train epoch_loss") == history.history["loss"]
    assert recorder.scalars("validation epoch_mae") == history.history["val_mae"]
    assert recorder.scalars("validation evaluation_mae_vs_iterations") == history.history["val_mae"]
    assert recorder.scalars("train epoch_learning_rate") == pytest.approx([0.01] * 2)
    assert not any(file.open for file in recorder.files)


@pytest.mark.parametrize(("every", "steps"), [("batch", [1, 2, 3, 4, 5, 6]), (2, [2, 4, 6]), (4, [4])])
def test_by_batch(recorder, every, steps):
    losses = []
    keep = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: losses.append(logs["loss"]))
    board = callbacks.TensorBoard("logs", update_freq=every, write_steps_per_second=True)
    model_of().fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[board, keep])
    found = recorder.steps()
    assert found["train batch_loss"] == found["train batch_mae"] == found["train batch_steps_per_second"] == steps
    assert found["train epoch_steps_per_second"] == [0, 1]
    assert recorder.scalars("train batch_loss") == [losses[step - 1] for step in steps]
    assert all(value > 0 for value in recorder.scalars("train epoch_steps_per_second"))


def test_histograms_of_weights(recorder):
    model = model_of(name="m")
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[callbacks.TensorBoard("logs", histogram_freq=2)])
    assert recorder.steps()["train m/lstm/lstm_cell/recurrent_kernel/histogram"] == [0, 2]
    last = {tag: value["tensor"] for _, tag, _, value in recorder.written if tag.endswith("histogram")}
    for weight in model.weights:
        rows = np.reshape(last[f"{weight.path}/histogram"]["double_val"], (30, 3))
        np.testing.assert_array_equal(rows, events.buckets(weight.numpy()))


def test_buckets():
    rows = events.buckets(np.array([0.0, 1.0, 1.0, 30.0, np.nan], np.float32))
    np.testing.assert_array_equal(rows[:, 0], np.arange(30))
    np.testing.assert_array_equal(rows[:, 1], np.arange(1, 31))
    assert rows[[0, 1, 29], 2].tolist() == [1, 2, 1]
    assert rows[:, 2].sum() == 4
    for same, count in ((np.full(7, 2.5), 7), (np.zeros(0), 0)):
        rows = events.buckets(same)
        assert rows[:, 2].sum() == rows[-1, 2] == count
        assert (rows[:, :2] == (2.5 if count else 0)).all()


def test_the_graph_is_the_config_of_the_model(recorder):
    model = model_of()
    model.fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard("logs")])
    value = recorder.written[0][3]
    assert value["metadata"]["plugin_data"] == {"plugin_name": "graph_keras_model", "content": b"1"}
    assert json.loads(value["tensor"]["string_val"][0]) == json.loads(model.to_json())
    recorder.written.clear()
    model.fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard("logs", write_graph=False)])
    assert "train keras" not in recorder.steps()


def test_a_model_with_a_call_of_its_own_has_no_graph(recorder):
    class Mine(Model):
        def __init__(self):
            super().__init__()
            self.lstm = layers.LSTM(1)

        def call(self, x):
            return self.lstm(x)

    model = Mine()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard("logs")])
    assert "train epoch_loss" in recorder.steps()
    assert "train keras" not in recorder.steps()


def test_a_model_without_a_config_is_told_of(recorder):
    class Odd(layers.Layer):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def call(self, x):
            return self.function(x)

    with pytest.warns(UserWarning, match="TensorBoard: the model is not in the files"):
        model_of(Odd(lambda x: x)).fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard("logs")])
    assert "train epoch_loss" in recorder.steps()


def test_evaluate_alone(recorder):
    model = model_of()
    model.fit(X, Y, batch_size=8, verbose=0)
    _, mae = model.evaluate(X, Y, verbose=0, callbacks=[callbacks.TensorBoard("logs")])
    assert recorder.steps() == {f"validation evaluation_{name}_vs_iterations": [3] for name in ("loss", "mae")}
    assert recorder.scalars("validation evaluation_mae_vs_iterations") == [mae]
    assert not recorder.files[0].open


def test_what_was_written_stays_when_a_training_is_interrupted(recorder):
    def interrupt(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    model, board = model_of(), callbacks.TensorBoard("logs")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=5, verbose=0, callbacks=[board, callbacks.LambdaCallback(on_epoch_begin=interrupt)])
    assert recorder.steps()["train epoch_loss"] == [0, 1]
    assert recorder.files[0].flushed == len(recorder.written)
    model.fit(X, Y, initial_epoch=2, epochs=3, verbose=0, callbacks=[board])
    assert recorder.steps()["train epoch_loss"] == [0, 1, 2]
    assert not any(file.open for file in recorder.files)


def test_a_resumed_training_counts_its_batches_on(recorder, tmp_path):
    def boards():
        return [callbacks.TensorBoard("logs", update_freq=2), callbacks.ModelCheckpoint(tmp_path / "there")]

    model_of().fit(X, Y, batch_size=8, verbose=0, callbacks=boards())
    model_of().fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=boards(), resume_from=tmp_path / "there")
    assert recorder.steps()["train batch_loss"] == [2, 4, 6]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"write_images": True}, "TensorBoard: write_images must be False, got True; histogram_freq=1"),
        ({"profile_batch": (2, 4)}, r"TensorBoard: profile_batch must be 0, got \(2, 4\); .*cProfile"),
        ({"embeddings_freq": 1}, "TensorBoard: embeddings_freq must be 0, got 1; get_weights"),
        ({"embeddings_metadata": "a.tsv"}, "TensorBoard: embeddings_metadata must be None, got 'a.tsv'"),
        ({"update_freq": "second"}, "update_freq must be 'epoch' or 'batch', got 'second'"),
        ({"update_freq": 0}, "update_freq must be a whole number of at least 1, got 0"),
        ({"histogram_freq": -1}, "histogram_freq must be a whole number of at least 0, got -1"),
    ],
)
def test_what_is_not_there_is_refused(given, text):
    with pytest.raises(ValueError, match=text):
        callbacks.TensorBoard("logs", **given)


def test_without_a_package_the_extra_is_named(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(events, "import_module", absent)
    with pytest.raises(ImportError, match=r"TensorBoard needs tensorboard or tensorboardX: .*fastlstm\[tensorboard\]"):
        model_of().fit(X, Y, verbose=0, callbacks=[callbacks.TensorBoard("logs")])


@pytest.mark.slow
@pytest.mark.parametrize("package", ["tensorboard", "tensorboardX"])
@pytest.mark.filterwarnings("ignore")  # of these packages' own
def test_tensorboard_reads_what_is_written(package, tmp_path, monkeypatch):
    pytest.importorskip(package)
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    make_ndarray = importlib.import_module("tensorboard.util.tensor_util").make_ndarray
    draw = importlib.import_module("tensorboard.plugins.graph.keras_util").keras_model_to_graph_def
    monkeypatch.setattr(events, "_PACKAGES", [one for one in events._PACKAGES if one[0].startswith(f"{package}.")])
    model = model_of(name="m")
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1)
    history = model.fit(X, Y, epochs=2, validation_data=VALIDATION, verbose=0, callbacks=[board])
    found = {}
    for path in sorted(tmp_path.glob("*/events*")):
        for event in loader.EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                tag = f"{path.parent.name} {value.tag} {value.metadata.data_class}"
                found.setdefault(tag, []).append((event.step, make_ndarray(value.tensor)))
    # Numbers are float32 in the files; 1 is the class of scalars, 2 that of tensors, 3 that of blobs.
    assert found["validation epoch_mae 1"] == [(k, np.float32(v)) for k, v in enumerate(history.history["val_mae"])]
    step, rows = found["train m/dense/kernel/histogram 2"][-1]
    assert step == 1
    np.testing.assert_array_equal(rows, events.buckets(model.layers[-1].kernel.numpy()))
    ((_, graph),) = found["train keras 3"]
    assert {node.name for node in draw(json.loads(graph.item() if graph.shape == () else graph[0])).node} >= {
        "m/lstm",
        "m/dense",
    }
