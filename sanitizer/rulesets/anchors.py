"""From a rule's pattern to what Vectorscan looks for: fixed-width pieces that every match begins with.

A pattern of variable width makes Vectorscan track where a match started, at more than half of its speed. So it is
given *anchors* only: the sequence of character sets with which the pattern must begin, whose start is their end less their
width. The exact extent is read off at the hit by the rule's own pattern. As the anchor is derived from the pattern itself,
the two cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, product
from typing import Any

try:  # Python 3.11 made sre_parse private; it is the one parser that agrees with `re` by definition
    from re import _constants as sre  # type: ignore[attr-defined]  # private since 3.11
    from re import _parser as parser  # type: ignore[attr-defined]  # private since 3.11
except ImportError:  # pragma: no cover
    raise ImportError("this Python hides its regular expression parser; 3.11 to 3.14 are known to work") from None

WIDEST = 40
"""Longest anchor, in bytes: more would only cost."""

CHOICES = 3
"""A repetition that may be so much longer than its least is spelled out in all its lengths."""

LEAST = 2
"""Shortest anchor, in bytes."""

MOST_BRANCHES = 192
"""Most anchors for one pattern; a pattern that branches more is cut before the branch."""

RUN = 14
"""So many letters and digits in a row are a run: longer than nearly every word (see `sanitizer.detection.runs`)."""

ALL = frozenset(range(256))
LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
DIGIT = frozenset(b"0123456789")
SPACE = frozenset(b" \t\n\r\f\v")
CATEGORIES = {
    sre.CATEGORY_DIGIT: DIGIT,
    sre.CATEGORY_NOT_DIGIT: ALL - DIGIT,
    sre.CATEGORY_SPACE: SPACE,
    sre.CATEGORY_NOT_SPACE: ALL - SPACE,
    sre.CATEGORY_WORD: WORD,
    sre.CATEGORY_NOT_WORD: ALL - WORD,
}

CharSet = frozenset[int]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A Vectorscan expression; a match of the rule starts `width` bytes before the end that is reported.

    `in_run`: it holds a run and hardly a literal, so it is cheaper looked for in runs alone.
    """

    expression: bytes
    width: int
    in_run: bool = False


class Undecidable(ValueError):
    """Raised when a pattern does not begin with a piece of fixed width."""


def derive(pattern: bytes) -> list[Anchor]:
    """The anchors of *pattern*: every match of it begins with one of them.

    Raises `Undecidable` if the pattern can begin with fewer than two known bytes, `re.error` if it does not compile.
    """
    tree = parser.parse(pattern)
    boundary, before, items = leading(list(tree))
    sequences = [sequence for sequence, _ in expand(items, tree.state.flags)]
    if not sequences or min(map(len, sequences)) < LEAST:
        raise Undecidable("it begins with a piece of unknown width: give the rule an `anchor`")
    short = sorted({sequence[:WIDEST] for sequence in sequences}, key=len)
    kept: list[tuple[CharSet, ...]] = []
    for sequence in short:
        if not any(sequence[: len(other)] == other for other in kept):
            kept.append(sequence)
    return [emit(sequence, boundary, before) for sequence in kept]


def first(pattern: bytes) -> bytes:
    """The set of bytes that a match of *pattern* can begin with, as an expression. Raises `Undecidable`."""
    tree = parser.parse(pattern)
    _, _, items = leading(list(tree))
    sequences = [sequence for sequence, _ in expand(items, tree.state.flags)]
    if not sequences or not all(sequences):
        raise Undecidable("what it begins with is not known: begin it with a character or a set of them")
    return spell(frozenset(code for sequence in sequences for code in sequence[0]))


@cache
def has_one_length(pattern: str) -> bool:
    """Whether all that *pattern* matches is as long."""
    least, most = parser.parse(pattern.encode()).getwidth()
    return bool(least == most)


def leading(items: list[Any]) -> tuple[bool, CharSet | None, list[Any]]:
    """Take the assertions off the front: (begins at a word boundary, what must not stand before, the rest)."""
    boundary, before = False, None
    while items:
        op, value = items[0]
        if op is sre.AT and value is sre.AT_BOUNDARY:
            boundary = True
        elif op is sre.ASSERT_NOT and value[0] < 0 and len(value[1]) == 1:
            found = charset(value[1][0], 0)
            before = found if found is not None else before
        elif op not in (sre.ASSERT, sre.ASSERT_NOT, sre.AT):
            break
        items = items[1:]
    return boundary, before, items


def expand(items: list[Any], flags: int) -> Iterator[tuple[tuple[CharSet, ...], bool]]:
    """Every sequence of character sets with which *items* can begin, and whether the sequence is the whole of it."""
    sequences: list[tuple[tuple[CharSet, ...], bool]] = [((), True)]
    for item in items:
        heads = list(step(item, flags))
        if len(sequences) * len(heads) > MOST_BRANCHES:
            sequences = [(sequence, False) for sequence, _ in sequences]
            break
        sequences = [
            (sequence + more, whole_more) if whole and len(sequence) < WIDEST else (sequence, False)
            for sequence, whole in sequences
            for more, whole_more in (heads if whole and len(sequence) < WIDEST else [((), False)])
        ]
        if not any(whole for _, whole in sequences):
            break
    yield from sequences


def step(item: Any, flags: int) -> Iterator[tuple[tuple[CharSet, ...], bool]]:  # noqa: PLR0912 - one branch a node of the syntax
    op, value = item
    one = charset(item, flags)
    if one is not None:
        yield (one,), True
    elif op is sre.SUBPATTERN:
        _, add, remove, inner = value
        yield from expand(list(inner), (flags | add) & ~remove)
    elif op is sre.BRANCH:
        for branch in value[1]:
            yield from expand(list(branch), flags)
    elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        least, most, inner = value
        units = list(expand(list(inner), flags))
        if len(units) == 1 and units[0][1] and (least == most or int(most) - least > CHOICES):
            yield units[0][0] * least, least == most
        elif least == most == 1:
            yield from units
        elif int(most) - least <= CHOICES and len(units) ** int(most) <= MOST_BRANCHES and all(whole for _, whole in units):
            for count in range(least, int(most) + 1):
                for sequence in product([sequence for sequence, _ in units], repeat=count):
                    yield tuple(chain.from_iterable(sequence)), True
        elif least:
            yield from ((sequence, False) for sequence, _ in units)
        else:
            yield (), False
    elif op is sre.ATOMIC_GROUP:
        yield from expand(list(value), flags)
    elif op in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
        yield (), True  # what it demands is left to the pattern itself
    else:
        yield (), False


def charset(item: Any, flags: int) -> CharSet | None:
    """The bytes that a one-byte item stands for, or None if it is no such item."""
    op, value = item
    found: set[int] = set()
    if op is sre.LITERAL:
        found = {value}
    elif op is sre.NOT_LITERAL:
        found = set(ALL - {value})
    elif op is sre.ANY:
        found = set(ALL - {10})
    elif op is sre.IN:
        for kind, content in value:
            if kind is sre.LITERAL:
                found.add(content)
            elif kind is sre.RANGE:
                found.update(range(content[0], content[1] + 1))
            elif kind is sre.CATEGORY:
                found |= CATEGORIES[content]
        if flags & re.IGNORECASE:
            found = swapped(found)
        return frozenset(ALL - found) if value[0][0] is sre.NEGATE else frozenset(found)
    else:
        return None
    return frozenset(swapped(found) if flags & re.IGNORECASE else found)


def swapped(chars: set[int]) -> set[int]:
    return chars | set(bytes(chars).swapcase())


def emit(sequence: tuple[CharSet, ...], boundary: bool, before: CharSet | None) -> Anchor:
    """Write *sequence* as a Vectorscan expression. The scanned buffer begins with a line feed, so one byte always stands before."""
    head = b"\\b" if boundary else spell(ALL - before) if before else b""
    body, position = [], 0
    while position < len(sequence):
        run = position
        while run < len(sequence) and sequence[run] == sequence[position]:
            run += 1
        count = run - position
        body.append(spell(sequence[position]) + (b"{%d}" % count if count > 1 else b""))
        position = run
    in_run = longest(sequence, LETTERS.issuperset) >= RUN and longest(sequence, is_literal) < LITERAL
    return Anchor(head + b"".join(body), len(sequence), in_run)


LITERAL = 3
"""A literal of so many bytes is found faster than a run is."""


def is_literal(chars: CharSet) -> bool:
    """Whether *chars* are one character, in one case or both."""
    return len({bytes((char,)).lower() for char in chars}) == 1


def longest(sequence: tuple[CharSet, ...], holds: Callable[[CharSet], bool]) -> int:
    """The most neighbours in *sequence* for which *holds* is true."""
    most = count = 0
    for chars in sequence:
        count = count + 1 if holds(chars) else 0
        most = max(most, count)
    return most


def spell(chars: CharSet) -> bytes:
    if len(chars) == 256:
        return b"[\\x00-\\xff]"
    if len(chars) == 1:
        return b"\\x%02x" % next(iter(chars))
    ordered, ranges = sorted(chars), []
    start = previous = ordered[0]
    for char in [*ordered[1:], 999]:
        if char != previous + 1:
            ranges.append((start, previous))
            start = char
        previous = char
    return b"[" + b"".join(b"\\x%02x" % a if a == b else b"\\x%02x-\\x%02x" % (a, b) for a, b in ranges) + b"]"
