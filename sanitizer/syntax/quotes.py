"""Values in quotes: one string, several that a program puts together, and one that nothing closes."""

from __future__ import annotations

import re

from sanitizer import patterns
from sanitizer.syntax.continuations import literal
from sanitizer.syntax.nested import LONGEST, Span, line_end
from sanitizer.text.masks import WALL

QUOTED = {
    0x22: patterns.lazy(rb'"((?:[^"\\\n]|\\.|""(?![}\]\r\n\x27\\]|,[ ]?"))*+)"', re.S),
    0x27: patterns.lazy(rb"'((?:[^'\\\n]|\\.|''(?![}\]\r\n\x22\\]|,[ ]?'))*+)'", re.S),
    0x60: patterns.lazy(rb"`([^`\n]*?)(?:`|'(?=[^`\n]{0,512}\n))"),
}
"""A quote twice is one within the value (CSV, SQL), unless a list or an object ends behind it: then an outer string does, too.

What a backtick opens, the next one closes, or a straight quote where there is none.
"""

SHELL = patterns.lazy(rb"'\\{1,32}''|'\"'\"'")
"""A quote within a string of a shell, which ends for it and begins again."""

QUOTES = patterns.lazy(rb"\\*[\x22'`]")
ESCAPED_QUOTE = patterns.lazy(rb"\\+[\x22'`]")
PLUS = patterns.lazy(
    rb"(?:[ \t]*(?:(?:[+&~]|\.\.?|\|\||<>)[ \t]*(?:\r?\n[ \t]*)?|\\[ \t]*\r?\n[ \t]*)|[ \t]*\r?\n[ \t]+[+&.][ \t]*)(?=[\x22'])"
)
"""What joins strings that a program puts together. A backslash does at the end of a line alone: before a quote it is an escape."""

GLUED = patterns.lazy(rb"(?P<quote>[\x22'])[A-Za-z0-9][^\s\x22'`]{0,255}(?=(?P=quote)(?:[\s,;)\]}>]|$))")
"""What goes on right behind the quote that ends a string, to another such quote: its value has a quote in it."""

SHORTENED = patterns.lazy(
    rb"[^\x22'\n]{0,256}?\xe2\x80\xa6(?=[\x22']|[ \t]*(?:\xe2\x94\x82|[\r\n\])}]|$)|[ ]?[A-Za-z_]\w{0,60} = )"
)
"""A string of which a console shows no more, at the end of its line or before the next name."""

ELIDED = patterns.lazy(rb"[\x22']: (?=[\x22'])")
"""Behind a string that was cut in its middle and holds the next key, too: `{'password': 'hunt...rt': 'x'}`."""

PARTED = patterns.lazy(rb"[ \t]*\r?\n[ \t]+[bfruBFRU]?(?=[\x22'])")
"""What stands between the strings of one value in parentheses."""

FURTHER = {
    quote: patterns.lazy(rb"(?:\r?\n[ \t]+[^\s\x22'`\\]{8,512}){1,64}(?=%c[ \t]*[,;)\]}]*[ \t]*\r?\n)" % quote)
    for quote in b"\x22'"
}
"""Lines of one word each, the last of them closed by the quote that a line before them opened."""

WORD = patterns.lazy(rb"\S+")
KEY_ENDS = patterns.lazy(rb"[ \t]*:(?!:)")
MOST_PARTS = 64
"""Strings that are one value."""

CALLED = patterns.lazy(rb"`(?:cat [/.~$]|(?:go)?pass show |aws |gcloud |vault |kubectl |op read |openssl rand )[^`\n]{1,190}`")
"""A command of a shell, whose output is the value."""

STRING_ENDS = patterns.lazy(rb"(?<!\\)\x22[ \t]*[,}\]]")
"""Where a string of JSON ends, and what follows it."""

APART = patterns.lazy(rb"[;,)\]}+&|][^\n]{0,200} [^\n]{0,40}(?<=[ (\[+=])")
"""What stands between two strings: `"Password:"; send "..."`."""

BEFORE = 4096
"""Bytes before a value that are looked at for the object it stands in."""


def concatenated(buffer: bytes, at: int, between: re.Pattern[bytes] = PLUS) -> list[Span]:
    """The further strings of a value in quotes that ends *at*, put together over lines: by an operator, or within parentheses."""
    found: list[Span] = []
    while len(found) < MOST_PARTS and (joint := between.match(buffer, at + 1)) is not None:
        part = QUOTED[buffer[joint.end()]].match(buffer, joint.end(), joint.end() + LONGEST)
        if part is None or KEY_ENDS.match(buffer, part.end()):
            break
        found += nonempty(*part.span(1))
        at = part.end(1)
    return found


def quoted(buffer: bytes, start: int) -> list[Span]:
    """The value in the quotes that open at *start*."""
    code, first = buffer[start], buffer[start : start + 1]
    # Where the line ends is asked only where it matters: at every key of a long line it would cost the square of its length.
    if code == 0x60 and CALLED.match(buffer, start):
        return []
    shell = SHELL.match(buffer, start) if code == 0x27 else None
    if shell and (end := buffer.find(shell[0], shell.end(), line_end(buffer, start, start + LONGEST))) > 0:
        return nonempty(shell.end(), end)
    if buffer.startswith(first * 3, start):
        stop = line_end(buffer, start, start + LONGEST)
        if not buffer[start + 3 : stop].strip():
            return literal(buffer, stop, first * 3)
        end = buffer.find(first * 3, start + 3, stop)
        return nonempty(start + 3, end) if end >= 0 else [*nonempty(start + 3, stop), *literal(buffer, stop, first * 3)]
    found = QUOTED[code].match(buffer, start, start + LONGEST)
    if found is None and buffer[start + 1 : start + 2] in b"),;]}\r\n":
        return []  # it closes a string
    if found is not None:
        if APART.fullmatch(found[1]):
            return []
        shown = SHORTENED.match(buffer, start + 1, found.end(1))
        return nonempty(start + 1, shown.end()) if shown and shown.end() < found.end(1) else whole(buffer, *found.span(1))
    end = line_end(buffer, start, start + LONGEST)
    stop = unclosed(buffer, start + 1, end if code == 0x22 else enclosed(buffer, start, end))
    return [*nonempty(start + 1, stop), *(further(buffer, end, code) if stop == end else ())]


def further(buffer: bytes, at: int, code: int) -> list[Span]:
    """The words on the lines after *at* that go on with a value in quotes, to the one that these close behind."""
    lines = FURTHER[code].match(buffer, at, at + LONGEST) if code in FURTHER else None
    return [word.span() for word in WORD.finditer(buffer, *lines.span())] if lines else []


def whole(buffer: bytes, start: int, end: int) -> list[Span]:
    """The value whose quotes open before *start* and close at *end*, with what a quote within it has cut off."""
    if buffer.startswith((b"'\\''", b"'\"'"), end):
        stop = line_end(buffer, start, start + LONGEST)
        while (shell := SHELL.match(buffer, end)) is not None and (closed := buffer.find(b"'", shell.end(), stop)) > 0:
            end = closed
    elif (glued := GLUED.match(buffer, end)) is not None:
        end = glued.end()
    spans = nonempty(start, end)
    if buffer.find(b"...", start, end) > 0 and (elided := ELIDED.match(buffer, end)) is not None:
        spans += quoted(buffer, elided.end())
    return spans


def unclosed(buffer: bytes, start: int, end: int) -> int:
    """Where a value at *start* ends that nothing closes before *end*: with its mask, shortened, or before the blanks there."""
    found = WALL.match(buffer, start, end) or SHORTENED.match(buffer, start, end)
    return found.end() if found else start + len(buffer[start:end].rstrip(b" \t\r"))


def enclosed(buffer: bytes, start: int, end: int) -> int:
    """Where a value ends whose quote at *start* nothing closes before *end*: with the string of JSON that it stands in, if any."""
    if buffer.find(b'{"', max(buffer.rfind(b"\n", 0, start), start - BEFORE, 0), start) < 0:
        return end
    found = STRING_ENDS.search(buffer, start + 1, end)
    return found.start() if found else end


def closing(buffer: bytes, start: int, quote: bytes) -> int:
    """The end of a value that *quote* (an escaped quote, such as `\\"`) opened.

    It is the next such quote that is escaped no deeper: one escaped less ends the string that all of this stands in. Else it is the
    line's end.
    """
    stop = line_end(buffer, start, start + LONGEST)
    for found in QUOTES.finditer(buffer, start, stop):
        text = found[0]
        if text == quote:
            return found.start()
        if len(text) < len(quote) and text[-1:] in (quote[-1:], b'"'):
            stop = found.start()
            break
    return unclosed(buffer, start, stop)


def nonempty(start: int, end: int) -> list[Span]:
    return [(start, end)] if start < end else []

def unquoted(buffer: bytes, start: int, end: int) -> Span:
    """A value without quotes of its own, in which Python writes that of a variable: `"password": "'hunter2'"`."""
    is_quoted = end - start > 2 and buffer[start] in b"\x22'" and buffer[start] == buffer[end - 1]
    return (start + 1, end - 1) if is_quoted else (start, end)
