"""Lines in which a client of MCP relays what a server wrote to stderr, line by line, behind a head of its own.

    2025-05-05 12:00:00.123 [warning] [server stderr] Traceback (most recent call last):
    12:00:00.123 [pool-4-thread-1] INFO client -- STDERR Message received:   File "/srv/app.py", line 7

They stay records of their own; what they relay is also read without the heads, as the server's own log is.
"""

from __future__ import annotations

from sanitizer import patterns

NEEDLES = (b"erver stderr", b"STDERR Message received:")
"""One of them is in each such line: of VS Code and Claude Code, of the SDK for Java. What is longer is found faster."""

LONGEST = 200
"""Bytes of a head."""

HEAD = patterns.lazy(rb"[^\n]{0,180}?(?:\[[Ss]erver stderr\]|[Ss]erver stderr:|STDERR Message received:)(?: |$)")
DIGITS = bytes(0x30 if 0x30 <= c <= 0x39 else c for c in range(256))


def relayed(line: bytes) -> tuple[str, int] | None:
    """Whose stream *line* is of, told by its head without times and numbers, and where that ends; None if it relays nothing."""
    if line.find(NEEDLES[0], 0, LONGEST) < 0 and line.find(NEEDLES[1], 0, LONGEST) < 0:
        return None
    if (head := HEAD.match(line)) is None:
        return None
    return f"relayed:{head[0].rstrip().translate(DIGITS).decode('utf-8', 'replace')}", head.end()
