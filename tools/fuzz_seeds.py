"""Run the tests that draw (layers, values, calls, graphs) from one new seed after the other, without end.

python tools/fuzz_seeds.py                              all of them, until Ctrl-C or a failure
python tools/fuzz_seeds.py --minutes 15 "way or call"   those that an expression of pytest's -k names, for so long

Each round has a seed of its own and draws as much as a run of all tests does. A failure ends this and names its seed:
draw it again by FASTLSTM_TEST_SEED, mend what it found, and keep it as `kept=(SEED,)` of the test's `for_all`.
`tools/fuzz.py` does the same for readers of files, led by their branches.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def drawing_tests() -> list[str]:
    """Return the files of tests that have a fresh seed."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(path) for path in paths if any(word in path.read_text() for word in ("@for_all", 'id="fresh_seed"'))]


def rounds(minutes: float, names: str) -> int:
    """Run round after round; return the number of those that passed."""
    end, done = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end:
        seed = secrets.randbelow(2**32)
        print(f"round {done + 1}: FASTLSTM_TEST_SEED={seed}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", "-x", *drawing_tests(), "-k", f"fresh_seed and ({names})"]
        ran = subprocess.run(command, cwd=ROOT, env={**os.environ, "FASTLSTM_TEST_SEED": str(seed)}, check=False)
        if ran.returncode != 0:
            sys.exit(f"round {done + 1} failed: FASTLSTM_TEST_SEED={seed}")
        done += 1
    return done


def main() -> None:
    """Fuzz for the minutes that are given, or for ever."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="default: no end")
    parser.add_argument("names", nargs="?", default="test", help="which tests; default: all")
    arguments = parser.parse_args()
    try:
        print(f"{rounds(arguments.minutes, arguments.names)} rounds passed")
    except KeyboardInterrupt:
        sys.exit("ended by Ctrl-C; the rounds before have passed")


if __name__ == "__main__":
    main()
