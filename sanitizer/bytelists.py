"""Bytes listed as numbers, one by one."""

from __future__ import annotations

import re

from sanitizer.decoding import Span, lines_where
from sanitizer.encodings import printable


class ByteLists:
    """Bytes listed as decimal numbers, as a Buffer, a `byte[]` and journald print them; each number is a unit."""

    anchors: tuple[bytes, ...] = ()

    def __init__(self) -> None:
        self._list = re.compile(rb"\[(?=[\s\-0-9])(\s{0,8}-?[0-9]{1,3}(?:\s?,\s{0,8}-?[0-9]{1,3}){7,}\s{0,8})\]")
        self._number = re.compile(rb"-?[0-9]+")

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
