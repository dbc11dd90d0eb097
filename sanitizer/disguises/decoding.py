"""What an encoding is: units within a text, and what they stand for."""

from __future__ import annotations

import re
from codecs import register_error
from collections.abc import Callable, Sequence
from typing import Protocol

from sanitizer import patterns

CACHED_UNITS = 4096

Span = tuple[int, int]


class Decoder(Protocol):
    """One encoding."""

    @property
    def anchors(self) -> tuple[bytes, ...]:
        """Fixed-width patterns, one of which hits every line that has a view; empty where `suspects` is cheap enough."""
        ...

    def suspects(self, text: bytes) -> bool:
        """Say cheaply whether `decode` may have something to say."""
        ...

    def decode(self, text: bytes) -> bytes | None:
        """Return *text* decoded, or None if that changes nothing."""
        ...

    def split(self, text: bytes) -> tuple[list[bytes], list[bytes]]:
        """Return the pieces of *text* and their decodings, of one length: even ones are plain, odd ones are atomic units.

        The decodings joined are what `decode` returns.
        """
        ...


class Marked(Decoder, Protocol):
    """An encoding whose units have a mark of their own."""

    def lines(self, text: bytes) -> list[Span]:
        """Return those lines of *text*, in order, of which `suspects` says yes."""
        ...


class Units(dict[bytes, bytes]):
    """What a unit decodes to; worked out at first sight and kept, up to a limit, since most lines hold the same few."""

    def __init__(self, decode: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._decode = decode

    def __missing__(self, unit: bytes) -> bytes:
        decoded = self._decode(unit)
        if len(self) < CACHED_UNITS:
            self[unit] = decoded
        return decoded


class Substitution:
    """Every unit that *pattern* (with one group around it all) finds is replaced by what it stands for.

    Every such text holds one of the literals *marks*; *gate* says more exactly whether a view is worth having. It should begin
    with a literal, which is found twenty times as fast as a choice. A scan for *anchors* is cheaper than to look for marks that
    begin with what is frequent.
    """

    def __init__(
        self,
        marks: tuple[bytes, ...],
        pattern: bytes,
        decode: Callable[[bytes], bytes],
        gate: bytes = b"",
        anchors: tuple[bytes, ...] = (),
    ) -> None:
        self.marks = marks
        self.anchors = anchors
        self._pattern = patterns.lazy(pattern)
        self._gate = patterns.lazy(gate) if gate else None
        self._units = Units(decode)

    def suspects(self, text: bytes) -> bool:
        for mark in self.marks:
            if mark in text:
                return self._gate is None or self._gate.search(text) is not None
        return False

    def lines(self, text: bytes) -> list[Span]:
        if self._gate is None:
            return lines_with(text, self.marks)
        # A text without a mark is told from others ten times as fast as one that the gate finds nothing in.
        if not any(mark in text for mark in self.marks):
            return []
        # What the gate finds in a text may go over a line end.
        return [(start, end) for start, end in lines_where(text, self._gate.search) if self.suspects(text[start:end])]

    def decode(self, text: bytes) -> bytes | None:
        if not self.suspects(text):
            return None
        decoded = self._decoded(text)
        return None if decoded == text else decoded

    def _decoded(self, text: bytes) -> bytes:
        pieces = self._pattern.split(text)
        pieces[1::2] = map(self._units.__getitem__, pieces[1::2])
        return b"".join(pieces)

    def split(self, text: bytes) -> tuple[list[bytes], list[bytes]]:
        plain = self._pattern.split(text)
        decoded = plain.copy()
        decoded[1::2] = map(self._units.__getitem__, plain[1::2])
        return plain, decoded


def line_around(text: bytes, at: int) -> Span:
    """The line of *text* in which the place *at* is."""
    end = text.find(b"\n", at)
    return text.rfind(b"\n", 0, at) + 1, end if end >= 0 else len(text)


def lines_around(text: bytes, places: Sequence[int]) -> list[Span]:
    """The lines of *text* in which *places* are, in order. Where a line begins and ends is looked for once, however many it has."""
    found: list[Span] = []
    end = -2
    for at in sorted(places):
        if at > end:
            span = line_around(text, max(0, at))
            end = span[1]
            found.append(span)
    return found


def lines_with(text: bytes, marks: Sequence[bytes]) -> list[Span]:
    """The lines of *text* that hold one of *marks*, in order."""
    found: list[Span] = []
    for mark in marks:
        at = text.find(mark)
        while at >= 0:
            span = line_around(text, at)
            found.append(span)
            at = text.find(mark, span[1])
    return found if len(marks) == 1 else sorted(set(found))


def lines_where(text: bytes, search: Callable[[bytes, int], re.Match[bytes] | None]) -> list[Span]:
    """The lines of *text* in which a match of *search* begins, in order."""
    found: list[Span] = []
    hit = search(text, 0)
    while hit:
        span = line_around(text, hit.start())
        found.append(span)
        hit = search(text, span[1])
    return found


def _latin_1(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101  # the only kind a decoder reports
    return error.object[error.start : error.end].decode("latin-1"), error.end


register_error("latin-1", _latin_1)


def utf8(data: bytes) -> bytes:
    """Return *data* as UTF-8: what is not is read as Latin-1, which is what `\\xe9` or `%E9` means to most writers."""
    return data.decode("utf-8", "latin-1").encode()


def character(code: int) -> bytes:
    """The UTF-8 of a code point; of a lone surrogate or a number beyond Unicode, the replacement character."""
    return chr(code).encode() if code < 0xD800 or 0xDFFF < code < 0x110000 else b"\xef\xbf\xbd"
