"""Which lines of a chunk are worth a look: the others are records as they stand."""

from __future__ import annotations

import re

from sanitizer.wraps import suspects

SPECIAL = re.compile(
    rb"\n(?:[ \t}\])]|\{\s*\"log\"|[{\[]\r?(?:\n|\Z)|\[[^\[\]\n]{5,32}\] [A-Z]|--|\.\.\. |\xe2\x95\xad|__CURSOR=|\x1b\[|"
    rb"Traceback |Exception |Uncaught |Unhandled |Caused by: |Suppressed: |Wrapped by: |panic: |goroutine |fatal error: |thread '|"
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d) std(?:out|err) |[A-Za-z0-9+/]{40,}={0,2}\r?(?:\n|\Z)|"
    rb"[\w$.]*(?:Exception|Error|Throwable|Failure|Fault|Interrupt|Exit|Warning|Group)(?: \[[\w-]+\])?(?::|\r?(?:\n|\Z)))"
)
"""The start of a line that may not be a record by itself; the line before it is looked at too."""

WHOLE_JSON = {b"}"}
DOCKER = b'{"log"'
JOURNALD = b'"__REALTIME_TIMESTAMP"'
INSIDE = (b"-----BEGIN ", JOURNALD)
"""What makes a line special wherever it stands in it."""


def marks(lines: list[bytes], block: bytes) -> list[int]:
    """Sorted indexes of the *lines* of *block* to look at; the first and the last, which have a neighbour elsewhere, always."""
    ends = {line[-1:] for line in lines}
    heads = {line[:6] for line in lines}
    if ends == WHOLE_JSON and all(head.startswith(b'{"') for head in heads) and DOCKER not in heads and JOURNALD not in block:
        return [0, len(lines) - 1]
    found = suspects(lines, ends)
    at = line = 0
    block = b"\n" + block
    for special in SPECIAL.finditer(block):
        line += block.count(b"\n", at, special.start())
        at = special.start()
        found.append(line)
    if b"\x1b" in block:
        # colours hide how wide a line is, so the one after it is looked at too
        found += [at for at, line in enumerate(lines[:-1], 1) if b"\x1b[" in line]
    for needle in INSIDE:
        if needle in block:
            found += [at for at, line in enumerate(lines) if needle in line]
    found += (0, len(lines) - 1)
    return sorted(set(found))
