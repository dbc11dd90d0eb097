"""What stands in a value's place and is none: a constant, marks alone, a mask, a pattern, the bytes of a digest."""

from __future__ import annotations

import re

from sanitizer import values
from sanitizer.actions import MASK

MARKS = b"\\\"'`{}[]()<>,;:="
"""What is made of them alone belongs to the text around it."""

BESIDE_MASK = 3
"""Bytes beside a mask that are no secret: `[REDACTED:token] 200`."""

OCTETS = re.compile(rb"(?:[0-9A-Fa-f]{2}:){4}")
"""The beginning of a digest, as certificates print them: an octet of it may spell a name (`cc`)."""

FILE = b"/etc/passwd"
"""A file that is named after what has long been kept elsewhere."""


def is_nothing(text: bytes) -> bool:
    """Whether *text* is a constant, marks alone, a regular expression, or replaced already."""
    if text in values.CONSTANTS or not text.strip(MARKS) or ((b"\\" in text or b"[" in text) and values.REGEX.search(text)):
        return True
    return text[:1] == b"[" and len(MASK.sub(b"", text).strip()) <= BESIDE_MASK < len(text)


def is_mask(buffer: bytes, at: int) -> bool:
    """Whether what this program writes stands at *at*: `[session:0a1b2c3d4e5f]`."""
    return buffer[at] == 0x5B and MASK.match(buffer, at) is not None
