"""Named validators that a rule may ask for: what tells a secret from what only looks like one.

Each takes the bytes that a rule's pattern matched and says whether they are what the rule looks for. All are pure, total
(any bytes give an answer) and fast: they run at every hit.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable

from sanitizer import patterns
from sanitizer.text import words
from sanitizer.validators import addresses, blob_checks, cards, identifiers, identifiers_europe, phones, token_checks, told
from sanitizer.validators.algorithms import is_name

Check = Callable[[bytes], bool]

_NOT_ALNUM = bytes(c for c in range(256) if not chr(c).isalnum() or c > 127)
_SPECIALS = b"!$&'*+-.^_~"
_PRINTABLE = bytes(range(32, 127)) + bytes(range(128, 256)) + b"\t"
_URLSAFE = bytes.maketrans(b"-_", b"+/")

# Lengths by country: the IBAN registry of SWIFT, with the registered but partial adopters.
_IBAN_LENGTHS = {
    country.encode(): length
    for length, countries in {
        15: "NO", 16: "BE BI", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR DJ", 27: "BI FR GR IT MC MR SM BF CM CF CG GA GQ TD KM DZ",
        28: "AL AZ BY CY DO GT HU LB PL SV SN HN NI BJ CI ML NE TG", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_IBAN_LENGTHS |= {b"BI": 27, b"AO": 25, b"CV": 25, b"MZ": 25, b"GW": 25, b"IR": 26, b"MA": 28, b"MG": 27, b"NI": 28, b"KM": 27}


def iban(text: bytes) -> bool:
    """ISO 13616: the country's length, and 1 modulo 97."""
    number = text.translate(None, _NOT_ALNUM).upper()
    if len(number) != _IBAN_LENGTHS.get(number[:2], 0) or not number[2:4].isdigit():
        return False
    return int("".join([str(int(chr(c), 36)) for c in number[4:] + number[:4]])) % 97 == 1


def jwt(text: bytes) -> bool:
    """RFC 7519, 7515 and 7516: the first part is a JOSE header in base64url: JSON that names an algorithm."""
    header = text.split(b".", 1)[0].translate(_URLSAFE)
    header = header[: len(header) - (len(header) % 4 == 1)]
    try:
        decoded = binascii.a2b_base64(header + b"==="[: -len(header) % 4])
    except ValueError:
        return False
    return decoded.lstrip()[:1] == b"{" and (b'"alg"' in decoded or b'"enc"' in decoded or b'"typ"' in decoded)


_ssn = re.compile(rb"(?!000|666|9)\d{3}[^\dA-Za-z]{0,3}(?!00)\d\d[^\dA-Za-z]{0,3}(?!0000)\d{4}").fullmatch


def ssn(text: bytes) -> bool:
    """United States SSN: no area 000, 666 or 9xx, no group 00, no serial 0000."""
    return _ssn(text) is not None


_hex32 = re.compile(rb"[\s{(]*(?:[0-9a-f]{32}|[0-9A-F]{32})[\s})]*").fullmatch


def uuid_hex(text: bytes) -> bool:
    """A UUID without hyphens: 32 hexadecimal digits of one case."""
    return _hex32(text) is not None


_cut_mailbox = re.compile(rb"(?=[^\s]*[\d._+-][^\s.])[\w.+%-]{4,64}\.\.\.\S").match


def mailbox(text: bytes) -> bool:
    """Whether the value of a field named after an email has the form local@domain (a host without dots too), or was cut in it."""
    local, at, domain = text.rpartition(b"@")
    return bool(at and local and domain) or _cut_mailbox(text) is not None


_time = re.compile(rb"\d\d?(?::\d\d){1,2}").fullmatch


def ipv6(text: bytes) -> bool:
    """RFC 4291: eight groups or a gap, and neither a time nor a name of a program."""
    groups = text.split(b":")
    if len(groups) > 8 + (b"::" in text) or text.count(b"::") > 1 or b":::" in text or _time(text) is not None:
        return False
    return (len(groups) == 8 or b"::" in text) and any(48 <= c <= 57 for c in text) and len(text) > 3


def coordinate(text: bytes) -> bool:
    """A decimal number of degrees with at least three decimals, or a geohash."""
    body = text.strip(b" +-")
    whole, point, part = body.partition(b".")
    return bool(point and whole.isdigit() and len(whole) <= 3 and len(part) >= 3 and part[:3].isdigit())


def mrz(text: bytes) -> bool:
    """ICAO 9303: a machine-readable zone is 30, 36 or 44 characters wide and filled up with `<`."""
    return b"<<" in text or text.count(b"<") > 3


_card_code = re.compile(rb"\d{3,6}").fullmatch


def card_code(text: bytes) -> bool:
    """A card's security code or PIN: three to six digits."""
    return _card_code(text) is not None


def account_number(text: bytes) -> bool:
    """The value of a field named after an account or an identifier: at least four digits, and mostly digits and capitals."""
    digits = sum([48 <= c <= 57 for c in text[:100]])
    return digits >= 4 and len(text) <= 4 * digits


_few_digits = re.compile(rb"\d{1,2};?|\$[a-z].*").fullmatch


def personal(text: bytes) -> bool:
    """The value of a field named after a person's data; not a placeholder, a type or a status, nor a small number (`= 1;`)."""
    return words.password(text) and _few_digits(text) is None


def email(text: bytes) -> bool:
    """A mailbox: its local part is not marks alone (`'@builder.io/qwik'`), and nobody has masked it already.

    Nor is it the password of a URL, which the pattern matches without its `@`, or an algorithm of SSH.
    """
    local, at, host = text.partition(b"@")
    unmasked = b"*" not in text or not words.placeholder(text)
    return bool(at) and local.translate(None, _SPECIALS) != b"" and unmasked and not is_name(local, host)


LONG_WORD = 8
_FILE = patterns.lazy(rb"\.(?:[cm]?jsx?|tsx?|py|rb|go|rs|java|kt|sh|md|txt|json|ya?ml|toml|html?|css|lock|log)\Z")


def email_spaced(text: bytes) -> bool:
    """A mailbox with spaces beside its sign: its local part is no number or short word, and its host no file."""
    local, _, host = text.partition(b" @ ")
    return (not local.isalpha() or len(local) > LONG_WORD) and _FILE.search(host) is None and not local.isdigit()


def basic(text: bytes) -> bool:
    """RFC 7617: base64 of user:password, in printable text."""
    body = text.rstrip(b"=").translate(_URLSAFE)
    body = body[: len(body) - (len(body) % 4 == 1)]
    try:
        decoded = binascii.a2b_base64(body + b"==="[: -len(body) % 4])
        decoded.decode()
    except ValueError:
        return False
    return b":" in decoded and not decoded.translate(None, _PRINTABLE)


def sasl_plain(text: bytes) -> bool:
    """RFC 4616: base64 of an identity, a user and a password, each behind a NUL but the first; or the form of XOAUTH2."""
    try:
        decoded = binascii.a2b_base64(text + b"==="[: -len(text) % 4])
    except ValueError:
        return False
    return decoded.count(b"\0") == 2 or (decoded.startswith(b"user=") and b"auth=" in decoded)


_type = re.compile(rb"[a-z]{1,4}\.\$?[A-Za-z]{4,40}").fullmatch
_resource = re.compile(rb"[a-z][a-z\-]{1,62}/[a-z][a-z.\-]{2,252}").fullmatch
_version = re.compile(rb"\d{1,4}\.\d{1,4}\.\d{1,4}").fullmatch


def credential(text: bytes) -> bool:
    """The value of a field such as `auth`: a token, or Basic credentials without their scheme."""
    if _version(text.removeprefix(b"v")):
        return False
    return words.token(text) or (8 <= len(text) < 4096 and not words.wordlike(text[:100]) and basic(text))


def named_secret(text: bytes) -> bool:
    """The value of a field such as `api_key`: as a password, but neither very short nor a phrase, which would describe it."""
    if text.endswith(b"aws4_request") or text in (b"read", b"write") or text.startswith(b"projects/"):
        return False  # the scope of an AWS signature, a permission, the name of a resource of Google's
    if _version(text) or _type(text) or words.file(text) or _resource(text):
        return False
    return len(text) >= 4 and words.password(text) and not (b" " in text and words.wordlike(text[:100]))


def bearer(text: bytes) -> bool:
    """What stands behind the word bearer: no placeholder, and no word of a sentence or parameter of a challenge."""
    letters = text.rstrip(b"=.:,").replace(b"_", b"").replace(b"-", b"").isalpha()
    return words.password(text) and not (letters and words.wordlike(text))


def cookie(text: bytes) -> bool:
    """A cookie string (RFC 6265), or the value of one cookie."""
    return (b"=" in text and len(text) >= 4 and not words.placeholder(text)) or words.token(text)


_pin = re.compile(rb"\d{3,12}").fullmatch


def pin(text: bytes) -> bool:
    """A PIN or the code of a lock: three to twelve digits."""
    return _pin(text) is not None


_one_time = re.compile(
    rb"\d{3,10}|[A-Z0-9]{4,8}(?:[- ][A-Z0-9]{4,8}){0,7}|[a-z0-9]{4,5}-[a-z0-9]{4,5}"
    rb"|(?:[a-z0-9\-]{6,24}[, ]{1,2}){1,31}[a-z0-9\-]{6,24}"
).fullmatch
"""Digits, groups of capitals or of small letters, or a list of such."""


def one_time_code(text: bytes) -> bool:
    """A one-time password, PIN or recovery code: it holds a digit."""
    return _one_time(text.strip()) is not None and any(48 <= c <= 57 for c in text)


_pointer = re.compile(rb"(?:0[xX])?[0-9a-fA-F]{1,7}|0[xX][0-9a-fA-F]+|\d+").fullmatch


_lengthy = re.compile(rb"(?=(?:[A-Za-z]*[0-9]){8})[A-Za-z0-9]{28,128}").fullmatch
"""So many digits among letters in one run are no word, whatever pairs of letters say."""


def session_id(text: bytes) -> bool:
    """A session id that cannot be guessed; not a number, a pointer or a word."""
    return len(text) >= 6 and _pointer(text) is None and (words.token(text) or _lengthy(text) is not None)


def session_phrase(text: bytes) -> bool:
    """As `session_id`, in a sentence: a random string of some length."""
    return len(text) >= 16 and session_id(text) and words.random(text)


def _secret(value: bytes) -> bool:
    return not words.placeholder(value)


def url_password(text: bytes) -> bool:
    """The password of a URL: where nothing but a password can stand, the word secret is one."""
    return text == b"secret" or not words.placeholder(text)


CHECKS: dict[str, Check] = {
    "luhn": cards.luhn,
    "card": cards.card,
    "card-grouped": cards.card_grouped,
    "card-keyed": cards.card_keyed,
    "card-told": cards.card_told,
    "card-code": card_code,
    "pin": pin,
    "coordinate": coordinate,
    "ipv6": ipv6,
    "mrz": mrz,
    "account-number": account_number,
    "personal": personal,
    "iban": iban,
    "us-ssn": ssn,
    "jwt": jwt,
    "session-id": session_id,
    "session-phrase": session_phrase,
    "basic": basic,
    "sasl-plain": sasl_plain,
    "credential": credential,
    "named-secret": named_secret,
    "bearer": bearer,
    "cookie": cookie,
    "one-time-code": one_time_code,
    "told-password": told.password,
    "told-code": told.code,
    "url-password": url_password,
    "told-argument": told.argument,
    "told-netrc": told.netrc,
    "uuid-hex": uuid_hex,
    "email": email,
    "email-spaced": email_spaced,
    "mailbox": mailbox,
    "secret": _secret,
    "password": words.password,
    "token": words.token,
    "random": words.random,
    "wordlike": words.wordlike,
    "placeholder": words.placeholder,
    **blob_checks.CHECKS,
    **phones.CHECKS,
    **token_checks.CHECKS,
    **addresses.CHECKS,
    **identifiers.CHECKS,
    **identifiers_europe.CHECKS,
}
