"""Files that are broken or made to do harm: each ends in an error that names it, at once, and nothing else happens."""

import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers, models

h5py = pytest.importorskip("h5py")
resource = pytest.importorskip("resource")


@pytest.fixture(name="saved")
def _saved(tmp_path):
    """Give a folder with a model in every form."""
    model = Sequential([Input((5, 3)), layers.LSTM(4, name="read"), layers.Dense(2, name="say")])
    model.compile("adam", "mse")
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    model.save_weights(tmp_path / "m.weights.h5")
    return tmp_path


def members(path):
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def pack(path, parts, **options):
    with zipfile.ZipFile(path, "w", **options) as packed:
        for name, content in parts.items() if isinstance(parts, dict) else parts:
            packed.writestr(name, content)


def refused(path, match, error=ValueError):
    """Load a file, which must fail at once and leave nothing behind."""
    before, start = sorted(path.parent.iterdir()), time.perf_counter()
    with pytest.raises(error, match=match) as found:
        models.load_model(path)
    assert time.perf_counter() - start < 2
    assert path.name in str(found.value)
    assert sorted(path.parent.iterdir()) == before


def test_places_that_hold_no_file(saved):
    refused(saved / "none.keras", "filepath must be that of a file, got .*none.keras", FileNotFoundError)
    (saved / "folder.h5").mkdir()
    refused(saved / "folder.h5", "got the folder", IsADirectoryError)
    model = models.load_model(saved / "m.keras")
    with pytest.raises(IsADirectoryError):
        model.save(saved / "folder.h5")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        model.save(saved / "nowhere" / "m.keras")
    with pytest.raises(ValueError, match=r"filepath must end in .weights.h5, .h5, .hdf5, got .*m.json"):
        model.save_weights(saved / "m.json")
    with pytest.raises(ValueError, match=r"by_name must come with a file .h5 or .hdf5 of Keras 2"):
        model.load_weights(saved / "m.weights.h5", by_name=True)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
@pytest.mark.parametrize("part", [0, 10, 0.3, 0.6, 0.9, 0.99])
def test_files_that_are_cut_off(saved, name, part):
    whole = (saved / name).read_bytes()
    (saved / f"cut_{name}").write_bytes(whole[: int(len(whole) * part) if part < 1 else part])
    refused(saved / f"cut_{name}", "must be a (whole file of the format HDF5|zip archive)")


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_files_with_other_bits(saved, name):
    """They load with other numbers, or raise an error for values, types or files."""
    whole, rng = (saved / name).read_bytes(), np.random.default_rng(0)
    model = models.load_model(saved / "m.keras")
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
        (saved / f"x_{name}").write_bytes(broken)
        start = time.perf_counter()
        error = error_of(model.load_weights if "weights" in name else models.load_model, saved / f"x_{name}")
        assert error is None or f"x_{name}" in str(error)
        assert time.perf_counter() - start < 2


def error_of(load, path):
    try:
        load(path)
    except (ValueError, TypeError, NotImplementedError) as error:
        return error
    return None


def test_archives_with_other_members(saved):
    parts = members(saved / "m.keras")
    for name in parts:
        pack(saved / "less.keras", {other: data for other, data in parts.items() if other != name})
        refused(saved / "less.keras", f"must have a member '{name}'")
    for name in ("../evil", "/evil", "assets/../../evil", "model_00000.weights.h5", "evil.py"):
        pack(saved / "more.keras", parts | {name: b"evil"})
        refused(saved / "more.keras", f"must have no members but config.json.*, got '{name}'")
    with pytest.warns(UserWarning, match="Duplicate name"):
        pack(saved / "twice.keras", [*parts.items(), ("config.json", b"{}")])
    refused(saved / "twice.keras", "must have every name once, got one that is there twice")
    pack(saved / "nameless.keras", parts)
    with zipfile.ZipFile(saved / "nameless.keras", "a") as archive:
        nameless = zipfile.ZipInfo("x")
        nameless.filename = "\0x"  # which is read up to the zero
        archive.writestr(nameless, b"evil")
    refused(saved / "nameless.keras", "must have a name for every member, got one without")


@pytest.mark.parametrize(
    ("config", "match"),
    [
        (b"", "config.json must be JSON"),
        (b"\xff\xfe\x00", "config.json must be JSON"),
        (b"[1]", "config.json must be a JSON object"),
        (b'{"a": 1, "a": 2}', "config.json: an object must have every name once, got 'a' twice"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "config.json must not be nested so deep"),
        (b'{"a": ' * 400 + b"1" + b"}" * 400, "config.json must have at most 150 levels"),
        (b"{}", "config.json must be that of a model"),
    ],
)
def test_configs_that_are_none(saved, config, match):
    pack(saved / "x.keras", members(saved / "m.keras") | {"config.json": config})
    refused(saved / "x.keras", match, (ValueError, TypeError))


def with_config(path, change):
    parts = members(path)
    config = json.loads(parts["config.json"])
    change(config)
    pack(path.with_name("x.keras"), parts | {"config.json": json.dumps(config)})
    return path.with_name("x.keras")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"class_name": "Lambda", "module": "keras.layers"}, "Lambda"),
        ({"class_name": "Popen", "module": "subprocess", "registered_name": "Popen"}, "class_name must be .*'Popen'"),
        ({"class_name": "system", "module": "os"}, "class_name must be .*'system'"),
        ({"config": {"name": "read", "units": -2}}, "units must be"),
        ({"config": {"name": "read", "units": "many"}}, "units must be"),
        ({"config": {"name": "read", "units": 2**40}}, "units must be"),
        ({"config": {"name": "read", "units": 3}}, r"lstm/cell/vars/0 must have shape \(3, 12\).*, got \(3, 16\)"),
        ({"config": {"name": "read", "units": 4, "activation": "os.system"}}, "os.system"),
    ],
)
def test_layers_that_make_no_sense(saved, change, match):
    path = with_config(saved / "m.keras", lambda config: config["config"]["layers"][1].update(change))
    refused(path, match, (ValueError, TypeError, NotImplementedError))


def with_weights(saved, change):
    """Write a file of weights that is changed."""
    path = saved / "x.weights.h5"
    path.write_bytes((saved / "m.weights.h5").read_bytes())
    with h5py.File(path, "a") as file:
        change(file)
    return path


def put(path, value):
    def change(file):
        del file[path]
        file[path] = value

    return change


def shape_bomb(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (2**40, 16), "f4", chunks=(16, 16))


def packed_bomb(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, data=np.zeros((5000, 5000), "f4"), compression="gzip", chunks=(5000, 5000))


def circle(file):
    file["layers/lstm/again"] = file["layers"]


def external_storage(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (3, 16), "f4", external=[("secret.bin", 0, 192)])


def virtual(file):
    layout = h5py.VirtualLayout((3, 16), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "a", (3, 16))
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


KERNEL = "layers/lstm/cell/vars/0"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (put(KERNEL, h5py.SoftLink("/layers/dense/vars/0")), f"{KERNEL} must be in the file itself, got a SoftLink"),
        (
            put(KERNEL, h5py.ExternalLink("/etc/passwd", "/")),
            f"{KERNEL} must be in the file itself, got a Ext",
        ),
        (put(KERNEL, "text"), f"{KERNEL} must hold numbers"),
        (put(KERNEL, np.zeros((3, 16), [("a", "f4")])), f"{KERNEL} must hold numbers"),
        (put(KERNEL, np.zeros((3, 16), "c8")), f"{KERNEL} must hold numbers"),
        (put(KERNEL, np.zeros((2, 16))), rf"{KERNEL} must have shape \(3, 16\), that of .*/read/.*, got \(2, 16\)"),
        (put(KERNEL, h5py.Empty("f4")), f"{KERNEL} must be an array in the file itself"),
        (shape_bomb, f"{KERNEL} must be as large as what is stored of it"),
        (packed_bomb, f"{KERNEL} must leave the arrays of the file within some times its length"),
        (circle, "must have one name, got a second link to it"),
        (external_storage, f"{KERNEL} must be an array in the file itself"),
        (virtual, f"{KERNEL} must be an array in the file itself"),
        (lambda file: file.__delitem__(KERNEL), "layers/lstm/cell/vars must have 3 arrays, .* got 0"),
        (lambda file: file.__setitem__("layers/gru/vars/0", 1.0), "layers/gru/vars/0 must be the place of something"),
    ],
)
def test_weights_that_are_none(saved, change, match):
    path = with_weights(saved, change)
    model = models.load_model(saved / "m.keras")
    before, start = model.get_weights(), time.perf_counter()
    with pytest.raises(ValueError, match=match) as found:
        model.load_weights(path)
    assert time.perf_counter() - start < 2
    assert str(path) in str(found.value)
    for got, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, wanted)


def without_config(file):
    del file.attrs["model_config"]
    file.attrs[b"\xff"] = "text"


@pytest.mark.parametrize("change", [without_config, lambda file: file.create_group(b"model_weights/\xff")])
def test_names_that_are_no_text(saved, change):
    with h5py.File(saved / "m.h5", "a") as file:
        change(file)
    refused(saved / "m.h5", r"must have names of UTF-8, got b'\\xff'")


def with_heaps(data, at, number):
    """Write a number into all heaps of texts."""
    changed = bytearray(data)
    for found in re.finditer(rb"GCOL\x01", data):
        struct.pack_into("<Q", changed, found.start() + at, number)
    return bytes(changed)


def with_text(data):
    """Let an array in a file say in a text what its numbers are."""
    memory = io.BytesIO(data)
    with h5py.File(memory, "a") as file:
        file[KERNEL].attrs["dtype"] = "float32"
    return memory.getvalue()


@pytest.mark.parametrize(("at", "number"), [(8, 2**63), (8, 20_000), (24, 2**64 - 16)])
@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_heaps_of_texts_that_do_not_end(saved, name, at, number):
    """The library would fill memory, or read them for ever."""
    path = saved / name
    if name == "m.h5":
        path.write_bytes(with_heaps(path.read_bytes(), at, number))
    else:
        parts, weights = members(path), "model.weights.h5"
        pack(path, parts | {weights: with_heaps(with_text(parts[weights]), at, number)})
    refused(path, "must be a whole file of the format HDF5, got one whose lengths of texts make no sense")


@pytest.mark.parametrize("length", [0, 1, 2**31, 2**32 - 1])
@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_texts_of_other_lengths_than_in_their_heaps(saved, name, length):
    """The library would fill memory, or write behind it."""
    path, weights = saved / name, "model.weights.h5"
    parts = members(path) if name == "m.keras" else {weights: path.read_bytes()}
    data = with_text(parts[weights]) if name == "m.keras" else parts[weights]
    changed = bytearray(data)
    for heap in re.finditer(rb"GCOL\x01", data):
        for found in re.finditer(re.escape(struct.pack("<Q", heap.start())), data):
            struct.pack_into("<I", changed, found.start() - 4, length)
    if name == "m.keras":
        pack(path, parts | {weights: bytes(changed)})
    else:
        path.write_bytes(changed)
    refused(path, "must be a whole file of the format HDF5, got one whose lengths of texts make no sense")


def test_attributes_that_are_no_texts(saved):
    numbers = np.empty(1, object)
    numbers[0] = np.arange(3, dtype="i4")
    with h5py.File(saved / "m.h5", "a") as file:
        file.attrs.create("backend", numbers, dtype=h5py.vlen_dtype("i4"))
    refused(saved / "m.h5", "m.h5: backend must be text, got dtype object")


@pytest.mark.parametrize("options", [{"libver": "latest"}, {"userblock_size": 512}, {"track_order": True}])
def test_whole_files_in_other_forms(saved, options):
    """Of the newest version, behind a block of a user's own, and with attributes in order."""
    with h5py.File(saved / "m.h5") as file, h5py.File(saved / "n.h5", "w", **options) as other:
        for name in file:
            file.copy(name, other)
        for name, value in file.attrs.items():
            other.attrs[name] = value
            other["model_weights"].attrs[f"more {name}"] = value[:200]
    found, wanted = models.load_model(saved / "n.h5"), models.load_model(saved / "m.h5")
    for got, expected in zip(found.get_weights(), wanted.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


CAPPED = """
import resource, sys
from fastlstm.keras import models
import h5py
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 2**28,) * 2)
try:
    models.load_model(sys.argv[1])
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_bombs_are_not_unpacked(saved, member):
    """600 MB of zeros in 600 kB end in a ValueError within 256 MB."""
    parts = members(saved / "m.keras")
    pack(saved / "bomb.keras", parts | {member: bytes(600 * 2**20)}, compression=zipfile.ZIP_DEFLATED)
    done = subprocess.run(
        [sys.executable, "-c", CAPPED, str(saved / "bomb.keras")], capture_output=True, text=True, check=True
    )
    assert "bomb.keras must unpack to at most" in done.stdout


def test_a_save_that_fails_leaves_the_file_as_it_was(saved, monkeypatch):
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    model = models.load_model(saved / "m.keras")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for save in (model.save, model.save_weights):
        for name in ("m.keras", "m.h5") if save == model.save else ("m.weights.h5",):
            with pytest.raises(OSError, match="No space left"):
                save(saved / name)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5", "m.fastlstm"])
def test_a_disk_that_is_full(saved, name, part):
    """At any place: the file that is there stays, and nothing is left over."""
    model = models.load_model(saved / "m.keras")
    save = model.save_weights if "weights" in name else model.save
    save(saved / name)
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(part * len(before[name])), limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            save(saved / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


def test_without_h5py(saved, monkeypatch):
    model = models.load_model(saved / "m.keras")
    monkeypatch.setitem(sys.modules, "h5py", None)
    for call in (model.save, models.load_model, model.load_weights):
        for name in ("m.keras", "m.h5"):
            with pytest.raises(ImportError, match=r"needs h5py: pip install fastlstm\[keras\]"):
                call(saved / name)
