"""Tables that go on over what is read at once: the names of their columns are remembered, and later rows are read below them.

A table that is read at once needs none of this: `sanitizer.syntax.columns` finds the names above its rows.
"""

from __future__ import annotations

import json
import re

from sanitizer import patterns
from sanitizer.record import Assembled, Join
from sanitizer.records.wrappers import WRAPPED, Unwrapped, unwrap
from sanitizer.syntax.columns import LAYOUTS, RULED, WIDEST, Layout, is_named

SECRET = patterns.lazy(
    rb"pass|pwd|secret|token|credential|cookie|auth|key|pin\b|otp|phone|mobile|tel\b|card|\bpan\b|cvv|cvc|iban|ssn|birth|dob\b|email",
    re.IGNORECASE,
)
"""Names of columns whose rows are worth a second reading."""

FARTHEST = 4096
"""Rows that are gone back over for their names."""

ABOVE, BELOW, LONGEST_ABOVE = 6, 3, 512
"""Lines that are read together over the end of what was read at once, and the bytes of the longest above it."""

NO_ROW = frozenset(b"{[<")
"""What a line begins with that is no row."""


class Lines:
    """Lines without what the runtime of a container wrote around each, which is taken off when one is looked at."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self._wrapped: dict[int, Unwrapped | None] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, at: int) -> bytes:
        line = self.unwrapped(at % len(self._lines))
        return self._lines[at] if line is None else line.text

    def unwrapped(self, at: int) -> Unwrapped | None:
        """The line *at*, if it has a wrapper."""
        if at not in self._wrapped:
            line = self._lines[at]
            found = unwrap(line, "auto", told=False) if line[:1] in WRAPPED else None
            self._wrapped[at] = found if found is None or found.family != "prefix" else None  # that may be the cell of a row
        return self._wrapped[at]

    def below(self, above: bytes, count: int) -> list[Join]:
        """The first *count* lines below *above*, as they stand and, if all have a wrapper, as the texts of records."""
        wrapped = [line for line in map(self.unwrapped, range(count)) if line is not None]
        if len(wrapped) < count:
            whole = tuple([(at, 0, len(self._lines[at])) for at in range(count)])
            return [Join(((0, 0, 0), *whole), (above + b"\n", *[b"\n"] * (count - 1)))]
        escaped = wrapped[0].escaped
        texts = tuple([(at, 0, len(line.text)) for at, line in enumerate(wrapped)])
        places = tuple([(at, line.start, line.end) for at, line in enumerate(wrapped)])
        end = b"\\n" if escaped else b"\n"
        head = json.dumps(above.decode("utf-8", "replace"))[1:-1].encode() if escaped else above
        return [
            Join(((0, 0, 0), *texts), (above + b"\n", *[b"\n"] * (count - 1)), of_text=True),
            Join(((0, 0, 0), *places), (head + end, *[end] * (count - 1)), escaped),
        ]


class Tables:
    """The table that a lane has open."""

    def __init__(self) -> None:
        self._names = self._first = b""
        self._layout = LAYOUTS[0]
        self._count = 0
        self._above: list[bytes] = []

    def follow(self, released: Assembled) -> None:
        """Look at the lines that are *released*, and give them the readings of the rows whose names are not among them."""
        if not released.lines:
            return
        lines = Lines(released.lines)
        self._below(lines, released)
        at = 0
        if self._names:
            while at < len(lines) and self._goes_on(lines[at]):
                at += 1
            if at:
                released.joins += lines.below(self._names, at)
            if at == len(lines):
                return
            self._names = b""
        self._begin(lines, at)

    def _below(self, lines: Lines, released: Assembled) -> None:
        """Read the first *lines* below the last ones that were released before, if a secret's name is among these."""
        if self._above and lines[0][:1] != b"{":
            released.joins += lines.below(b"\n".join(self._above), min(BELOW, len(lines)))
        above = [*self._above, *[lines[at] for at in range(max(0, len(lines) - ABOVE), len(lines))]][-ABOVE:]
        fits = all(len(line) <= LONGEST_ABOVE and line[:1] != b"{" for line in above)
        self._above = above if fits and any(map(SECRET.search, above)) else []

    def _goes_on(self, line: bytes) -> bool:
        if not line or len(line) > WIDEST * 8 or line.startswith(self._first):
            return False
        return cells(self._layout, line) == self._count or RULED.match(line) is not None

    def _begin(self, lines: Lines, first: int) -> None:
        """Remember the names of the table that the *lines* from *first* on end in, if it has any."""
        last = lines[-1]
        if not last or last[0] in NO_ROW or len(last) > WIDEST * 8:
            return
        layout = next((layout for layout in LAYOUTS if layout.between.search(last)), None)
        if layout is None:
            return
        count = cells(layout, last)
        at = len(lines) - 1
        while at > max(first, len(lines) - FARTHEST):
            if cells(layout, lines[at - 1]) != count and not RULED.fullmatch(lines[at - 1]):
                break
            at -= 1
        while at < len(lines) - 1 and RULED.fullmatch(lines[at]):
            at += 1
        first_cell = beginning(layout, lines[at])
        at = max(n for n in range(at, len(lines)) if lines[n].startswith(first_cell))
        if at and lines[at - 1].startswith(b"-[ RECORD "):
            return  # of a row that stands one cell a line, each behind its name
        names = lines[at]
        if len(names) <= WIDEST and SECRET.search(names) and is_named(layout, names.rstrip(b"\r")):
            self._names, self._layout, self._count, self._first = names, layout, count, first_cell


def beginning(layout: Layout, line: bytes) -> bytes:
    """*line* to the mark behind its first cell: another line that begins so is one of names, too."""
    ends = (end for start, end in layout.cells(line, 0, len(line)) if line[start:end].strip())
    mark = layout.between.match(line, next(ends, len(line)))
    return line[: mark.end()] if mark else line


def cells(layout: Layout, line: bytes) -> int:
    """How many cells *line* has."""
    return len(layout.cells(line, 0, len(line))) if len(line) <= WIDEST * 8 else 0
