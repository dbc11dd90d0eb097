"""Telephone numbers, judged with libphonenumber's data (`phonenumberslite`), which is read country by country when needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache

DEFAULT = (
    "US", "GB", "DE", "FR", "ES", "IT", "NL", "IN", "AU", "BR", "JP", "CN", "KR", "MX", "ZA", "RU", "PL", "SE", "CH", "BE", "AT",
)  # fmt: skip
"""Regions whose national forms are recognised without a country code, when the rules ask for them."""

WRITTEN = (
    *DEFAULT, "AE", "AR", "BD", "EG", "FI", "ID", "IE", "IL", "KE", "MY", "NG", "NZ", "PH", "PK", "RO", "SA", "TH", "TR",
    "UA", "VN",
    "AL", "AM", "AZ", "BA", "BG", "CO", "DZ", "EC", "ET", "GH", "HR", "HU", "IQ", "IR", "JO", "KH", "LB", "LK", "LT", "MA", "MD",
    "ME", "MK", "MM", "NP", "PE", "PY", "RS", "SI", "SK", "SY", "TW", "TZ", "UG", "UY", "UZ", "VE", "ZM",
)  # fmt: skip
"""Regions whose national forms are known by how they are grouped."""

_NOT_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_SPACED = bytes(code if 48 <= code <= 57 else 32 for code in range(256))
_MARKS = b"0123456789 +-.()/[]\t"
_extension_at_end = re.compile(
    rb"(?i)[\s;,]*(?:(?:;?ext(?:ension)?|x|#|~|int|anexo|durchwahl|dw)[\s.:=]{0,3}\d{1,8}#?|;[a-z-]+=.*)$"
).sub
_prefix = re.compile(rb"[(\[\s]*(?:\+|00[\s.\-]?|011[\s.\-]?|\xef\xbc\x8b)").match
_keyed = re.compile(
    rb"(?:(?:tel|sip|sips|sms|fax|whatsapp|callto|phone|mobile)[:=]\s?)?"
    rb"[+(\[\s]{0,3}\d[\d\s.\-()/\[\]\xa0\xc2\xe2\x80\x89-\x95]{0,30}"
    rb"(?:[\s;,]{0,3}(?:ext\.?|extension|x|#|;ext=)[\s.:]{0,3}\d{1,8})?\s{0,2}",
    re.IGNORECASE,
).fullmatch
_decimals = re.compile(rb"\+\d{1,6}\.\d{1,6} ?/? -\d{1,6}\.\d{1,6}").fullmatch
_usual = re.compile(
    rb"\+(?=(?:[^\d\n]{0,2}\d){9,14}\Z)(?:1|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])(?:[ .\-]\d{2,4}){2,5}"
).fullmatch
"""An international number in groups, its country code one of those that have one or two digits (ITU-T E.164, but 7)."""

_TYPES = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan", "voicemail",
)  # fmt: skip


def _extension(number: bytes) -> bytes:
    """*number* without an extension behind it."""
    return _extension_at_end(b"", number) if number.translate(None, _MARKS) else number


def _groups(number: bytes) -> list[bytes]:
    return number.translate(_SPACED).split()


@cache
def _regions(code: int) -> tuple[str, ...]:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # noqa: PLC0415 - 20 ms that only logs with phone numbers pay

    return tuple(COUNTRY_CODE_TO_REGION_CODE.get(code, ()))


@cache
def _code_width(head: bytes) -> int:
    """How many digits of *head* are a country code that is in use: no code begins another. 0 if none are."""
    return next((width for width in (1, 2, 3) if head[:width] and _regions(int(head[:width]))), 0)


@cache
def _patterns(region: str, code: int = 0) -> tuple[str, str]:
    """A region's national numbers, as a pattern of all types, and its trunk prefix."""
    from phonenumbers import PhoneMetadata  # noqa: PLC0415

    data = PhoneMetadata.metadata_for_nongeo_region(code) if region == "001" else PhoneMetadata.metadata_for_region(region)
    if data is None:
        return "(?!)", ""
    found = {desc.national_number_pattern for name in _TYPES if (desc := getattr(data, name)) and desc.national_number_pattern}
    trunk = data.national_prefix_for_parsing or data.national_prefix or ""
    return "|".join(f"(?:{pattern})" for pattern in sorted(found)) or "(?!)", trunk


@cache
def _valid(regions: tuple[str, ...], code: int = 0) -> re.Pattern[bytes]:
    return re.compile("|".join(_patterns(region, code)[0] for region in regions).encode())


@cache
def _trunk(regions: tuple[str, ...], code: int = 0) -> re.Pattern[bytes]:
    prefixes = {prefix for region in regions if (prefix := _patterns(region, code)[1])}
    return re.compile("|".join(f"(?:{prefix})" for prefix in sorted(prefixes)).encode() or b"(?!)")


def _issued(number: bytes, regions: tuple[str, ...], code: int = 0) -> bool:
    """Whether *number*, digits only, with or without its trunk prefix, is one of the national numbers of *regions*."""
    valid = _valid(regions, code)
    if valid.fullmatch(number):
        return True
    trunk = _trunk(regions, code).match(number)
    if trunk is None or not trunk.end():
        return False
    return valid.fullmatch(number, trunk.end()) is not None


@lru_cache(4096)
def international(number: bytes) -> bool:
    """Whether *number* begins with `+`, `00` or `011`, a country code that is in use, and goes on as a number of that country.

    Written in three groups or more, a number of a possible length passes too: documentation and tests use ranges that no one
    was given.
    """
    if _usual(number) is not None:
        return True
    number = _extension(number)
    prefix = _prefix(number)
    if prefix is None or (b" -" in number and _decimals(number)):
        return False
    written = number[prefix.end() :].replace(b"(0)", b"")
    digits = written.translate(None, _NOT_DIGITS)
    if not 5 <= len(digits) <= 17 or digits[:1] == b"0":
        return False
    width = _code_width(digits[:3])
    if not width:
        return False
    if b"+" in number and 7 <= len(digits) - width <= 13 and len(_groups(written)) >= 3 and _address(number[1:]) is None:
        return True
    code = int(digits[:width])
    return _issued(digits[width:], _regions(code), code)


def national(number: bytes, regions: Iterable[str] = DEFAULT) -> bool:
    """Whether *number*, without a country code, is a national number of one of *regions*."""
    digits = _extension(number).translate(None, _NOT_DIGITS)
    if not 6 <= len(digits) <= 13 or len(set(digits)) < 3:
        return False
    return any(_issued(digits, (region,)) for region in regions)


def north_american(number: bytes) -> bool:
    """Whether *number* has the ten digits (and perhaps a leading 1) of the North American plan: NXX-NXX-XXXX."""
    digits = _extension(number).translate(None, _NOT_DIGITS)
    digits = digits[1:] if len(digits) == 11 and digits[:1] == b"1" else digits
    return len(digits) == 10 and digits[0] > 49 and digits[3] > 49 and digits[1:3] != b"11" and len(set(digits)) > 2


_version = re.compile(rb"(?=[\d.]{3,7}$)\d{1,2}(?:\.\d{1,2}){1,2}(?<!\d\d\.\d\d\.\d\d)").fullmatch


def keyed(number: bytes) -> bool:
    """Whether *number*, the value of a field named after a telephone, may be one: 3-25 digits with the usual separators."""
    number = number.strip(b" \t\"'<>")
    return 3 <= len(number.translate(None, _NOT_DIGITS)) <= 25 and _keyed(number) is not None and _version(number) is None


_address = re.compile(rb"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}").fullmatch
"""An address of IPv4 (RFC 791), which a list may add with a sign."""

_date = re.compile(rb"(?:19|20)\d\d[\-/. ]\d\d?[\-/. ]\d\d?(?:\D.*)?|\d\d?[\-/.]\d\d?[\-/.](?:19|20)\d\d(?:\D.*)?").fullmatch
_stamp = re.compile(rb"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ \-](?:[01]\d|2[0-3])[0-5]\d[0-5]\d").fullmatch
"""Month, day and time of day, as logs begin their lines."""

_quad = re.compile(rb"\d{1,3}(?:\.\d{1,3}){3}").fullmatch


def said(number: bytes) -> bool:
    """As `keyed`, for what stands behind words that say it is a telephone's number: not a date or a small number."""
    digits = _extension(number).translate(None, _NOT_DIGITS)
    return 4 <= len(digits) <= 17 and _date(number) is None and keyed(number)


def labelled(number: bytes) -> bool:
    """As `said`, for what stands behind a word such as `phone:` anywhere in a text: not an address or a version either."""
    plain = _extension(number)
    if _quad(plain) is not None and (_address(plain) is not None or len(plain) < 11):
        return False
    return said(number)


def called(number: bytes) -> bool:
    """As `labelled`, for what stands behind a verb or a noun without a mark (`call 202 555 0376`): seven digits, or in groups."""
    digits = _extension(number).translate(None, _NOT_DIGITS)
    return (len(digits) >= 7 or (len(digits) >= 5 and len(_groups(number)) > 1)) and labelled(number)


def exit_code(number: bytes) -> bool:
    """As `international`, for what begins with 00 or 011: its groups are not all of two digits, as bytes are."""
    groups = _groups(number)
    return international(number) and sum(map(len, groups)) >= 2.6 * len(groups)


def exit_code_grouped(number: bytes) -> bool:
    """As `international`, for what begins with 00 and a country code in one group: nine digits behind 00, and no dump of words."""
    groups = _groups(_extension(number))
    is_dump = len(groups) > 2 and all(len(group) == 4 for group in groups[:-1]) and len(groups[-1]) <= 4
    return len(groups) > 1 and sum(map(len, groups)) >= 11 and not is_dump and international(number)


@lru_cache(1024)
def national_written(number: bytes) -> bool:
    """Whether *number* is a national number of one of `WRITTEN`, its digits in the groups that its country writes them in."""
    import phonenumbers  # noqa: PLC0415 - as above

    groups = _groups(number)
    if _date(number) is not None or _stamp(number) is not None:
        return False
    if len({int(group) - place for place, group in enumerate(groups)}) == 1:
        return False  # they count
    for region in WRITTEN:
        if national(number, (region,)):
            parsed = phonenumbers.parse(b"".join(groups).decode(), region)
            written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL).encode()
            if _groups(written) == groups:
                return True
    return False


CHECKS: dict[str, Callable[[bytes], bool]] = {
    "phone-international": international,
    "phone-national": national,
    "phone-national-written": national_written,
    "phone-north-american": north_american,
    "phone-keyed": keyed,
    "phone-said": said,
    "phone-labelled": labelled,
    "phone-called": called,
    "phone-exit-code": exit_code,
    "phone-exit-code-grouped": exit_code_grouped,
}
