"""What this program writes in the place of a secret, and what that is to the text around it: a wall.

A mask says what stood there, and leads to nothing: it is scanned as a value of which nothing is known. What stands beside one was
read together with what it took the place of, and left: where it is found together with the mask it is no secret, unless it would be
one alone. So redaction is idempotent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from sanitizer import patterns

Span = tuple[int, int]

MASK = patterns.lazy(
    rb"\[(?:REDACTED:[a-z0-9-]{1,64}|withheld:[a-z-]{1,32}|[a-z0-9-]{1,64}:(?:[a-z0-9]{1,12}:\d{1,12}B:)?[0-9a-f]{12}"
    rb"|[a-z-]{1,64}:(?:\*\d{4}|@[^\]\s]{0,255}))(?:#\d{1,5})?\]"
)
"""Every replacement this program writes."""

LONGEST = 330
"""Bytes of the longest mask: one with an email's domain."""

WALL = patterns.lazy(rb"\[\*{8,}\]")
"""What stands for a mask in what is scanned: of no value, and as telling as one."""

SPELLED = patterns.lazy(rb"\\+(?:u[0-9a-f]{4}|x[0-9a-f]{2}|[nrtbf])|%(?:25)*(?:2[0-9A-F]|3[A-F]|5[B-F]|7[B-E])?(?![0-9A-Za-z])")
"""How `sanitizer.redaction.terminal`, JSON and URLs spell what hides, moves or is a mark: it is no part of a value."""

MARKS = b"\\\x22'`{}[]()<>,;:"
"""What is made of them alone belongs to the text around it, such as what is left of the end of a string over lines."""

DRAWN = patterns.lazy(rb"(?:\s|\xe2[\x94\x95][\x80-\xbf])+")
"""Blanks, and the lines of a box."""

BETWEEN = patterns.lazy(rb"[\s&;,|=<>(){}\[\]\\\x22'`]+")
HOST = patterns.lazy(rb"\A@[\w.\-]{1,253}:\d{1,5}(?![\w@])")
"""What stands behind the password of a URL."""
POSITION = patterns.lazy(rb"[A-Za-z_][\w./\-]{0,200}\.(?:rb|py|m?js|ts|go|java|php|rs|kt|cs|exs?|pl):\d{1,6}(?![\w])")
"""A line of a file, as a trace tells it."""
LETTER = patterns.lazy(rb"[0-9A-Za-z]|[\xc3-\xdf][\x80-\xbf]|[\xe3-\xed][\x80-\xbf]{2}")
"""What a secret is made of, among other signs: no box is drawn of them."""


def is_drawn(buffer: bytes, start: int, end: int) -> bool:
    """Whether there is nothing but the part of a box that stands before what was found on another line."""
    return buffer[start] in b" \xe2" and DRAWN.fullmatch(buffer, start, end) is not None


def within(buffer: bytes, at: int, form: re.Pattern[bytes]) -> re.Match[bytes] | None:
    """The mask, of *form*, that *at* is a place of."""
    opened = buffer.rfind(b"[", max(0, at - LONGEST), at + 1)
    mask = form.match(buffer, opened) if opened >= 0 else None
    return mask if mask is not None and mask.end() > at else None


def are_in(buffer: bytes) -> bool:
    """Whether there is one."""
    return b"[REDACTED:" in buffer or MASK.search(buffer) is not None


def walled(buffer: bytes) -> bytes:
    """*buffer* with a wall of its size for each mask: its words are no keys, no keywords and no values."""
    return MASK.sub(lambda mask: b"[%b]" % (b"*" * (len(mask[0]) - 2)), buffer)


def beside(buffer: bytes, start: int, end: int, form: re.Pattern[bytes] = MASK) -> Iterator[Span]:
    """What of a finding from *start* to *end*, on a text with masks (of *form*), is a secret that none of these stands for."""
    first, last = within(buffer, start, form), within(buffer, end - 1, form)
    begin, stop = first.end() if first else start, last.start() if last else end
    masks = [mask.span() for mask in form.finditer(buffer, begin, stop)] if begin < stop else []
    if not (first or last or masks):
        if buffer[start:end].strip(MARKS):
            yield start, end
        return
    for after, before in zip([begin, *[end for _, end in masks]], [*[start for start, _ in masks], stop], strict=True):
        if after < before and is_secret(buffer[after:before]):
            yield after, before


def is_secret(text: bytes) -> bool:
    """Whether *text*, beside a mask, would be a secret alone."""
    from sanitizer.text.words import token  # noqa: PLC0415 - loaded with the first text that was redacted before

    bare = plain(POSITION.sub(b"", SPELLED.sub(b"", HOST.sub(b"", text))))
    return any(token(word) and LETTER.search(word) for word in BETWEEN.split(bare))


def plain(text: bytes) -> bytes:
    """*text* without percent-encoding and the character references of HTML, and without the quotes that these may stand for."""
    text = unquote_to_bytes(text)
    if b"&" not in text:
        return text
    from html import unescape  # noqa: PLC0415 - the table of names is needed by few texts

    return unescape(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape").strip(b"\x22'")
