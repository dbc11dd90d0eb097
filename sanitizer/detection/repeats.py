"""Further copies of a value in its line or record: what a key's name says of one is true of all.

A program logs `token = 'x' | 'x'`, or a traceback in which `login(password='x')` is followed by `ValueError: x is no password`.
The copy that stands under no name of a secret is the same secret.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from sanitizer import patterns
from sanitizer.disguises.decoding import Span
from sanitizer.finding import Finding, merged
from sanitizer.rulesets.ruleset import Rule

LEAST = 8
"""A value of fewer bytes may stand elsewhere for a good reason."""

REACH = 2048
"""Bytes on either side of a value that are looked at: lines may be long, and their values many."""

WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")

HEAD = b"Traceback (most recent call last):"
TRACEBACK = patterns.lazy(
    rb"\n[^\n]*\n(?:(?:[A-Z][^\n]{20,90}:\r?\n\r?\n)?[ ]*" + re.escape(HEAD) + rb"\r?\n(?:[ \t][^\n]*\n)+[^\n]*"
    rb"(?:\n\r?(?=\n)\n?)?)+"
)
"""The line before a traceback of Python, the traceback, and those that it led to."""


class Repeats:
    """Knows which rules go by a name or by what stands before, and would miss a copy that stands alone."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.named = frozenset(
            number
            for number, rule in enumerate(rules)
            if rule.fields or rule.keywords or rule.lead or "(?P<secret>" in (rule.pattern or "")
        )

    def add(self, buffer: bytes, found: list[Finding], records: Sequence[Span] = ()) -> list[Finding]:
        """*found*, with the copies of its named values; *buffer* begins and ends with a line feed.

        *records* are those of several lines, in order: a copy may stand on any of them.
        """
        named = self.named
        copies: list[Finding] = []
        sought: dict[bytes, int] = {}
        line = line_end = 0
        for start, end, rule in found:
            if rule not in named or end - start < LEAST or end - start > REACH:
                continue
            if end > line_end:
                line, line_end = buffer.rfind(b"\n", 0, start + 1) + 1, buffer.find(b"\n", end)
                number = bisect_right(records, (start, len(buffer))) - 1
                if number >= 0 and start < records[number][1]:
                    line, line_end = records[number]
            value = buffer[start:end]
            low, high = max(line, start - REACH), min(line_end, end + REACH)
            at = buffer.find(value, low, high)
            if (at == start and buffer.find(value, end, high) < 0) or start < sought.get(value, -1) or not telling(value):
                continue
            sought[value] = high
            while at >= 0:
                stop = at + len(value)
                if at != start and alone(buffer, at, stop):
                    copies.append((at, stop, rule))
                at = buffer.find(value, stop, high)
        return merged(found + copies) if copies else found


def tracebacks(buffer: bytes) -> list[Span]:
    """Where in *buffer*, whose lines are no records, those stand that are read together all the same."""
    return [found.span() for found in TRACEBACK.finditer(buffer)] if HEAD in buffer else []


def alone(buffer: bytes, start: int, end: int) -> bool:
    """Whether `buffer[start:end]` is no part of a longer word."""
    return not (buffer[start - 1] in WORD and buffer[start] in WORD) and not (buffer[end] in WORD and buffer[end - 1] in WORD)


@lru_cache(4096)
def telling(value: bytes) -> bool:
    """Whether *value* is no word, which may stand anywhere, and no number."""
    from sanitizer.text.words import wordlike  # noqa: PLC0415 - loaded with the first value that stands twice

    if value.isdigit() or b"\n" in value:
        return False
    return (not value.isalpha() and any(48 <= c <= 57 for c in value)) or not wordlike(value)
