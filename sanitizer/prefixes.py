"""What a tool that shows the logs of processes puts before each of their lines: recognised, taken off, kept as fields.

`docker logs -t`, `kubectl logs --timestamps` and `--prefix`, `docker compose logs`, pm2, foreman and its kind, `journalctl` and
what syslog writes to files. A time alone is such a prefix only with more digits than loggers write.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sanitizer.times import rfc3339

NANOS = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d)"
"""The time of a container's runtime."""

POD = rb"\[pod/(?P<pod>[\w.\-]{1,253})/(?P<container>[\w.\-]{1,63})\](?= |$)"
SYSLOG = (
    rb"(?P<clock>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d:?\d\d)"
    rb" (?P<host>[\w.\-:]{1,255}) (?P<program>[\w./@\-]{1,64})\[(?P<pid>\d{1,10})\]:(?= |$)"
)
"""RFC 3164, section 4.1, with the number of the process, and journald's form with a time in ISO 8601."""

BARRED = (
    rb"(?:(?P<service>[a-z0-9][\w.\-]{0,62}[-_]\d{1,4})[ ]+\||\d{1,4}\|(?P<app>[\w.\-]{1,64})[ ]*\|"
    rb"|\d\d:\d\d:\d\d (?P<job>[\w.\-]{1,64}\.\d{1,4})[ ]+\|)(?= |$)"
)
PREFIX = re.compile(
    rb"(?:" + POD + rb"|" + SYSLOG + rb"|" + BARRED + rb")(?: (?P<time>" + NANOS + rb")(?= |$))?"
    rb"|(?P<alone>" + NANOS + rb")(?= |$)(?! std)"
)

BEGINNINGS = (
    rb"\[pod/",
    rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})? [\w.\-:]{1,255} [\w./@\-]{1,64}\[\d{1,10}\]:",
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d:?\d\d [\w.\-:]{1,255} [\w./@\-]{1,64}\[\d{1,10}\]:",
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}",
    rb"\d[^|\n]{0,80}\|",
    rb"[a-z][\w.\-]{0,62}[-_]\d{1,4}[ ]+\|",
)
"""How lines with a prefix begin, each with a byte or a set (`sanitizer.special`)."""


class Prefixed(NamedTuple):
    """A line's prefix: whose it is, where the line itself begins, and what the prefix tells."""

    stream: str
    start: int
    fields: dict[str, object]


def prefix_of(line: bytes, told: bool, barred: bool) -> Prefixed | None:
    """The prefix of *line*, or None. After a line that is *barred* one in bars is a row of a table.

    Unless its fields are to be *told*, it has none.
    """
    found = PREFIX.match(line)
    if found is None:
        return None
    if barred and not (found["pod"] or found["clock"] or found["alone"]):
        return None
    start = found.end() + (found.end() < len(line))
    whose = [found[name] for name in ("pod", "container", "host", "program", "pid", "service", "app", "job")]
    stream = b"prefix:" + b"/".join(name for name in whose if name)
    return Prefixed(stream.decode("utf-8", "replace"), start, _fields(found) if told else {})


NAMES = {
    "pod": "pod", "container": "container", "service": "container", "host": "host", "program": "logger", "app": "logger",
    "job": "logger", "pid": "pid",
}  # fmt: skip


def _fields(found: re.Match[bytes]) -> dict[str, object]:
    """What a prefix tells, under this program's names."""
    fields: dict[str, object] = {}
    for group in ("time", "alone", "clock"):
        if found[group]:
            text = found[group].decode()
            fields["timestamp"] = rfc3339(text) or text
            if group == "clock" and text[:1].isalpha():
                fields["timestamp_text"] = text
    fields |= {ours: found[name].decode("utf-8", "replace") for name, ours in NAMES.items() if found[name]}
    return fields
