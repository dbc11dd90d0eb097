"""Dumps of bytes, as xxd, hexdump, od, curl, openssl and Netty print them: what they say, and where each byte of it stands.

A row has an offset, bytes in hexadecimal, and mostly the same bytes as text, with a dot for each that cannot be printed. Rows
follow one another where their offsets do. What is found in the bytes stands in both columns, and over as many rows as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from sanitizer import patterns
from sanitizer.disguises.decoding import Span
from sanitizer.disguises.layers import APART, Layer
from sanitizer.finding import Finding

_DIGIT = rb"[0-9A-Fa-f]"
_BYTES = rb"[0-9A-Fa-f]{2} [0-9A-Fa-f]{2} [0-9A-Fa-f]{2}"
_PAIRS = rb"[0-9A-Fa-f]{4} [0-9A-Fa-f]{4}"
ANCHORS: tuple[bytes, ...] = (
    *[_DIGIT + rb"{2}[08]" + between + _BYTES for between in (rb": ", rb" ", rb"  ", rb" - ", rb"\| ", rb":  ")],
    *[_DIGIT + rb"{2}[08]" + between + _PAIRS for between in (rb": ", rb" ", rb":  ")],
    rb"\n[0-9a-f]{2}[048c]0: [!-~]{3}",
)
"""Fixed-width patterns, of which one hits every dump."""

ROW = patterns.lazy(
    rb"[ \t|](?:0x)?([0-9A-Fa-f]{4,16}+)(?:[:|] {0,3}| - | {1,3})"
    rb"(?=((?:[0-9A-Fa-f]{2}){1,8}(?:[ -]{1,3}(?:[0-9A-Fa-f]{2}){1,8}){0,31})(?![0-9A-Za-z]))"
)
"""The offset of a row, with a blank before it, and what could be its bytes: as many as its text begins with may be too many.

It begins with a set, which is passed over at a look where it is not: in most lines with a sign there is no row.
"""

TEXT_ROW = patterns.lazy(rb"([0-9a-f]{4}): (?=(.{0,64})$)")
"""A row of `curl --trace-ascii`: text alone."""
BYTE = patterns.lazy(_DIGIT + rb"{2}")
TEXT_WIDTH, LONGEST, MOST_ROWS, ALIKE = 64, 512, 4096, 0.75
RADICES = (16, 8, 10)
MARGINS = {b"|": b"|", b">": b"<", b"'": b"'", b"*": b"*"}
"""What a column of text is put between."""
NEAR = 4
"""How far the next byte of a row stands from one at most, from its first digit on."""


class Row(NamedTuple):
    """Where a row's offset, as it is written, and each of its bytes stand; there may be more than it has."""

    offset: bytes
    places: list[int]
    start: int
    end: int
    is_text: bool


class Dumped:
    """What the dumps of a *parent* say, one after the other; a byte stands at a place or two."""

    def __init__(self, parent: Layer) -> None:
        self.parent = parent
        self.text = b""
        self.digits: list[int] = []
        self.letters: list[int] = []

    def add(self, said: bytes, digits: Sequence[int], letters: Sequence[int]) -> None:
        """Add a dump: what is *said*, and the place of each byte as digits and as a letter, -1 where it has none."""
        if self.text:
            said, digits, letters = APART + said, [-1] * len(APART) + [*digits], [-1] * len(APART) + [*letters]
        self.text += said
        self.digits += digits
        self.letters += letters

    def locate(self, found: Sequence[Finding], base: int = 0) -> list[Finding]:
        carried: list[Finding] = []
        for begin, stop, rule in found:
            start, end = max(0, begin - base), max(0, stop - base)
            carried += [(*span, rule) for span in _spans(self.digits[start:end], 2)]
            carried += [(*span, rule) for span in _spans(self.letters[start:end], 1)]
        return self.parent.locate(carried)


def dumped(parent: Layer, lines: Sequence[Span]) -> list[Layer]:
    """What the dumps say of which *lines* of *parent* are rows; nothing if none are."""
    text, after = parent.text, -1
    said = Dumped(parent)
    for start, end in lines:
        if start <= after:
            continue
        rows = _rows(text, start, end)
        after = rows[-1].end if rows else after
        if len(rows) > 1:
            (_add_text if rows[0].is_text else _add_bytes)(said, text, rows)
    return [said] if said.text else []


def _rows(text: bytes, start: int, end: int) -> list[Row]:
    """The row that the line from *start* to *end* is, and those that follow it."""
    rows: list[Row] = []
    while len(rows) < MOST_ROWS and (row := _row(text, start, end)) is not None:
        if rows and (row.is_text != rows[0].is_text or len(row.offset) < len(rows[0].offset) or not _follows(rows[-1], row)):
            break
        rows.append(row)
        start, end = end + 1, text.find(b"\n", end + 1)
        if start >= len(text):
            break
        end = end if end >= 0 else len(text)
    return rows


def _row(text: bytes, start: int, end: int) -> Row | None:
    if not 0 < end - start <= LONGEST:
        return None
    line, before = b" " + text[start:end], start - 1
    if (row := ROW.search(line)) is not None:
        return Row(row[1], [before + byte.start() for byte in BYTE.finditer(line, *row.span(2))], start, end, False)
    if (row := TEXT_ROW.match(line, 1)) is not None:
        return Row(row[1], list(range(before + row.start(2), before + row.end(2))), start, end, True)
    return None


def _follows(before: Row, row: Row) -> bool:
    """Whether *row* begins where *before* ends, or where the line end does that a row of text ends at."""
    if before.is_text:
        return 0 <= int(row.offset, 16) - int(before.offset, 16) - len(before.places) <= 2
    return _step(before, row) > 0


def _step(before: Row, row: Row) -> int:
    """How many bytes *before* has by the offset of *row*; 0 if these are none."""
    for radix in RADICES:
        try:
            step = int(row.offset, radix) - int(before.offset, radix)
        except ValueError:
            continue
        if 0 < step <= len(before.places) and (step % 4 == 0 or radix == RADICES[0]):
            return step
    return 0


def _add_text(said: Dumped, text: bytes, rows: Sequence[Row]) -> None:
    whole, places = b"", []
    for row in rows:
        line = bytes([text[at] for at in row.places])
        ended = len(line) < TEXT_WIDTH
        whole += line + b"\n" * ended
        places += [*row.places, *[-1] * ended]
    said.add(whole, [-1] * len(places), places)


def _add_bytes(said: Dumped, text: bytes, rows: Sequence[Row]) -> None:
    """Add what *rows* say. How many bytes one has, the next one's offset tells; the last one's end where their text begins."""
    steps = [_step(*two) for two in pairwise(rows)]
    column = _column(text, rows, steps)
    last = rows[-1]
    limit = last.start + column if column else last.end
    steps.append(min(max(steps), sum([at < limit for at in last.places])))
    whole, digits, letters = b"", [], []
    for row, step in zip(rows, steps, strict=True):
        places = row.places[:step]
        whole += bytes([int(text[at : at + 2], 16) for at in places])
        digits += places
        first = row.start + column
        letters += [at if column and at < row.end else -1 for at in range(first, first + len(places))]
    written = sum([at >= 0 and text[at] in (byte, 0x2E) for at, byte in zip(letters, whole, strict=True)])
    said.add(whole, digits, letters if written >= ALIKE * len(whole) else [-1] * len(whole))


def _column(text: bytes, rows: Sequence[Row], steps: Sequence[int]) -> int:
    """Where in its line the text of each row begins; 0 if it has none. A text may begin with spaces, but not each."""
    columns: list[int] = []
    for row, step in zip(rows, steps, strict=False):
        after = row.places[step - 1] + 2
        column = row.end - len(text[after : row.end].lstrip(b" "))
        closing = text[column + step + 1 : min(column + step + 2, row.end)]
        if closing and closing == MARGINS.get(text[column : column + 1]):
            column += 1
        if column < row.end:
            columns.append(column - row.start)
    return min(columns, default=0)


def _spans(places: Sequence[int], width: int) -> Iterator[Span]:
    """*places* of what is so many bytes wide, put together row by row."""
    begin = end = -1
    for at in places:
        if at < 0:
            continue
        if end >= 0 and not 0 <= at - end <= NEAR - width:
            yield begin, end
            begin = at
        elif end < 0:
            begin = at
        end = at + width
    if end >= 0:
        yield begin, end
