"""Command line: ``python -m fastlstm info | demo | bench``."""

from __future__ import annotations

import argparse
import sys

import fastlstm


def main(argv: list[str] | None = None) -> int:
    """Run the command named by the first argument; the rest belongs to it."""
    parser = argparse.ArgumentParser(prog="python -m fastlstm", description=fastlstm.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="print versions, instruction sets, threads and compiler")
    commands.add_parser("demo", help="train an LSTM and a simple RNN on spoken vowels", add_help=False)
    commands.add_parser("bench", help="time the kernels against the bounds of this machine", add_help=False)
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command == "demo":
        from fastlstm import demo

        return demo.main(rest)
    if arguments.command == "bench":
        from fastlstm import bench

        return bench.main(rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    fastlstm.show_config()
    return 0


if __name__ == "__main__":
    sys.exit(main())
