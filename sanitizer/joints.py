"""What joins a key and its value, but for a colon and an equals sign: commas, arrows, brackets, cells of a table, spaces.

Given is a buffer, the place after the joining *mark*, the *window* before that place, and where in it the key starts; the answer is
the spans of the value.
"""

from __future__ import annotations

import re

from sanitizer import pairs, values

CELL = re.compile(rb"[ \t]*([^|\r\n]*?)[ \t]*(?=\||\r|\n|$)")
COMMA_CELL = re.compile(rb"(?!\s)[^,()\r\n]+")
TAB_CELL = re.compile(rb"[^\t\r\n]+")
QUOTE_NEXT = re.compile(rb"[ \t]*(?:<<)?[bBuUrRNn]?\\*[\x22'`\[]")
KEY_FOLLOWS = re.compile(rb"\\*[\x22'`]?[ \t]*(?::|=>?)")
JOINED = re.compile(rb"[ \t]{0,16}(?:=>|:=|[:=](?![:=]))")
TELLING = re.compile(rb"[ \t]*[\x22'`]?[^\s\x22'`]*[0-9!@#$%^&*~+?_-][^\s\x22'`]*")
BINARY = re.compile(rb">[ \t]*(?:=>|,)[ \t]*(?=<<)")
"""Between a key and a value that are binaries of Erlang."""

LINE_END = (b"\\n", b"\\r")
PROPERTY = re.compile(rb"[ \t]*get;[^{}\n]{0,40}\}[ \t]*=")
"""Between a property of C# and its value."""


def behind(  # noqa: PLR0912 - one branch for each mark
    buffer: bytes, at: int, mark: int, window: bytes, start: int
) -> list[values.Span]:
    """The spans of the value behind any *mark*."""
    if mark == 0x2C:
        return after_comma(buffer, at, window, start)
    if (mark == 0x3E and window[-2:-1] in b"-=~") or mark in b"\x86\x87":
        at += mark != 0x3E
        return values.value(buffer, at) if QUOTE_NEXT.match(buffer, at) or TELLING.match(buffer, at) else []
    if mark == 0x3E and (binary := BINARY.match(buffer, at)):
        return values.value(buffer, binary.end())
    if mark == 0x7B:
        property_ = PROPERTY.match(buffer, at)
        return values.value(buffer, property_.end()) if property_ else []
    if mark == 0x3C and buffer.startswith(b"-", at):
        return values.value(buffer, at + 1)
    if mark in b"<>":
        broken = values.BROKEN.match(buffer, at) if mark == 0x3E and buffer[at] in b"\r\n" else None
        if broken:
            return [broken.span(1)]
        cell = values.CELL.match(buffer, at - 1 if mark == 0x3C else at)
        text = values.MARKUP.match(buffer, cell.end() if cell else at)
        if text is None or (mark == 0x3C and cell is None):
            return []
        if text[1].startswith(LINE_END) and buffer[text.end()] != 0x3C:
            return []  # what stands behind a line end is no text of an element that does not end
        return [text.span(1)] if text[1][:1] != b" " or buffer[text.end() : text.end() + 1] == b"<" else []
    if mark == 0x28:
        return values.value(buffer, at) if QUOTE_NEXT.match(buffer, at) else []
    if mark == 0x3B:
        serialized = values.SERIALIZED.match(buffer, at)
        return values.value(buffer, serialized.end()) if serialized else pairs.part(buffer, at - 1, window[:start])
    if mark == 0x7C:
        cell = CELL.match(buffer, at)
        is_row = window[:start].rstrip(b" \t").endswith(b"|") or (cell is not None and TELLING.fullmatch(cell[1]) is not None)
        return [cell.span(1)] if cell and is_row and cell.end(1) > cell.start(1) else []
    if mark == 0x7D:
        return pairs.beside(buffer, at, window[start:], at - len(window) + start) or []
    if mark in b" \t":
        return after_space(buffer, at, mark, window, start)
    if mark in b"\x22'":
        before = window[start - 1 : start]
        told = TELLING.match(buffer, at - 1)
        dotted = window.endswith(b' . "')
        return values.value(buffer, at - 1) if before == b":" or dotted or (told and before in b" \t\n(") else []
    return pairs.below(buffer, at, window[:start], at - len(window) + start) if mark in b"\r\nrn" else []


def after_space(buffer: bytes, at: int, mark: int, window: bytes, start: int) -> list[values.Span]:
    if window.endswith(b"; "):
        return pairs.part(buffer, at - 2, window[:start])
    joined = JOINED.match(buffer, at)
    if joined:
        return values.value(buffer, joined.end())
    if window[start] == 0x2D and window[max(0, start - 1) : start] in b" \t\n\"'-,[" and buffer[at : at + 1] not in b"-":
        return values.value(buffer, at)
    if mark == 0x09 and window[max(0, start - 1) : start] in (b"\n", b"\t") and (cell := TAB_CELL.match(buffer, at)):
        return [cell.span()] if TELLING.match(cell[0]) else []
    return []


def after_comma(buffer: bytes, at: int, window: bytes, start: int) -> list[values.Span]:
    paired = pairs.beside(buffer, at, window[start:], at - len(window) + start)
    if paired is not None:
        return paired
    quoted = window[-2:-1] in b"\"'`" or window.rstrip(b" ,")[-1:] in b"\"'`"
    opened = window[max(0, start - 1) : start]
    if (quoted or opened in b"{(") and QUOTE_NEXT.match(buffer, at):
        found = values.value(buffer, at)
        last = found[-1][1] if found else at
        listed = window[max(0, start - 2) : start].startswith(b"[")
        if KEY_FOLLOWS.match(buffer, last) or (listed and found and TELLING.match(buffer, found[0][0], last) is None):
            return []
        return found
    cell = COMMA_CELL.match(buffer, at)
    if not quoted and cell and opened in (b",", b"\t", b";") and TELLING.match(cell[0]):
        return [cell.span()]
    return []
