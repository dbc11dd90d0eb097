"""What is left of a line that was too long to keep: its beginning, redacted, and a mark that says so."""

from __future__ import annotations

from sanitizer.record import Cut
from sanitizer.text.masks import MASK

MARGIN = 256
"""Bytes before a cut that are left out: half a secret has no shape that a rule would know."""

LONGEST_MASK = 400


def shortened(line: bytes, cut: Cut) -> bytes:
    """Redacted *line*, of which only the beginning was read, without its last piece, and with a mark."""
    return kept(line) + b" [cut: %d bytes, %b]" % (cut.size, cut.digest.encode())


def kept(line: bytes) -> bytes:
    """*line* up to `MARGIN` bytes before its end; no mask and no character is cut in two."""
    end = max(0, len(line) - MARGIN)
    for mask in MASK.finditer(line, max(0, end - LONGEST_MASK)):
        if mask.start() < end < mask.end():
            end = mask.start()
    while end and line[end] & 0xC0 == 0x80:
        end -= 1
    return line[:end]
