"""ModelCheckpoint: when it saves, where to, and what it says."""

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, callbacks, layers

X, Y = np.ones((6, 2, 1), "float32"), np.ones((6, 1), "float32")


class Saving(Sequential):
    """Notes what it is asked to save."""

    def save(self, path, overwrite=False):
        self.saved.append(("model", path, overwrite))

    def save_weights(self, path, overwrite=False):
        self.saved.append(("weights", path, overwrite))


def fitted(tmp_path, name="{epoch}.keras", epochs=3, losses=None, **options):
    """Train with a checkpoint, and return what was saved: names without the folder."""
    model = Saving([Input((2, 1)), layers.LSTM(1)])
    model.saved = []
    model.compile("sgd", "mse", metrics=["mae"])
    checkpoint = callbacks.ModelCheckpoint(tmp_path / name, **options)
    script = [] if losses is None else [callbacks.LambdaCallback(on_epoch_end=lambda k, logs: logs.update(x=losses[k]))]
    model.fit(X, Y, batch_size=2, epochs=epochs, verbose=0, callbacks=[*script, checkpoint])
    assert all(overwrite for _, _, overwrite in model.saved)
    return [(kind, str(path).removeprefix(f"{tmp_path}/")) for kind, path, _ in model.saved]


def test_after_every_epoch(tmp_path):
    assert fitted(tmp_path) == [("model", f"{k}.keras") for k in (1, 2, 3)]
    assert fitted(tmp_path, save_weights_only=True, name="w.weights.h5") == [("weights", "w.weights.h5")] * 3


def test_names_of_logs_and_folders(tmp_path):
    ((_, name),) = fitted(tmp_path, "a/b/{epoch:03d}-{loss:.1f}-{mae:.2e}.keras", epochs=1)
    assert name.startswith("a/b/001-")
    assert (tmp_path / "a" / "b").is_dir()


def test_after_so_many_batches(tmp_path):
    """Three batches an epoch; they are counted on over the epochs."""
    saved = fitted(tmp_path, "{epoch}-{batch}.keras", save_freq=2)
    assert [name.removesuffix(".keras") for _, name in saved] == ["1-2", "2-1", "2-3", "3-2"]


@pytest.mark.parametrize(
    ("losses", "options", "epochs"),
    [
        ([3, 1, 2, 0.5], {"mode": "min"}, [1, 2, 4]),
        ([3, 1, 4, 4], {"mode": "max"}, [1, 3]),
        ([3, 1, 2, 0.5], {"mode": "min", "initial_value_threshold": 0.7}, [4]),
        ([np.nan, 2, np.nan, 1], {"mode": "min"}, [2, 4]),
    ],
)
def test_the_best_only(tmp_path, losses, options, epochs):
    saved = fitted(tmp_path, epochs=4, losses=losses, monitor="x", save_best_only=True, **options)
    assert [name for _, name in saved] == [f"{k}.keras" for k in epochs]


def test_what_it_says(tmp_path, capsys):
    fitted(tmp_path, "m.keras", losses=[3, 1, 2], monitor="x", mode="min", save_best_only=True, verbose=1)
    said = [line for line in capsys.readouterr().out.splitlines() if line]
    path = tmp_path / "m.keras"
    assert said == [
        f"Epoch 1: x improved from None to 3.00000, saving model to {path}",
        f"Epoch 1: finished saving model to {path}",
        f"Epoch 2: x improved from 3.00000 to 1.00000, saving model to {path}",
        f"Epoch 2: finished saving model to {path}",
        "Epoch 3: x did not improve from 1.00000",
    ]


def test_a_value_that_is_not_there_saves_and_warns(tmp_path):
    with pytest.warns(UserWarning, match="'val_loss' is not among the logs"):
        assert len(fitted(tmp_path, epochs=1, save_best_only=True)) == 1


def test_the_direction_is_that_of_the_metric(tmp_path):
    assert len(fitted(tmp_path, monitor="loss", save_best_only=True)) == 3
    with pytest.raises(ValueError, match="mode must be 'min' or 'max' for monitor='x'"):
        fitted(tmp_path, losses=[1, 2, 3], monitor="x", save_best_only=True)


def test_logs_are_not_asked_for_between_batches_by_what_saves_after_epochs(tmp_path):
    class Own(callbacks.ModelCheckpoint):
        def on_batch_end(self, batch, logs=None):
            """Have something to do."""

    def hooks(kind, **options):
        found = callbacks.CallbackList([kind(tmp_path / "a.keras", **options)])
        return len(found.hook("on_train_batch_end"))

    assert hooks(callbacks.ModelCheckpoint) == hooks(callbacks.BackupAndRestore) == 0
    assert hooks(callbacks.ModelCheckpoint, save_freq=2) == hooks(callbacks.BackupAndRestore, save_freq=2) == 1
    assert hooks(Own) == 1


@pytest.mark.filterwarnings("ignore:.*is an old spelling:DeprecationWarning")
def test_a_period_counts_epochs(tmp_path):
    assert [name for _, name in fitted(tmp_path, epochs=5, period=2)] == ["2.keras", "4.keras"]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"filepath": 3}, TypeError, "filepath must be a path, got 3"),
        (
            {"filepath": "a.keras", "save_weights_only": True},
            ValueError,
            "filepath must end in .weights.h5, .h5",
        ),
        ({"filepath": ""}, ValueError, "filepath must be a path with a name"),
        ({"save_freq": "batch"}, TypeError, "save_freq must be a whole number"),
        ({"save_freq": 0}, ValueError, "save_freq must be"),
        ({"mode": "low"}, ValueError, "mode must be"),
        ({"save_best_only": "no"}, TypeError, "save_best_only must be True or False"),
        ({"initial_value_threshold": "a"}, TypeError, "initial_value_threshold must be a number"),
    ],
)
def test_bad_arguments(options, error, text):
    with pytest.raises(error, match=text):
        callbacks.ModelCheckpoint(**{"filepath": "m.keras"} | options)


@pytest.mark.parametrize("name", ["{val_loss}.keras", "{}.keras", "{epoch:q}.keras", "{epoch.x}.keras", "{"])
def test_names_that_cannot_be_made(tmp_path, name):
    with pytest.raises(ValueError, match=r"filepath must name nothing but epoch, loss, mae, with formats"):
        fitted(tmp_path, name)
