"""Give a reader of files bytes that its own branches have led to, until it ends in an error that it must not have.

python tools/fuzz.py safetensors              without end
python tools/fuzz.py keras -runs=20000        what follows the reader are options of libFuzzer

Readers are safetensors, npz, pt, keras, h5, native, layers and onnx. It begins with whole files. What is in a zip file
is changed there, as its checksum would give away anything else. An error has to say what the file must be and what it
is. An input that fails is kept as fuzz-READER-crash-..., and belongs into the tests of hostile files. Needs atheris,
and for some h5py or onnx.
"""

from __future__ import annotations

import io
import random
import re
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import atheris
import numpy as np

with atheris.instrument_imports(include=["fastlstm"]):
    import fastlstm as fl
    from fastlstm import load, onnx, read_weights  # so that these are led by their branches, too
    from fastlstm.keras import Input, Sequential, layers, models

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
ALLOWED = (ValueError, TypeError, NotImplementedError)
WORDED = re.compile(r" must .*, got ", re.DOTALL)
LIMITS = ("-timeout=5", "-rss_limit_mb=1024", "-max_len=65536")


class Target(NamedTuple):
    """A reader, the ending of its files, and what makes a whole one."""

    ending: str
    read: Callable[[Path], Any]
    whole: Callable[[Path], object]


def model() -> Sequential:
    """Make a small model that was compiled."""
    made = Sequential([Input((3, 2)), layers.LSTM(2), layers.Dense(1)])
    made.compile("adam", "mse")
    return made


def chain() -> fl.Chain:
    """Make a small chain of layers on arrays."""
    return fl.Chain(embedding=fl.Embedding(5, 2), lstm=fl.LSTM(2, 3), last=fl.LastStep(), fc=fl.Linear(3, 1))


def arrays() -> dict[str, np.ndarray]:
    """Make what is read as weights."""
    return {"lstm.weight": np.ones((4, 2), "float32"), "step": np.arange(3)}


TARGETS = {
    "safetensors": Target(".safetensors", read_weights, lambda path: fl.write_weights(path, arrays())),
    "npz": Target(".npz", read_weights, lambda path: fl.write_weights(path, arrays())),
    "pt": Target(".pt", read_weights, lambda path: path.write_bytes((GOLDEN / "torch_lstm.pt").read_bytes())),
    "keras": Target(".keras", models.load_model, lambda path: model().save(path)),
    "h5": Target(".h5", models.load_model, lambda path: model().save(path)),
    "native": Target("", load, lambda path: model().save(path)),
    "layers": Target("", load, lambda path: chain().save(path)),
    "onnx": Target(".onnx", onnx.load, lambda path: model().export(path)),
}


def changed(data: bytes, most: int, seed: int) -> bytes:
    """Change bytes, those of one file in them if they are a zip file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # of whatever zipfile makes of them
        return bytes(atheris.Mutate(data, most))
    generator = random.Random(seed)
    if not parts or generator.random() < 0.2:
        return bytes(atheris.Mutate(data, most))
    name = generator.choice([*parts])
    parts[name] = bytes(atheris.Mutate(parts[name], most))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return made.getvalue() if made.tell() <= most else data


def main() -> None:
    """Fuzz the reader that the first argument names."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    name, *options = sys.argv[1:]
    target = TARGETS[name]
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        corpus, path = Path(folder) / "corpus", Path(folder) / f"input{target.ending}"
        corpus.mkdir()
        target.whole(corpus / f"whole{target.ending}")

        def read(data: bytes) -> None:
            path.write_bytes(data)
            try:
                target.read(path)
            except ALLOWED as error:
                if not WORDED.search(str(error)):
                    raise RuntimeError(f"an error that does not say what must be: {error!r}") from error

        settings = [*LIMITS, f"-artifact_prefix=fuzz-{name}-", *options]
        atheris.Setup([sys.argv[0], *settings, str(corpus)], read, custom_mutator=changed)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
