"""Time, level and message, under whatever name or in whatever form a logger writes them.

Times become RFC 3339 in UTC, levels OpenTelemetry severities (logs data model, appendix B). A time without a zone is read as UTC
unless told otherwise. Every function takes anything and raises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo

from sanitizer import patterns
from sanitizer.records.levels import OTEL_NAMES, level_of_priority, severity
from sanitizer.records.textlog import parse_text
from sanitizer.records.times import rfc3339, unix_nanos

__all__ = ["Normal", "level_of_priority", "normal", "parse_text", "rfc3339", "severity", "unix_nanos"]

HEX = patterns.lazy(r"[0-9a-fA-F]+$")

LEVEL_NAMES = (
    "level", "severity", "lvl", "log.level", "levelname", "log_level", "loglevel", "severityText", "severity_text",
    "syslog.severity",
)
MESSAGE_NAMES = ("msg", "message", "event", "MESSAGE", "short_message", "text", "body", "full_message")
TIME_NAMES = (
    "time", "timestamp", "ts", "@timestamp", "asctime", "t", "datetime", "eventTime", "timeUnixNano", "observedTimeUnixNano",
    "loggedAt", "__REALTIME_TIMESTAMP",
)
TRACE_NAMES = ("trace_id", "traceId", "trace.id", "traceid", "trace", "otelTraceID", "dd.trace_id", "logging.googleapis.com/trace")
SPAN_NAMES = ("span_id", "spanId", "span.id", "spanid", "otelSpanID", "dd.span_id", "logging.googleapis.com/spanId")
NESTED = ("metadata", "log", "attributes", "resource", "meta")


@dataclass(frozen=True, slots=True)
class Normal:
    """A log record in OpenTelemetry's terms; what it does not say is None, 0 or empty."""

    time_unix_nano: int | None
    severity_number: int
    severity_text: str
    message: str | None
    trace_id: str | None
    span_id: str | None


def normal(record: Mapping[str, object], assume_tz: tzinfo = UTC) -> Normal:
    """What *record* says of itself, under the names of the usual loggers: pino, structlog, zap, ECS, GELF, OTel, journald ..."""
    level = _first(record, LEVEL_NAMES)
    number, text = severity(level)
    numbered = record.get("severityNumber", record.get("severity_number"))
    if not number and isinstance(numbered, int) and 1 <= numbered <= 24:
        number, text = int(numbered), OTEL_NAMES[numbered - 1]
    if not number and (priority := level_of_priority(record.get("PRIORITY", record.get("priority")))):
        number, text = severity(priority)
        level = priority
    nanos = None
    for name in TIME_NAMES:
        nanos = unix_nanos(_get(record, name), assume_tz)
        if nanos is not None:
            break
    message = _first(record, MESSAGE_NAMES)
    if isinstance(message, Mapping):
        message = message.get("stringValue")
    said = level if isinstance(level, str) and number else text
    return Normal(nanos, number, said, message if isinstance(message, str) else None, *_trace(record))


def _get(record: Mapping[str, object], name: str) -> object:
    value = record.get(name)
    if value is not None:
        return value
    for outer in NESTED:
        inner = record.get(outer)
        if isinstance(inner, Mapping) and inner.get(name) is not None:
            return inner[name]
    return None


def _first(record: Mapping[str, object], names: tuple[str, ...]) -> object:
    for name in names:
        value = record.get(name)
        if value is not None and not (isinstance(value, Mapping) and name in NESTED):
            return value
    for name in names:
        value = _get(record, name)
        if value is not None:
            return value
    return None


def _trace(record: Mapping[str, object]) -> tuple[str | None, str | None]:
    found: list[str | None] = []
    for names, size in ((TRACE_NAMES, 32), (SPAN_NAMES, 16)):
        value = _first(record, names)
        if isinstance(value, Mapping):
            value = value.get("id")
        if isinstance(value, str):
            value = value.rpartition("/")[2]
        found.append(_identifier(value, size))
    if not found[0] and isinstance(parent := record.get("traceparent"), str) and len(pieces := parent.split("-")) == 4:
        return _identifier(pieces[1], 32), _identifier(pieces[2], 16)
    return found[0], found[1]


def _identifier(value: object, size: int) -> str | None:
    if isinstance(value, str) and len(value) == size and HEX.match(value) and value.strip("0"):
        return value.lower()
    return None
