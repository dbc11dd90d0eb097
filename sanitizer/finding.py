"""What was found in a buffer."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """`buffer[start:end]` is to be redacted as rule number `rule` says."""

    start: int
    end: int
    rule: int


def merged(found: list[Finding]) -> list[Finding]:
    """In order, and what overlaps made one, called by the longest one's name (of equals, the first in the rules' order)."""
    out: list[Finding] = []
    longest = 0
    for finding in sorted(found):
        start, end, rule = finding
        if out and start < out[-1].end:
            before = out[-1]
            if end - start > longest:
                longest = end - start
                out[-1] = Finding(before.start, max(before.end, end), rule)
            elif end > before.end:
                out[-1] = Finding(before.start, end, before.rule)
        else:
            out.append(finding)
            longest = end - start
    return out
