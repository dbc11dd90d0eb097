"""Text that is not all ASCII, within hex or base64: it may leave no trace by which `encodings` knows a token."""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Callable
from string import ascii_lowercase, ascii_uppercase, digits

from sanitizer import patterns

TEXT = bytes(range(32, 127))
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x1b")) + b"\x7f"

LEAST_FOREIGN = 15
"""Runs of no more bytes are too short to tell encoded text from chance, unless they go on behind a sign of base64."""

SIGNS_BEFORE, SIGNS_BEHIND = frozenset((b"+", b"/")), frozenset((b"+", b"/", b"-", b"_"))
"""Before a run, the signs of base64url are mostly those of a name."""

MOST_CUT = 3
"""Bytes at either end of a piece that may be of a character cut in two."""

_STANDARD = bytes.maketrans(b"-_", b"+/")
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_CONTINUING = bytes(range(0x80, 0xC0))
_DIGITS_64 = ascii_uppercase + ascii_lowercase + digits + "+/-_"
_HEX_TEXT = (
    rb"(?:[0-9]{0,2}0x)?(?P<hex>(?:[2-7]H|0[9ADad]|1[Bb]|[Cc][2-9A-Fa-f][89ABab]H|[Dd]H[89ABab]H|[Ee]H(?:[89ABab]H){2}|[Ff][0-4](?:[89ABab]H){3}){8,}+)"
    rb"(?=H{0,7}\Z)".replace(b"H", b"[0-9A-Fa-f]")
)
"""Hex of UTF-8 (RFC 3629, section 4), to its end or to a character that was cut; before it perhaps a blank in quoted-printable."""


def is_telling(text: bytes, start: int, end: int) -> bool:
    """Whether the run `text[start:end]`, within a line of *text*, is long enough, or stands beside a sign of base64."""
    return end - start > LEAST_FOREIGN or text[end : end + 1] in SIGNS_BEHIND or text[start - 1 : start] in SIGNS_BEFORE


def _letters(holds: Callable[[int], bool]) -> str:
    """The letters of base64, of both alphabets, whose value *holds*."""
    return f"[{re.escape(''.join([letter for at, letter in enumerate(_DIGITS_64) if holds(at % 64 + at // 64 * 62)]))}]"


def _group() -> str:
    """A pattern of four letters whose three bytes may stand in UTF-8: what goes on with a character where it must, and only there.

    The first letter tells how the first byte begins, the last four bits of the second how the second does, the last two of the
    third how the third does.
    """
    plain, goes_on, begins = (
        _letters(lambda v: 8 <= v < 32 or v in (2, 3, 6)),
        _letters(lambda v: 32 <= v < 48),
        _letters(lambda v: 48 <= v < 62),
    )
    plain_2, goes_on_2, begins_2 = (
        _letters(lambda v: 2 <= v % 16 < 8),
        _letters(lambda v: 8 <= v % 16 < 12),
        _letters(lambda v: v % 16 >= 12),
    )
    goes_on_3, other_3 = _letters(lambda v: v % 4 == 2), _letters(lambda v: v % 4 != 2)
    space = _letters(lambda v: v % 16 == 0) + _letters(lambda v: v >> 2 in (9, 10, 13))
    escape = _letters(lambda v: v % 16 == 1) + _letters(lambda v: v >> 2 == 11)
    second = f"(?:{plain_2}{other_3}|{begins_2}{goes_on_3}|{space}|{escape})"
    return f"(?:{plain}{second}|{goes_on}(?:{second}|{goes_on_2}.)|{begins}{goes_on_2}.)."


_GROUPS = f"(?:{_group()})++(?=.{{0,7}}\\Z)"
_BASE64_TEXT = f"{_GROUPS}|(?<=[+/_-])(?:.{_GROUPS}|..{_GROUPS}|...{_GROUPS})".encode()
"""What base64 of UTF-8 looks like, from the start of a run, and behind a sign of base64 from any place of a group."""

LIKELY = patterns.lazy(b"%b|%b" % (_HEX_TEXT, _BASE64_TEXT), re.DOTALL)
"""Of nearly every run, from its begin to its end, this tells that it is not `foreign`."""


def foreign(text: bytes, start: int, end: int) -> int:
    """Return where in the run `text[start:end]`, letters, digits and signs, hex or base64 begins of text that is not all ASCII.

    Such text may leave no trace, but random bytes are no UTF-8. Behind a sign of base64 the run may begin at any place of a group,
    and at its ends the text may be cut. -1 if the run is none.
    """
    if (likely := LIKELY.match(text, start, end)) is None:
        return -1
    if likely["hex"] is not None:
        return likely.start("hex")
    run = text[start:end].translate(_STANDARD)
    if not run.translate(None, _HEX_DIGITS):
        return -1
    places = range(4) if text[start - 1 : start] in SIGNS_BEHIND else range(1)
    return next((start + at for at in places if _foreign(a2b_base64(run[at : at + (len(run) - at & ~3)]))), -1)


def _foreign(data: bytes) -> bool:
    if not data.translate(None, TEXT) or data.translate(None, CONTROLS) != data:
        return False
    whole = data.lstrip(_CONTINUING)
    text = whole.decode("utf-8", "ignore").encode()
    return len(data) - len(text) <= MOST_CUT and whole.startswith(text)
