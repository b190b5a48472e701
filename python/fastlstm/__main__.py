"""Command line: ``python -m fastlstm info | inspect | convert | demo | bench``."""

from __future__ import annotations

import argparse
import importlib
import sys

import fastlstm

_MODULES = {
    "inspect": "fastlstm.inspecting",
    "convert": "fastlstm.converting",
    "demo": "fastlstm.demo",
    "bench": "fastlstm.bench",
}
"""Of the commands that have their own arguments."""


def main(argv: list[str] | None = None) -> int:
    """Run the command named by the first argument; the rest belongs to it."""
    parser = argparse.ArgumentParser(prog="python -m fastlstm", description=fastlstm.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="print versions, instruction sets, threads and compiler")
    commands.add_parser("inspect", help="print what is in a file", add_help=False)
    commands.add_parser("convert", help="write a file in another format", add_help=False)
    commands.add_parser("demo", help="train an LSTM and a simple RNN on spoken vowels", add_help=False)
    commands.add_parser("bench", help="time the kernels against the bounds of this machine", add_help=False)
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command in _MODULES:
        return int(importlib.import_module(_MODULES[arguments.command]).main(rest))
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    fastlstm.show_config()
    return 0


if __name__ == "__main__":
    sys.exit(main())
