"""Logical lines into records, stream by stream."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sanitizer.multiline import Text, opening
from sanitizer.record import Join, Record
from sanitizer.shape import LAST, REFUSE, Pieces, Shape
from sanitizer.wrappers import escaped_offset
from sanitizer.wraps import Wraps

ANSI = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")
WHOLE = Pieces(((0, 0, -1),), ())


@dataclass(slots=True)
class Logical:
    """One line as its writer wrote it: spans `(line, start, end, decoded size)` of physical lines, put together.

    `coloured` is the text with the colour codes that shapes do not see, if it has any.
    """

    spans: list[tuple[int, int, int, int]]
    text: bytes
    escaped: bool = False
    wrapped: bool = False
    coloured: bytes = b""
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Group:
    """A record under construction, begun at `first` when `begun` bytes had been looked at."""

    shape: Shape
    lines: list[Logical]
    first: int
    begun: int


class Groups:
    """The open records of a lane's streams, and the records and joins that are complete. *line* gives a held physical line."""

    def __init__(self, line: Callable[[int], bytes]) -> None:
        self._line = line
        self.open: dict[str, Group] = {}
        self.runs: dict[str, Wraps[Logical]] = {}
        self.records: list[Record] = []
        self.joins: list[Join] = []
        self._rich_time: object = None

    @property
    def settled(self) -> bool:
        """Whether nothing is open but single lines of text."""
        if not self.open and not self.runs:
            return True
        for group in self.open.values():
            if group.shape.kind != "text" or len(group.lines) != 1 or group.shape.tentative:
                return False
        return all(len(run.lines) < 2 for run in self.runs.values())

    @property
    def any_open(self) -> bool:
        return bool(self.open or self.runs)

    def is_idle(self, stream: str) -> bool:
        """Whether nothing of *stream* is open."""
        return stream not in self.open and stream not in self.runs

    def forget(self) -> None:
        """Drop the single lines of text that are open: what follows does not belong to them."""
        self.open.clear()
        self.runs.clear()

    def held(self) -> list[int]:
        """The first physical line of everything that is open."""
        firsts = [group.first for group in self.open.values() if group.lines]
        return firsts + [run.lines[0].spans[0][0] for run in self.runs.values() if run.lines]

    def close_all(self, resume: bool, keys: bool) -> None:
        """Close what is open; with *resume* (or, with *keys*, for key material alone) later lines go on in the same shape."""
        for stream, group in list(self.open.items()):
            self._close(stream, resume or (keys and group.shape.kind == "key"))
        for stream in list(self.runs):
            self._end_wraps(stream)

    def take(self, stream: str, line: Logical, first: int, seen: int) -> None:
        """Give the next line of *stream*, whose first physical line is *first*, when *seen* bytes have been looked at."""
        if b"\x1b[" in line.text:
            line.coloured = line.text
            line.text = ANSI.sub(b"", line.text)
        group = self.open.get(stream)
        if group is not None:
            answer = group.shape.take(line.text)
            if answer != REFUSE:
                if not group.lines:
                    group.first, group.begun = first, seen
                group.lines.append(line)
                self._end_wraps(stream)
                if answer == LAST:
                    self._close(stream)
                return
            self._close(stream)
        shape = opening(line.text)
        if not isinstance(shape, Text):
            self._end_wraps(stream)
        else:
            self._follow_wraps(stream, line)
        if shape is None:
            self._finish(None, [line])
        else:
            self.open[stream] = Group(shape, [line], first, seen)

    def _follow_wraps(self, stream: str, line: Logical) -> None:
        wraps = self.runs.get(stream)
        if wraps is None:
            self.runs[stream] = wraps = Wraps()
        if (run := wraps.take(line.text, line)) is not None:
            for view in run[1]:
                self.joins += self._join(run[0], view)

    def _end_wraps(self, stream: str) -> None:
        wraps = self.runs.pop(stream, None)
        if wraps is not None and (run := wraps.end()) is not None:
            for view in run[1]:
                self.joins += self._join(run[0], view)

    def _close(self, stream: str, resume: bool = False) -> None:
        group = self.open.pop(stream)
        lines, shape = group.lines, group.shape
        kept = len(lines) if resume else max(0, len(lines) - shape.tentative)
        if kept:
            self._finish(shape, lines[:kept])
        elif len(lines) > 1:
            for view in shape.views([line.text for line in lines]):
                self.joins += self._join(lines, view)
        for line in lines[kept:]:
            self._finish(None, [line])
        if resume and shape.resume():
            self.open[stream] = Group(shape, [], 0, 0)

    def _finish(self, shape: Shape | None, lines: list[Logical]) -> None:
        """Make a record of *lines*, unless it is one plain line."""
        alone = len(lines) == 1 and (shape is None or shape.kind == "text")
        if alone and not lines[0].wrapped:
            return
        fields = dict(lines[0].fields)
        joins = [join for line in lines if len(line.spans) > 1 for join in self._join([line], WHOLE)]
        text, kind = lines[0].text, "text"
        seams: tuple[tuple[int, int], ...] = ()
        if shape is not None and not alone:
            texts = [line.text for line in lines]
            text, seams = shape.text(texts)
            kind = shape.kind
            fields = {**shape.fields(), **fields}
            joins += [join for view in shape.views(texts) for join in self._join(lines, view)]
        if kind == "rich":
            # the handler prints the time of the records of one second once
            self._rich_time = fields.get("timestamp", self._rich_time)
            if self._rich_time is not None:
                fields["timestamp"] = self._rich_time
        indexes = tuple(sorted({index for line in lines for index, _, _, _ in line.spans}))
        self.records.append(Record(indexes, text, kind, fields, seams, tuple(joins)))

    def _join(self, lines: list[Logical], view: Pieces) -> list[Join]:
        """The reading of *lines* as a join over physical lines, unless it is within one."""
        pieces: list[tuple[int, int, int]] = []
        glue: list[bytes] = []
        for (at, start, end), between in zip(view.pieces, (*view.glue, b""), strict=True):
            found = self._locate(lines[at], start, end)
            pieces += found
            glue += [b""] * (len(found) - 1) + [between] if found else []
        if len(pieces) < 2:
            return []
        return [Join(tuple(pieces), tuple(glue[:-1]), lines[0].escaped)]

    def _locate(self, line: Logical, start: int, end: int) -> list[tuple[int, int, int]]:
        """The physical places of the bytes *start* to *end* of a logical line."""
        found, at = [], 0
        if end < 0:
            end = len(line.text)
        if line.coloured:
            start, end = uncoloured_offset(line.coloured, start), uncoloured_offset(line.coloured, end)
        for index, first, last, size in line.spans:
            low, high = min(max(start - at, 0), size), min(max(end - at, 0), size)
            if low < high:
                raw = self._line(index)[first:last]
                if line.escaped and b"\\" in raw:
                    low, high = escaped_offset(raw, low), escaped_offset(raw, high)
                found.append((index, first + low, first + high))
            at += size
        return found


def uncoloured_offset(text: bytes, offset: int) -> int:
    """Where in *text* the byte stands that is at *offset* once the colour codes are gone."""
    shift = 0
    for found in ANSI.finditer(text):
        if found.start() - shift >= offset:
            break
        shift += found.end() - found.start()
    return offset + shift
