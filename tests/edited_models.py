"""Files of whole models, and the same with what they say of themselves changed."""

from __future__ import annotations

import copy
import io
import json
import math
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hostile_files import safetensors_of, zip_of

from fastlstm.keras import Input, Model, Sequential, layers

STRANGE = (0, -1, 3, 10**9, 2**31, 2**40, 2**62, 10**30, 0.5, 1e308, math.inf, math.nan, True, None, "", "x", "relu")
"""What a value is replaced by, beside lists and objects."""


def plain() -> Any:
    model = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(2)])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.zeros((4, 5, 3)), np.zeros((4, 2)), verbose=0)
    return model


def nested() -> Any:
    x, shared = Input((5, 3)), layers.Bidirectional(layers.GRU(2))
    inner = Model(x, layers.Add()([shared(x), shared(x[:, :3])]))
    y = Input((5, 3))
    cells = layers.RNN(layers.StackedRNNCells([layers.LSTMCell(2), layers.GRUCell(2)]))
    return Model(y, layers.Concatenate()([inner(y), inner(y * 2), cells(y)]))


def of_texts() -> Any:
    texts = layers.TextVectorization(output_sequence_length=4)
    texts.adapt(np.array(["a b", "c"]))
    x = Input((1,), dtype="string")
    words = layers.StringLookup(output_mode="multi_hot", num_oov_indices=2)
    words.adapt(np.array(["a", "b"]))
    read = layers.LSTM(2)(layers.Embedding(6, 2, mask_zero=True)(texts(x)))
    return Model(x, layers.Concatenate()([read, layers.Dense(2)(words(x))]))


def of_many_kinds() -> Any:
    x = Input(batch_shape=(2, 6, 4))
    y = layers.Conv1D(3, 2, padding="causal")(layers.BatchNormalization()(x))
    y = layers.MaxPooling1D(2)(layers.ZeroPadding1D(1)(y))
    y = layers.SimpleRNN(3, return_sequences=True, stateful=True)(y)
    y = layers.TimeDistributed(layers.Dense(2, activation="relu"))(layers.LayerNormalization()(y))
    y = layers.MultiHeadAttention(2, 2)(y, y)
    y = layers.RepeatVector(3)(layers.Flatten()(y))
    return Model(x, layers.ConvLSTM1D(2, 2)(layers.Reshape((3, 4, 2))(y)))


MODELS: dict[str, Callable[[], Any]] = {
    "plain": plain,
    "nested": nested,
    "texts": of_texts,
    "many kinds": of_many_kinds,
}


def originals(folder: Path, ending: str) -> list[bytes]:
    """Whole files with that ending, one for each model."""
    found = []
    for make in MODELS.values():
        make().save(folder / f"original{ending}")
        found.append((folder / f"original{ending}").read_bytes())
    (folder / f"original{ending}").unlink()
    return found


# --- What files say of themselves ------------------------------------------------------------------------------------


def config_of(data: bytes, ending: str) -> Any:
    """Return the config of a model in a file."""
    if ending == ".keras":
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return json.loads(packed.read("config.json"))
    if ending == ".h5":
        import h5py

        with h5py.File(io.BytesIO(data)) as file:
            return json.loads(file.attrs["model_config"])
    length = int.from_bytes(data[:8], "little")
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["fastlstm"])["model"]


def weights_of(data: bytes) -> bytes:
    """Return the file of weights in an archive of Keras."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return packed.read("model.weights.h5")


def with_member(data: bytes, name: str, content: bytes) -> bytes:
    """Return an archive with another file in it, and the right checksum."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        members = {member: packed.read(member) for member in packed.namelist()}
    return zip_of(members | {name: content})


def with_config(data: bytes, ending: str, config: Any) -> bytes:
    """Return a file with another config."""
    if ending == ".keras":
        return with_member(data, "config.json", json.dumps(config).encode())
    if ending == ".h5":
        import h5py

        memory = io.BytesIO(data)
        with h5py.File(memory, "a") as file:
            file.attrs["model_config"] = json.dumps(config)
        return memory.getvalue()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    description = json.loads(header["__metadata__"]["fastlstm"]) | {"model": config}
    header["__metadata__"]["fastlstm"] = json.dumps(description)
    return safetensors_of(header, data[8 + length :])


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Return the dicts and lists in a config, each with a key or a place of it."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from places(tree[key])


def edited(files: list[bytes], ending: str, rng: np.random.Generator, count: int) -> Iterator[bytes]:
    """Return files whose configs have other values, less of them, or what belongs elsewhere."""
    configs = [config_of(data, ending) for data in files]
    for _ in range(count):
        which = int(rng.integers(len(files)))
        config = copy.deepcopy(configs[which])
        for _ in range(rng.integers(1, 3)):
            found = [*places(config)]
            holder, key = found[int(rng.integers(len(found)))]
            other, place = found[int(rng.integers(len(found)))]
            kind = rng.integers(4)
            if kind == 0:
                del holder[key]
            elif kind == 1:
                holder[key] = copy.deepcopy(other[place])
            else:
                holder[key] = (*STRANGE, [], {}, [10**9, 10**9])[int(rng.integers(len(STRANGE) + 3))]
        yield with_config(data=files[which], ending=ending, config=config)


def with_every_number(data: bytes, ending: str, number: int) -> Iterator[tuple[str, bytes]]:
    """Return files in each of which another whole number of the config is `number`, and what it was called."""
    for k, (holder, key) in enumerate([*places(config_of(data, ending))]):
        if type(holder[key]) is int:
            config = config_of(data, ending)
            holder, key = [*places(config)][k]
            holder[key] = number
            yield f"{key}", with_config(data, ending, config)
