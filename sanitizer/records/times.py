"""Times in whatever form a log spells them. Every function takes anything and raises nothing."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from sanitizer import patterns

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}
EARLIEST, LATEST = 631_152_000, 4_102_444_800
"""1990 and 2100 in Unix seconds: what a bare number must lie between to be taken for a time."""

ISO = patterns.lazy(
    r"(\d{4})[-/.](\d\d)[-/.](\d\d)[T t_](\d\d):(\d\d)(?::(\d\d))?(?:[.,:](\d{1,9})\d*)?"
    r" ?(Z|z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d)?(?: ?[A-Z]{3,4})?$", re.ASCII
)
US = patterns.lazy(r"(\d\d)/(\d\d)/(\d\d|\d{4}),? (\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?( [AP]M)?$", re.ASCII)
COMMON = patterns.lazy(
    r"(\d\d?)[/ -]([A-Z][a-z]{2})[/ -](\d{4})[: ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?$",
    re.ASCII,
)
CTIME = patterns.lazy(
    r"(?:[A-Z][a-z]{2},? )?([A-Z][a-z]{2}) {1,2}(\d\d?) (\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: [A-Z]{3,4})?(?: (\d{4}))?$",
    re.ASCII,
)
NUMBER = patterns.lazy(r"-?\d{9,19}(?:\.\d{1,9})?$", re.ASCII)
RFC3339_UTC = patterns.lazy(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$", re.ASCII
)

_SPAN = patterns.lazy(r"([0-9]{1,9})([smhdw])")
_SPAN_SECS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def unix_nanos(value: object, assume_tz: tzinfo = UTC) -> int | None:
    """Nanoseconds since 1970 of a time in any usual form: epoch seconds to nanoseconds, ISO 8601, RFC 2822, ctime, CLF, Rich's."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _epoch(value)
    if not isinstance(value, str) or not 8 <= len(value) <= 48:
        return None
    text = value.strip()
    if text[-1:] == "Z" and (second := _utc_second(text[:19])) is not None:
        fraction = text[20:-1]
        if len(text) == 20:
            return second
        if text[19] == "." and len(fraction) <= 9 and fraction.isascii() and fraction.isdecimal():
            return second + int(fraction.ljust(9, "0"))
    if NUMBER.match(text):
        return _epoch(float(text) if "." in text else int(text))
    for pattern, order in FORMS:
        if found := pattern.match(text):
            try:
                return _nanos(order(found.groups()), assume_tz)
            except (ValueError, OverflowError, KeyError):
                return None
    return None


def _epoch(value: float) -> int | None:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    for scale in (1, 10**3, 10**6, 10**9):
        if EARLIEST * scale <= value < LATEST * scale:
            return int(value * (10**9 // scale)) if isinstance(value, int) else round(value * 10**6 / scale) * 1000
    return None


Parts = tuple[str | int | None, ...]
"""Year, month, day, hour, minute, second, fraction, zone."""


def _us(found: tuple[str | None, ...]) -> Parts:
    month, day, year, hour, minute, second, fraction, half = found
    full = int(year or 0) + (2000 if len(year or "") == 2 else 0)
    hours = int(hour or 0) % 12 + (12 if half == " PM" else 0) if half else int(hour or 0)
    return full, month, day, hours, minute, second, fraction, None


def _common(found: tuple[str | None, ...]) -> Parts:
    day, month, year, *rest = found
    return year, MONTHS[(month or "").lower()], day, *rest


def _ctime(found: tuple[str | None, ...]) -> Parts:
    month, day, hour, minute, second, fraction, year = found
    number = MONTHS[(month or "").lower()]
    return year or _likely_year(number, int(day or 1)), number, day, hour, minute, second, fraction, None


def _likely_year(month: int, day: int) -> int:
    """RFC 3164 says no year: the one that puts the date nearest before tomorrow."""
    today = datetime.now(UTC) + timedelta(days=1)
    return today.year if (month, day) <= (today.month, today.day) else today.year - 1


FORMS = ((ISO, tuple), (US, _us), (COMMON, _common), (CTIME, _ctime))


def _nanos(parts: Parts, assume_tz: tzinfo) -> int:
    year, month, day, hour, minute, second, fraction, zone = parts
    seconds = min(int(second or 0), 59)
    numbers = [int(part or 0) for part in (year, month, day, hour, minute)]
    moment = datetime(*numbers, seconds, tzinfo=_zone(zone) or assume_tz)  # type: ignore[misc,arg-type]
    whole = (moment - EPOCH) // timedelta(seconds=1)
    return whole * 10**9 + int(str(fraction or "").ljust(9, "0")[:9])


@lru_cache(256)
def _utc_second(text: str) -> int | None:
    """Unix nanoseconds of a second in UTC, which most lines share with the one before; None for one that there is not."""
    if not RFC3339_UTC.match(f"{text}Z"):
        return None
    try:
        return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * 10**9
    except ValueError:
        return None


def _zone(zone: str | int | None) -> tzinfo | None:
    if not isinstance(zone, str):
        return None
    if zone[0] not in "+-":
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if zone[0] == "-" else offset)


def rfc3339(value: object, assume_tz: tzinfo = UTC) -> str | None:
    """A time in any usual form as RFC 3339 in UTC with as many digits (0, 3, 6, 9) as it has, or None."""
    if isinstance(value, str) and RFC3339_UTC.match(value):
        return value
    nanos = unix_nanos(value, assume_tz)
    if nanos is None:
        return None
    whole, fraction = divmod(nanos, 10**9)
    try:
        text = (EPOCH + timedelta(seconds=whole)).isoformat()[:19]
    except OverflowError:
        return None
    if not fraction:
        return text + "Z"
    digits = f"{fraction:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{text}.{digits}Z"


def seconds(span: str) -> float | None:
    """A span of time (`90d`, `12h`, `30m`, `45s`, `2w`) in seconds; None where *span* is none."""
    if (found := _SPAN.fullmatch(span.strip())) is None:
        return None
    return float(int(found[1]) * _SPAN_SECS[found[2]])
