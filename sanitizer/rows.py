"""Records as rows of text: what the redaction works on, and how a record is put together from its rows again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from sanitizer.assemble import Assembled
from sanitizer.record import Join, Record
from sanitizer.model import Message


class Entry(NamedTuple):
    """One record: rows `first` to `first + count`, the wrapper's facts, and the lane position it began at."""

    first: int
    count: int
    offset: int
    facts: dict[str, object]
    kind: str = "text"


class Rows(NamedTuple):
    """`rows` hold no line ends. `entries` is empty where every row is a record of its own, at `offsets`."""

    rows: list[bytes]
    entries: list[Entry]
    offsets: list[int]
    joins: list[Join]


def framed(messages: Sequence[Message]) -> Rows:
    """Every message a record, whatever line ends it holds."""
    rows: list[bytes] = []
    entries: list[Entry] = []
    for message in messages:
        parts = (message.value or b"").split(b"\n")
        entries.append(Entry(len(rows), len(parts), message.offset, {}))
        rows += parts
    return Rows(rows, entries, [entry.offset for entry in entries], [])


def singles(rows: Rows) -> Iterator[Rows]:
    """Each record of *rows* by itself, without the readings that go beyond it."""
    if not rows.entries:
        for row, offset in zip(rows.rows, rows.offsets, strict=True):
            yield Rows([row], [], [offset], [])
    for entry in rows.entries:
        yield Rows(rows.rows[entry.first : entry.first + entry.count], [entry._replace(first=0)], [entry.offset], [])


def physical(assembled: Assembled) -> Rows:
    """Every line a row: for output that keeps the lines' number and layout."""
    return Rows(assembled.lines, [], offsets_of(assembled), assembled.joins)


def logical(assembled: Assembled) -> Rows:
    """Every record its own text, without wrapper and layout."""
    offsets = offsets_of(assembled)
    if not assembled.records:
        return Rows(assembled.lines, [], offsets, assembled.joins)
    owner: dict[int, Record] = {line: record for record in assembled.records for line in record.lines}
    rows: list[bytes] = []
    entries: list[Entry] = []
    joins: list[Join] = []
    row_of: dict[int, int] = {}
    for number, line in enumerate(assembled.lines):
        record = owner.get(number)
        if record is None:
            row_of[number] = len(rows)
            entries.append(Entry(len(rows), 1, offsets[number], {}))
            rows.append(line)
        elif record.first == number:
            # Between JSON's tokens a line end is white space like any other.
            parts = [record.text.replace(b"\n", b" ")] if record.kind == "json" else record.text.split(b"\n")
            if record.seams and record.kind != "json":
                joins.append(unseamed(record, parts, len(rows)))
            entries.append(Entry(len(rows), len(parts), offsets[number], record.fields, record.kind))
            rows += parts
    for join in assembled.joins:
        if all(line in row_of for line, _, _ in join.pieces):
            joins.append(Join(tuple((row_of[line], a, b) for line, a, b in join.pieces), join.glue, join.escaped))
    return Rows(rows, entries, offsets, joins)


def unseamed(record: Record, parts: Sequence[bytes], first: int) -> Join:
    """The reading of *record* in which what its seams put between the pieces is left out."""
    starts = [0, *accumulate(len(part) + 1 for part in parts)][:-1]
    pieces: list[tuple[int, int, int]] = []
    at = 0
    for offset, length in [*record.seams, (len(record.text), 0)]:
        while at < offset:
            row = bisect_right(starts, at) - 1
            end = min(offset, starts[row] + len(parts[row]))
            if at < end:
                pieces.append((first + row, at - starts[row], end - starts[row]))
            at = end + 1 if end < offset else end
        at = max(at, offset + length)
    return Join(tuple(pieces), (b"",) * max(0, len(pieces) - 1))


def offsets_of(assembled: Assembled) -> list[int]:
    return [*accumulate((len(line) + 1 for line in assembled.lines), initial=assembled.offset)][:-1]
