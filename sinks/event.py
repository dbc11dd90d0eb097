"""What a store asks of a record beside its text: when it was, and how grave it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from sanitizer.records.fields import normal

YEAR_10000 = 253_402_300_800_000_000_000
"""In nanoseconds since 1970: no store takes a time beyond."""


class Event(NamedTuple):
    """A record as *fields*, empty where it is no JSON object; `unix_nanos` is its own time, or else that of sending."""

    record: bytes
    fields: dict[str, Any]
    unix_nanos: int
    severity: int
    """As OpenTelemetry numbers it (logs data model, "SeverityNumber"); 0 where the record names none."""

    @property
    def json(self) -> bytes:
        """The record as a JSON object, or its text as a JSON string."""
        return self.record if self.fields else orjson.dumps(self.record.decode(errors="replace"))

    @property
    def timestamp(self) -> bytes:
        """Its time in RFC 3339, with the microseconds that RFC 5424 (6.2.3) has at most."""
        seconds, nanos = divmod(self.unix_nanos, 1_000_000_000)
        return b"%b.%06dZ" % (datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode(), nanos // 1000)


def event(record: bytes) -> Event:
    """Read *record*: of whatever form, it is one."""
    fields: Any = None
    if record.startswith(b"{"):
        try:
            fields = orjson.loads(record)
        except ValueError:
            fields = None
    if not isinstance(fields, dict):
        return Event(record, {}, time.time_ns(), 0)
    said = normal(fields)
    nanos = said.time_unix_nano
    return Event(record, fields, nanos if nanos is not None and 0 <= nanos < YEAR_10000 else time.time_ns(), said.severity_number)
