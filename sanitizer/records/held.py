"""The lines of a lane that wait for what may go on with them, and how they are released with what is known of them."""

from __future__ import annotations

from operator import attrgetter

from sanitizer.record import Assembled, Cut, Join, Record
from sanitizer.records.leads import MOST_LED, leads

IN_ORDER = attrgetter("lines")

class Held:
    """Physical lines that are not released yet, numbered from the lane's first on. *offset* is where in the lane they begin."""

    def __init__(self, offset: int) -> None:
        self.lines: list[bytes] = []
        self.size = 0
        self._base = 0
        self._offset = offset
        self._cuts: dict[int, Cut] = {}
        self._released = b""

    @property
    def upto(self) -> int:
        """The number after the last line's."""
        return self._base + len(self.lines)

    def add(self, lines: list[bytes], size: int, cuts: dict[int, Cut]) -> int:
        """Hold *lines*, of *size* bytes with their ends; gives the first one's number."""
        first = self.upto
        for at, cut in cuts.items():
            self._cuts[first + at] = cut
        self.lines += lines
        self.size += size
        return first

    def line(self, number: int) -> bytes:
        """The line of that number."""
        return self.lines[number - self._base]

    def before(self, number: int) -> bytes:
        """The line before the one of that number; nothing before the lane's first."""
        return self.line(number - 1) if number > self._base else self._released

    def led(self, limit: int) -> int:
        """The line to release up to, if not beyond *limit*: what may name the value on the lines below goes out with that."""
        first = limit
        for number in range(limit - 1, max(self._base, limit - MOST_LED) - 1, -1):
            line = self.line(number)
            if line and not line.isspace():
                if not leads(line):
                    break
                first = number
        return first

    def release(self, limit: int, terminated: bool) -> Assembled:
        """Let go of the lines before *limit*; the last one may not be *terminated*."""
        base = self._base
        released = Assembled(self.lines[: limit - base], self._offset, self._offset, terminated=terminated)
        if released.lines:
            self._released = released.lines[-1]
        del self.lines[: limit - base]
        self._base = limit
        size = sum(map(len, released.lines)) + len(released.lines) if self.lines else self.size
        self.size -= size
        released.upto += size - (not terminated)
        if self._cuts:
            for number in [number for number in self._cuts if number < limit]:
                cut = self._cuts.pop(number)
                released.upto += cut.size - len(released.lines[number - base])
                released.cuts[number - base] = cut
        self._offset = released.upto
        return released


def tied(limit: int, records: list[Record], joins: list[Join]) -> int:
    """The line to release up to, if not beyond *limit*: what is read as one is released as one."""
    together = [(record.first, record.last) for record in records if len(record.lines) > 1]
    together += [(join.pieces[0][0], join.pieces[-1][0]) for join in joins]
    for first, last in sorted(together, reverse=True):
        if first < limit <= last:
            limit = first
    return limit


def hand_over(released: Assembled, base: int, records: list[Record], joins: list[Join]) -> None:
    """Give *released* the *records* and *joins* of its lines, whose numbers begin at *base*."""
    records.sort(key=IN_ORDER)
    for record in records:
        if base:
            record.lines = tuple([number - base for number in record.lines])
        if record.joins:
            record.joins = tuple([join.moved(-base) for join in record.joins])
            # An indent alone does not tell whether a line goes on with the word before it.
            sure = record.kind != "text" or bool(record.fields)
            released.joins += record.joins if sure else [join._replace(doubtful=True) for join in record.joins]
    released.records = records
    released.joins += [join.moved(-base) for join in joins]
