"""What stands in a value's place and is none: a constant, marks alone, a pattern, a template, the bytes of a digest."""

from __future__ import annotations

import re

from sanitizer import values

MARKS = b"\\\"'`{}[]()<>,;:="
"""What is made of them alone belongs to the text around it."""

OCTETS = re.compile(rb"(?:[0-9A-Fa-f]{2}:){4}")
"""The beginning of a digest, as certificates print them: an octet of it may spell a name (`cc`)."""

FILE = b"/etc/passwd"
"""A file that is named after what has long been kept elsewhere."""

CLOSING = re.compile(rb"[ ]\\*([\x22'])[ ]")

_MONOSPACE = (
    rb"\{\{(?=[^{}\s]{0,200}[0-9])"
    rb"(?:[^{}\s.|]{0,64}[!@#$%^&*~+?]|(?=[^{}\s]{0,200}[A-Z])(?=[^{}\s]{0,200}[a-z])[^{}\s._|]{16,512}\}\})"
)
"""A value as Jira sets it in monospace."""

TEMPLATE = re.compile(rb"[ ]?[\x22']?(?!" + _MONOSPACE + rb")\{\{-? ?[$.\w][^{}\n\x22':]*\}\}")
"""What Helm and its kin put in the place of a value: `{{ .Values.apiKey | quote }}`."""

TEST = re.compile(
    rb"[ ](?:\S+(?=[ ]\(\d+\.\d+s\))|(?:Test|Benchmark|Example)[A-Z_][A-Za-z_]*(?:/\w+)?|test_[a-z_]+"
    rb"|[a-z][\w.\-]*(?:/[\w.\-]+)+\.[a-z]{1,4})"
    rb"(?=[ ,;\x22\\\r\n]|$)"
)
"""A test that has passed, as Go and Automake say it: its name, or its file."""


def is_nothing(text: bytes) -> bool:
    """Whether *text* is a constant, marks alone, or a regular expression."""
    if text in values.CONSTANTS or not text.strip(MARKS):
        return True
    return (b"\\" in text or b"[" in text) and values.REGEX.search(text) is not None


def unanswered(buffer: bytes, at: int, window: bytes, start: int) -> bool:
    """Whether no value stands *at*, behind a colon: of a variable of a shell (`${KEY:?message}`), of a prompt in quotes,
    of a test that has passed."""
    if buffer[at] == 0x3F:
        return window.endswith(b"${", 0, start)
    if window.startswith(b"PASS:", start):
        return TEST.match(buffer, at) is not None
    closing = CLOSING.match(buffer, at)
    return closing is not None and window[start - 1 : start] == closing[1]


def is_listed(buffer: bytes, at: int, window: bytes, start: int) -> bool:
    """Whether what stands *at* is a template, or of a package whose name the key is: `"node_modules/js-tokens": {`."""
    line = window.rfind(b"\n", 0, start) + 1
    return window.find(b"node_modules/", line, start) >= 0 or TEMPLATE.match(buffer, at) is not None
