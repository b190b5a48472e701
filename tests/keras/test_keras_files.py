"""Files from elsewhere, and folders of texts: what is kept, checked, taken apart and refused."""

import hashlib
import http.server
import io
import logging
import tarfile
import threading
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fastlstm.keras import Sequential, layers, preprocessing, utils

TEXT = b"some bytes\n" * 9000


@pytest.fixture(name="origin")
def _origin(tmp_path):
    (tmp_path / "there").mkdir()
    path = tmp_path / "there" / "data.txt"
    path.write_bytes(TEXT)
    return path


def got(path, **options):
    options.setdefault("cache_dir", path.parents[1] / "cache")
    return utils.get_file(origin=path.as_uri(), **options)


def test_a_file_is_kept(origin, capsys):
    path = got(origin)
    assert path == str(origin.parents[1] / "cache" / "datasets" / "data.txt")
    origin.write_bytes(b"new")
    assert got(origin) == path
    assert Path(path).read_bytes() == TEXT
    assert got(origin, force_download=True) == path
    assert Path(path).read_bytes() == b"new"
    assert got(origin, fname="other", cache_subdir="a/b").endswith("cache/a/b/other")
    assert [entry.name for entry in (origin.parents[1] / "cache" / "datasets").iterdir()] == ["data.txt"]
    assert capsys.readouterr() == ("", "")


def test_the_folder_is_that_of_keras(origin, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(origin.parents[1] / "home"))
    assert got(origin, cache_dir=None) == str(origin.parents[1] / "home" / "datasets" / "data.txt")


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_hashes(origin, algorithm):
    right = hashlib.new(algorithm, TEXT).hexdigest()
    path = got(origin, file_hash=right)
    assert got(origin, file_hash=right.upper(), hash_algorithm=algorithm) == path
    if algorithm == "md5":
        assert got(origin, md5_hash=right) == path
    Path(path).write_text("broken")
    assert Path(got(origin, file_hash=right)).read_bytes() == TEXT  # it is got again
    wrong = "0" * len(right)
    with pytest.raises(ValueError, match=f"file_hash must be that of .*, got {wrong}, where {algorithm} gives {right}"):
        got(origin, file_hash=wrong)
    assert Path(path).read_bytes() == TEXT  # and the one from before stays


def archive(path, kind, members):
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            for name, data in members.items():
                packed.writestr(name, data)
        return
    with tarfile.open(path, "w:gz") as packed:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize(("fname", "folder"), [(None, "all.bin"), ("mine", "mine"), ("mine.x.y", "mine_extracted")])
def test_archives(origin, kind, fname, folder):
    path = origin.parent / "all.bin"
    archive(path, kind, {"in/a.txt": b"a", "b.txt": b"b"})
    found = got(path, fname=fname, extract=True)
    assert found == str(origin.parents[1] / "cache" / "datasets" / folder)
    assert Path(f"{found}/in/a.txt").read_text() == "a"
    Path(f"{found}/own.txt").write_text("own")
    Path(f"{found}/b.txt").write_text("changed")
    got(path, fname=fname, extract=True)
    assert Path(f"{found}/b.txt").read_text() == "changed"  # nothing new came
    got(path, fname=fname, extract=True, force_download=True)
    assert Path(f"{found}/b.txt").read_text() == "b"
    assert Path(f"{found}/own.txt").read_text() == "own"
    assert got(path, fname="un", untar=True).endswith("un") if kind == "tar" else True


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "in/../../out.txt"])
def test_nothing_is_written_outside(origin, kind, name):
    path = origin.parent / "evil.bin"
    archive(path, kind, {name: b"evil"})
    if (kind, name) == ("tar", "/out.txt"):  # it is taken for a name in the folder
        assert Path(f"{got(path, extract=True)}/out.txt").read_text() == "evil"
        return
    with pytest.raises(ValueError, match=r"origin must be an archive that can be taken apart safely, got .*evil.bin"):
        got(path, extract=True)
    assert not list(origin.parents[1].rglob("out.txt"))
    assert {entry.name for entry in (origin.parents[1] / "cache" / "datasets").iterdir()} == {"evil.bin_archive"}


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def end_headers(self):
        if self.path == "/short":
            self.send_header("Content-Length", "1000")
        super().end_headers()

    def do_GET(self):
        if self.path == "/short":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"too little")
        else:
            super().do_GET()


@pytest.fixture(name="server")
def _server(origin):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=origin.parent))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_files_of_a_server(server, tmp_path):
    path = utils.get_file(origin=f"{server}/data.txt?version=3", cache_dir=tmp_path)
    assert path.endswith("data.txt")
    assert Path(path).read_bytes() == TEXT
    for name, cause in (("none.txt", "Not Found|File not found"), ("short", "only 10 of 1000 bytes came")):
        with pytest.raises(
            ConnectionError, match=f"origin must be a URL that can be read, got {server}/{name}: .*{cause}"
        ) as raised:
            utils.get_file(origin=f"{server}/{name}", cache_dir=tmp_path)
        answer = raised.value.__cause__
        assert answer is None or answer.closed
    assert [entry.name for entry in (tmp_path / "datasets").iterdir()] == ["data.txt"]


def test_without_a_network(tmp_path):
    with pytest.raises(ConnectionError, match=r"got http://127.0.0.1:9/x.txt: .*refused.*; get it by other means"):
        utils.get_file(origin="http://127.0.0.1:9/x.txt", cache_dir=tmp_path)
    with pytest.raises(ConnectionError, match="No such file"):
        got(tmp_path / "a" / "none.txt")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "origin must be the URL of a file, got None"),
        ({"origin": "ftp://a/b"}, ValueError, "origin must be a URL that begins with http, https, file, got 'ftp"),
        ({"origin": "a.txt"}, ValueError, "origin must be a URL that begins with"),
        ({"origin": "http://a/"}, ValueError, "fname must be given where origin ends in no name"),
        ({"origin": "http://a/b", "fname": "../b"}, ValueError, "fname must be the name of a file, got '../b'"),
        ({"origin": "http://a/b", "file_hash": "12"}, ValueError, "file_hash must be 32 hexadecimal digits, of md5"),
        ({"origin": "http://a/b", "hash_algorithm": "crc"}, ValueError, "hash_algorithm must be 'auto', 'sha256' or"),
        ({"origin": "http://a/b", "archive_format": "rar"}, ValueError, "archive_format must be 'tar', 'zip'"),
        ({"origin": "http://a/b", "extract": True, "archive_format": None}, ValueError, "archive_format must be 'tar'"),
        ({"origin": "http://a/b", "extract": "yes"}, TypeError, "extract must be True or False"),
        ({"origin": 3}, TypeError, "origin must be a str"),
    ],
)
def test_what_cannot_be_got(options, error, message):
    with pytest.raises(error, match=message):
        utils.get_file(**options)


def test_no_archive(origin):
    with pytest.raises(ValueError, match=r"origin must be a tar or zip archive for extract, got .*data.txt_archive"):
        got(origin, extract=True)


# --- Folders of texts -------------------------------------------------------------------------------------------------


@pytest.fixture(name="folder")
def _folder(tmp_path):
    for name, count in (("neg", 5), ("pos", 3)):
        (tmp_path / name / "more").mkdir(parents=True)
        for k in range(count):
            (tmp_path / name / ("more" if k == 0 else "") / f"{k}.txt").write_text(f"{name} text {k}", encoding="utf-8")
        (tmp_path / name / "notes.md").write_text("no text")
    return tmp_path


def test_texts_of_a_folder(folder):
    data = utils.text_dataset_from_directory(folder, shuffle=False, batch_size=3, max_length=8)
    assert data.class_names == ["neg", "pos"]
    assert len(data) == 3
    texts, labels = map(np.concatenate, zip(*data, strict=True))
    assert texts.tolist() == [b"neg text"] * 5 + [b"pos text"] * 3
    assert labels.tolist() == [0] * 5 + [1] * 3
    assert labels.dtype == np.int32
    again = preprocessing.text_dataset_from_directory(folder, shuffle=False, label_mode=None, batch_size=None)
    assert next(iter(again)).numpy() == b"neg text 1"


@pytest.mark.parametrize(
    ("mode", "wanted"), [("binary", [[0]] * 5 + [[1]] * 3), ("categorical", [[1, 0]] * 5 + [[0, 1]] * 3)]
)
def test_forms_of_labels(folder, mode, wanted):
    ((_, labels),) = utils.text_dataset_from_directory(folder, label_mode=mode, shuffle=False)
    assert labels.tolist() == wanted
    assert labels.dtype == np.float32


def test_parts_of_a_folder(folder):
    options = {"validation_split": 0.25, "seed": 3, "batch_size": None}
    both = utils.text_dataset_from_directory(folder, subset="both", **options)
    parts = [utils.text_dataset_from_directory(folder, subset=name, **options) for name in ("training", "validation")]
    assert [len(part) for part in both] == [6, 2]
    for one, other in zip(both, parts, strict=True):
        assert one.file_paths == other.file_paths
        for text, label in one:
            assert text.numpy().decode().startswith(one.class_names[label])
    assert not set(both[0].file_paths) & set(both[1].file_paths)
    first, second = ([text for text, _ in both[0]] for _ in range(2))
    assert sorted(first) == sorted(second)
    assert [text for text, _ in both[1]] == [text for text, _ in both[1]]


def test_classes_and_labels_that_are_given(folder):
    data = utils.text_dataset_from_directory(folder, class_names=["pos", "neg"], shuffle=False)
    assert next(iter(data))[1].tolist() == [0] * 3 + [1] * 5
    data = utils.text_dataset_from_directory(folder, labels=[7, 7, 7, 7, 9, 9, 9, 9], shuffle=False)
    assert next(iter(data))[1].tolist() == [7] * 4 + [9] * 4
    assert data.class_names == ["7", "9"]


def test_a_folder_trains_a_model(folder, caplog):
    with caplog.at_level(logging.INFO, "fastlstm.keras"):
        train, valid = utils.text_dataset_from_directory(folder, validation_split=0.5, subset="both", seed=1)
    assert caplog.messages == ["Found 8 files."]
    vectorize = layers.TextVectorization(output_mode="multi_hot")
    vectorize.adapt(text for text, _ in train)
    model = Sequential([vectorize, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(train, validation_data=valid, epochs=2, verbose=0).history
    assert np.isfinite(history["val_loss"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"directory": "nowhere"}, "directory must be a folder that is there, got 'nowhere'"),
        ({"labels": [1]}, "labels must be 'inferred', None, or a list of 8 whole numbers"),
        ({"labels": None, "class_names": ["a"]}, "class_names must come with labels='inferred' only"),
        ({"class_names": ["a"]}, "class_names: each must be 'neg' or 'pos', got 'a'"),
        ({"class_names": ["pos"], "label_mode": "binary"}, "label_mode must not be 'binary' for 1 classes"),
        ({"validation_split": 0.5}, "subset must come with validation_split"),
        ({"subset": "both"}, "subset must come with validation_split"),
        ({"validation_split": 0.5, "subset": "both"}, "seed must be given with validation_split and shuffle"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, "validation_split must leave files for each part"),
        ({"max_length": -1}, "max_length must be a whole number of at least 0"),
    ],
)
def test_folders_that_cannot_be_meant(folder, options, message):
    with pytest.raises(ValueError, match=message):
        utils.text_dataset_from_directory(**{"directory": folder} | options)


def test_files_that_are_no_text(folder):
    (folder / "pos" / "8.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"directory must hold files in UTF-8, got .*8.txt: "):
        list(utils.text_dataset_from_directory(folder))
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=r"directory must hold files \*.txt, got none in .*empty"):
        utils.text_dataset_from_directory(folder / "empty", labels=None)
