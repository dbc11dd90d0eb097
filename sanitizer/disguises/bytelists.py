"""Bytes listed as numbers, one by one: text that is printed so, and a key."""

from __future__ import annotations

from sanitizer import patterns
from sanitizer.disguises.decoding import Span, lines_where
from sanitizer.disguises.encodings import printable

_BYTE = rb"(?:\((?:byte|sbyte|char|u?int8(?:_t)?)\))?(?:0[xX][0-9A-Fa-f]{1,2}|-?\d{1,3})(?:u8|[uU])?"
MATERIAL = patterns.lazy(
    rb"(?>[ ]?(?:=|!|&?\[[\w; ]{0,16}\]|[A-Za-z_][\w.]{0,24}(?:\(\d{1,4}\)|\()?)){0,5}[ ]?"
    rb"[\[({]\s*(" + _BYTE + rb"(?:\s?,\s{0,16}" + _BYTE + rb"){5,4096}),?\s*[\])}]"
)
"""A key given byte by byte, in the notation of a program: `[1, ...]`, `[]byte{1, ...}`, `bytes([1, ...])`, `[u8; 8] = [1, ...]`."""

NUMBER = patterns.lazy(rb"0[xX][0-9A-Fa-f]{1,2}|-?\d{1,3}")
FEWEST_BYTES, LEAST_BYTE = 5, 32
"""Of how many different values key material is at least, and what the highest of them is at least: no list of small counts."""


def material(buffer: bytes, at: int) -> list[Span]:
    """The key that is listed *at*, behind its name, as one span; none if there is none."""
    listed = MATERIAL.match(buffer, at)
    if listed is None:
        return []
    values = {int(number, 16 if b"x" in number.lower() else 10) for number in NUMBER.findall(listed[1])}
    return [listed.span(1)] if len(values) >= FEWEST_BYTES and LEAST_BYTE <= max(values) <= 0xFF else []


class ByteLists:
    """Bytes listed as decimal numbers, as a Buffer, a `byte[]`, Go (without commas) and journald print them; each is a unit."""

    anchors: tuple[bytes, ...] = ()

    def __init__(self) -> None:
        self._list = patterns.lazy(
            rb"\[(?=[\s\-0-9])(\s{0,8}-?[0-9]{1,3}(?:(?:\s?,\s{0,8}-?[0-9]{1,3}){7,}\s{0,8}|(?:[ ][0-9]{1,3}){7,}))\]"
        )
        self._number = patterns.lazy(rb"-?[0-9]+")

    def suspects(self, text: bytes) -> bool:
        return b"[" in text and self._list.search(text) is not None

    def lines(self, text: bytes) -> list[Span]:
        return [(start, end) for start, end in lines_where(text, self._list.search) if self.suspects(text[start:end])]

    def decode(self, text: bytes) -> bytes | None:
        pieces = self.split(text)[1]
        return b"".join(pieces) if len(pieces) > 1 else None

    def split(self, text: bytes) -> tuple[list[bytes], list[bytes]]:
        plain: list[bytes] = []
        decoded: list[bytes] = []
        done = 0
        for listed in self._list.finditer(text):
            numbers = list(self._number.finditer(text, *listed.span(1)))
            values = bytes(int(number[0]) & 255 for number in numbers)
            if not printable(values):
                continue
            for at, number in enumerate(numbers):
                start, end = number.span()
                before = text[done:start]
                # The comma before a number is a unit that stands for nothing.
                plain += (b"", before) if at else (before, b"")
                decoded += (b"", b"") if at else (before, b"")
                plain += b"", number[0]
                decoded += b"", values[at : at + 1]
                done = end
        return [*plain, text[done:]], [*decoded, text[done:]]


BYTE_LISTS = ByteLists()
