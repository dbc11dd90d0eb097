"""Text that is not all ASCII, within hex or base64: it may leave no trace by which `sanitizer.encodings` knows a token."""

from __future__ import annotations

import re
from binascii import a2b_base64

TEXT = bytes(range(32, 127))
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x1b")) + b"\x7f"

MOST_CUT = 3
"""Bytes at either end of a piece that may be of a character cut in two."""

_SIGNS_64 = (b"+", b"/", b"-", b"_")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_CONTINUING = bytes(range(0x80, 0xC0))
_HEX_TEXT = re.compile(
    rb"(?:0x)?((?:[2-7]H|0[9ADad]|1[Bb]|[Cc][2-9A-Fa-f][89ABab]H|[Dd]H[89ABab]H|[Ee]H(?:[89ABab]H){2}|[Ff][0-4](?:[89ABab]H){3}){8,}+)"
    rb"(?=H{0,7}\Z)".replace(b"H", b"[0-9A-Fa-f]")
).match
"""Hex of UTF-8 (RFC 3629, section 4), to its end or to a character that was cut."""


def foreign(text: bytes, start: int, end: int) -> int:
    """Return where in the run `text[start:end]`, letters, digits and signs, hex or base64 begins of text that is not all ASCII.

    Such text may leave no trace, but random bytes are no UTF-8. Behind a sign of base64 the run may begin at any place of a group,
    and at its ends the text may be cut. -1 if the run is none.
    """
    if (hex_text := _HEX_TEXT(text, start, end)) is not None:
        return hex_text.start(1)
    run = text[start:end].translate(_STANDARD)
    if not run.translate(None, _HEX_DIGITS):
        return -1
    places = range(4) if text[start - 1 : start] in _SIGNS_64 else range(1)
    return next((start + at for at in places if _foreign(a2b_base64(run[at : at + (len(run) - at & ~3)]))), -1)


def _foreign(data: bytes) -> bool:
    if not data.translate(None, TEXT) or data.translate(None, CONTROLS) != data:
        return False
    whole = data.lstrip(_CONTINUING)
    text = whole.decode("utf-8", "ignore").encode()
    return len(data) - len(text) <= MOST_CUT and whole.startswith(text)
