"""Payment cards: the ranges and lengths that networks issue, and the Luhn check digit (ISO/IEC 7812-1)."""

from __future__ import annotations

import re
from functools import lru_cache

_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_NOT_DIGITS = bytes(set(range(256)) - set(b"0123456789"))

# (prefix, number of further digits), from ISO/IEC 7812 and the ranges that the networks publish.
_RANGES = (
    ("4", "12|15|18"),  # Visa, with Electron, Dankort and Elo co-brands
    ("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", ""),  # Mastercard: 16
    ("3[47]", "13"),  # American Express
    ("30[0-5]", "11|13|14|15|16"),  # Diners Club
    ("3095", "10|12|13|14|15"),
    ("36|38|39", "12|14|15|16|17"),
    ("6011", "12|13|14|15"),  # Discover
    ("64[4-9]", "13|14|15|16"),
    ("65", "14|15|16|17"),  # Discover; RuPay, Troy, Elo, Verve
    ("35(?:2[89]|[3-8]\\d)", "12|13|14|15"),  # JCB; RuPay, LankaPay
    ("2131|1800", "11"),  # JCB, older
    ("62", "12|13|14|15|16|17"),  # UnionPay; Elo
    ("81[0-7]", "13|14|15|16"),  # UnionPay; RuPay
    ("60|61|81|82", "14"),  # RuPay, Hipercard, Cabal, GPN
    ("3841", "9|12|15"),  # Hipercard
    ("50", "10|11|12|13|14|15|16|17"),  # Maestro, Verve, Elo, RuPay, Meeza, Dankort
    ("5[6-8]", "10|11|12|13|14|15|16|17"),  # Maestro, Naranja, UzCard
    ("6[37]", "10|11|12|13|14|15|16|17"),  # Maestro, Solo, Switch, Laser, InstaPayment, InterPayment, Elo
    ("49(?:03|05|11|36)", "12|14|15"),  # Switch
    ("220[0-5]", "12|13|14|15"),  # Mir, BORICA
    ("9792|9860|9704|9112", "12|15"),  # Troy, Humo, NAPAS, Belkart
    ("8600|1946", "12"),  # UzCard, GPN
)


def _compile() -> re.Pattern[bytes]:
    alternatives = []
    for prefix, rest in _RANGES:
        if rest:
            counts = "|".join(rf"\d{{{count}}}" for count in rest.split("|"))
            alternatives.append(f"(?:{prefix})(?:{counts})")
        else:
            alternatives.append(rf"(?=\d{{16}}\Z)(?:{prefix})\d+")
    return re.compile("|".join(alternatives).encode())


_ranges = _compile().fullmatch
_long = re.compile(
    rb"4\d{18}|(?:4903|4905|4911|4936|50(?:18|20|38|6[01]|78)|5641|5893|6304|6331|633[34]|670[69]|6759|676[1-37]|6771|6799|62\d\d|6011"
    rb"|64[4-9]\d|65\d\d|8171|35[2-8]\d|9704|9792|220[0-4])\d{8,15}"
).fullmatch
_octets = re.compile(
    rb"(?:[0-9A-Fa-f]{2,4}:){4,}[0-9A-Fa-f]{2,4}|(?=[0-9:]*[A-Fa-f])(?:[0-9A-Fa-f]{2,4}:){2,}[0-9A-Fa-f]{2,4}"
).match
"""A fingerprint, a hardware address or one of IPv6."""

_uatp = re.compile(rb"1\d{14}").fullmatch


@lru_cache(1 << 14)
def _is_issued(head: bytes, size: int) -> bool:
    """Whether a network issues cards of *size* digits that begin with the four of *head*: no range is told by more."""
    return _ranges(head.ljust(size, b"0")) is not None


def luhn(number: bytes) -> bool:
    """Whether the digits of *number*, everything else left out, end in their Luhn check digit."""
    digits = number.translate(None, _NOT_DIGITS)
    return bool(digits) and (sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - 48 * len(digits)) % 10 == 0


def card(number: bytes) -> bool:
    """Whether *number* is a card that a network may have issued: range, length and check digit.

    Cards of 12 and of 17 to 19 digits are few and identifiers of that length are many, so in one run only the ranges count that
    nothing but such cards is known for.
    """
    digits = number.translate(None, _NOT_DIGITS)
    if len(digits) not in (13, 14, 15, 16) and len(number) == len(digits) and _long(digits) is None:
        return False
    return _checked(digits)


def _checked(digits: bytes) -> bool:
    if not 12 <= len(digits) <= 19 or not _is_issued(digits[:4], len(digits)):
        return False
    if (sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - 48 * len(digits)) % 10:
        return False
    return len(set(digits)) > 1


def card_grouped(number: bytes) -> bool:
    """As `card`, for a number written in the groups of a card; these speak for UATP (15 digits from 1) as well."""
    digits = number.translate(None, _NOT_DIGITS)
    return _checked(digits) or (_uatp(digits) is not None and luhn(digits))


def card_keyed(number: bytes) -> bool:
    """Whether *number*, the value of a field named after a card, may be one: some UnionPay cards have no check digit."""
    digits = number.translate(None, _NOT_DIGITS)
    return 12 <= len(digits) <= 19 and len(number) <= 3 * len(digits) and _octets(number) is None


_listed = re.compile(rb"[,|\[\]()'\"]").search
_date = re.compile(rb"\d{4}[-/.]\d\d[-/.]\d\d|\d\d:\d\d:\d\d").search


def card_told(number: bytes) -> bool:
    """As `card_grouped`, for a number behind a word for it, in groups of any size: no date and no time among them.

    Of 14 digits and more, which are no list, the check digit suffices: networks come and go.
    """
    if _date(number) is not None:
        return False
    digits = number.translate(None, _NOT_DIGITS)
    return card_grouped(number) or (
        14 <= len(digits) <= 19 and len(set(digits)) > 2 and _listed(number) is None and luhn(digits)
    )
