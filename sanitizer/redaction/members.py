"""Members of a JSON object whose names redaction made equal: told apart, so that none hides another.

    {"a@x.com": 1, "b@x.com": 2}  →  {"[REDACTED:email]": 1, "[REDACTED:email#2]": 2}
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from sanitizer import patterns
from sanitizer.finding import Finding
from sanitizer.text.masks import MASK

TOKEN = patterns.lazy(rb'("(?:[^"\\]|\\.)*+")(\s*:)?|[{}]', re.S)
NUMBER = patterns.lazy(rb"(?:#\d{1,5})?\](?=[^\]]*\Z)")
REACH = 1024
"""Bytes after a finding in which the end of its string is looked for."""


def in_names(buffer: bytes, found: Sequence[Finding], starts: Sequence[int]) -> Iterable[int]:
    """The numbers of lines (which begin at *starts*) where a finding stands in what may be the name of a member."""
    find = buffer.find
    places = [start for start, end, _ in found if buffer[find(b'"', end, end + REACH) + 1] in b": \t"]
    return sorted({bisect_right(starts, start) - 1 for start in places})


def distinct(line: bytes) -> bytes:
    """*line* (valid JSON) with masked names that occur again in their object numbered, also in strings that hold JSON."""
    out: list[bytes] = []
    done = 0
    names: list[set[bytes]] = [set()]
    for token in TOKEN.finditer(line):
        text, colon = token.groups()
        new = text
        if text is None:
            if token[0] == b"{":
                names.append(set())
            elif len(names) > 1:
                names.pop()
        elif colon is not None:
            if text in names[-1] and MASK.search(text):
                new = numbered(text, names[-1])
            names[-1].add(new)
        elif b'\\"' in text:
            new = nested(text)
        if new is not text:
            out += line[done : token.start()], new
            done = token.end(1)
    return b"".join([*out, line[done:]]) if out else line


def numbered(name: bytes, taken: set[bytes]) -> bytes:
    number = 2
    while (new := NUMBER.sub(b"#%d]" % number, name, count=1)) in taken:
        number += 1
    return new


def nested(text: bytes) -> bytes:
    """The same in a string that holds JSON."""
    try:
        inner = json.loads(text)
        json.loads(inner)
    except (ValueError, RecursionError):
        return text
    raw = inner.encode("utf-8", "surrogatepass")
    new = distinct(raw)
    return text if new is raw else json.dumps(new.decode("utf-8", "surrogatepass")).encode()
