"""What a message too large to be read says at its two ends: whose it is, and what of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sanitizer import patterns

GLIMPSE_BYTES = 8_192

_TOKEN = patterns.lazy(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_SCALAR = rb'(?:"[^"\\]*(?:\\.[^"\\]*)*"|[-\w.]{1,64})'
# Scalars right before the last bracket are the message's own; those right before the bracket before are its params' or result's.
_FIELD = rb',\s*"\w{1,64}"\s*:\s*' + _SCALAR
_END = patterns.lazy(rb"(?P<inner>(?:%b)*)\s*\}\s*(?P<outer>(?:%b)*)\s*\}\s*$" % (_FIELD, _FIELD))
_PAIR = patterns.lazy(rb',\s*"(\w{1,64})"\s*:\s*(%b)' % _SCALAR)


def glimpse(head: bytes, tail: bytes) -> dict[str, bytes]:
    """Fields of the JSON object that begins with *head* and ends with *tail*, as raw JSON, by their path (`id`, `params.name`).

    Only scalars two levels deep at most, and only where nothing nested can pass for them. `params`, `result` and `error` are
    there, empty, when the message has them.
    """
    found = dict(_beginning(head[:GLIMPSE_BYTES]))
    body = next((name for name in ("params", "result", "error") if name in found), "")
    # What is written last was written by whoever made the message: with `"id"` twice, the last one counts for every parser.
    if (end := _END.search(tail[-GLIMPSE_BYTES:])) is not None:
        found.update((pair[1].decode(), pair[2]) for pair in _PAIR.finditer(end["outer"]))
        if body:
            found.update((f"{body}.{pair[1].decode()}", pair[2]) for pair in _PAIR.finditer(end["inner"]))
    return found


def _beginning(head: bytes) -> Iterator[tuple[str, bytes]]:
    """The fields up to where *head* breaks off, or the nesting grows too deep to be told from what is passed by."""
    path: list[str] = []
    key = ""
    is_value = False
    depth = 0
    for token in _TOKEN.finditer(head):
        text = token[0]
        if text == b"{":
            depth += 1
            if depth == 2:
                path = [key]
                yield key, b""
        elif text in b"[}]":
            depth += 1 if text == b"[" else -1
            path = path if depth > 1 else []
        elif text == b":":
            is_value = True
            continue
        elif text != b"," and depth in (1, 2) and token.end() < len(head):
            if is_value:
                yield ".".join([*path, key]), text
            else:
                key = text.strip(b'"').decode("utf-8", "replace")
        is_value = False
