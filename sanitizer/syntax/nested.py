"""The values inside a list or object that stands under a secret's name, in JSON, Python, YAML's flow style and the like."""

from __future__ import annotations

import re
import threading

from sanitizer import patterns

Span = tuple[int, int]

LONGEST = 1 << 16
"""Bytes of one list or object that are looked at; what follows is redacted by what else is found in it."""

DEEPEST = 16
"""Nesting that is followed."""

TOKEN = patterns.lazy(
    rb'(?P<escaped>\\+["\'])(?:[^\n"\']|(?<=[a-z])\'(?=[a-z])){0,2048}?(?P=escaped)'
    rb'|(?P<note>(?<=\s)(?://|\#)[ ][^\n]*)'
    rb'|"(?:[^"\\\n]|\\.)*+"|\'(?:[^\'\\\n]|\\.)*+\'|[\[\]{}]|[^\s,:=\[\]{}"\'\\]+|[,:=]|[^\S\n]+|.',
    re.S,
)
CONTINUED = patterns.lazy(rb"[ \t]+\S|[\]}]")
"""How a line begins that goes on with a list or object; any other is a line of its own."""

PADDED = patterns.lazy(rb"=?[\],}\s]")
"""What follows the padding of base64, and no equals sign between a key and its value."""

CONSTANTS = frozenset((b"true", b"false", b"null", b"None", b"True", b"False", b"undefined", b"nil", b"NaN"))

_NAME = rb"\\*[\x22']?"
SCHEMA = patterns.lazy(
    rb"\{\s*(?:"
    + _NAME
    + rb"(?:\$ref|anyOf|oneOf|allOf|enum)"
    + _NAME
    + rb"\s*:|(?:"
    + _NAME
    + rb"(?:title|description|default|format|nullable|optional|required|readOnly|writeOnly|minLength|maxLength|examples?)"
    + _NAME
    + rb"\s*:\s*[^{}\[\]]{0,300},\s*)?"
    + _NAME
    + rb"type"
    + _NAME
    + rb"\s*:\s*\[?\s*"
    + _NAME
    + rb"(?:string|number|integer|boolean|object|array|null|password|text)\b)",
)
DEFAULT = patterns.lazy(
    rb"\\*(?P<quote>[\x22'])(?:default|const|examples?)\\*(?P=quote)\s*:\s*\[?\s*\\*(?P<open>[\x22'])(?P<text>[^\x22'\\\n]{1,512})\\*(?P=open)"
)
PLAIN = patterns.lazy(rb"\{(?![^{}]{0,1000}\b(?:value|val|data|plain|secret|content|S)" + _NAME + rb"\s*:)")


def is_schema(buffer: bytes, start: int) -> bool:
    """Whether the object at *start* describes a value (JSON Schema), and holds none."""
    return SCHEMA.match(buffer, start, start + 1024) is not None and PLAIN.match(buffer, start, start + 1100) is not None


def defaults(buffer: bytes, start: int) -> list[Span]:
    """The strings that the schema at *start* gives as a value: its default, a constant, an example."""
    end = buffer.find(b"}", start, start + LONGEST)
    return [found.span("text") for found in DEFAULT.finditer(buffer, start, end)] if end >= 0 else []


class LineEnds:
    """Where lines end. A long line may be asked about at each of its keys, so the last answer is remembered."""

    __slots__ = ("buffer", "end", "start")

    def __init__(self) -> None:
        self.buffer, self.start, self.end = b"", 0, 0

    def find(self, buffer: bytes, start: int) -> int:
        """The first line end in *buffer* from *start* on, or where it ends."""
        if self.buffer is not buffer or not self.start <= start <= self.end:
            feed = buffer.find(b"\n", start)
            feed = len(buffer) if feed < 0 else feed
            back = buffer.find(b"\r", start, feed)
            self.buffer, self.start, self.end = buffer, start, feed if back < 0 else back
        return self.end


_ends = threading.local()


def line_end(buffer: bytes, start: int, stop: int) -> int:
    """Where the line that *start* is on ends, not after *stop*."""
    ends: LineEnds | None = getattr(_ends, "ends", None)
    if ends is None:
        ends = _ends.ends = LineEnds()
    return min(ends.find(buffer, start), stop, len(buffer))


def leaves(buffer: bytes, start: int, stop: int = 0) -> list[Span]:  # noqa: PLR0912 - one branch a kind of token
    """The strings, numbers and words of the list or object at *start*, but for keys and constants.

    Where it is nested too deeply to be followed, all of the rest of the line is one span. What lies behind *stop* is not looked at.
    """
    stop = min(stop or start + LONGEST, start + LONGEST)
    spans: list[Span] = []
    depth = 0
    pending: Span | None = None
    for token in TOKEN.finditer(buffer, start, stop):
        text = token[0]
        if text in (b"[", b"{"):
            depth += 1
            if depth > DEEPEST:
                return [*spans, (token.start(), line_end(buffer, token.start(), stop))]
        elif text in (b"]", b"}"):
            depth -= 1
        elif text in (b":", b"="):
            padding = text == b"=" and pending is not None and pending[1] == token.start() and PADDED.match(buffer, token.end())
            pending = (pending[0], token.end()) if padding and pending else None
            continue
        elif text == b"\n":
            if CONTINUED.match(buffer, token.end()) is None:
                break
        elif text.isspace() or text == b"\\" or token["note"]:
            continue
        elif text != b"," and text not in CONSTANTS:
            if pending:
                spans.append(pending)
            quoted = len(token["escaped"] or b"") or int(text[0] in b"\"'" and len(text) > 1)
            pending = (token.start() + quoted, token.end() - quoted)
            continue
        if pending:
            spans.append(pending)
            pending = None
        if depth <= 0:
            break
    if pending:
        spans.append(pending)
    return [span for span in spans if span[0] < span[1]]
