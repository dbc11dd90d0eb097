"""Values of several lines: blocks of YAML, here documents, texts in three quotes; and what goes on behind what a logger writes.

Given is a buffer; the answer is the spans to redact, none of which goes over a line end.
"""

from __future__ import annotations

from sanitizer import patterns
from sanitizer.finding import BETWEEN_TEXTS
from sanitizer.syntax.nested import LONGEST, Span, line_end

MOST_LINES, FEW_LINES = 64, 4
"""Lines of one value that are followed."""

WIDEST_PREFIX = 200
"""Bytes of a line that may be what a logger, a container or a mailer writes before it."""

MARKED = patterns.lazy(rb"[^A-Za-z \t*-]")
"""What such a prefix has, and neither an indent, an item of a list nor a sentence."""

INDENT = patterns.lazy(rb"[ \t]*(?:-[ ])*")
DEEPER = patterns.lazy(rb"[ \t]+\S")

DIGITS = bytes(0x30 if 0x30 <= c <= 0x39 else c for c in range(256))

ARROWS = patterns.lazy(rb"[ \t]*(?:\xe2\x94\x82[ \t]*)*(?:\xe2\x94\x94[ ]|$)")
POINTED = patterns.lazy(r"[A-Za-z_]\w*|\.\w+")
"""A line of arrows, and what one points to."""

FRESH = patterns.lazy(rb"\{\x22|\d{4}-\d\d-\d\d[T ]\d\d:|<<[-~]?\w|[\w. ]{1,40} = <<")
"""A line of a log, or of another document, which none goes on with."""

LAST = patterns.lazy(rb"(?!\w)\\*(?:[\x22'<\\].*)?$")
HEREDOC = patterns.lazy(rb"<<[-~]?[ ]?[\x22']?(?P<word>[A-Za-z_]\w{1,20})[\x22']?[ \t]*\r?\n")
CONTINUED = patterns.lazy(rb"\\\r?\n[ \t]*")


def block(buffer: bytes, key: int, start: int) -> list[Span]:
    """A block scalar (YAML 1.2, section 8.1) from *start* on: the lines that are indented deeper than the one *key* is on.

    Each stands behind the same prefix if the key does: of a container, a logger.
    """
    line = buffer.rfind(b"\n", 0, key) + 1
    prefix = b""
    indent = INDENT.match(buffer, line).end() - line  # type: ignore[union-attr]  # matches the empty string
    if not DEEPER.match(buffer, start):
        prefix, indent = buffer[line : line + shared(buffer, line, key, start)], 0
        if not prefix:
            return []
    spans: list[Span] = []
    while start < min(len(buffer), key + LONGEST):
        end = line_end(buffer, start, len(buffer))
        if prefix and not alike(buffer[start : start + len(prefix)], prefix):
            break
        text = buffer[start + len(prefix) : end].lstrip(b" \t")
        if buffer.startswith(BETWEEN_TEXTS, start - 1) or (text and end - len(text) - start - len(prefix) <= indent):
            break
        spans += [(end - len(text), end)] if text else []
        start = end + 1
    return spans


def alike(text: bytes, prefix: bytes) -> bool:
    """Whether *text* is *prefix* but for its digits: what a logger writes before each line."""
    return text == prefix or text.translate(DIGITS) == prefix.translate(DIGITS)


def shared(buffer: bytes, line: int, at: int, after: int) -> int:
    """How many bytes a logger, a container or a mailer wrote before two lines: that from *line* to *at*, and the one *after*."""
    first = buffer[line : min(at, line + WIDEST_PREFIX)].translate(DIGITS)
    second = buffer[after : after + len(first)].translate(DIGITS)
    size = next((at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), len(second))
    size = max(first.rfind(mark, 0, size) for mark in (b" ", b"\t", b":", b"|")) + 1
    return size if MARKED.search(first, 0, size) else 0


def pointed(buffer: bytes, at: int) -> bytes:
    """The name that an arrow *at* points to, as loguru and better-exceptions draw them below a line of code; nothing if none."""
    line = buffer.rfind(b"\n", 0, at) + 1
    column = len(buffer[line:at].decode("utf-8", "replace"))
    for _ in range(MOST_LINES):
        above = buffer.rfind(b"\n", max(0, line - 1024), max(0, line - 1)) + 1
        if not above and line > 1024:
            break
        text, line = buffer[above : max(0, line - 1)], above
        if not ARROWS.match(text):
            named = POINTED.match(text.decode("utf-8", "replace"), column)
            return named[0].encode() if named else b""
    return b""


def heredoc(buffer: bytes, start: int) -> list[Span]:
    """The lines of a here document (POSIX shell, HCL) that begins at *start*, to the word that ends it."""
    begun = HEREDOC.match(buffer, start)
    if begun is None:
        return []
    line = buffer.rfind(b"\n", 0, start) + 1
    return lines(buffer, begun.end(), begun["word"], buffer[line : line + shared(buffer, line, start, begun.end())])


def literal(buffer: bytes, start: int, quotes: bytes) -> list[Span]:
    """The lines of a text in three *quotes* that opened before *start*, the end of its line; it ends in the same text."""
    apart = buffer.find(BETWEEN_TEXTS, start, start + LONGEST)
    end = buffer.find(quotes, start, apart if apart >= 0 else start + LONGEST)
    most = MOST_LINES
    if end < 0:  # what ends it may not be read yet
        most, end = (0 if FRESH.match(buffer, start + 1) else 2), min(len(buffer), start + LONGEST)
    found: list[Span] = []
    line = buffer.rfind(b"\n", 0, start) + 1
    prefix = buffer[line : line + shared(buffer, line, start, start + 1)]
    while 0 <= start < end and len(found) < most:
        stop = min(end, after if (after := buffer.find(b"\n", start)) >= 0 else end)
        begins = start + len(prefix) if prefix and alike(buffer[start : start + len(prefix)], prefix) else start
        found.append((begins, stop))
        start = stop + 1
    return trimmed(buffer, found)


def lines(buffer: bytes, start: int, last: bytes, prefix: bytes) -> list[Span]:
    """The lines from *start* to the one that is *last*, each behind a *prefix* if the first one has it; none if none is."""
    found: list[Span] = []
    if prefix and not alike(buffer[start : start + len(prefix)], prefix):
        prefix = b""
    while len(found) < MOST_LINES and (end := buffer.find(b"\n", start, start + LONGEST)) >= 0:
        if not alike(buffer[start : start + len(prefix)], prefix) or FRESH.match(buffer, start + len(prefix)):
            return []
        start += len(prefix)
        if LAST.match(buffer[start:end].strip().removeprefix(last)) and last in buffer[start:end]:
            return trimmed(buffer, found)
        found.append((start, end))
        start = end + 1
    # What ends it may not be read yet: the first lines are of it all the same.
    return trimmed(buffer, found) if len(found) <= FEW_LINES else []


def trimmed(buffer: bytes, spans: list[Span]) -> list[Span]:
    """*spans* without the white space around them, and without those that hold nothing else."""
    cut = [(end - len(buffer[start:end].lstrip()), start + len(buffer[start:end].rstrip())) for start, end in spans]
    return [(start, end) for start, end in cut if start < end]
