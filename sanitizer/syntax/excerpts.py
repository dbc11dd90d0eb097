"""Lines of a program's source, as traces show them: a name there is given what the program computes, not what it is.

A frame of Python is one line that says where, and one of source; others number the lines and put a bar behind the number.
"""

from __future__ import annotations

from sanitizer import patterns

REACH = 512
"""Bytes before a value in which its line and the one before it begin."""

FRAME = patterns.lazy(rb"File \\*\x22[^\x22\\\n]{1,300}\\*\x22, line \d{1,7}(?:, in [^\n\\]{1,100})?\Z")
NUMBERED = patterns.lazy(rb"[^\w\n]{0,24}\d{1,6}[ \t]?(?:\||\xe2\x94\x82)")

EXPRESSION = patterns.lazy(rb"[A-Za-z_$@(\[{](?:[A-Za-z_$@.()\[\]{}|:>-]|\[-?\d{0,3}:?-?\d{0,3}\])*,?")
"""What is computed: names, signs between them, a piece of a list. What has other digits or signs may be what it says."""

RAW = patterns.lazy(rb"[ (,\[={:]r[\x22']\Z")
"""Before a literal of Python in which a backslash is one."""
MATCHES = patterns.lazy(rb"\\[A-Za-z.()\[\]{}+*?|\\/^$-]|\(\?|\[[^\]\s]{2,64}\]|\.[*+]|[)\]][*+?]")
"""What patterns are made of: a class, a group, an escape, a repetition."""

COMPUTED = frozenset(b".([{")


def is_source(buffer: bytes, start: int, text: bytes) -> bool:
    """Whether *text* at *start* is a regular expression in source, or an expression in a line of it that a trace shows."""
    if buffer[start - 1] in b"\x22'`":
        return RAW.match(buffer, max(0, start - 3), start) is not None and MATCHES.search(text) is not None
    return is_expression(buffer, start, text)


def is_expression(buffer: bytes, start: int, text: bytes) -> bool:
    """Whether *text*, without quotes at *start*, is an expression in a line of source."""
    if EXPRESSION.fullmatch(text) is None:
        return False
    before = buffer[max(0, start - REACH) : start]
    above, _, line = before.rpartition(b"\n")
    if b"\\n" in line:
        above, _, line = line.rpartition(b"\\n")  # a trace in a string of JSON
    if line.count(b'"') % 2 or line.count(b"'") % 2:
        return False  # within a literal
    if FRAME.search(above.removesuffix(b"\r").removesuffix(b"\\r").rstrip(b"\\")):
        return True
    return line.endswith(b"= ") and NUMBERED.match(line) is not None and not COMPUTED.isdisjoint(text)
