"""Tables: the value of a secret's column in every row below its name.

CSV and its kin (RFC 4180), Markdown, what the consoles of databases print, boxes, columns of spaces, HTML, the COPY of PostgreSQL.
Given is a buffer and where in it the name stands; the answer is the spans of its cells.
"""

from __future__ import annotations

import re
from itertools import islice

from sanitizer import patterns
from sanitizer.syntax.continuations import alike
from sanitizer.syntax.nested import LONGEST, Span
from sanitizer.validators.told import wordless

WIDEST = 2048
"""Bytes of a line of names that are looked at."""

MOST_ROWS, MOST_NAMES = 20_000, 128
MARKS = frozenset(b",;\t|\r\n \x94<)")
"""What a name in a line of names ends before."""

QUOTES = b"\x22'` "

_BAR = rb"\||\xe2\x94[\x82\x83\x86\x8a]|\xe2\x95\x91"
NAME = patterns.lazy(rb"[A-Za-z_#@(\x80-\xff][\w ./()#*%\x80-\xff-]{0,60}")
_FIELD = rb"[ ]*(?:\x22(?:[^\x22\n]|\x22\x22)*\x22[ ]*|'[^'\n]*'[ ]*|(?:(?!%s)[^\n])*)(?=%s|\n|\Z)"


class Layout:
    """How a line is divided: what stands between its cells, and what a cell of any row is."""

    def __init__(self, between: bytes) -> None:
        self.between = re.compile(between)
        self.field = re.compile(_FIELD % (between, between))

    def cells(self, buffer: bytes, start: int, end: int) -> list[Span]:
        """The cells of the line from *start* to *end*, those outside of its outer marks included."""
        found: list[Span] = []
        while True:
            cell = self.field.match(buffer, start, end)
            if cell is None:
                return found
            found.append(cell.span())
            mark = self.between.match(buffer, cell.end(), end)
            if mark is None:
                return found
            start = mark.end()


LAYOUTS = (Layout(_BAR), Layout(rb"\t"), Layout(rb";"), Layout(rb","))
ONLY = patterns.lazy(rb"\| ([\w-]{1,60}(?: [\w-]{1,30}){0,2}) +\|")
"""The name of the only column of a box."""

SPACED = patterns.lazy(rb"[^\s](?:[^\s]| (?![ ]))*")
SPACED_NAME = patterns.lazy(rb"[A-Za-z_][A-Za-z_.()-]*\d?(?: [A-Za-z_.()-]+){0,2}")
RULED = patterns.lazy(rb"(?:-\[ RECORD \d{1,9} \])?[\s|+\-=:.*~#\x80-\xff]*(?:\n|$)")
"""A line that divides names and rows, or a row from the next where psql puts its cells one below the other."""

HEADED = patterns.lazy(rb"[ ]*[|\-][ |:+\-]*-[ |:+\-]*\r?\n")
"""The line below names, as Markdown and psql write it."""

OVER = patterns.lazy(rb"[ ]*(?:\xe2\x94[\x8c\x8f\x94\x97]|\xe2\x95[\x94\x9a\xad\xb0]|\+[+\-=]*\r?\n[ ]*\+[+\-=]*\r?\n)")
"""A line that begins or ends a box; two of them where one table follows another."""

TYPED = patterns.lazy(rb"[^\w\n]*(?:(?:str|[iuf]\d{1,2}|bool|date|datetime\[\w+\]|object|cat|int|float|string|text)[^\w\n]+)+")
"""Types, which a table may have below its names."""

LOGGED, LOGGED_END = b'{"log":', b'\\n"'
"""What stands around a line in Docker's files."""

BEGINS = patterns.lazy(rb"[\x22'>\]:|][ ]?|[ ](?:[FP]|-)[ ]")
"""What a line of names may begin behind: the quote of a string that holds the table, what a logger writes before it."""

OUTER = patterns.lazy(rb"(?<!^)\\*[\x22'](?:[\])},;].*)?$|</\w{1,10}>.*$")
"""The end of a string or an element that holds a table."""

_COMMAND = (
    rb"(?:awk|aws|base64|cat|curl|docker|echo|env|find|gcloud|grep|head|jq|kubectl|ls|op|openssl|pass|printf|ps|sed|sort|sudo|tail|tee"
    rb"|vault|xargs|yes)[ ]"
)
COMMAND, PIPED = patterns.lazy(_COMMAND + rb"(?:[a-z]+ )?-{1,2}\w"), patterns.lazy(rb"[^|\n]{0,40}\b" + _COMMAND)
"""A command of a pipeline with an option, and its first one."""

CUT = "…".encode()
"""What a console ends a cell in that it had no room for."""

SHORTENED = patterns.lazy(rb"[^*]*[0-9][^*]*")

MEMBER = patterns.lazy(rb"[ \t]*(?:[{\[]|\x22[^\x22\n]{1,128}\x22[ ]?:)|[^\x22,;\t\n]{1,256}\{\x22\w{1,64}\x22[ ]?:")
"""JSON, which is no row; also behind what a logger writes before it."""

VALUE = patterns.lazy(rb"(?=\S*[0-9])(?=\S*[A-Za-z])\S{8,}")
"""What is no name of the second of two columns."""

NUMBER = patterns.lazy(rb"[+(]?\d[\d ()./+\-]*\d(?:,? ?(?:ext\.?|x) ?\d{1,6})?")
"""A number in groups, as one of a telephone is."""

WORDS_IN_NAME = 4
TELLING = patterns.lazy(rb"[^\n]*[0-9!@#$%^&*~+?_]")
COPY = patterns.lazy(rb"COPY [^()\n]{1,200}\(([^()\n]{1,1000})\) FROM stdin[^\n]{0,200}\n", re.I)
HTML_CELL = patterns.lazy(
    rb"<t[dh](?:\s[^<>]{0,200})?>\s{0,40}(?:<(?:code|b|pre|span|strong)(?:\s[^<>]{0,100})?>)?([^<>]*?)\s{0,40}(?:</\w{1,8}>)?\s{0,40}</t[dh]>",
    re.I,
)
HEAD_ENDS = patterns.lazy(rb"\s{0,80}</th>", re.I)
HTML_ROW = patterns.lazy(rb"<tr(?:\s[^<>]{0,200})?>(.{0,8192}?)</tr>", re.I | re.S)
HTML_NEXT = patterns.lazy(rb"\s{0,40}(?:</?t(?:head|body)[^<>]{0,200}>\s{0,40}){0,2}" + HTML_ROW.pattern, re.I | re.S)


def is_shortened(text: bytes) -> bool:
    """Whether *text* is what a console left of a cell, and no mask."""
    return SHORTENED.fullmatch(text) is not None


def cells(buffer: bytes, key_at: int, at: int) -> list[Span]:
    """The cells below the name at *key_at*, which a mark follows that ends *at*; none if it stands in no line of names."""
    low = max(0, key_at - WIDEST)
    start = buffer.rfind(b"\n", low, key_at) + 1
    if HEAD_ENDS.match(buffer, at - 1):
        return html(buffer, key_at, at)
    if start == 0 and low:
        return []
    end = buffer.find(b"\n", at - 1, start + WIDEST)
    if end < 0 or end + 1 >= len(buffer):
        return []
    found = named(buffer, start, start, end, key_at)
    is_whole = found or is_named(LAYOUTS[0], buffer[start:end])  # a line of names is none from its second name on
    for begins in [] if is_whole else list(BEGINS.finditer(buffer, max(start, key_at - 256), key_at))[-12:]:
        if found := named(buffer, start, begins.end(), end, key_at):
            break
    return found


def named(buffer: bytes, line_at: int, start: int, end: int, key_at: int) -> list[Span]:
    """The cells below the name at *key_at*, if there are names and nothing else from *start* to *end* of its line."""
    line = buffer[start : ended(buffer, line_at, end)].rstrip(b"\r")
    if buffer[start : start + 5].upper() == b"COPY " and (copied := COPY.match(buffer, start)) is not None:
        names = list(re.finditer(rb"[^,]+", copied[1]))
        place = next(
            (n for n, name in enumerate(names) if copied.start(1) + name.start() <= key_at < copied.start(1) + name.end()), -1
        )
        return below(buffer, copied.end(), LAYOUTS[1], len(names), place, b"", b"") if place >= 0 else []
    for layout in LAYOUTS:
        if not is_named(layout, line) and not (layout is LAYOUTS[0] and ONLY.fullmatch(line) and buffer[end + 1] in b"+|"):
            continue
        if layout is LAYOUTS[0] and PIPED.match(buffer, line_at, end) and not RULED.match(buffer, end + 1):
            return []
        found = layout.cells(buffer, start, start + len(line))
        place = next((number for number, (first, last) in enumerate(found) if first <= key_at < last), -1)
        count = len(found)
        if layout is LAYOUTS[0] and is_row(buffer, line_at, count, end + 1):
            return []
        if line.startswith(b"#fields\t"):
            place, count = place - 1, count - 1
        first = buffer[slice(*found[0])].strip(QUOTES)
        return below(buffer, end + 1, layout, count, place, buffer[line_at:start], first) if place >= 0 else []
    return aligned(buffer, start, line, key_at, end + 1) if b"  " in line else []


def is_row(buffer: bytes, at: int, count: int, after: int) -> bool:
    """Whether the barred line *at* of *count* cells is no line of names: such a line, or one that divides, stands before it."""
    before = buffer.rfind(b"\n", max(0, at - WIDEST), max(0, at - 1)) + 1
    if not before or not buffer[before:at].strip() or RULED.match(buffer, after):
        return False
    return RULED.match(buffer, before, at - 1) is not None or len(LAYOUTS[0].cells(buffer, before, at - 1)) == count


def is_named(layout: Layout, line: bytes) -> bool:
    """Whether *line* is one of names, in that *layout*."""
    first = layout.between.search(line)
    if first is None or ((name := line[: first.start()].strip(QUOTES)) and NAME.fullmatch(name) is None):
        return False
    names = layout.between.split(line, MOST_NAMES)
    if layout is LAYOUTS[0] and len(names) > 2:
        names = names[not names[0].strip() : len(names) - (not names[-1].strip())]
        if len(names) == 2 and VALUE.fullmatch(names[1].strip()):
            return False
    if layout is LAYOUTS[3] and any(name.strip().count(b" ") >= WORDS_IN_NAME for name in names):
        return False  # a sentence
    return len(names) > 1 and all(NAME.fullmatch(name.strip(QUOTES)) for name in names)


def ended(buffer: bytes, at: int, end: int) -> int:
    """Where the text ends of the line from *at* to *end*, which a container's runtime may have written as JSON."""
    stop = buffer.find(LOGGED_END, at, end) if buffer.startswith(LOGGED, at) else -1
    return end if stop < 0 else stop


def behind(buffer: bytes, at: int, prefix: bytes) -> int:
    """Where the line *at* begins behind a *prefix*, which it has with other digits, or has not."""
    return at + len(prefix) if prefix and alike(buffer[at : at + len(prefix)], prefix) else at


def below(buffer: bytes, at: int, layout: Layout, count: int, place: int, prefix: bytes, name: bytes) -> list[Span]:
    """The cells in *place* of the rows from *at* on that have *count* of them, each behind a *prefix* if it has one.

    Of another table are the line of names that a line below divides from its rows, and one that begins with the same *name*.
    """
    at = after_rule(buffer, at, prefix)
    is_barred = layout is LAYOUTS[0]
    found: list[Span] = []
    words: list[Span] = []
    stop = min(len(buffer), at + 16 * LONGEST)
    for _ in range(MOST_ROWS):
        end = buffer.find(b"\n", at, stop)
        if end < 0 or end == at:
            break
        begins, stops = behind(buffer, at, prefix), ended(buffer, at, end)
        if not is_barred and MEMBER.match(buffer, begins, stops):
            break
        row = layout.cells(buffer, begins, stops)
        if prefix and len(row) > count and (outer := OUTER.search(buffer, begins, stops)) is not None:
            row, stop = layout.cells(buffer, begins, outer.start()), end  # the last one of a table in a string
        if len(row) != count:
            if not (is_barred and RULED.match(buffer, begins, stops)) or OVER.match(buffer, begins):
                break
        elif (name and buffer[slice(*row[0])].strip(QUOTES) == name) or (
            is_barred and HEADED.match(buffer, behind(buffer, end + 1, prefix))
        ):
            break
        else:
            first, last = trimmed(buffer, *row[place])
            is_spaced = not is_barred and b" " in buffer[first:last] and buffer[first - 1] not in b"\x22'"
            if is_spaced and NUMBER.fullmatch(buffer, first, last) is None:
                break  # a sentence with as many commas
            if first < last:
                tells = is_barred or TELLING.match(buffer, first, last) or wordless(buffer[first:last])
                (found if tells else words).append((first, last))
        at = end + 1
    return sorted(found + words) if found else []  # what may be a word is none where another cell tells


def after_rule(buffer: bytes, at: int, prefix: bytes = b"") -> int:
    """Where rows begin behind the lines *at* that divide them from their names, and those that tell types."""
    for _ in range(5):
        end = buffer.find(b"\n", at, at + WIDEST)
        row, stops = behind(buffer, at, prefix), ended(buffer, at, end)
        if end < 0 or end == at or not (RULED.match(buffer, row, stops) or TYPED.fullmatch(buffer, row, stops)):
            break
        at = end + 1
    return at


def aligned(buffer: bytes, start: int, line: bytes, key_at: int, at: int) -> list[Span]:
    """The cells that begin or end where the name does, in columns of spaces."""
    names = list(islice(SPACED.finditer(line), MOST_NAMES))
    if len(names) < 2 or not all(SPACED_NAME.fullmatch(name[0]) for name in names):
        return []
    head = next((name for name in names if start + name.start() <= key_at < start + name.end()), None)
    found: list[Span] = []
    at = after_rule(buffer, at)
    while head is not None and len(found) < MOST_ROWS:
        end = buffer.find(b"\n", at, at + WIDEST)
        if end < 0 or end == at:
            break
        row = buffer[at:end].rstrip(b"\r")
        there = list(islice(SPACED.finditer(row), MOST_NAMES))
        cell = next((one for one in there if one.start() == head.start() or one.end() == head.end()), None)
        if cell is None or len(there) < len(names):
            break
        if b" " not in cell[0] and TELLING.match(cell[0]):
            found.append((at + cell.start(), at + cell.end()))
        at = end + 1
    return found


def html(buffer: bytes, key_at: int, at: int) -> list[Span]:
    """The cells of a table of HTML below the name at *key_at*."""
    low = max(0, key_at - WIDEST)
    before = buffer[low:key_at].lower()
    row = before.rfind(b"<tr")
    head = low + (before.rfind(b"<thead") if row < 0 else row)
    if head < low:
        return []
    place = len(re.findall(rb"<t[dh][\s>]", buffer[head:key_at], re.I)) - 1
    found: list[Span] = []
    over = buffer[at : at + WIDEST].lower().find(b"</tr>")
    begun = HTML_NEXT.match(buffer, at + over + 5, at + over + LONGEST) if over >= 0 else None
    while begun is not None and len(found) < MOST_ROWS:
        cell = next(islice(HTML_CELL.finditer(buffer, *begun.span(1)), place, None), None)
        if cell is not None and cell[0][:3].lower() == b"<th":
            break  # another table's names
        if cell is not None and cell[1]:
            found.append(cell.span(1))
        begun = HTML_NEXT.match(buffer, begun.end())
    return found


def trimmed(buffer: bytes, start: int, end: int) -> Span:
    """The cell without spaces and quotes around it."""
    text = buffer[start:end]
    kept = text.lstrip(b" \t\x22'`")
    start += len(text) - len(kept)
    outer = OUTER.search(kept)
    kept = kept[: outer.start()] if outer else kept
    return start, start + len(kept.rstrip(b" \t\r\x22'`").removesuffix(CUT))
