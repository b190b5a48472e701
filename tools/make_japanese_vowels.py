"""Make ``python/fastlstm/datasets/japanese_vowels.npz`` from the files that the PyPI package aeon 1.6.0 carries.

    pip download --no-deps aeon==1.6.0 && unzip aeon-*.whl 'aeon/datasets/data/JapaneseVowels/*'
    python tools/make_japanese_vowels.py aeon/datasets/data/JapaneseVowels python/fastlstm/datasets/japanese_vowels.npz

A line of a ``.ts`` file is an utterance: twelve coefficients separated by colons, each a comma-separated series, and
the speaker, 1 to 9. No number has more than six decimals, so whole millionths are exactly what was published. They fit
24 bits, moved up so that none is negative, and their bytes stand apart, the lowest of all numbers first: those of the
highest, which hardly differ, take little room.
The same input gives the same bytes.
"""

import sys
from decimal import Decimal
from pathlib import Path

import numpy as np

MILLIONTHS = 6
SHIFT = 1 << 23


def utterances(path):
    """Yield each utterance as ``(steps, speaker)``: integers (T, 12) in millionths and a label from 0."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#@":
            *coefficients, speaker = line.split(":")
            series = [[exact(number) for number in one.split(",")] for one in coefficients]
            yield np.array(series, dtype=np.int32).T, int(speaker) - 1


def exact(number):
    """Turn a decimal number into millionths; one that would have to be rounded is an error."""
    scaled = Decimal(number).scaleb(MILLIONTHS)
    if scaled != int(scaled):
        raise ValueError(f"{number} has more than {MILLIONTHS} decimals")
    return int(scaled)


def arrays(path, suffix):
    """Put all utterances of a file one after the other, with their lengths and speakers beside them."""
    steps, speakers = zip(*utterances(path), strict=True)
    return {
        f"millionths_{suffix}": bytes_apart(np.concatenate(steps)),
        f"lengths_{suffix}": np.array([len(one) for one in steps], dtype=np.uint8),
        f"speakers_{suffix}": np.array(speakers, dtype=np.uint8),
    }


def bytes_apart(numbers):
    """Take numbers (rows, 12) of 24 bits apart into bytes (3, 12, rows)."""
    if np.abs(numbers).max() >= SHIFT:
        raise ValueError(f"a coefficient has more than 24 bits in millionths: {np.abs(numbers).max()}")
    return np.ascontiguousarray((numbers + SHIFT).astype("<u4")[..., None].view(np.uint8)[..., :3].T)


def main(source, target):
    """Write the file and say what is in it."""
    source, target = Path(source), Path(target)
    kept = arrays(source / "JapaneseVowels_TRAIN.ts", "train") | arrays(source / "JapaneseVowels_TEST.ts", "test")
    np.savez_compressed(target, **kept)
    for name, array in kept.items():
        print(f"{name:18} {array.dtype!s:6} {array.shape}")
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
