"""Which lines of a chunk are worth a look: the others are records as they stand."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import accumulate, count
from operator import add

from sanitizer import patterns
from sanitizer.records.multiline import says_failure
from sanitizer.records.prefixes import BEGINNINGS as PREFIXES
from sanitizer.records.relays import NEEDLES as RELAYS
from sanitizer.records.wraps import FRESH_TIME, FRESH_WORD, follows

ALONE, ROUSED, ANY, STALE = range(4)
"""What a line may go on with: nothing, a line that says that something failed, any line, a line that looks broken."""

USUAL = rb"\{\"(?!log\")|\d\d{3}-\d\d-\d\d[T ][\d:]{8}(?:[.,]\d{1,6})?Z? (?!std)|(?:DEBUG|INFO|WARNING|ERROR)[ :]"
"""How most lines begin: none of them special."""
WHOLE = (
    rb"|\d\d{3}-\d\d-\d\dT[\d:.,Z+-]+ std(?:out|err) F(?::[^ \n]*)? \{.*\}(?=\n|\Z)"
    rb"|\{\"log\":\"\{[^\"\\\n]*+(?:\\[^\n][^\"\\\n]*+)*+(?<=\}\\n)\",\"stream\":\"[^\n\"\\]+\",\"time\":\"[^\n\"\\]+\"\}(?=\n|\Z)"
)
"""JSON objects of containers: records by themselves, special only for their wrappers' facts."""
NAME = (
    rb"[A-Za-z_$.][\w$.]*+(?<=[eginprt])(?=[:\r\n]| \[|\Z)(?:(?<=Exception|Interrupt|Throwable)|(?<=Failure|Warning)|"
    rb"(?<=Error|Fault|Group)|(?<=Exit))(?: \[[\w-]+\])?(?::|\r?(?=\n|\Z))"
)
"""An exception's, and what follows it."""
BEGINNINGS = (
    # in a wrapper
    (rb"\{(?:\"log\"|[ \t\r\f\v]+\"log\"|\r?(?=\n|\Z))", ALONE),
    (rb"\d\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d) std(?:out|err) ", ALONE),
    (rb"__CURSOR=", ANY),
    *[(prefix, ALONE) for prefix in PREFIXES],
    # Rich rows, pretty JSON, panics
    (rb"\[(?:[^\[\]\n]{5,32}\] [A-Z]|\d[^\[\]\n]{4,31}\] \S|\r?(?=\n|\Z))", ALONE),
    (rb"panic: ", ALONE),
    (rb"goroutine ", ALONE),
    (rb"fatal error: ", ROUSED),
    (rb"thread '", ROUSED),
    # indented lines, a run of them at once, and what closes a bracket
    (rb"[ \t}\])].*(?:\n[ \t}\])].*)*", ANY),
    (rb"\x1b\[", ANY),
    # exceptions and tracebacks
    (NAME, ROUSED),
    (rb"Traceback ", ROUSED),
    (rb"Exception ", ROUSED),
    (rb"Uncaught ", ROUSED),
    (rb"Unhandled ", ROUSED),
    (rb"[+|] ", ROUSED),
    (rb"\xe2\x95\xad", ROUSED),
    (rb"Caused by: ", ANY),
    (rb"Suppressed: ", ANY),
    (rb"Wrapped by: ", ANY),
    (rb"--", ANY),
    (rb"\.\.\. ", ANY),
    # key material
    (rb"[A-Za-z0-9+/][A-Za-z0-9+/]{39}[A-Za-z0-9+/]*+={0,2}\r?(?=\n|\Z)", ROUSED),
    # whatever does not look like a fresh record, nor is blank
    (rb"\d(?!" + FRESH_TIME + rb")", STALE),
    (rb"[^{\[<(\n\d](?<=(?!" + FRESH_WORD + rb")[\s\S])", STALE),
)
"""How a line begins that may not be a record by itself. Each begins with a byte or a set, so that `re` passes over it at a look."""

def _special(usual: bytes) -> re.Pattern[bytes]:
    return patterns.lazy(rb"\n(?!" + usual + rb")(?:" + b"|".join([pattern + b"()" for pattern, _ in BEGINNINGS]) + rb")")


SPECIAL, SPECIAL_UNTOLD = _special(USUAL), _special(USUAL + WHOLE)
KINDS = (ALONE, *[kind for _, kind in BEGINNINGS])
"""What each group of them says."""

COLOUR = b"\x1b"
HIDDEN = (b'"__REALTIME_TIMESTAMP"', b"-----BEGIN ", *RELAYS)
"""What makes a line special wherever it stands in it: of journald, a key, of another program."""


TOLD_APART = ("auto", "plain", "cri", "docker")
"""The kinds of wrapper (`sanitizer.records.wrappers.Wrapper`) that the look of a line tells."""


def is_open(line: bytes) -> bool:
    """Whether something may go on after *line*, which nothing betrays: not after a whole JSON object."""
    return line[:1] != b"{" or line[-1:] != b"}"


def is_certain(block: bytes) -> bool:
    """Whether no line of *block*, however indented, is more than that: coloured, a traceback's head, with an open brace."""
    return 0x1B not in block and block.find(b"Traceback (") < 0 and block.find(b" {") < 0


def marks(lines: list[bytes], block: bytes, told: bool = True) -> list[int]:
    """Sorted indexes of the *lines* of *block* to look at; the first and the last, which have a neighbour elsewhere, always.

    A line that may go on with the one before it is there with that. Unless a wrapper's facts are to be *told*, a JSON object in one
    needs no look.
    """
    found, last = [0], len(lines) - 1
    starts = list(map(add, accumulate(map(len, lines), initial=0), count()))
    for special in (SPECIAL if told else SPECIAL_UNTOLD).finditer(b"\n" + block):
        begun, end = special.span()
        line = bisect_left(starts, begun)
        kind, before = KINDS[special.lastindex or 0], lines[line - 1]
        if kind == STALE and not follows(before, lines[line]):
            continue
        if kind != ALONE and found[-1] < line - 1 and is_open(before) and (
            kind != ROUSED or says_failure(before) or follows(before, lines[line])
        ):
            found.append(line - 1)
        if found[-1] < line:
            found.append(line)
        if starts[line + 1] < end:
            found += range(line + 1, bisect_left(starts, end))
    if found[-1] < last:
        found.append(last)
    hidden = [at for needle in HIDDEN for at in holders(needle, block, starts)]
    if COLOUR in block:
        # colours hide how wide a line is, and what it begins with
        hidden += [near for at in holders(COLOUR, block, starts) for near in (at - 1, at, at + 1) if 0 <= near <= last]
    return sorted({*found, *hidden}) if hidden else found


def holders(needle: bytes, block: bytes, starts: list[int]) -> list[int]:
    """The lines of *block* that hold *needle*; *starts* says where each begins, and where one after the last would."""
    found: list[int] = []
    at = block.find(needle)
    while at >= 0:
        after = bisect_right(starts, at)
        found.append(after - 1)
        at = block.find(needle, starts[after])
    return found
