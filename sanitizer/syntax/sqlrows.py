"""Rows of SQL: names of columns in one tuple, their values in others, and what a column is compared with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

from sanitizer import patterns
from sanitizer.finding import BETWEEN_TEXTS, Finding
from sanitizer.syntax import bound
from sanitizer.syntax.nested import DEEPEST, LONGEST, Span

Verdict = Callable[[bytes], int]

WIDEST = 512
"""Bytes of the names of a row that is compared."""

MOST_LISTED = 256
COLUMNS, ROW = b" Col (", b" Row ("
"""What the log of SQLAlchemy shows of a result, a line each, once `echo="debug"` asks it to."""

ENCLOSING = b" \t\r\n\x22'`[]\\"
PREFIXES = (b"N", b"E", b"B", b"X", b"U", b"u", b"b")

NAMES = patterns.lazy(rb"\(((?:[ ]?[\w.\x22`]{1,64},){0,15}[ ]?[\w.\x22`]{1,64})\)[ ]{0,2}=[ ]{0,2}(?=\()")
INSERTED = patterns.lazy(
    rb"\s{0,4}[\w.\x22`\[\]$\\]{1,128}\s{0,4}\(([^()]{1,2000})\)\s{0,8}(?:OUTPUT[^()]{0,100})?"
    rb"(?:SELECT\s(?:[^()]|\(\d{1,5}\)){1,2000}?\sFROM\s{0,8}\(\s{0,8})?VALUES?\s{0,8}(?=\()",
    re.I,
)
BARE = patterns.lazy(rb"\s{0,4}([\w.\x22`\[\]$\\]{1,128})\s{1,8}VALUES\s{0,8}(?=\()", re.I)
"""A table, and a row for all of its columns."""

MADE = patterns.lazy(rb"CREATE (?:TEMP(?:ORARY)? |UNLOGGED )?TABLE (?:IF NOT EXISTS )?([\w.\x22`\[\]$\\]{1,128})\s{0,4}\(", re.I)
BACK = 4096
"""Bytes before a row in which its table may be made, on the same line."""

DEFINED = patterns.lazy(
    rb"(?:\s|\\n)*(?!(?:PRIMARY|FOREIGN|UNIQUE|CONSTRAINT|CHECK|KEY|INDEX|EXCLUDE|LIKE)\b)([\w\x22`\[\]\\]{1,64})"
    rb"(?:[^(),'\x22]|\([^()]{0,200}\)|'[^'\n]{0,200}'){0,200}", re.I
)
"""The definition of a column."""

OTHER = patterns.lazy(rb"[A-Za-z0-9{\[]")
"""How a line begins that goes on with no row."""

ITEM = patterns.lazy(
    rb"[NEBXUneubx]?'(?P<single>(?:[^'\\\n]|\\.|'')*+)'|\"(?P<double>(?:[^\"\\\n]|\\.)*+)\""
    rb"|\\+\"(?P<escaped>[^\"\\\n]{0,1024})\\+\""
    rb"|%\(\w{1,64}\)s|[(),;]|[^\s,();'\"\\]+|\s+|.",
    re.S,
)


def inserted(buffer: bytes, at: int, verdict: Verdict) -> Iterator[Finding]:
    """What an `INSERT INTO` that ends at *at* puts into columns that a rule claims."""
    head = INSERTED.match(buffer, at)
    if head is not None:
        names, row = head[1].split(b","), head.end()
    elif (bare := BARE.match(buffer, at)) is not None:
        names, row = made(buffer, at, bare[1]), bare.end()
    else:
        return
    yield from rows(buffer, row, [verdict(name.strip(ENCLOSING)) for name in names])


def made(buffer: bytes, at: int, table: bytes) -> list[bytes]:
    """The names of the columns that *table* is made with, in the line that *at* is in and before that; none if it is not."""
    low = max(buffer.rfind(b"\n", 0, at) + 1, at - BACK)
    for begun in MADE.finditer(buffer, low, at):
        if begun[1].strip(ENCLOSING).lower() != table.strip(ENCLOSING).lower():
            continue
        names, end = [], begun.end()
        while (column := DEFINED.match(buffer, end, at)) is not None:
            names.append(column[1])
            end = column.end() + 1
            if buffer[end - 1] != 0x2C:
                break
        return names
    return []


def echoed(buffer: bytes, at: int, verdict: Verdict) -> Iterator[Finding]:
    """What is in the columns that a rule claims, in the rows that SQLAlchemy shows below the names of these, which begin *at*."""
    end = buffer.find(b"\n", at)
    rules = [verdict(name.strip(b" '\x22")) for name in buffer[at:end].rstrip(b"),\r").split(b",")]
    for _ in range(MOST_LISTED):
        start, end = end + 1, buffer.find(b"\n", end + 1)
        row = buffer.find(ROW, start, end)
        if row >= 0:
            yield from rows(buffer, row + len(ROW) - 1, rules)
        elif buffer.find(COLUMNS, start, end) < 0:
            return


def compared(buffer: bytes, at: int, verdict: Verdict) -> list[Finding] | None:
    """What a row is compared with, of whose names one ends before *at*: `(user, password) = ('bob', 'x')`; None if with none."""
    opened = buffer.rfind(b"(", max(0, at - WIDEST), at)
    names = NAMES.match(buffer, opened) if opened >= 0 else None
    if names is None:
        return None
    return list(rows(buffer, names.end(), [verdict(name.strip(b' "`')) for name in names[1].split(b",")]))


def listed(buffer: bytes, at: int) -> list[Span]:
    """The members in quotes of the list that opens before *at*: `token IN ('x', 'y')`."""
    found: list[Span] = []
    for item in islice(ITEM.finditer(buffer, at, at + LONGEST), 2 * MOST_LISTED):
        if item.lastgroup:
            found.append(item.span(item.lastgroup))
        elif item[0] != b"," and not item[0].isspace() and item[0] not in PREFIXES:
            break
    return found


def rows(buffer: bytes, at: int, rules: list[int]) -> Iterator[Finding]:
    """The values of the tuples from *at* on that stand in columns with *rules*."""
    if max(rules, default=-1) < 0:
        return
    depth = column = 0
    for item in ITEM.finditer(buffer, at, at + LONGEST):
        text = item[0]
        if text == b"(":
            depth += 1
            column = 0 if depth == 1 else column
        elif text == b")":
            depth -= 1
        elif text == b"," and depth == 1:
            column += 1
        elif ends(text, buffer, item.end(), depth):
            return
        elif depth == 1 and column < len(rules) and rules[column] >= 0 and text[:1] in b"?$%:":
            yield from ((*span, rules[column]) for span in bound.parameter(buffer, item.start()))
        elif depth and column < len(rules) and rules[column] >= 0 and text[:1] not in b"?$:@%,;" and not text.isspace():
            group = item.lastgroup
            if group or (depth == 1 and buffer[item.end() : item.end() + 1] != b"("):
                yield (*item.span(group or 0), rules[column])


def ends(text: bytes, buffer: bytes, at: int, depth: int) -> bool:
    """Whether *text*, before *at*, is no part of the rows of an `INSERT`."""
    if text.isspace():
        return b"\n" in text and (BETWEEN_TEXTS in text or OTHER.match(buffer, at) is not None)
    return (depth < 1 and text != b",") or depth > DEEPEST or text.lower() == b"insert"
