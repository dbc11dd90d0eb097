"""Binary data among text: what is no text in any way is not to be read in every way."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sanitizer import patterns
from sanitizer.finding import Finding

GARBAGE = patterns.lazy(
    "[\udc80-\udcff](?:[\udc80-\udcff]*+(?:[^\udc80-\udcff\n]{1,7}[\udc80-\udcff]++){7,}+|[\udc80-\udcff]{15,}+)"
)
"""Bytes that are no UTF-8 (RFC 3629, section 4), so many of them that what stands between is no text either. It begins with one of
them, not with a choice, so that `re` passes over text at a look."""

NO_TEXT = re.compile(rb"[\xc0-\xff][\x00-\x7f]|[\x00-\x7f][\x80-\xbf]").search
NO_TEXT_BACKWARDS = re.compile(rb"[\x00-\x7f][\xc0-\xff]|[\x80-\xbf][\x00-\x7f]").search
"""Bytes that are no UTF-8 wherever they stand, from either end."""


def without_binary(buffer: bytes, found: Sequence[Finding], binary: frozenset[int]) -> bytes:
    """*buffer* with spaces for binary data, found by the rules for it or told by its bytes.

    Random bytes hold every mark there is, and would be decoded in every way. Where it begins and ends it may be text.
    """
    if buffer.isascii():
        return buffer
    out: list[bytes] = []
    done = 0
    for start, end, rule in found:
        if rule in binary and (first := NO_TEXT(buffer, start, end)) is not None:
            begin = first.end()
            last = NO_TEXT_BACKWARDS(buffer[begin:end][::-1])
            if last is not None and (stop := end - last.end()) > begin:
                out += buffer[done:begin], b" " * (stop - begin)
                done = stop
    left = b"".join((*out, buffer[done:])) if out else buffer
    text = left.decode("utf-8", "surrogateescape")
    return left if len(text.encode("utf-8", "ignore")) == len(left) else octets(GARBAGE.sub(_blank, text))


def _blank(garbage: re.Match[str]) -> str:
    return " " * len(octets(garbage[0]))


def octets(text: str) -> bytes:
    """The bytes that *text* was decoded from."""
    return text.encode("utf-8", "surrogateescape")
