"""Validators of binary data: what tells bytes that are no text from encoded text, digests, paths and lists of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from sanitizer import patterns
from sanitizer.text.words import wordlike

_UPPER, _LOWER, _DIGITS = bytes(range(65, 91)), bytes(range(97, 123)), bytes(range(48, 58))
_NOT_BASE64 = bytes(c for c in range(256) if not (chr(c).isalnum() and c < 128) and c not in b"+/-_")
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r\x1b")
_NUMBERS = patterns.lazy(rb"-?\d+")
_LENGTH = patterns.lazy(rb"(?<!\d)[1-9]\d{0,2}(?=[A-Za-z_])")
_ESCAPED = patterns.lazy(rb"%([0-9A-Fa-f]{2})|\\+(?:(?:u00|x)([0-9A-Fa-f]{2})|([0-3][0-7]{2})|([bfnrt\"/]))")
_NAMED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_IDENTIFIER = re.compile(rb"\w+").fullmatch
TELLING = 4096
"""Bytes that are looked at."""


def base64_blob(text: bytes) -> bool:
    """Bytes in base64, and no path, identifier or hexadecimal: all three kinds of characters in the shares that bytes give."""
    body = text[:TELLING].translate(None, _NOT_BASE64)
    size = len(body)
    if text.startswith(b"_Z") and mangled(text[:TELLING]):
        return False
    upper, lower, digits = (size - len(body.translate(None, sort)) for sort in (_UPPER, _LOWER, _DIGITS))
    if body.count(b"/") + body.count(b"-") >= 0.1 * size:
        return False
    return upper >= 0.12 * size and lower >= 0.12 * size and digits >= 0.03 * size


def mangled(text: bytes) -> bool:
    """Whether *text* is a name as compilers mangle it (Itanium C++ ABI, section 5.1): each part behind its length, and in words."""
    parts = (text[size.end() : size.end() + int(size[0])] for size in _LENGTH.finditer(text))
    return sum(len(part) > 3 and _IDENTIFIER(part) is not None and wordlike(part) for part in parts) > 1


def byte_array(text: bytes) -> bool:
    """Values of bytes: none beyond a byte, and neither few different ones nor in order."""
    values = [int(number) for number in _NUMBERS.findall(text[:TELLING])[:-1]]
    if len(values) < 16 or not all(-128 <= value <= 255 for value in values) or max(values) < 100:
        return False
    return len(set(values)) >= min(16, len(values) // 3) and sum(map(int.__lt__, values, values[1:])) < 0.8 * len(values)


def _byte(escaped: re.Match[bytes]) -> bytes:
    percent, unicode_, octal, named = escaped.groups()
    if named is not None:
        return _NAMED.get(named, named)
    return bytes((int(octal, 8) if octal else int(percent or unicode_, 16),))


def escaped_binary(text: bytes) -> bool:
    """Bytes in escapes (percent-encoding, octal, `\\u00XX`) that are text in no encoding: control characters, and no UTF-8."""
    plain = _ESCAPED.sub(_byte, text[:TELLING])
    controls = len(plain) - len(plain.translate(None, _CONTROLS))
    high = sum([c >= 0x7F for c in plain])
    if controls < 0.04 * len(plain) or high < 0.15 * len(plain):
        return False
    return len(plain.decode("utf-8", "ignore").encode()) < 0.9 * len(plain)


_CONTINUATIONS = bytes(range(0x80, 0xC0))
_ROW = patterns.lazy(rb"(?:[0-9a-f]{2} {0,2}){8,16}")


def dumped_binary(text: bytes) -> bool:
    """A row of a dump whose bytes are no text: no UTF-8, but for the characters cut at its ends, or one in four not printable."""
    row = _ROW.match(text)
    plain = bytes.fromhex(row[0].decode()) if row else b""
    try:
        plain.lstrip(_CONTINUATIONS).decode()
    except UnicodeDecodeError as fault:
        if fault.end < len(plain.lstrip(_CONTINUATIONS)):
            return True
    return sum([not 0x20 <= c < 0x7F and c not in b"\t\r\n" for c in plain]) * 4 >= max(1, len(plain))


CHECKS: dict[str, Callable[[bytes], bool]] = {
    "base64-blob": base64_blob,
    "byte-array": byte_array,
    "escaped-binary": escaped_binary,
    "dumped-binary": dumped_binary,
}
