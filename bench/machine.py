"""The machine: its processors, facts for a reader to judge figures by, and the files they are kept in."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def facts() -> dict[str, Any]:
    """Give what a reader needs to judge the figures or to repeat them."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "processor": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "features": _features(),
        "processors": len(available_cores()),
        "caches": caches(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "frequency governor": _read(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")) or "not visible",
        "load average at start": os.getloadavg()[0],
    }


def available_cores() -> list[int]:
    """Processors this process may run on."""
    return sorted(os.sched_getaffinity(0))


def core_sets(threads: str, cores: str) -> list[list[int]]:
    """Read ``--threads`` and ``--cores``: a list of processors for every number of threads, each once."""
    available = [int(core) for core in cores.split(",")] if cores else available_cores()
    sets: list[list[int]] = []
    for word in threads.split(","):
        count = len(available) if word == "all" else int(word)
        if not 1 <= count <= len(available):
            raise SystemExit(f"--threads must be from 1 to {len(available)} or all, got {word}")
        chosen = available[-count:]  # the first processor is where interrupts go
        if chosen not in sets:
            sets.append(chosen)
    return sets


def write(found: dict[str, Any], out: Path) -> None:
    """Replace a file of results at once, so that an interrupted run leaves whole ones."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1) + "\n")
    os.replace(part, out)


def caches() -> dict[str, int]:
    """Bytes of each level of data cache, as ``{"L1": 32768, ...}``; empty where the system does not say."""
    found: dict[str, int] = {}
    for folder in sorted(CACHES.glob("index*")):
        size = _read(folder / "size")
        if size and _read(folder / "type") in ("Data", "Unified"):
            found["L" + _read(folder / "level")] = int(size.rstrip("KM")) * (2**20 if size.endswith("M") else 2**10)
    return found


def commit() -> str:
    """Give the commit of the sources, with a plus if they were changed since."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "not a git checkout"


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _cpuinfo(name: str) -> str:
    found = re.search(rf"^{name}\s*: (.*)$", _read(Path("/proc/cpuinfo")), re.MULTILINE)
    return found[1] if found else ""


def _features() -> list[str]:
    """Those that decide which kernels of anybody run."""
    present = _cpuinfo("flags").split()
    deciding = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile")
    return [name for name in deciding if name in present]


def _memory() -> str:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return f"{pages * size / 2**30:.0f} GiB"
