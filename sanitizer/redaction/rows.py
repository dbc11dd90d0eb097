"""Records as rows of text: what the redaction works on, and how a record is put together from its rows again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, count, repeat
from operator import itemgetter
from typing import NamedTuple

from sanitizer.model import Message
from sanitizer.record import Assembled, Cut, Join, Record


class Entry(NamedTuple):
    """One record: `height` rows from `first` on, the wrapper's facts, and the lane position it began at."""

    first: int
    height: int
    offset: int
    facts: dict[str, object]
    kind: str = "text"


NO_FACTS: dict[str, object] = {}
ENTRY = tuple.__new__
"""Makes an `Entry` of a tuple in a third of the time: there is one for every line."""


class Rows(NamedTuple):
    """`rows` hold no line ends. `entries` is empty where every row is a record of its own, at `offsets`.

    `cuts` are the rows of which only the beginning is there.
    """

    rows: list[bytes]
    entries: list[Entry]
    offsets: list[int]
    joins: list[Join]
    cuts: dict[int, Cut]


def spans(rows: Rows, numbers: Iterable[int]) -> list[tuple[int, int, int]]:
    """`(first row, height, offset)` of each record that one of the row *numbers* is of."""
    if not rows.entries:
        return [(number, 1, rows.offsets[number]) for number in numbers]
    firsts = list(map(itemgetter(0), rows.entries))
    found = [rows.entries[index] for index in sorted({bisect_right(firsts, number) - 1 for number in numbers})]
    return [(entry.first, entry.height, entry.offset) for entry in found]


def framed(messages: Sequence[Message]) -> Rows:
    """Every message a record, whatever line ends it holds."""
    values: list[bytes] = [value or b"" for _, value, _, _, _ in messages]
    offsets = list(map(itemgetter(0), messages))
    joined = b"\n".join(values)
    if joined.count(b"\n") < len(values):
        return Rows(values, [], offsets, [], {})
    entries: list[Entry] = []
    first = 0
    for value, offset in zip(values, offsets, strict=True):
        height = value.count(b"\n") + 1
        entries.append(ENTRY(Entry, (first, height, offset, NO_FACTS, "text")))
        first += height
    return Rows(joined.split(b"\n"), entries, offsets, [], {})


def singles(rows: Rows) -> Iterator[Rows]:
    """Each record of *rows* by itself."""
    for entry in rows.entries or [Entry(row, 1, offset, {}) for row, offset in enumerate(rows.offsets)]:
        yield part(rows, [entry])


def independent(rows: Rows) -> Iterator[Rows]:
    """*rows* in the smallest parts that no reading goes beyond: what is broken over two records is found only in both."""
    entries = rows.entries or [Entry(row, 1, offset, {}) for row, offset in enumerate(rows.offsets)]
    reach: dict[int, int] = {}
    for join in rows.joins:
        lines = [line for line, _, _ in join.pieces]
        reach[min(lines)] = max(reach.get(min(lines), 0), *lines)
    first = upto = 0
    for number, entry in enumerate(entries):
        after = entry.first + entry.height
        upto = max(upto, *(reach.get(row, 0) + 1 for row in range(entry.first, after)))
        if after >= upto:
            yield part(rows, entries[first : number + 1])
            first = number + 1
    if first < len(entries):
        yield part(rows, entries[first:])


def part(rows: Rows, entries: Sequence[Entry]) -> Rows:
    """The consecutive *entries* of *rows* by themselves."""
    start, end = entries[0].first, entries[-1].first + entries[-1].height
    own = [entry._replace(first=entry.first - start) for entry in entries] if rows.entries else []
    joins = [join.moved(-start) for join in rows.joins if all(start <= line < end for line, _, _ in join.pieces)]
    cuts = {row - start: cut for row, cut in rows.cuts.items() if start <= row < end}
    return Rows(rows.rows[start:end], own, [entry.offset for entry in entries], joins, cuts)


def physical(assembled: Assembled) -> Rows:
    """Every line a row: for output that keeps the lines' number and layout."""
    return Rows(assembled.lines, [], assembled.offsets(), [join for join in assembled.joins if not join.of_text], assembled.cuts)


def logical(assembled: Assembled) -> Rows:
    """Every record its own text, without wrapper and layout."""
    if not assembled.records:
        return physical(assembled)
    offsets = assembled.offsets()
    lines = assembled.lines
    rows: list[bytes] = []
    entries: list[Entry] = []
    joins: list[Join] = []
    row_of: dict[int, int] = {}
    text_of: dict[int, int] = {}
    cuts: dict[int, Cut] = {}
    begun = {record.first: record for record in assembled.records}
    owned = {line for record in assembled.records for line in record.lines}
    after = 0
    for number in [*sorted(owned), len(lines)]:
        if after < number:  # lines that are a record each
            first = len(rows)
            rows += lines[after:number]
            facts = zip(count(first), repeat(1), offsets[after:number], repeat(NO_FACTS), repeat("text"))
            entries += map(ENTRY, repeat(Entry), facts)
            if assembled.joins or assembled.cuts:
                row_of.update(zip(range(after, number), count(first)))
        after = number + 1
        if (record := begun.get(number)) is not None:
            # Between JSON's tokens a line end is white space like any other.
            parts = [record.text.replace(b"\n", b" ")] if record.kind == "json" else record.text.split(b"\n")
            if record.seams and record.kind != "json":
                joins += unseamed(record, parts, len(rows))
            joins += [join.moved(len(rows)) for join in record.readings]
            if len(parts) == len(record.lines) == 1:
                text_of[number] = len(rows)
            entries.append(ENTRY(Entry, (len(rows), len(parts), offsets[number], record.fields, record.kind)))
            rows += parts
            if assembled.cuts:
                cuts |= {len(rows) - 1: assembled.cuts[line] for line in record.lines if line in assembled.cuts}
    cuts |= {row_of[line]: cut for line, cut in assembled.cuts.items() if line in row_of}
    for join in assembled.joins:
        places = text_of if join.of_text else row_of
        if all(line in places for line, _, _ in join.pieces):
            joins.append(join._replace(pieces=tuple((places[line], start, end) for line, start, end in join.pieces)))
    return Rows(rows, entries, offsets, joins, cuts)


def unseamed(record: Record, parts: Sequence[bytes], first: int) -> list[Join]:
    """The readings of *record* in which its pieces are joined otherwise than in its text: by nothing, and by a space."""
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
    return [Join(tuple(pieces), (glue,) * max(0, len(pieces) - 1)) for glue in (b"", b" ")]
