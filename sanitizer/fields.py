"""Time, level and message, under whatever name or in whatever form a logger writes them.

Times become RFC 3339 in UTC, levels OpenTelemetry severities (logs data model, appendix B). A time without a zone is read as UTC
unless told otherwise. Every function takes anything and raises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo

from sanitizer.textlog import parse_text
from sanitizer.times import rfc3339, unix_nanos

__all__ = ["Normal", "level_of_priority", "normal", "parse_text", "rfc3339", "severity", "unix_nanos"]

HEX = re.compile(r"[0-9a-fA-F]+$")

SEVERITIES: dict[str, tuple[int, str]] = {
    **dict.fromkeys(("trace", "trc", "silly", "finest", "notset"), (1, "TRACE")),
    **dict.fromkeys(("finer",), (2, "TRACE2")),
    **dict.fromkeys(("debug", "dbg", "dbug", "verbose", "fine", "d"), (5, "DEBUG")),
    **dict.fromkeys(("config", "http"), (6, "DEBUG2")),
    **dict.fromkeys(("info", "information", "informational", "inf", "log", "i"), (9, "INFO")),
    **dict.fromkeys(("notice", "success"), (10, "INFO2")),
    **dict.fromkeys(("warn", "warning", "wrn", "w"), (13, "WARN")),
    **dict.fromkeys(("error", "err", "severe", "failure", "e"), (17, "ERROR")),
    **dict.fromkeys(("critical", "crit", "exception", "dpanic"), (18, "ERROR2")),
    **dict.fromkeys(("alert",), (19, "ERROR3")),
    **dict.fromkeys(("fatal", "emergency", "emerg", "panic", "f"), (21, "FATAL")),
}
OTEL_NAMES = [f"{name}{n or ''}" for name in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL") for n in (0, 2, 3, 4)]
SYSLOG = ((21, "FATAL"), (19, "ERROR3"), (18, "ERROR2"), (17, "ERROR"), (13, "WARN"), (10, "INFO2"), (9, "INFO"), (5, "DEBUG"))
PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
PINO = {10: (1, "TRACE"), 20: (5, "DEBUG"), 30: (9, "INFO"), 40: (13, "WARN"), 50: (17, "ERROR"), 60: (21, "FATAL")}

LEVEL_NAMES = (
    "level", "severity", "lvl", "log.level", "levelname", "log_level", "loglevel", "severityText", "severity_text", "syslog.severity",
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


def severity(value: object) -> tuple[int, str]:
    """OpenTelemetry severity number and short name of a level, `(0, "")` if it is none.

    Numbers: 10, 20 ... 60 are pino's and bunyan's, 0 to 7 syslog's, others up to 24 OpenTelemetry's own.
    """
    if isinstance(value, bool):
        return 0, ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return _numbered(value)
    if not isinstance(value, str) or len(value) > 24:
        return 0, ""
    found = SEVERITIES.get(value.strip(" []<>()|:").lower())
    if found:
        return found
    upper = value.strip().upper().removeprefix("SEVERITY_NUMBER_")
    if upper in OTEL_NAMES:
        return OTEL_NAMES.index(upper) + 1, upper
    return _numbered(int(value)) if value.isdecimal() and value.isascii() else (0, "")


def _numbered(value: int) -> tuple[int, str]:
    if value in PINO:
        return PINO[value]
    if 0 <= value <= 7:
        return SYSLOG[value]
    if 8 <= value <= 24:
        return value, OTEL_NAMES[value - 1]
    return 0, ""


def level_of_priority(value: object) -> str | None:
    """The syslog keyword of a journald or syslog priority, 0 to 7, or None."""
    text = str(value)
    return PRIORITIES[int(text)] if len(text) == 1 and text in "01234567" else None


def normal(record: Mapping[str, object], assume_tz: tzinfo = UTC) -> Normal:
    """What *record* says of itself under the names of pino, bunyan, winston, structlog, stdlib, zap, Attio, ECS, GELF, OTel, journald."""
    level = _first(record, LEVEL_NAMES)
    number, text = severity(level)
    if not number and isinstance(numbered := record.get("severityNumber", record.get("severity_number")), int) and 1 <= numbered <= 24:
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
