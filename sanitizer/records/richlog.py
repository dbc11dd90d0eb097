"""Records of Rich's `RichHandler`: a table row of time, level, message and path, the message wrapped into its column.

The column's width comes from the terminal or `COLUMNS`, so it is read off each record: the path ends where the line ends. A word
longer than the column is broken hard, other breaks replace a space; a full last column may be either.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import NamedTuple

from sanitizer import patterns
from sanitizer.records.shape import LAST, REFUSE, TAKE, Pieces, Shape
from sanitizer.records.times import rfc3339

LEVELS = rb"(?:NOTSET|TRACE|DEBUG|INFO|SUCCESS|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)"
RICH_HEAD = patterns.lazy(rb"\[([^\[\]]{5,32})\] (" + LEVELS + rb") {1,8}(?=\S)")
RICH_BARE = patterns.lazy(rb"\[(\d[\d/.: -]{4,30})\] (?=\S)")
"""A row that shows no level, as `Console.log` and some handlers write it."""

LEAD = patterns.lazy(rb"\[[\w.-]{2,30}\] (?:[\w ]{1,24}: )?(?=\[\d| {7})")
"""What a gateway writes before the first line of what it got at once."""

RICH_BLANK = patterns.lazy(rb" {7,36}(" + LEVELS + rb") {1,8}(?=\S)")
UNTIMED = patterns.lazy(rb" {11,36}(?=\S)")
"""How a row begins that shows no level, and has the time of the row before it."""

RICH_PATH = patterns.lazy(rb" ((?:[\w.\-]+\.pyx?|<[\w ]+>):\d+) *\r?$")
DEEP = patterns.lazy(rb" {11,}\S| {40,}\r?$")
SOURCE_LINE = patterns.lazy(rb"(?: |\xe2\x9d\xb1)*\d+ \xe2\x94\x82")
GUTTER = patterns.lazy(rb"(?: |\xe2\x94\x82|\xe2\x9d\xb1)*")
BOX_TOP, BOX_SIDE, BOX_END = "╭".encode(), "│".encode(), "╰".encode()


def columns(cell: bytes) -> int:
    """How many terminal columns *cell* takes."""
    if cell.isascii():
        return len(cell)
    text = cell.decode("utf-8", "replace")
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Cell(NamedTuple):
    """Where a row's text stands in its line, whether it fills its column, or `nearly`, and whether in a panel's side lines."""

    at: int
    start: int
    end: int
    full: bool
    boxed: bool = False
    nearly: bool = False


SPARE = 2
"""Columns that other handlers of this look leave empty before the path."""

SOME = 20
"""The narrowest column that a row of unknown width is held to have."""


def inner_cell(at: int, line: bytes, start: int, end: int) -> Cell | None:
    """What stands between the sides of a panel in *line*, or of one within it, as the locals of a frame do; or None."""
    if not (line.startswith(BOX_SIDE, start) and line.endswith(BOX_SIDE, start + 3, end)):
        return None
    inner = line[start + 3 : end - 3]
    body = inner.rstrip()
    full = len(body) > 1 and columns(body) >= columns(inner) - 1
    first, last = start + 3 + inner.startswith(b" "), start + 3 + max(len(body), 1)
    return inner_cell(at, line, first, last) or Cell(at, first, last, full, boxed=True)


def codes(lines: list[bytes]) -> list[int]:
    """How many columns of each of *lines* were taken by codes of colours that are gone: all were padded to one width."""
    taken = [columns(line) for line in lines]
    padded = [True, *[line.endswith(b" ") for line in lines[1:]]]
    widest = max(size for size, is_padded in zip(taken, padded, strict=True) if is_padded)
    return [widest - size if is_padded else 0 for size, is_padded in zip(taken, padded, strict=True)]


def glues(lines: list[bytes], cells: list[Cell], flip: bool = False) -> list[bytes]:
    """What stood at each seam before the layout: nothing, a space or a line end; with *flip* the less likely where in doubt."""
    found = []
    for cell, following in pairwise(cells):
        text, after = lines[cell.at][cell.start : cell.end], lines[following.at][following.start : following.end]
        drawn = text.startswith((BOX_TOP, BOX_END)) or after.startswith((BOX_TOP, BOX_END))
        drawn = drawn or (cell.boxed and SOURCE_LINE.match(after) is not None)
        if drawn or not text or not after or cell.boxed != following.boxed or (cell.boxed and not cell.full):
            found.append(b"\n")
        elif not cell.full:
            found.append(b"" if flip and cell.nearly and b" " not in text else b" ")
        else:
            found.append(b"" if (b" " not in text or cell.boxed) != flip else b" ")
    return found


def glued(lines: list[bytes], cells: list[Cell], glue: list[bytes]) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """The cells put together, and the seams."""
    parts: list[bytes] = []
    seams: list[tuple[int, int]] = []
    length = 0
    for cell, between in zip(cells, [*glue, b""], strict=True):
        part = lines[cell.at][cell.start : cell.end]
        parts += (part, between)
        length += len(part)
        seams.append((length, len(between)))
        length += len(between)
    return b"".join(parts), tuple(seams[:-1])


class Rich(Shape):
    """One row of the handler's table."""

    __slots__ = ("_body", "_indent", "_lead", "_size", "_width", "level", "path", "time")

    def __init__(self, indent: int, time: bytes, level: bytes, line: bytes, lead: int) -> None:
        super().__init__("rich")
        self._indent = indent
        self._lead = lead
        self._size = 0
        """How wide all of its lines are, if nothing else tells them from others."""
        self.time = time.decode("utf-8", "replace")
        self.level = level.decode()
        found = RICH_PATH.search(line, indent)
        self.path = found[1].decode() if found else ""
        self._body = found.start() if found else len(line.rstrip())
        # without a path column a line padded with blanks still tells the width
        full = columns(line[indent : found.end()].rstrip()) - len(self.path) - 1 if found else columns(line[indent:].rstrip(b"\r"))
        self._width = full if found or line.endswith(b" ") else 0

    @classmethod
    def parse(cls, line: bytes) -> Rich | None:
        """The row that *line* opens, or None."""
        begun = LEAD.match(line)
        lead = begun.end() if begun else 0
        row = line[lead:]
        if row[:1] == b"[" and (found := RICH_HEAD.match(row)):
            at = found.start(2)
            return cls(at + 9, found[1], found[2], row, lead) if found.end() >= at + 9 else None
        if row[:7].isspace() and (found := RICH_BLANK.match(row)):
            at = found.start(1)
            return cls(at + 9, b"", found[1], row, lead) if found.end() >= at + 9 else None
        if row[-1:] == b" " or RICH_PATH.search(row):
            found = RICH_BARE.match(row)
            return cls(found.end(), found[1], b"", row, lead) if found else None
        return None

    @classmethod
    def untimed(cls, line: bytes) -> Rich | None:
        """The row that *line* opens below the line of another logger, without time and level, or None: padded to its width."""
        found = UNTIMED.match(line)
        if found is None or line[-1:] != b" " or columns(line) < SOME + found.end():
            return None
        row = cls(found.end(), b"", b"", line, 0)
        row.kind, row._size = "rows", columns(line)
        return row

    def take(self, line: bytes) -> int:
        if self._size and columns(line) != self._size:
            return REFUSE
        return TAKE if DEEP.match(line) and not RICH_BLANK.match(line) else REFUSE

    def fields(self) -> dict[str, object]:
        fields: dict[str, object] = {"level": self.level} if self.level else {}
        if self.time and (stamp := rfc3339(self.time)):
            fields["timestamp"] = stamp
        if self.path:
            fields["path"] = self.path
        return fields

    def _cells(self, lines: list[bytes]) -> list[Cell]:
        lead = self._lead
        first = lines[0][lead : lead + self._body].rstrip()
        start = min(self._indent, len(first))
        gone = codes([lines[0][lead:], *lines[1:]]) if self._width else [0] * len(lines)
        width = self._width + gone[0]
        cells = [Cell(0, lead + start, lead + len(first), bool(width) and columns(first[start:]) >= self._width)]
        for at, line in enumerate(lines[1:], 1):
            end = len(line.rstrip())
            start = min(self._indent, len(line) - len(line.lstrip(b" ")), end)
            room = (width or SOME) - columns(line[start:end]) - gone[at]
            cells.append(inner_cell(at, line, start, end) or Cell(at, start, end, room <= 0, nearly=room <= SPARE))
        return cells

    def text(self, lines: list[bytes]) -> tuple[bytes, tuple[tuple[int, int], ...]]:
        cells = self._cells(lines)
        return glued(lines, cells, glues(lines, cells))

    def views(self, lines: list[bytes]) -> list[Pieces]:
        if len(lines) < 2:
            return []
        cells = self._cells(lines)
        pieces = tuple((cell.at, cell.start, cell.end) for cell in cells)
        likely, other = glues(lines, cells), glues(lines, cells, flip=True)
        doubtful = [one != two for one, two in zip(likely, other, strict=True)]
        last = [here and not after for here, after in pairwise([*doubtful, False])]
        ended = [two if is_last else one for one, two, is_last in zip(likely, other, last, strict=True)]  # where its column does
        return [Pieces(pieces, glue) for glue in dict.fromkeys(map(tuple, (likely, other, ended)))] + box_views(lines)


class Box(Shape):
    """A panel drawn by Rich: a traceback, and the exception under it, or a banner."""

    __slots__ = ("_after",)

    def __init__(self) -> None:
        super().__init__("traceback")
        self._after = False

    def take(self, line: bytes) -> int:
        if not self._after:
            body = line.lstrip(b" ")
            if body.startswith(BOX_END):
                self._after = True
                return TAKE
            return TAKE if body.startswith((BOX_SIDE, BOX_TOP, "├".encode())) else REFUSE
        self._after = False
        return LAST if EXCEPTION_LINE.match(line) else REFUSE

    def text(self, lines: list[bytes]) -> tuple[bytes, tuple[tuple[int, int], ...]]:
        bare = [(at, line, len(line) - len(line.lstrip(b" ")), len(line.rstrip())) for at, line in enumerate(lines)]
        cells = [inner_cell(at, line, start, end) or Cell(at, min(start, end), end, False) for at, line, start, end in bare]
        glue = [b"\n" if between == b" " else between for between in glues(lines, cells)]
        return glued(lines, cells, glue)

    def views(self, lines: list[bytes]) -> list[Pieces]:
        return box_views(lines)


EXCEPTION_LINE = patterns.lazy(rb"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Warning|Exit|Interrupt|Group)\w*(?::|\r?$)")


def box_views(lines: list[bytes]) -> list[Pieces]:
    """What stands between the sides of a panel, its own wraps undone without and with a space."""
    pieces = []
    for at, line in enumerate(lines):
        start, end = line.find(BOX_SIDE), line.rfind(BOX_SIDE)
        if 0 <= start < end:
            inner = line[start + 3 : end]
            left = GUTTER.match(inner).end()  # type: ignore[union-attr]
            text = inner.rstrip().removesuffix(BOX_SIDE).rstrip()  # locals stand in a box within the box
            pieces.append((at, start + 3 + left, start + 3 + max(left, len(text))))
    if len(pieces) < 2:
        return []
    return [Pieces(tuple(pieces), (glue,) * (len(pieces) - 1)) for glue in (b"", b" ")]
