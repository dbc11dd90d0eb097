"""Which lines of a chunk are worth a look: the others are records as they stand."""

from __future__ import annotations

import re

from sanitizer.multiline import FRESH
from sanitizer.wraps import follows

SPECIAL = re.compile(
    # what goes on with nothing before it: a line in a wrapper, the head of a Rich row or of pretty JSON
    rb"\n(?:(\{(?:\r?(?=\n|\Z)|[ \t\r\f\v]*\"log\")|"
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d) std(?:out|err) |"
    rb"\[(?:[^\[\]\n]{5,32}\] [A-Z]|\r?(?=\n|\Z)))|"
    # what may go on with the line before it
    rb"[ \t}\])]|--|\.\.\. |[+|] |\xe2\x95\xad|__CURSOR=|\x1b\[|"
    rb"Traceback |Exception |Uncaught |Unhandled |Caused by: |Suppressed: |Wrapped by: |panic: |goroutine |fatal error: |thread '|"
    rb"[A-Za-z0-9+/]{40}[A-Za-z0-9+/]*+={0,2}\r?(?=\n|\Z)|"
    rb"[A-Za-z_$.][\w$.]*+(?=[:\r\n]| \[|\Z)"
    rb"(?:(?<=Exception|Interrupt|Throwable)|(?<=Failure|Warning)|(?<=Error|Fault|Group)|(?<=Exit))"
    rb"(?: \[[\w-]+\])?(?::|\r?(?=\n|\Z))|"
    # any other that does not look like a fresh record, nor is blank
    rb"([^{\[<(\n])(?<=(?!" + FRESH.pattern + rb")[\s\S]))"
)
"""The start of a line that may not be a record by itself."""

ALONE, STALE = 1, 2
"""The groups of `SPECIAL`: nothing before goes on in it; it goes on with the line before if that looks broken."""

JOURNALD, KEY, COLOUR = b'"__REALTIME_TIMESTAMP"', b"-----BEGIN ", b"\x1b"
"""What makes a line special wherever it stands in it."""


def marks(lines: list[bytes], block: bytes) -> list[int]:
    """Sorted indexes of the *lines* of *block* to look at; the first and the last, which have a neighbour elsewhere, always.

    A line that may go on with the one before it is there with that.
    """
    found = [0, len(lines) - 1]
    line, start = 0, 0
    for special in SPECIAL.finditer(b"\n" + block):
        upto = special.start()
        while start < upto:
            start += len(lines[line]) + 1
            line += 1
        kind = special.lastindex
        if kind == ALONE:
            found.append(line)
        elif kind != STALE or follows(lines[line - 1], lines[line]):
            found += (line - 1, line)
    if JOURNALD in block:
        found += [at for at, line in enumerate(lines) if JOURNALD in line]
    if KEY in block:
        found += [at for at, line in enumerate(lines) if KEY in line]
    if COLOUR in block:
        # colours hide how wide a line is, and what it begins with
        found += [near for at, line in enumerate(lines) if COLOUR in line for near in (at - 1, at, at + 1)]
    return sorted({*found} - {-1, len(lines)})
