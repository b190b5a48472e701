"""Numbers of texts that are the same in every process, those of TensorFlow: FarmHash and, with a salt, SipHash."""

from functools import lru_cache
from typing import Any

from fastlstm import checks

_MASK = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F

Salt = tuple[int, int]


def salt_of(name: str, value: Any) -> Salt | None:
    """`value` as two whole numbers; one stands for two of it."""
    if value is None:
        return None
    pair = value if isinstance(value, list | tuple) else (value, value)
    if len(pair) != 2:
        checks.refuse(ValueError, name, "a whole number, or two of them", value)
    first, second = (checks.whole_number(name, part, at_least=0, at_most=_MASK) for part in pair)
    return first, second


@lru_cache(maxsize=2**16)
def bin_of(text: str, number: int, salt: Salt | None = None) -> int:
    """Return the number of the bin, of a `number` of bins, in which a text is."""
    data = text.encode()
    return (farm_hash(data) if salt is None else sip_hash(data, salt)) % number


def farm_hash(data: bytes) -> int:
    """Return the FarmHash64 fingerprint."""
    length = len(data)
    if length <= 16:
        return _of_16(data, length)
    if length <= 32:
        return _of_32(data, length)
    return _of_64(data, length) if length <= 64 else _of_more(data, length)


def _word(data: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _turned(value: int, places: int) -> int:
    """Return a word with its bits turned to the right."""
    value &= _MASK
    return (value >> places | value << (64 - places)) & _MASK


def _folded(value: int) -> int:
    value &= _MASK
    return value ^ (value >> 47)


def _joined(one: int, other: int, factor: int) -> int:
    """Two words as one."""
    return _folded((other ^ _folded((one ^ other) * factor)) * factor) * factor & _MASK


def _of_16(data: bytes, length: int) -> int:
    factor = _K2 + 2 * length
    if length >= 8:
        a, b = (_word(data, 0) + _K2) & _MASK, _word(data, length - 8)
        c, d = _turned(b, 37) * factor + a, (_turned(a, 25) + b) * factor
        return _joined(c & _MASK, d & _MASK, factor)
    if length >= 4:
        return _joined(length + (_word(data, 0, 4) << 3), _word(data, length - 4, 4), factor)
    if not length:
        return _K2
    y, z = data[0] + (data[length >> 1] << 8), length + (data[-1] << 2)
    return _folded(y * _K2 & _MASK ^ z * _K0 & _MASK) * _K2 & _MASK


def _of_32(data: bytes, length: int) -> int:
    factor = _K2 + 2 * length
    a, b = _word(data, 0) * _K1, _word(data, 8)
    c, d = _word(data, length - 8) * factor, _word(data, length - 16) * _K2
    one = _turned(a + b, 43) + _turned(c, 30) + d
    return _joined(one & _MASK, a + _turned(b + _K2, 18) + c & _MASK, factor)


def _of_64(data: bytes, length: int) -> int:
    factor = _K2 + 2 * length
    a, b = _word(data, 0) * _K2, _word(data, 8)
    c, d = _word(data, length - 8) * factor, _word(data, length - 16) * _K2
    y = _turned(a + b, 43) + _turned(c, 30) + d & _MASK
    z = _joined(y, a + _turned(b + _K2, 18) + c & _MASK, factor)
    e, f = _word(data, 16) * factor, _word(data, 24)
    g, h = (y + _word(data, length - 32)) * factor, (z + _word(data, length - 24)) * factor
    one = _turned(e + f, 43) + _turned(g, 30) + h
    return _joined(one & _MASK, e + _turned(f + a, 18) + g & _MASK, factor)


def _of_more(data: bytes, length: int) -> int:
    """Go through 64 bytes at a time, and through the last 64 once more."""
    x, y = 81 * _K2 + _word(data, 0), 81 * _K1 + 113
    z = _folded(y * _K2 + 113) * _K2
    v, w = (0, 0), (0, 0)
    for at in range(0, (length - 1) // 64 * 64, 64):
        x, y, z, v, w = _mixed(data, at, (x, y, z, v, w), _K1, 1)
    rest, factor = (length - 1) & 63, _K1 + ((z & 255) << 1)
    w = w[0] + rest, w[1]
    v = v[0] + w[0], v[1]
    w = w[0] + v[0], w[1]
    x, y, z, v, w = _mixed(data, length - 64, (x, y, z, v, w), factor, 9)
    one = _joined(v[0] & _MASK, w[0] & _MASK, factor) + _folded(y) * _K0 + z
    return _joined(one & _MASK, _joined(v[1] & _MASK, w[1] & _MASK, factor) + x & _MASK, factor)


def _mixed(data: bytes, at: int, state: tuple[Any, ...], factor: int, more: int) -> tuple[Any, ...]:
    """Take 64 bytes into the state."""
    x, y, z, v, w = state
    x = _turned(x + y + v[0] + _word(data, at + 8), 37) * factor ^ w[1] * more
    y = _turned(y + v[1] + _word(data, at + 48), 42) * factor + v[0] * more + _word(data, at + 40)
    z = _turned(z + w[0], 33) * factor
    v = _half_mixed(data, at, v[1] * factor, x + w[0])
    w = _half_mixed(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z & _MASK, y & _MASK, x & _MASK, v, w


def _half_mixed(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    first, second, third, last = (_word(data, at + k) for k in (0, 8, 16, 24))
    a += first
    b = _turned(b + a + last, 21)
    total = a + second + third
    return total + last & _MASK, b + _turned(total, 44) + a & _MASK


def sip_hash(data: bytes, salt: Salt) -> int:
    """Return the SipHash-2-4 of the data, with the `salt` as key."""
    first, second = salt
    state = [
        first ^ 0x736F6D6570736575,
        second ^ 0x646F72616E646F6D,
        first ^ 0x6C7967656E657261,
        second ^ 0x7465646279746573,
    ]
    end = len(data) // 8 * 8
    words = [_word(data, at) for at in range(0, end, 8)]
    for word in (*words, _word(data, end) | (len(data) & 255) << 56):
        state[3] ^= word
        _sip_rounds(state, 2)
        state[0] ^= word
    state[2] ^= 255
    _sip_rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip_rounds(state: list[int], number: int) -> None:
    a, b, c, d = state
    for _ in range(number):
        a, c = a + b & _MASK, c + d & _MASK
        b, d = _turned(b, 51) ^ a, _turned(d, 48) ^ c
        a = _turned(a, 32)
        c, a = c + b & _MASK, a + d & _MASK
        b, d = _turned(b, 47) ^ c, _turned(d, 43) ^ a
        c = _turned(c, 32)
    state[:] = a, b, c, d
