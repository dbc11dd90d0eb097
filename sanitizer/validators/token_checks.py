"""Validators for provider tokens: does a match have the inner structure that its provider publishes?

Each takes the matched bytes and answers whether they may be a token of that kind. A rule asks for one by its name in `CHECKS`,
and only where the shape alone is weak: behind an unmistakable prefix a token is redacted whether or not its checksum holds,
since formats rotate and a broken token in a log is more likely a mangled secret than no secret. The planted examples of such rules
have valid checksums all the same, and the tests hold them to it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from sanitizer.text import words

BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE58 = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"

Check = Callable[[bytes], bool]


def crc32_base62(token: bytes) -> bool:
    """The last six characters are the base62 CRC-32 of what stands between prefix and them (GitHub, npm).

    Published in GitHub's "Behind GitHub's new authentication token formats"; the prefix ends with the last underscore.
    """
    body = token.rpartition(b"_")[2]
    if len(body) <= 6:
        return False
    value = 0
    for char in body[-6:]:
        digit = BASE62.find(char)
        if digit < 0:
            return False
        value = value * 62 + digit
    return value == zlib.crc32(body[:-6])


def crc32_hex(token: bytes) -> bool:
    """The part behind the last underscore is the CRC-32, as eight hex digits, of all before it (Grafana service accounts)."""
    body, _, checksum = token.rpartition(b"_")
    return checksum.lower() == b"%08x" % zlib.crc32(body)


def mixed_token(token: bytes) -> bool:
    """Both letter cases stand in it, and neighbours change between upper, lower, digit and sign as often as in random text.

    Random base62 changes class at six of ten places, camel-case names at one of four or fewer.
    """
    classes = [_character_class(char) for char in token]
    if "u" not in classes or "l" not in classes:
        return False
    changes = sum(a != b for a, b in pairwise(classes))
    return changes >= 0.3 * (len(token) - 1)


def jira_token(token: bytes) -> bool:
    """A personal access token of Jira or Confluence: base64 of twelve digits, a colon and random bytes."""
    try:
        decoded = base64.b64decode(token)
    except (binascii.Error, ValueError):
        return False
    return decoded[:12].isdigit() and decoded[12:13] == b":"


def nkey_seed(token: bytes) -> bool:
    """A seed of NATS' NKEYS: base32 of prefix, 32 bytes and their CRC-16 (XModem), little-endian."""
    try:
        decoded = base64.b32decode(token + b"=" * (-len(token) % 8))
    except (binascii.Error, ValueError):
        return False
    return binascii.crc_hqx(decoded[:-2], 0) == int.from_bytes(decoded[-2:], "little")


_hex = re.compile(rb"[0-9a-f]{16,}|[0-9A-F]{16,}").fullmatch
_loud = re.compile(
    rb"(?:secret|token|SECRET|TOKEN|KEY|ACCESS|PRIVATE|PAT|[Ss]ecret_?[Kk]ey|[Aa]pi[ _]?[Kk]ey|API[ _]?[Kk](?:ey|EY))$"
).search


@lru_cache(4096)
def after_name(token: bytes, name: bytes) -> bool:
    """A random string behind a secret's *name* and a space. What may be a digest needs more of a name than `key`."""
    if _hex(token) is not None and _loud(name) is None:
        return False
    digits = sum(48 <= c <= 57 for c in token)
    letters = sum(c >= 65 for c in token)
    return ((digits >= 2 and letters >= 2) or mixed_token(token)) and words.random(token)


def prefixed_token(token: bytes) -> bool:
    """A random string behind a prefix: as mixed as one, and no name of a program (`mv_LowLevelCheckIfVideoPlayable`)."""
    is_named = _prefix(token) is not None and record_id(token) is None
    return mixed_token(token) and is_named and not words.wordlike(token.rpartition(b"_")[2])


record_id = re.compile(
    rb"(?:req|msg|msgbatch|toolu|srvtoolu|file)_01[A-Za-z0-9]{22}"  # Anthropic
    rb"|(?:(?:asst|batch|call|msg|run|step|thread|vs)_|file-)[A-Za-z0-9]{24}|(?:chatcmpl|cmpl)-[A-Za-z0-9]{29}"  # OpenAI
    rb"|(?:ch|cus|evt|il|in|pi|po|price|prod|re|si|sub|tr|txn)_[123][A-Za-z0-9]{23}"  # Stripe
).fullmatch
"""What interfaces of models and payments name their records by: whoever knows one needs a key all the same."""


_prefix = re.compile(
    rb"(?:(?:[a-z]{2,}\d{0,4}[a-z]{0,4}|[A-Z]{2,}\d{0,4}[A-Z]{0,4})[_\-])+(?:[A-Za-z0-9]{1,10}[_\-]){0,3}"
).match
"""What names its provider: a word, as random strings that hold a hyphen do not begin with."""


_no_key = re.compile(
    rb"(?i)(?:sha\d|md5|https?\b|v?\d+\.\d|\d{4}-\d\d-\d\d).*|[\w.\-/]*\.(?:[a-z]{2,5}|tar\.[a-z]{2,3})|.*/.*[a-z]{4}/.*|[a-z]+(?:[_\-/.][a-z]+)*[_\-/.]?v?\d{1,2}"
).fullmatch
"""Digests, versions, times, files, paths and names: what else stands behind the name of a service."""


_word_and_number = re.compile(rb"[A-Za-z]+\d+|\d+[A-Za-z]+").fullmatch
"""A word and a number, as two lines give them that end and begin so."""


def service_token(token: bytes) -> bool:
    """A key behind the name of a service: no version, file, path or name of a program, and no small number."""
    if token.isdigit():
        return len(token) >= 15
    if _word_and_number(token):
        return False
    return len(set(token)) >= 5 and _no_key(token.rstrip(b".")) is None and not words.wordlike(token)


def token_tail(token: bytes) -> bool:
    """What follows a token's prefix: letters and at least two digits, no words."""
    tail = max(re.split(rb"[_.\-]", token), key=len)
    digits = sum(48 <= c <= 57 for c in tail)
    return len(tail) >= 12 and 2 <= digits < len(tail) and not words.wordlike(tail) and len(set(tail)) >= 8


def forty_mixed(token: bytes) -> bool:
    """Forty characters as mixed as random base64 (an AWS secret access key), which are no path and no text in base64."""
    classes = {_character_class(char) for char in token}
    if not {"u", "l", "d"} <= classes or not mixed_token(token) or token.count(b"/") > 4:
        return False
    try:
        decoded = base64.b64decode(token)
    except (binascii.Error, ValueError):
        return False
    return sum(32 <= byte < 127 for byte in decoded) < 0.8 * len(decoded) and not words.wordlike(token)


def letters_and_digits(token: bytes) -> bool:
    """A letter and a digit both stand in it, which words, numbers and constants in capitals lack."""
    classes = {_character_class(char) for char in token}
    return "d" in classes and not classes.isdisjoint("ul")


def _character_class(char: int) -> str:
    if 97 <= char <= 122:
        return "l"
    if 65 <= char <= 90:
        return "u"
    return "d" if 48 <= char <= 57 else "s"


def discord_bot_token(token: bytes) -> bool:
    """The first part is the base64 of the bot's id (a snowflake, decimal), or the whole is as mixed as a random token."""
    first = token.partition(b".")[0]
    try:
        decoded = base64.urlsafe_b64decode(first + b"=" * (-len(first) % 4))
    except (binascii.Error, ValueError):
        return False
    return (17 <= len(decoded) <= 20 and decoded.isdigit()) or mixed_token(token)


def json_base64(token: bytes) -> bool:
    """What follows the prefix up to `eyJ` is base64 of a JSON object's beginning (1Password, Grafana, Mapbox ...)."""
    start = token.find(b"eyJ")
    if start < 0:
        return False
    body = token[start:].split(b".")[0].rstrip(b"=")
    body = body[: len(body) // 4 * 4]
    try:
        decoded = base64.b64decode(body, altchars=b"-_")
    except (binascii.Error, ValueError):
        return False
    return decoded[:2] == b'{"'


def pypi_macaroon(token: bytes) -> bool:
    """`pypi-` and a version 2 macaroon, base64url, whose location is pypi.org or test.pypi.org (PyPI, "API tokens")."""
    body = token.partition(b"-")[2]
    try:
        head = base64.urlsafe_b64decode(body[:32])
    except (binascii.Error, ValueError):
        return False
    return head[:2] == b"\x02\x01" and b"pypi.org" in head


def _base58(text: bytes, alphabet: bytes) -> bytes | None:
    value = 0
    for char in text:
        digit = alphabet.find(char)
        if digit < 0:
            return None
        value = value * 58 + digit
    zeros = len(text) - len(text.lstrip(alphabet[:1]))
    return b"\x00" * zeros + value.to_bytes((value.bit_length() + 7) // 8, "big")


def _base58check(text: bytes, alphabet: bytes = BASE58) -> bytes | None:
    decoded = _base58(text, alphabet)
    if decoded is None or len(decoded) < 5:
        return None
    payload, checksum = decoded[:-4], decoded[-4:]
    return payload if hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4] == checksum else None


def base58check(token: bytes) -> bool:
    """Base58 with four bytes of double SHA-256 at its end: WIF and BIP-32 and BIP-38 keys, Tezos secret keys."""
    return _base58check(token) is not None


def wif_private_key(token: bytes) -> bool:
    """A Bitcoin-like private key in wallet import format: version, 32 bytes, perhaps 01 for a compressed key, checksum."""
    payload = _base58check(token)
    return payload is not None and (len(payload) == 33 or (len(payload) == 34 and payload[-1] == 1))


def xrp_seed(token: bytes) -> bool:
    """An XRP Ledger seed: base58 in Ripple's own alphabet, with checksum."""
    return _base58check(token, RIPPLE58) is not None


def stellar_seed(token: bytes) -> bool:
    """A Stellar secret seed (SEP-23): base32 of version, 32 bytes and their CRC-16 (XModem), little-endian."""
    try:
        decoded = base64.b32decode(token)
    except (binascii.Error, ValueError):
        return False
    return len(decoded) == 35 and binascii.crc_hqx(decoded[:-2], 0) == int.from_bytes(decoded[-2:], "little")


def bech32(token: bytes) -> bool:
    """A Bech32 or Bech32m checksum holds (BIP-173, BIP-350): age identities, Nostr keys."""
    text = token.lower()
    prefix, _, data = text.rpartition(b"1")
    values = [BECH32.find(char) for char in data]
    if not prefix or len(values) < 6 or min(values) < 0:
        return False
    check = 1
    for value in [*(char >> 5 for char in prefix), 0, *(char & 31 for char in prefix), *values]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                check ^= generator
    return check in (1, 0x2BC830A3)


def compressed(token: bytes) -> bool:
    """Base64 or hex of a stream of gzip or zlib (RFC 1950, RFC 1952), whole or cut short: its first bytes inflate."""
    try:
        if token[:2] in (b"1f", b"1F"):
            data = binascii.unhexlify(token[: len(token) & ~1])
        else:
            text = token.rstrip(b"=")
            data = base64.urlsafe_b64decode(text[: len(text) & ~3].translate(bytes.maketrans(b"+/", b"-_")))
        return bool(zlib.decompressobj(wbits=47).decompress(data, 64))
    except (ValueError, zlib.error):
        return False


CHECKS: dict[str, Check] = {
    "compressed": compressed,
    "base58check": base58check,
    "bech32": bech32,
    "crc32-base62": crc32_base62,
    "crc32-hex": crc32_hex,
    "discord-bot-token": discord_bot_token,
    "forty-mixed": forty_mixed,
    "jira-token": jira_token,
    "json-base64": json_base64,
    "letters-and-digits": letters_and_digits,
    "mixed-token": mixed_token,
    "nkey-seed": nkey_seed,
    "prefixed-token": prefixed_token,
    "pypi-macaroon": pypi_macaroon,
    "service-token": service_token,
    "stellar-seed": stellar_seed,
    "token-tail": token_tail,
    "wif-private-key": wif_private_key,
    "xrp-seed": xrp_seed,
}
"""The validators by the name that a rule's `check` uses."""
