"""How the end of a line says that nothing goes on with it: padding, a digest, a whole stream, what stands for characters."""

from __future__ import annotations

import binascii
import zlib

from sanitizer import patterns
from sanitizer.text import masks

PADDED = patterns.lazy(
    rb"(?:;base64,|\b(?:h1:|(?:sha|SHA|md|MD)-?\d{1,3}[=:-]))(?:[A-Za-z0-9+/_-]{4})*[A-Za-z0-9+/_-]{2}(?:[A-Za-z0-9+/_-]|=)=$"
)
"""Base64 with its padding."""

KEYS, LONG = frozenset((28, 44)), 78
"""How long keys of 20 and 32 bytes are in base64; and what is so long that its padding is no soft break (76 characters)."""

WHOLE = patterns.lazy(
    rb"([xX*.])\1{7}$|(?<![0-9A-Za-z])(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9A-F]{40})$|"
    rb"(?<![0-9A-Za-z-])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$|(?<=SHA256:)[A-Za-z0-9+/]{43}$|"
    + masks.WALL.pattern
)
"""What ends in a row of what stands in for characters, or in a digest or a UUID, or holds a mask, which took all of a value's
place: nothing goes on with that."""

ENCODED = patterns.lazy(rb"[A-Za-z0-9+/]{14,}={1,2}$")
COMPRESSED, URLSAFE = (b"H4sI", b"eJ", b"eN"), bytes.maketrans(b"-_", b"+/")
MOST_INFLATED = 1 << 20
"""How compressed data begins in base64, and how much of it is looked at."""


def is_padded(text: bytes) -> bool:
    """Whether *text*, which was found by itself, is base64 that its padding ends."""
    sized = b"." not in text and (len(text) in KEYS or len(text) >= LONG)
    return text.endswith(b"=") and (sized or is_stream(text))


def is_text(text: bytes) -> bool:
    """Whether base64 with its padding, that *text* ends in, says something legible, or what SASL's PLAIN does: then it is whole."""
    found = ENCODED.search(text)
    if found is None or len(found[0]) % 4:
        return False
    said = binascii.a2b_base64(found[0]).replace(b"\0", b"")
    return said.isascii() and said.decode().isprintable() and (said[:1] != b"{" or said[-1:] == b"}")  # a JWT may be cut there


def is_stream(text: bytes) -> bool:
    """Whether *text*, base64 with its padding, is compressed data that ends where it does (RFC 1950, RFC 1952)."""
    if len(text) % 4 or not text.startswith(COMPRESSED):
        return False
    try:
        stream = zlib.decompressobj(wbits=47)
        stream.decompress(binascii.a2b_base64(text.translate(URLSAFE)), MOST_INFLATED)
    except (ValueError, zlib.error):
        return False
    return stream.eof
