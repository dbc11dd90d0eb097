"""Text that cannot forge a record or drive a terminal.

Control characters and bidirectional overrides are spelled out (`\\x1b`, `\\u202e`), as are invisible line ends; colour (SGR
sequences, ECMA-48 section 8.3.117) stays where text is meant for a terminal, and goes where it becomes JSON.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sanitizer import patterns
from sanitizer.model import Clean
from sanitizer.text.masks import MASK

COLOUR = patterns.lazy(rb"\x1b\[[0-9;:]{0,32}m")
SEQUENCE = patterns.lazy(
    rb"\x1b(?:\[?(?=" + MASK.pattern + rb")|\[[0-?]*[ -/]*[@-\[\]-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])"
)
"""An escape sequence; of one that a mask cut short, what stands before the mask."""
CONTROL = patterns.lazy(rb"[\x00-\x08\x0a-\x1f\x7f]")
BIDI = patterns.lazy(rb"\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xd8\x9c|\xc2[\x80-\x9f]")
UNSEEN = patterns.lazy(rb"\x7f|" + BIDI.pattern)
SUSPECT = b"!"
MARKED = bytes(SUSPECT[0] if code >= 0x7F or (code < 0x20 and code != 0x09) else 0x20 for code in range(256))
"""Controls, and what is not ASCII, as `SUSPECT`: to look for one byte costs next to nothing."""
TAME = patterns.lazy(rb"(\x1b\[[0-9;:]{0,32}m)|[\x00-\x08\x0a-\x1f\x7f]|" + BIDI.pattern)
UNTAMED = patterns.lazy(COLOUR.pattern + rb"|" + CONTROL.pattern + rb"|" + BIDI.pattern)


def tame(line: bytes) -> bytes:
    """*line* for a terminal: colour stays, white space at the end stays, nothing else that moves, hides or breaks."""
    if SUSPECT not in line.translate(MARKED):
        return line
    text = line.rstrip(b" \t\r")
    end = line[len(text) :]
    found = set(UNTAMED.findall(text))
    if any(map(COLOUR.match, found)):
        return TAME.sub(spell, text) + end
    for piece in found:  # none is a part of another, so each kind can be replaced by itself: a line may hold nothing else
        text = text.replace(piece, spelled(piece))
    return text + end


def tame_all(lines: Sequence[bytes]) -> list[Clean]:
    """`tame` for each line; for ordinary lines, one test for all of them."""
    joined = b"".join(lines)
    if SUSPECT not in joined.translate(MARKED):
        return list(map(Clean, lines))
    return [Clean(tame(line)) for line in lines]


def spell(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return found[1]
    return spelled(found[0])


def spelled(text: bytes) -> bytes:
    """A control or mark as what shows it."""
    return b"\\x%02x" % text[0] if len(text) == 1 else b"\\u%04x" % ord(text.decode("utf-8", "replace"))


def uncoloured(line: bytes) -> bytes:
    """*line* without escape sequences, for a record's message."""
    return line if line.find(b"\x1b") < 0 else SEQUENCE.sub(b"", line)


def spell_bidi(document: bytes) -> bytes:
    """A JSON document with what hides or moves in its strings as `\\uXXXX`: equal, and harmless to show."""
    if document.isascii() and document.find(b"\x7f") < 0:
        return document
    return UNSEEN.sub(lambda found: b"\\u%04x" % ord(found[0].decode()), document)
