"""Addresses and keys of cryptocurrencies: the checksums within them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache

_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUE = {c: i for i, c in enumerate(_BASE58)}
_RIPPLE = bytes.maketrans(b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz", _BASE58)
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_VALUE = {c: i for i, c in enumerate(_BECH32)}
_BECH32_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_CONSTANTS = (1, 0x2BC830A3)  # BIP 173 and BIP 350


def _decode58(text: bytes) -> bytes | None:
    number = 0
    try:
        for c in text:
            number = number * 58 + _BASE58_VALUE[c]
    except KeyError:
        return None
    zeros = len(text) - len(text.lstrip(b"1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base58check(text: bytes) -> bool:
    """Bitcoin's Base58Check: the last four bytes are the first four of a double SHA-256 over the rest (addresses, WIF, xprv)."""
    raw = _decode58(text) if 20 <= len(text) <= 128 else None
    if raw is None or len(raw) < 5:
        return False
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def ripple(text: bytes) -> bool:
    """As `base58check`, in the alphabet of the XRP Ledger."""
    return base58check(text.translate(_RIPPLE))


def bech32(text: bytes) -> bool:
    """BIP 173 (bech32) and BIP 350 (bech32m): human-readable part, `1`, data with a BCH checksum of six characters."""
    if text != text.lower() and text != text.upper():
        return False
    text = text.lower()
    part, one, data = text.rpartition(b"1")
    if not one or not part or len(data) < 6 or len(text) > 200:
        return False
    check = 1
    try:
        values = [c >> 5 for c in part] + [0] + [c & 31 for c in part] + [_BECH32_VALUE[c] for c in data]
    except KeyError:
        return False
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit in range(5):
            if top >> bit & 1:
                check ^= _BECH32_GENERATOR[bit]
    return check in _BECH32_CONSTANTS


_ROTATION = (
    (0, 36, 3, 41, 18),
    (1, 44, 10, 45, 2),
    (62, 6, 43, 15, 61),
    (28, 55, 25, 21, 56),
    (27, 20, 39, 8, 14),
)
_MASK = (1 << 64) - 1


def _round_constants() -> list[int]:
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << ((1 << j) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


_ROUNDS = _round_constants()


def _turn(value: int, count: int) -> int:
    return ((value << count) | (value >> (64 - count))) & _MASK if count else value


def keccak256(message: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it (the padding before FIPS 202), of a message shorter than 136 bytes."""
    block = bytearray(136)
    block[: len(message)] = message
    block[len(message)] ^= 0x01
    block[135] ^= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for i in range(17):
        lanes[i % 5][i // 5] = int.from_bytes(block[8 * i : 8 * i + 8], "little")
    for constant in _ROUNDS:
        parity = [column[0] ^ column[1] ^ column[2] ^ column[3] ^ column[4] for column in lanes]
        effect = [parity[x - 1] ^ _turn(parity[(x + 1) % 5], 1) for x in range(5)]
        moved = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                moved[y][(2 * x + 3 * y) % 5] = _turn(lanes[x][y] ^ effect[x], _ROTATION[x][y])
        for x in range(5):
            for y in range(5):
                lanes[x][y] = moved[x][y] ^ (~moved[(x + 1) % 5][y] & moved[(x + 2) % 5][y])
        lanes[0][0] ^= constant
    return b"".join(lanes[i][0].to_bytes(8, "little") for i in range(4))


@lru_cache(1 << 12)  # an address comes many times, and its digest costs half a millisecond
def ethereum(text: bytes) -> bool:
    """EIP-55: the case of an address's letters is its checksum. All lower or all upper case carries none and passes."""
    address = text[2:]
    lower = address.lower()
    if len(address) != 40 or lower.strip(b"0123456789abcdef"):
        return False
    if address in (lower, address.upper()):
        return True
    digest = keccak256(lower).hex().encode()
    return all((c < 97) == (digest[i] >= 56) for i, c in enumerate(address) if c > 57)


CHECKS: dict[str, Callable[[bytes], bool]] = {
    "base58check": base58check,
    "ripple": ripple,
    "bech32": bech32,
    "eip-55": ethereum,
}
