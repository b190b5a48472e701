"""Run the core's tests on AVX-512 in an emulated PC, for machines whose processor has none.

python tools/emulate.py                             activations, cells and saturated gates: about an hour
python tools/emulate.py tests/test_activations.py   arguments of pytest: a quarter of an hour

Bochs boots a Linux kernel whose first process is pytest, on the Python, the packages and the built core that this tool
is run with. Tests that take an instruction set run on AVX-512 only. The PC is some hundred times as slow, and the
threads of a team wait long for each other on its one processor. --features adds products of 8 bits and of bfloat16 to
it. While it runs, port 5900 shows its screen; it has no network. Needs Debian's bochs, isolinux, xorriso and
linux-image-cloud-amd64, whose kernel is the newest in /boot unless --kernel names one. Files lie in build/emulate.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "emulate"
PYTHON = Path(sys.executable).resolve()
PACKAGES = ("numpy", "safetensors", "tqdm", "autograd", "hypothesis", "pytest")
TESTS = tuple(f"tests/test_{name}.py" for name in ("activations", "saturated", "forward"))
END = "pytest ended with "

# Time goes by the PC's timer, not by the instructions of its 3.5 GHz. Bochs is wrong about the size of compacted
# states, and Linux then goes without AVX: XSAVEC and XSAVES are bits 321 and 323 of what it knows of a processor.
KERNEL_ARGUMENTS = (
    "console=ttyS0,115200 loglevel=4 mitigations=off panic=-1 clocksource=hpet tsc=unstable noxsaves clearcpuid=321,323"
)

BOOT = f"""\
SERIAL 0 115200
DEFAULT linux
LABEL linux
  KERNEL /vmlinuz
  INITRD /initrd
  APPEND {KERNEL_ARGUMENTS}
"""

PC = f"""\
display_library: rfb, options="timeout=0"
cpu: model=corei7_skylake_x, ips=50000000
megs: 2048
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path={FOLDER}/disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={FOLDER}/console
log: {FOLDER}/bochs.log
clock: sync=none
sound: waveoutdrv=dummy
"""

# The first process: it ends with the machine switched off (0x4321FEDC).
INIT = """\
#!{python} -B
import ctypes, os, subprocess
libc = ctypes.CDLL(None)
os.makedirs("/tmp", exist_ok=True)
for kind, folder in ("proc", "/proc"), ("devtmpfs", "/dev"):
    os.makedirs(folder, exist_ok=True)
    libc.mount(kind.encode(), folder.encode(), kind.encode(), 0, None)
os.chdir({root!r})
done = subprocess.run({command!r}, env={environment!r})
print({end!r} + str(done.returncode), flush=True)
os.sync()
libc.reboot(0x4321FEDC)
"""


def packages() -> list[importlib.metadata.Distribution]:
    """Return what the tests import, and what that needs."""
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = list(PACKAGES)
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = importlib.metadata.distribution(name)
            needed = [line for line in found[name].requires or () if ";" not in line]
            wanted += [re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() for line in needed]
    return list(found.values())


def own_package() -> Path:
    """Return the folder of fastlstm, with its built core."""
    found = importlib.util.find_spec("fastlstm")
    if found is None or not found.origin:
        sys.exit("fastlstm must be installed, or built in place with its folder in PYTHONPATH")
    return Path(found.origin).parent


def is_of_use(path: Path) -> bool:
    """Say whether a file of a library is one that the tests may open."""
    idle = {"test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "site-packages", "include"}
    idle_file = path.suffix in (".a", ".h", ".pyi") or ".opt-" in path.name or path.name.startswith("_tkinter")
    return not idle_file and not idle & set(path.parts[:-1])


def python_files() -> Iterator[Path]:
    """Yield the interpreter, its library, the packages and what is to be tested."""
    yield PYTHON
    library = Path(sysconfig.get_path("stdlib"))
    yield from (path for path in library.rglob("*") if is_of_use(path.relative_to(library)))
    for package in packages():
        yield from (Path(str(package.locate_file(file))) for file in package.files or () if is_of_use(Path(file)))
    for folder in (own_package(), ROOT / "tests", ROOT / "bench"):
        yield from folder.rglob("*")
    yield ROOT / "pyproject.toml"


def libraries_of(files: list[Path]) -> set[Path]:
    """Return the shared libraries that the interpreter and extensions load, and what loads them."""
    objects = [path for path in files if ".so" in path.suffixes or path == PYTHON]
    found = subprocess.run(["ldd", *objects], capture_output=True, text=True, check=False).stdout
    return {Path(os.path.normpath(name)) for name in re.findall(r"(/\S+\.so\S*) \(0x", found)}


def first_process(arguments: Sequence[str]) -> bytes:
    """Return the program that runs pytest with these arguments."""
    paths = [own_package().parent, *{Path(str(package.locate_file(""))) for package in packages()}]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": ":".join(map(str, paths)),
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [str(PYTHON), "-m", "pytest", "-p", "no:cacheprovider", "-k", "not (baseline or avx2)", *arguments]
    return INIT.format(python=PYTHON, root=str(ROOT), command=command, environment=environment, end=END).encode()


def entry(name: str, mode: int, data: bytes, number: int) -> bytes:
    """Return a file or folder as it lies in an archive of cpio's kind newc."""
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + path
    return b"".join(part + bytes(-len(part) % 4) for part in (head, data))


def write_archive(path: Path, files: dict[Path, bytes]) -> None:
    """Write files and the folders that they need as the first file system of the kernel."""
    folders = sorted({folder for file in files for folder in file.parents} - {Path("/")})
    entries = [(folder, 0o040755, b"") for folder in folders]
    entries += [(file, 0o100755, data) for file, data in files.items()]
    with path.open("wb") as archive:
        for number, (file, mode, data) in enumerate(entries):
            archive.write(entry(str(file).lstrip("/"), mode, data, number))
        archive.write(entry("TRAILER!!!", 0, b"", 0))


def make_disc(kernel: Path, arguments: Sequence[str]) -> None:
    """Make the disc that the PC starts from."""
    disc = FOLDER / "disc"
    shutil.rmtree(FOLDER, ignore_errors=True)
    disc.mkdir(parents=True)
    files = {path for path in python_files() if path.is_file()}
    contents = {path: path.read_bytes() for path in sorted(files | libraries_of(sorted(files)))}
    write_archive(disc / "initrd", {**contents, Path("/init"): first_process(arguments)})
    shutil.copy(kernel, disc / "vmlinuz")
    for name in ("ISOLINUX/isolinux.bin", "syslinux/modules/bios/ldlinux.c32"):
        shutil.copy(Path("/usr/lib") / name, disc)
    (disc / "isolinux.cfg").write_text(BOOT)
    command: list[str | Path] = [
        "xorriso",
        "-as",
        "mkisofs",
        "-quiet",
        "-o",
        FOLDER / "disc.iso",
        "-b",
        "isolinux.bin",
        "-c",
        "boot.cat",
    ]
    subprocess.run([*command, "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", disc], check=True)


def run(features: str) -> str:
    """Run the PC with its console on ours, and return what it said last."""
    more = f'add_features="{features}", ' if features else ""
    (FOLDER / "pc").write_text(PC.replace("ips=", f"{more}ips="))
    (FOLDER / "commands").write_text("continue\n")
    (FOLDER / "console").touch()
    command: list[str | Path] = ["bochs", "-q", "-f", FOLDER / "pc", "-rc", FOLDER / "commands"]
    said, runs = "", True
    with (
        (FOLDER / "bochs.out").open("w") as output,
        (FOLDER / "console").open(errors="replace") as console,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as pc,
    ):
        while runs:
            runs = pc.poll() is None
            said = (said + (new := console.read()))[-1000:]
            print(new, end="", flush=True)
            time.sleep(1)
    return said


def newest_kernel() -> Path | None:
    """Return the newest kernel installed."""
    return max(Path("/boot").glob("vmlinuz-*"), key=lambda path: path.stat().st_mtime, default=None)


def main() -> None:
    """Make the disc, run the PC, and end with an error if pytest did or never ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", default="", help="avx512_vnni,avx512_bf16 with Bochs 3.0 and newer")
    parser.add_argument("--kernel", type=Path, default=newest_kernel(), help="Linux, as a file")
    options, arguments = parser.parse_known_args()
    if options.kernel is None:
        parser.error("a kernel must be in /boot or given by --kernel")
    make_disc(options.kernel, arguments or TESTS)
    if f"{END}0" not in run(options.features):
        sys.exit("the tests failed, or never ran")


if __name__ == "__main__":
    main()
