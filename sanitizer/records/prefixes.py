"""What a tool that shows the logs of processes puts before each of their lines: recognised, taken off, kept as fields.

`docker logs -t`, `kubectl logs --timestamps` and `--prefix`, `docker compose logs`, pm2, foreman and its kind, `journalctl` and
what syslog writes to files. A time alone is such a prefix only with more digits than loggers write.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sanitizer import patterns
from sanitizer.records.times import rfc3339

NANOS = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d)"
"""The time of a container's runtime."""

POD = rb"\[pod/(?P<pod>[\w.\-]{1,253}/[\w.\-]{1,63})\]"

CLOCKS = (
    rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})?",
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d:?\d\d",
)
"""The time of RFC 3164, section 4.1.2, and journald's in ISO 8601."""

PROCESS = rb"[\w.\-:]{1,255} [\w./@\-]{1,64}\[\d{1,10}"
SYSLOG = rb"(?P<clock>" + b"|".join(CLOCKS) + rb") (?P<process>" + PROCESS + rb")\]:"
SERVICE = rb"[a-z0-9][\w.\-]{0,62}[-_]\d{1,4}"
BARRED = (
    rb"(?:(?P<service>" + SERVICE + rb")[ ]|\d{1,4}\|(?P<app>[\w.\-]{1,64})|\d\d:\d\d:\d\d (?P<job>[\w.\-]{1,64}\.\d{1,4}))[ ]*\|"
)
PREFIX = patterns.lazy(
    rb"(?:" + SYSLOG + rb"|" + POD + rb"|" + BARRED + rb")(?= |$)(?: (?P<time>" + NANOS + rb")(?= |$))?"
    rb"|(?P<alone>" + NANOS + rb")(?= |$)(?! std)"
)

BARS = patterns.lazy(rb"[ \t]\|[ \t]|\|[ \t]*:?-|-:?[ \t]*\|")
"""Between the cells of a table, and what divides its head from its rows."""

BEGINNINGS = (
    rb"\[pod/",
    *[clock + rb" " + PROCESS + rb"\]:" for clock in CLOCKS],
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}",
    rb"\d[^|\n]{0,80}\|",
    SERVICE + rb"[ ]+\|",
)
"""How lines with a prefix begin, each with a byte or a set (`sanitizer.records.special`)."""


class Prefixed(NamedTuple):
    """A line's prefix: whose it is, where the line itself begins, and what the prefix tells."""

    stream: str
    start: int
    fields: dict[str, object]


def prefix_of(line: bytes, told: bool, before: bytes = b"") -> Prefixed | None:
    """The prefix of *line*, or None. Behind the line *before* it one with a bar may be a row of a table.

    Unless its fields are to be *told*, it has none.
    """
    found = PREFIX.match(line)
    if found is None:
        return None
    _, process, pod, service, app, job, _, _ = found.groups()
    if service and is_row(line, before):
        return None
    end = found.end()
    whose = process or pod or service or app or job or b""
    return Prefixed(f"prefix:{whose.decode('utf-8', 'replace')}", end + (end < len(line)), _fields(found) if told else {})


def is_row(line: bytes, before: bytes) -> bool:
    """Whether *line* may be a row of a table: bars part the one *before* it, of which the first cell is another."""
    return BARS.search(before) is not None and before.partition(b"|")[0] != line.partition(b"|")[0]


def _fields(found: re.Match[bytes]) -> dict[str, object]:
    """What a prefix tells, under this program's names."""
    fields: dict[str, object] = {}
    clock, process, pod, service, app, job, time, alone = [text and text.decode("utf-8", "replace") for text in found.groups()]
    if stamp := clock or time or alone:
        fields["timestamp"] = rfc3339(stamp) or stamp
    if clock and clock[0].isalpha():
        fields["timestamp_text"] = clock
    if process:
        fields["host"], _, program = process.partition(" ")
        fields["logger"], _, fields["pid"] = program.rpartition("[")
    elif pod:
        fields["pod"], _, fields["container"] = pod.partition("/")
    elif service:
        fields["container"] = service
    elif app or job:
        fields["logger"] = app or job
    return fields
