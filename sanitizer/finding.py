"""What was found in a buffer."""

from __future__ import annotations

Finding = tuple[int, int, int]
"""`(start, end, rule)`: `buffer[start:end]` is to be redacted as rule number `rule` says. Plain, since there are millions."""


BETWEEN_TEXTS = b"\n\n\n"
"""Between texts that are scanned as one buffer: nothing is found across it, and what stands beyond it explains nothing."""


def merged(found: list[Finding]) -> list[Finding]:
    """In order, and what overlaps made one, called by the longest one's name (of equals, the first in the rules' order)."""
    out: list[Finding] = []
    longest = before = upto = 0
    by = -1
    for start, end, rule in sorted(found):
        if by >= 0 and start < upto:
            if end - start > longest:
                longest, by = end - start, rule
            upto = max(upto, end)
        else:
            if by >= 0:
                out.append((before, upto, by))
            before, upto, by, longest = start, end, rule, end - start
    if by >= 0:
        out.append((before, upto, by))
    return out
