"""Parameters of SQL that stand apart from their statement: `SET password = $1 ... -- PARAMETERS: ["hunter2", 7]`."""

from __future__ import annotations

import re

from sanitizer import patterns
from sanitizer.syntax.nested import Span

REACH = 4096
"""Bytes on either side of a placeholder in which the statement begins and its parameters end."""

COST = 16
"""What a parameter costs that is looked for and not found, in hits (`sanitizer.syntax.leaves.Leaves.cost`)."""

PLACEHOLDER = patterns.lazy(
    rb"[ ]{0,3}(?:\$(?P<number>\d{1,3})(?!\w)|\?(?P<numbered>\d{1,3})?|%s|%(?P<named>\(\w{1,64}\))s|:(?P<colon>\d{1,3})(?!\w))"
)
ALONE = patterns.lazy(PLACEHOLDER.pattern + rb"(?=[\s,;)\x22'\\])")
ANY = patterns.lazy(rb"\$\d{1,3}|\?|%(?:\(\w{1,64}\))?s|:\d{1,3}(?!\w)")
STATEMENT = patterns.lazy(rb"\b(?:SELECT|INSERT|UPDATE|DELETE|MERGE|REPLACE|UPSERT|WITH|CALL|EXEC)\b(?!\\*[\x22'])", re.I)
_NAMED = (
    rb"\b(?:parameters|params|bindings?|binds|args|values|bind|arguments)\\*[\x22']?[ ]?[:=]?[ ]?"
    rb"(?:(?:array)?[\[({]|(?=\$1 = ))"
)
_ECHOED = rb"\[(?:generated in|cached since|no key|raw sql|dialect)[^\[\]\n]{0,60}\][ ][\[({]"
"""What SQLAlchemy says before it echoes the parameters of a statement."""

NAMED = patterns.lazy(_NAMED + rb"|" + _ECHOED, re.I)
LISTED = patterns.lazy(rb"[ ]parameters: (?=\$1 = )")
"""What PostgreSQL lists on a line of its own: below a statement that was executed, above one that failed."""

MEMBER_ABOVE = patterns.lazy(rb"\n[ \t]+[\x22']?(?:parameters|params|bindings|binds|values|args)[\x22']?:[ ]\[(?=[^\]]{0,2048}\])")
FAILED = patterns.lazy(rb"[^\n]{0,160}(?:\bSTATEMENT:|\[SQL:)[ ]")
"""How the line of a statement that failed begins."""

BINDING = patterns.lazy(
    rb"binding parameter (?:\[(?P<place>\d{1,3})\] as \[\w{1,40}\] - |\((?P<typed>\d{1,3}):\w{1,40}\) <- )"
    rb"\[(?P<text>[^\n]{0,1024}?)\](?=\r?\n|$)"
)
"""What Hibernate says of each parameter, a line each below the statement."""

SIGNS = (b"param", b"bind", b"args", b"values", b"arguments", b" [", b"] (", b"] {", b" {1: ", b"; ")
"""One of these is in whatever gives parameters: to say that it is not there costs a hundredth of looking for them."""

FEW_LINES = 4
PARAMETERS = patterns.lazy(
    rb"(?:" + _NAMED + rb"|[;)\w\x22'?][\]]?[ ](?=\[(?:[ ]?\\*[\x22'\w]|$)|\{1: )[\[{]|;[ ](?=\\*[\x22'\d]))",
    re.I,
)
ITEM = patterns.lazy(
    rb"\s*(?:\\*\x22?\d{1,3}\\*\x22?[ ]?(?::|=>)[ ]?|\$\d{1,3} = )?"
    rb"(?:[bBuUrN]?\\*\x22(?P<double>[^\x22\\\n]*)\\*\x22|[bBuUrN]?'(?P<single>(?:[^'\\\n]|\\.)*)'|(?P<plain>[^,\[\](){}\n]*))\s*(?P<after>,|[\])}\n]|$)"
)

ROWS, FOLLOWING, MOST_ROWS = patterns.lazy(rb"\s?[(\[](?=[^\n])"), patterns.lazy(rb"[)\]], ?[(\[](?=[\x22'\w])"), 256
"""What a list of lists begins with, and what stands between two of them: a statement that was executed with many rows."""

MEMBER = patterns.lazy(rb"\\*[\x22'][\w.\-]{1,64}\\*[\x22'][ ]?:")
"""A member of an object that has names, and so no places."""


def parameter(buffer: bytes, at: int) -> list[Span]:
    """The parameter for the placeholder *at*, which a column's name and `=` stand before; none if there is none."""
    marked = PLACEHOLDER.match(buffer, at)
    if marked is None:
        return []
    low = max(buffer.rfind(b"\n", max(0, at - REACH), at), at - REACH, 0)
    near = buffer[max(0, low - REACH) : at + REACH].lower()
    if not any(sign in near for sign in SIGNS):
        return []
    number = marked["number"] or marked["numbered"] or marked["colon"]
    begun = STATEMENT.search(buffer, low, at)
    start = begun.start() if begun else low
    place = int(number) - 1 if number else len(ANY.findall(buffer, start, at))
    if marked["named"]:  # what is given by a name that tells is found by that
        return listed(buffer, low, marked.end(), place) + member(buffer, marked.end(), marked["named"][1:-1])
    here = given(buffer, marked.end(), place) or earlier(buffer, low, start, place)
    return (
        here
        or listed(buffer, low, marked.end(), place)
        or beside(buffer, low, marked.end(), place)
        or told_below(buffer, marked.end(), place)
    )


def told_below(buffer: bytes, at: int, place: int) -> list[Span]:
    """What the lines below *at* say is bound in *place*: one after the other they tell of the places in their order."""
    for number, told in enumerate(BINDING.finditer(buffer, at, at + REACH)):
        if int(told["place"] or told["typed"]) != number + 1 or buffer.count(b"\n", at, told.start()) > number + FEW_LINES:
            break
        if number == place:
            return [told.span("text")] if told["text"] else []
    return []


def listed(buffer: bytes, low: int, at: int, place: int) -> list[Span]:
    """What PostgreSQL lists in *place* on one of the lines around a statement, from the end *low* of the line before it to *at*."""
    start, end = low, at
    for _ in range(FEW_LINES):
        start = max(buffer.rfind(b"\n", max(0, low - REACH), max(0, start)), low - REACH, 0)
        end = buffer.find(b"\n", end + 1, at + REACH) if 0 < end < len(buffer) else -1
    above, below = (start, max(low, 0)), (at, end if end > 0 else min(len(buffer), at + REACH))
    for first, last in (above, below) if FAILED.match(buffer, low + 1, at) else (below, above):
        *_, found = (None, *LISTED.finditer(buffer, first, last))[: None if last == above[1] else 2]
        if found is not None:
            stop = buffer.find(b"\n", found.end())
            return item(buffer, found.end(), stop if stop >= 0 else len(buffer), place)
    return []


def beside(buffer: bytes, low: int, at: int, place: int) -> list[Span]:
    """What is given in *place* by a member above the one that the statement is, of an object that is printed over lines."""
    if buffer[low : low + 1] != b"\n" or buffer[low + 1 : low + 2] not in (b" ", b"\t"):
        return []
    *_, above = (None, *MEMBER_ABOVE.finditer(buffer, max(0, low - REACH), low + 1))
    return item(buffer, above.end(), at, place) if above and buffer.count(b"\n", above.end(), low) < FEW_LINES else []


def earlier(buffer: bytes, low: int, start: int, place: int) -> list[Span]:
    """What is given in *place* of the parameters that stand before a statement at *start*, on its line, which begins at *low*."""
    *_, listed = (None, *NAMED.finditer(buffer, low, start))
    return item(buffer, listed.end(), start, place) if listed else []


def member(buffer: bytes, at: int, name: bytes) -> list[Span]:
    """What is given by its *name* in the parameters that follow *at*."""
    line, stop = two_lines(buffer, at)
    begins = NAMED.search(buffer, line, stop)
    named = begins and re.compile(rb"[{ ]'%b': (?=')" % re.escape(name)).search(buffer, begins.end() - 1, stop)
    return repeated(buffer, begins.start(), stop, _item(buffer, named.end(), stop, 0)) if begins and named else []


def two_lines(buffer: bytes, at: int) -> Span:
    """Where the line of *at* ends, and where the next one does."""
    line = buffer.find(b"\n", at)
    stop = buffer.find(b"\n", line + 1) if line >= 0 else len(buffer)
    stop = min(at + REACH, stop if stop >= 0 else len(buffer))
    return min(line, stop) if line >= 0 else stop, stop


def given(buffer: bytes, at: int, place: int) -> list[Span]:
    """What is given in *place* of the parameters that follow *at*."""
    line, stop = two_lines(buffer, at)
    opened = PARAMETERS.search(buffer, at, line)
    if opened is None and buffer[line + 1 : line + 2] != b"{":  # the next line says what it lists, and is no record of its own
        opened = NAMED.search(buffer, line, stop)
    if opened is None or (opened.start() >= line and STATEMENT.search(buffer, line, opened.start())):
        return []
    if buffer[opened.end() : opened.end() + 1] == b"\n":  # each on a line of its own
        stop = max(stop, buffer.find(b"]", opened.end(), opened.end() + REACH))
    return repeated(buffer, opened.start(), stop, item(buffer, opened.end(), stop, place))


def repeated(buffer: bytes, start: int, stop: int, spans: list[Span]) -> list[Span]:
    """*spans*, and the same once more if the next line says again what stands from *start* to *stop*: two handlers wrote it."""
    end = buffer.find(b"\n", stop + 1, stop + REACH) if spans else -1
    again = buffer.find(buffer[start:stop], stop, end) if end >= 0 else -1
    return spans + [(first + again - start, last + again - start) for first, last in spans] if again >= 0 else spans


def item(buffer: bytes, at: int, stop: int, place: int) -> list[Span]:
    """The item in *place* of a list whose first one begins *at*, or of each list there if it is one of lists."""
    found: list[Span] = []
    row = ROWS.match(buffer, at, stop)
    at = row.end() if row else at
    while spans := _item(buffer, at, stop, place):
        found += spans
        following = FOLLOWING.search(buffer, spans[0][1], stop) if row and len(found) < MOST_ROWS else None
        if following is None:
            break
        at = following.end()
    return found


def _item(buffer: bytes, at: int, stop: int, place: int) -> list[Span]:
    for number in range(place + 1):
        item = ITEM.match(buffer, at, stop)
        if item is None:
            return []
        if number == place:
            if item["plain"] is not None and MEMBER.match(item["plain"]):
                return []
            group = next(name for name in ("double", "single", "plain") if item[name] is not None)
            start, end = item.span(group)
            return [(start, end)] if start < end else []
        if item["after"] != b",":
            return []
        at = item.end()
    return []
