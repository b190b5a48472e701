"""Files that were made to do harm, and a process of its own to read them in."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

import numpy as np

import fastlstm as fl

GOLDEN = Path(__file__).parent / "golden"

Build = Callable[[], bytes]


def safetensors_of(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A file with that header: text, bytes, or what JSON makes of anything else."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Let the description in a file of the native format be what `change` makes of it."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    description = json.loads(header["__metadata__"]["fastlstm"])
    change(description)
    header["__metadata__"]["fastlstm"] = json.dumps(description)
    path.write_bytes(safetensors_of(header, data[8 + length :]))


def entry(begin: Any = 0, end: Any = 8, shape: Any = (2,), dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return memory.getvalue()


def far_zip_of(members: dict[str, bytes], place: int) -> bytes:
    """An archive whose first member says, in 64 bits, that it begins at that place of the file."""
    data = zip_of(members)
    first, extra = data.index(b"PK\1\2"), struct.pack("<HHQ", 1, 8, place)
    named = first + 46 + struct.unpack_from("<H", data, first + 28)[0]
    changed = bytearray(data[:named] + extra + data[named:])
    struct.pack_into("<H", changed, first + 30, len(extra))
    struct.pack_into("<I", changed, first + 42, 2**32 - 1)
    struct.pack_into("<I", changed, len(changed) - 10, struct.unpack_from("<I", data, len(data) - 10)[0] + len(extra))
    return bytes(changed)


def npy_of(shape: str, descr: str = "'<f8'", data: bytes = b"") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


class Gadget:
    """What a pickle runs when it is loaded as pickles usually are."""

    def __reduce__(self) -> Any:
        return os.system, (f"touch {TOUCHED}",)


TOUCHED = "fastlstm-was-run"  # where the reading process works


def object_npy() -> bytes:
    memory = io.BytesIO()
    np.save(memory, np.array([Gadget()], dtype=object), allow_pickle=True)
    return memory.getvalue()


def torch_of(pickled: bytes, **storages: bytes) -> bytes:
    return zip_of({"a/data.pkl": pickled, **{f"a/data/{key[1:]}": data for key, data in storages.items()}})


def tensor(shape: str, stride: str, offset: str = "K\x00", kind: str = "Float", count: str = "K\x04") -> bytes:
    """A pickle of ``{"w": tensor}``; arguments are opcodes."""
    storage = f"((X\x07\x00\x00\x00storagectorch\n{kind}Storage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu{count}tQ"
    rest = f"{offset}{shape}{stride}\x89ccollections\nOrderedDict\n)RtRs."
    return b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n" + (storage + rest).encode("latin-1")


FOUR = b"\0" * 16

SAFETENSORS: dict[str, Build] = {
    "header of 2**64-1 bytes": lambda: safetensors_of({}, length=2**64 - 1),
    "header past the end": lambda: safetensors_of({}, length=3),
    "empty file": lambda: b"",
    "seven bytes": lambda: b"\0" * 7,
    "header not UTF-8": lambda: safetensors_of(b'{"\xff": 1}'),
    "header not JSON": lambda: safetensors_of(b"{"),
    "header no object": lambda: safetensors_of([1]),
    "header 100,000 levels deep": lambda: safetensors_of(b"[" * 100_000),
    "header of a million lists": lambda: safetensors_of(b'{"a":[' + b"[]," * 1_000_000 + b"1]}"),
    "overlap": lambda: safetensors_of({"a": entry(), "b": entry(4, 12)}, b"\0" * 12),
    "same place twice": lambda: safetensors_of({"a": entry(), "b": entry()}, b"\0" * 8),
    "hole": lambda: safetensors_of({"a": entry(), "b": entry(9, 17)}, b"\0" * 17),
    "reversed offsets": lambda: safetensors_of({"a": entry(8, 0)}, b"\0" * 8),
    "negative offsets": lambda: safetensors_of({"a": entry(-8, 0)}, b"\0" * 8),
    "offsets of floats": lambda: safetensors_of({"a": entry(0.0, 8.0)}, b"\0" * 8),
    "offsets past the end": lambda: safetensors_of({"a": entry(0, 8)}, b"\0" * 4),
    "three offsets": lambda: safetensors_of({"a": {**entry(), "data_offsets": [0, 4, 8]}}, b"\0" * 8),
    "bytes after the end": lambda: safetensors_of({"a": entry()}, b"\0" * 8 + b"PK\3\4"),
    "shape of more bytes": lambda: safetensors_of({"a": entry(shape=(3,))}, b"\0" * 8),
    "shape whose product overflows": lambda: safetensors_of({"a": entry(0, 0, (2**32, 2**32, 2))}),
    "shape with 0 and 2**62": lambda: safetensors_of({"a": entry(0, 0, (0, 2**62, 2**62))}),
    "shape of 2**70": lambda: safetensors_of({"a": entry(0, 0, (0, 2**70))}),
    "negative shape": lambda: safetensors_of({"a": entry(shape=(-1, -2))}, b"\0" * 8),
    "shape of 40 axes": lambda: safetensors_of({"a": entry(0, 4, (1,) * 40)}, b"\0" * 4),
    "shape of truths": lambda: safetensors_of({"a": entry(0, 4, (True,))}, b"\0" * 4),
    "name twice": lambda: safetensors_of(b'{"a":%b,"a":%b}' % ((json.dumps(entry()).encode(),) * 2), b"\0" * 8),
    "unknown dtype": lambda: safetensors_of({"a": entry(dtype="F8_E4M3", end=2)}, b"\0" * 2),
    "dtype that is a list": lambda: safetensors_of({"a": entry(dtype=["F32"])}, b"\0" * 8),
    "metadata of numbers": lambda: safetensors_of({"__metadata__": {"a": 1}}),
    "more keys": lambda: safetensors_of({"a": {**entry(), "more": 1}}, b"\0" * 8),
}

NPZ: dict[str, Build] = {
    "no zip": lambda: b"\x93NUMPY" * 10,
    "cut off": lambda: zip_of({"a.npy": npy_of("(2,)", data=FOUR)})[:-30],
    "pickled objects": lambda: zip_of({"a.npy": object_npy()}),
    "pickle in place of an array": lambda: zip_of({"a.npy": pickle.dumps(Gadget())}),
    "2**62 rows": lambda: zip_of({"a.npy": npy_of(f"({2**62},)", data=FOUR)}),
    "no rows of 2**62": lambda: zip_of({"a.npy": npy_of(f"(0, {2**62}, {2**62})")}),
    "negative rows": lambda: zip_of({"a.npy": npy_of("(-1, -2)", data=FOUR)}),
    "rows of truths": lambda: zip_of({"a.npy": npy_of("('a',)", data=FOUR)}),
    "no header": lambda: zip_of({"a.npy": b"\x93NUMPY\x01\x00\xff\xff"}),
    "header of code": lambda: zip_of({"a.npy": npy_of("__import__('os')", data=FOUR)}),
    "header that does not end": lambda: zip_of({"a.npy": npy_of("(((", data=FOUR)}),
    "header with a zero byte": lambda: zip_of({"a.npy": npy_of("(2,\0", data=FOUR)}),
    "header of what has no hash": lambda: zip_of({"a.npy": npy_of("({[]: 1},)", data=FOUR)}),
    "header of numbers too long": lambda: zip_of({"a.npy": npy_of(f"({'1' * 5000},)", data=FOUR)}),
    "structured": lambda: zip_of({"a.npy": npy_of("(2,)", "[('a', '<f8')]", FOUR)}),
    "bytes after the array": lambda: zip_of({"a.npy": npy_of("(2,)", data=FOUR + b"more")}),
    "600 MB in 600 KB": lambda: zip_of({"a.npy": npy_of(f"({75 * 10**6},)", data=bytes(6 * 10**8))}, ZIP_DEFLATED),
    "path traversal": lambda: zip_of({"../../a": b"x", "/tmp/b": b"y"}),
    "begin at 2**64 - 1": lambda: far_zip_of({"a.npy": npy_of("(2,)", data=FOUR)}, 2**64 - 1),
    "begin at 2**63 - 1": lambda: far_zip_of({"a.npy": npy_of("(2,)", data=FOUR)}, 2**63 - 1),
    "begin past the end": lambda: far_zip_of({"a.npy": npy_of("(2,)", data=FOUR)}, 500),
    "flipped bit": lambda: flipped(zip_of({"a.npy": npy_of("(2,)", data=FOUR)}), -150),
}

TORCH: dict[str, Build] = {
    "os.system": lambda: torch_of(pickle.dumps(Gadget(), 2)),
    "os.system, protocol 4": lambda: torch_of(pickle.dumps(Gadget(), 4)),
    "os.system in protocol 0": lambda: torch_of(b"cos\nsystem\n(S'touch " + TOUCHED.encode() + b"'\ntR."),
    "builtins.eval": lambda: torch_of(b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R."),
    "a gadget of torch": lambda: torch_of(b"\x80\x02ctorch.serialization\nload\nX\x01\x00\x00\x00a\x85R."),
    "a bare pickle": lambda: pickle.dumps(Gadget()),
    "no pickle": lambda: zip_of({"a/b": b""}),
    "two pickles": lambda: zip_of({"a/data.pkl": b"\x80\x02}.", "b/data.pkl": b"\x80\x02}."}),
    "begin at 2**64 - 1": lambda: far_zip_of({"a/data.pkl": b"\x80\x02}."}, 2**64 - 1),
    "compressed": lambda: zip_of({"a/data.pkl": b"\x80\x02}."}, ZIP_DEFLATED),
    "storage that is not there": lambda: torch_of(tensor("K\x04\x85", "K\x01\x85")),
    "storage that is cut off": lambda: torch_of(tensor("K\x04\x85", "K\x01\x85"), _0=b"\0" * 15),
    "storage of 2**31 numbers": lambda: torch_of(tensor("K\x04\x85", "K\x01\x85", count="J\xff\xff\xff\x7f"), _0=FOUR),
    "shape past its storage": lambda: torch_of(tensor("K\x05\x85", "K\x01\x85"), _0=FOUR),
    "stride past its storage": lambda: torch_of(tensor("K\x04\x85", "K\x02\x85"), _0=FOUR),
    "offset past its storage": lambda: torch_of(tensor("K\x04\x85", "K\x01\x85", "K\x01"), _0=FOUR),
    "negative offset": lambda: torch_of(tensor("K\x01\x85", "K\x01\x85", "J\xff\xff\xff\xff"), _0=FOUR),
    "negative stride": lambda: torch_of(tensor("K\x02\x85", "J\xff\xff\xff\xff\x85", "K\x01"), _0=FOUR),
    "2**31 numbers by a stride of 0": lambda: torch_of(tensor("J\xff\xff\xff\x7f\x85", "K\x00\x85"), _0=FOUR),
    "strides of fewer axes": lambda: torch_of(tensor("K\x01K\x01\x86", "K\x01\x85"), _0=FOUR),
    "shape of texts": lambda: torch_of(tensor("X\x01\x00\x00\x00a\x85", "K\x01\x85"), _0=FOUR),
    "offset True": lambda: torch_of(tensor("K\x01\x85", "K\x01\x85", "\x88"), _0=FOUR),
    "tuple of 2**31 numbers": lambda: torch_of(b"\x80\x02ctorch\nSize\nX\x01\x00\x00\x00a\x85R."),
    "unknown opcode": lambda: torch_of(b"\x80\x02\xff."),
    "no end": lambda: torch_of(b"\x80\x02}"),
    "nothing on the stack": lambda: torch_of(b"\x80\x02."),
    "mark as a value": lambda: torch_of(b"\x80\x02(."),
    "function as a value": lambda: torch_of(b"\x80\x02ccollections\nOrderedDict\n."),
    "function in a dict": lambda: torch_of(b"\x80\x02}X\x01\x00\x00\x00accollections\nOrderedDict\ns."),
    "list as a key": lambda: torch_of(b"\x80\x02}]K\x01s."),
    "memo that is not there": lambda: torch_of(b"\x80\x02h\x05."),
    "integer of 255 bytes": lambda: torch_of(b"\x80\x02\x8a\xff" + b"\1" * 255 + b"."),
    "text of 4 GB": lambda: torch_of(b"\x80\x02X\xff\xff\xff\xffa."),
    "ten million lists": lambda: torch_of(b"\x80\x02" + b"]" * 10_000_000 + b"."),
    "call of a dict": lambda: torch_of(b"\x80\x02})R."),
    "OrderedDict with arguments": lambda: torch_of(b"\x80\x02ccollections\nOrderedDict\n}\x85R."),
    "number in place of a dict": lambda: torch_of(b"\x80\x02K\x01."),
    "path traversal": lambda: torch_of(
        tensor("K\x04\x85", "K\x01\x85").replace(b"\x01\0\0\x000", b"\x0b\0\0\x00../../../etc"), _0=FOUR
    ),
    "module": lambda: (GOLDEN / "torch_module.pt").read_bytes(),
    "legacy": lambda: (GOLDEN / "torch_legacy.pt").read_bytes(),
    "legacy tar": lambda: b"storages".ljust(257, b"\0") + b"ustar" + b"\0" * 800,
}

FILES: dict[str, dict[str, Build]] = {".safetensors": SAFETENSORS, ".npz": NPZ, ".pt": TORCH}


def flipped(data: bytes, place: int, bit: int = 0) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


def mutations(originals: list[bytes], rng: np.random.Generator, count: int) -> Iterator[bytes]:
    """Files with flipped bits, other bytes, cut off, or with pieces of each other.

    Of zip archives half are whole, with such changes in a file inside: no checksum tells of these.
    """
    members = [{name: data for name, data in members_of(whole).items() if data} for whole in originals]
    archives = [found for found in members if found]
    inside = count // 2 if archives else 0
    for _ in range(inside):
        archive = archives[rng.integers(len(archives))]
        name = [*archive][rng.integers(len(archive))]
        yield zip_of({**archive, name: next(mutations([archive[name]], rng, 1))})
    yield from _mutations(originals, rng, count - inside)


def members_of(data: bytes) -> dict[str, bytes]:
    """What is in a zip archive; nothing if it is none."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _mutations(originals: list[bytes], rng: np.random.Generator, count: int) -> Iterator[bytes]:
    for _ in range(count):
        data, other = (bytearray(originals[k]) for k in rng.integers(len(originals), size=2))
        kind, place = rng.integers(5), int(rng.integers(len(data)))
        if kind == 0:
            for at in rng.integers(len(data), size=rng.integers(1, 6)):
                data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[place : place + 8] = rng.bytes(8)
        elif kind == 2:
            del data[place:]
        elif kind == 3:
            begin, end = sorted(int(at) for at in rng.integers(len(other), size=2))
            data[place:place] = other[begin:end]
        else:
            del data[place : place + int(rng.integers(1, 40))]
        yield bytes(data)


# --- Reading them -----------------------------------------------------------------------------------------------------

READER = Path(__file__).parent / "reading_files.py"
Outcomes = dict[str, dict[str, Any]]


def read_all(folder: Path, files: dict[str, bytes], whole: dict[str, bytes] | None = None) -> Outcomes:
    """Read files in another process, whole ones first, and hold it to leaving nothing behind."""
    for name, content in (("files", files), ("whole", whole or {}), ("work", {})):
        (folder / name).mkdir()
        for file, data in content.items():
            (folder / name / file).write_bytes(data)
    command = [sys.executable, READER, folder / "files", folder / "whole"]
    path = str(Path(fl.__file__).parents[1])
    done = subprocess.run(
        command, cwd=folder / "work", env={"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    outcomes: Outcomes = dict(map(json.loads, done.stdout.splitlines()))
    assert done.returncode == 0, f"{sorted(files)[len(outcomes)]}: {done.stderr}"
    assert list((folder / "work").iterdir()) == [], TOUCHED
    assert {file.name: file.read_bytes() for file in (folder / "files").iterdir()} == files
    assert outcomes.keys() == files.keys()
    slow = {name: files[name] for name, found in outcomes.items() if found["seconds"] >= 1}
    if slow and len(slow) < len(files):  # read once more by themselves, as the machine may have been busy
        (folder / "again").mkdir()
        for name, found in read_all(folder / "again", slow, whole).items():
            outcomes[name]["seconds"] = min(found["seconds"], outcomes[name]["seconds"])
    return outcomes


def assert_clear(name: str, found: dict[str, Any], errors: tuple[str, ...] = ("ValueError", "TypeError")) -> None:
    """A refusal names the file, what it must be and what it is."""
    assert found["error"] in errors, f"{name}: {found}"
    assert re.search(rf"{re.escape(name)}.* must .*, got ", found["text"], re.DOTALL), f"{name}: {found['text']}"
    assert len(found["text"]) < 1500, name
