"""The demonstration runs, says what it should, and its networks learn."""

import statistics
import sys

import pytest

from fastlstm import demo


def test_prints_both_networks_side_by_side(capsys):
    assert demo.main(["--epochs", "1", "--no-plot"]) == 0
    out = capsys.readouterr().out
    head = next(line for line in out.splitlines() if "LSTM(128)" in line and "SimpleRNN(128)" in line)
    assert head.index("LSTM(128)") < head.index("SimpleRNN(128)")
    for label in ["test accuracy", "training time", "Kernels:", "9/9"]:
        assert label in out


def test_quiet_draws_no_bars(capsys):
    demo.main(["--epochs", "1", "--no-plot", "--quiet"])
    assert "9/9" not in capsys.readouterr().out


def test_saves_a_picture(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curves.png"
    demo.main(["--epochs", "2", "--quiet", "--plot", str(path)])
    assert path.read_bytes().startswith(b"\x89PNG")
    assert str(path) in capsys.readouterr().out


def test_says_so_without_matplotlib(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path = tmp_path / "curves.png"
    demo.main(["--epochs", "1", "--quiet", "--plot", str(path)])
    assert "matplotlib is not installed" in capsys.readouterr().out
    assert not path.exists()


def test_epochs_must_be_positive(capsys):
    with pytest.raises(SystemExit):
        demo.main(["--epochs", "0"])
    assert "--epochs must be at least 1, got 0" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("layer", [demo.LSTM, demo.SimpleRNN])
def test_median_accuracy_of_five_seeds(layer):
    data = demo._standardised_vowels()
    runs = [demo._train(layer, data, epochs=20, seed=seed, verbose=0) for seed in range(5)]
    assert statistics.median(run.history["val_accuracy"][-1] for run in runs) >= 0.95
