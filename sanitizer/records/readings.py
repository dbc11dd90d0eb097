"""Readings of a record, or of neighbours, as joins over the physical lines in which its pieces stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from sanitizer.record import Join
from sanitizer.records.logical import ANSI, ESCAPE, Logical, uncoloured_offset
from sanitizer.records.shape import Pieces
from sanitizer.records.wrappers import escaped_offset

BACKSLASH = 0x5C

Line = int | Logical
"""A line in a wrapper, or the number of a physical one that has none."""


class Readings:
    """Makes joins of views. *line* gives a held physical line."""

    def __init__(self, line: Callable[[int], bytes]) -> None:
        self._line = line

    def text(self, line: Line) -> bytes:
        """What shapes see of it: no colours."""
        if isinstance(line, Logical):
            return line.text
        text = self._line(line)
        return ANSI.sub(b"", text) if ESCAPE in text else text

    def apart(self, lines: Sequence[Line], views: Sequence[Pieces], told: bool) -> list[Join]:
        """The readings of *lines* that stay records of their own: over the lines, and over their texts if these are *told*."""
        joins = self.over(lines, views, doubtful=True)
        whole = [line for line in lines if type(line) is Logical and len(line.spans) == 1]
        if not told or len(whole) < len(lines):
            return joins
        for view in views:
            pieces = [(whole[at], start, end) for at, start, end in view.pieces]
            places = tuple([(line.spans[0][0], start, len(line.text) if end < 0 else end) for line, start, end in pieces])
            joins += [Join(places, view.glue, doubtful=True, of_text=True)] if places[1:] else []
        return joins

    def over(self, lines: Sequence[Line], views: Sequence[Pieces], doubtful: bool = False) -> list[Join]:
        """The readings of *lines* as joins over physical lines, but for those within one."""
        joins: list[Join] = []
        escaped = not isinstance(lines[0], int) and lines[0].escaped
        known: object = None
        places: list[list[tuple[int, int, int]]] = []
        pieces: tuple[tuple[int, int, int], ...] = ()
        for view in views:
            if view.pieces is not known:  # the readings of one layout differ in their glue alone
                known = view.pieces
                places = [self.locate(lines[at], start, end) for at, start, end in view.pieces]
                pieces = tuple(chain.from_iterable(places))
            if len(pieces) < 2:
                continue
            # what is inside of strings of JSON is read so, and lines that are decoded one by one would part
            glue = tuple([b.replace(b"\n", b"\\n") for b in view.glue]) if escaped else view.glue
            if set(map(len, places)) != {1}:
                between: list[bytes] = []
                for found, after in zip(places, (*glue, b""), strict=True):
                    between += [b""] * (len(found) - 1) + [after] if found else []
                glue = tuple(between[:-1])
            joins.append(Join(pieces, glue, escaped, doubtful))
        return joins

    def locate(self, line: Line, start: int, end: int) -> list[tuple[int, int, int]]:
        """The physical places of the bytes *start* to *end* of a logical line."""
        if isinstance(line, int):
            text = self._line(line)
            if ESCAPE not in text:
                return [(line, start, end)] if start < end else []
            line = Logical([(line, 0, len(text), len(text))], text)
        found, at = [], 0
        if end < 0:
            end = len(line.text)
        if line.coloured:
            start, end = uncoloured_offset(line.coloured, start), uncoloured_offset(line.coloured, end)
        for index, first, last, size in line.spans:
            low, high = max(start - at, 0), min(end - at, size)
            if low < high:
                if line.escaped and BACKSLASH in (raw := self._line(index)[first:last]):
                    low, high = escaped_offset(raw, low), escaped_offset(raw, high)
                found.append((index, first + low, first + high))
            at += size
        return found
