"""Tables as arrays of JSON and its kin: an array of names, and arrays of values in the same order.

What spreadsheets (`{"values": [["name", "password"], ["bob", "hunter2"]]}`), databases (`{"columns": [...], "rows": [[...]]}`) and
dataframes answer with. Given is a buffer and where in it a name stands; the answer is the spans of its cells.
"""

from __future__ import annotations

from sanitizer import patterns
from sanitizer.syntax.nested import LONGEST, Span

WIDEST = 2048
"""Bytes of names on either side of one that are looked at."""

MOST_ROWS, MOST_CELLS, DEEPEST = 10_000, 256, 4

_QUOTE = rb"\\*[\x22']"
_NAME = _QUOTE + rb"[A-Za-z_\x80-\xff][\w .()\-\x80-\xff]{0,60}" + _QUOTE
BEFORE = patterns.lazy(rb"(?P<outer>\[\s*)?\[\s*(?P<names>(?:" + _NAME + rb"\s*,\s*){0,255})" + _QUOTE + rb"[\w .\-]{0,40}$")
AFTER = patterns.lazy(rb"[\w .\-]{0,40}" + _QUOTE + rb"(?P<names>(?:\s*,\s*" + _NAME + rb"){0,255})\s*\]\s*,\s*")
NEXT = patterns.lazy(rb"(?=\[)")
ROWS = patterns.lazy(_QUOTE + rb"(?:rows|data|values|records|results?|tuples)" + _QUOTE + rb"\s*:\s*\[\s*(?=\[)")
INDEX = patterns.lazy(_QUOTE + rb"\w{1,20}" + _QUOTE + rb"\s*:\s*(?:\[[^\[\]{}]{0,2000}\]|[^\[\]{},]{1,60})\s*,\s*")
"""What may stand between the names and the rows: the labels of these (pandas), their number."""

CELL = patterns.lazy(
    rb"\s*(?:(?P<escaped>\\+[\x22'])(?P<inner>[^\n\x22']{0,4096}?)(?P=escaped)|\x22(?P<double>(?:[^\x22\\\n]|\\.)*+)\x22"
    rb"|'(?P<single>(?:[^'\\\n]|\\.)*+)'|(?P<plain>[^\s,\[\]{}\x22']+)|(?P<open>[\[{])|(?P<close>[\]}])|,)"
)
BETWEEN = patterns.lazy(rb"\s*,\s*(?=\[)")
TELLING = patterns.lazy(rb"[^\n]*[0-9!@#$%^&*~+?_]")


def cells(buffer: bytes, key_at: int, at: int) -> list[Span]:
    """The cells in the column whose name is at *key_at* and ends before *at*; none if it stands in no array of names."""
    before = BEFORE.search(buffer, max(0, key_at - WIDEST), key_at)
    after = AFTER.match(buffer, key_at, key_at + WIDEST) if before else None
    if before is None or after is None or at > after.end():
        return []
    names = before["names"].count(b",") + after["names"].count(b",") + 1
    end = after.end()
    if before["outer"] is not None and names > 1 and NEXT.match(buffer, end):
        return below(buffer, end, before["names"].count(b","), names)
    for _ in range(4):
        if (rows := ROWS.match(buffer, end)) is not None:
            return below(buffer, rows.end(), before["names"].count(b","), names)
        if (index := INDEX.match(buffer, end)) is None:
            break
        end = index.end()
    return []


def below(buffer: bytes, at: int, place: int, names: int) -> list[Span]:
    """The cells in *place* of the arrays from *at* on that have as many of them as there are *names*."""
    found: list[Span] = []
    stop = min(len(buffer), at + LONGEST)
    for _ in range(MOST_ROWS):
        row, end = cut(buffer, at + 1, stop)
        if len(row) != names:
            break
        start, last = row[place]
        if start < last and TELLING.match(buffer, start, last):
            found.append((start, last))
        following = BETWEEN.match(buffer, end, stop)
        if following is None:
            break
        at = following.end()
    return found


def cut(buffer: bytes, at: int, stop: int) -> tuple[list[Span], int]:
    """The cells of an array whose first one begins at *at*, and where it ends; one that is an object or an array is empty."""
    row: list[Span] = []
    depth = 0
    while len(row) <= MOST_CELLS and (found := CELL.match(buffer, at, stop)) is not None:
        at = found.end()
        kind = found.lastgroup
        if kind == "close":
            if depth == 0:
                return row, at
            depth -= 1
        elif kind == "open":
            if depth == 0:
                row.append((at, at))
            depth += 1
            if depth > DEEPEST:
                break
        elif kind is not None and depth == 0:
            row.append(found.span("inner" if kind == "escaped" else kind))
    return [], at
