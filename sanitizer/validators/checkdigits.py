"""Arithmetic of check digits: weighted sums, Luhn, ISO 7064, Verhoeff, dates within numbers."""

from __future__ import annotations

from collections.abc import Sequence

_KEEP = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DROP = bytes(c for c in range(256) if c not in _KEEP)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def plain(text: bytes) -> bytes:
    return text.upper().translate(None, _DROP)


def weighted(digits: bytes, weights: Sequence[int]) -> int:
    return sum([(digit - 48) * weight for digit, weight in zip(digits, weights, strict=False)])


def numeric(text: bytes, *lengths: int) -> bytes:
    """The digits of *text*, or nothing if it holds letters or another number of digits."""
    number = plain(text)
    return number if number.isdigit() and len(number) in lengths and len(set(number)) > 1 else b""


def date(day: bytes, month: bytes) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= _DAYS[int(month) - 1]


def luhn(digits: bytes) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = (digit - 48) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def mod_11_10(digits: bytes) -> bool:
    """ISO 7064, MOD 11,10."""
    product = 10
    for digit in digits[:-1]:
        product = (((digit - 48 + product) % 10 or 10) * 2) % 11
    return (product + digits[-1] - 48) % 10 == 1


_VERHOEFF_D = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104",
    "9876543210",
)  # fmt: skip
_VERHOEFF_P = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def verhoeff(digits: bytes) -> bool:
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_VERHOEFF_D[state][int(_VERHOEFF_P[place % 8][digit - 48])])
    return state == 0


