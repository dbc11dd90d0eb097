"""Clean records as OpenTelemetry log records in OTLP's JSON (opentelemetry-proto, `logs/v1/logs.proto`), as objects.

The message becomes the body, time, level and trace context their fields, and all else attributes: a nested object is flattened
by one level (`http.status`), what lies deeper stays structured. A record without a message becomes a structured body, one that
is no JSON object a text. `log.record.uid` is the record's id, the same on every replay.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

import orjson

from sanitizer.fields import LEVEL_NAMES, MESSAGE_NAMES, NESTED, SPAN_NAMES, TIME_NAMES, TRACE_NAMES, normal, severity, unix_nanos
from sanitizer.model import CleanBatch

Body = Literal["message", "json"]
Object = dict[str, Any]

MAX_REMEMBERED = 4096
MIN_INT64, MAX_INT64 = -(1 << 63), (1 << 63) - 1
ODD = frozenset(("traceparent", "PRIORITY", "priority", "severityNumber", "severity_number"))
"""Fields that say what others say, in a way of their own."""

TRACE_ID = re.compile("(?!0+$)[0-9a-f]{32}")
SPAN_ID = re.compile("(?!0+$)[0-9a-f]{16}")
TO_THE_MINUTE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:", re.ASCII)
SECONDS = {f":{second:02}": second for second in range(60)}


class Shape(NamedTuple):
    """Which fields say what in records that have the same fields; all `others` are attributes."""

    time: str | None
    level: str | None
    message: str | None
    trace: str | None
    span: str | None
    nested: Sequence[str]
    others: Sequence[str]


class Encoder:
    """Encodes batch after batch; remembers the shapes, minutes and levels it has seen, a bounded number of each."""

    def __init__(self, body: Body = "message") -> None:
        self._body = body
        self._shapes: dict[tuple[str, ...], Shape | None] = {}
        self._minutes: dict[str, int] = {}
        self._levels: dict[str | int, tuple[int, str]] = {}

    def encode(self, batch: CleanBatch) -> list[Object]:
        """A log record for each record of *batch*, in order."""
        if batch.kind == "audit":
            with suppress(KeyError, ValueError, TypeError):  # an event of a later version: like any record, then
                return [_encode_event(record, batch.record_id(index)) for index, record in enumerate(batch.records)]
        observed, lane = str(time.time_ns()), batch.lane
        return [
            self._encode(record, {"key": "log.record.uid", "value": {"stringValue": f"{lane}:{offset}"}}, observed)
            for record, offset in zip(batch.records, batch.offsets, strict=True)
        ]

    def _encode(self, record: bytes, identity: Object, observed: str) -> Object:
        try:
            fields = orjson.loads(record)
        except orjson.JSONDecodeError:
            fields = None
        if type(fields) is not dict:
            body = {"stringValue": record.decode(errors="replace")}
            return {"observedTimeUnixNano": observed, "attributes": [identity], "body": body}
        encoded = self._encode_usual(fields, record, identity) or self._encode_any(fields, record, identity)
        encoded["observedTimeUnixNano"] = observed
        return encoded

    def _encode_usual(self, fields: Object, record: bytes, identity: Object) -> Object | None:
        """What *fields* say, where their names tell which says what; None where it takes a closer look."""
        names = tuple(fields)
        try:
            shape = self._shapes[names]
        except KeyError:
            shape = self._learn(names)
        if shape is None:
            return None
        encoded = self._said(fields, shape)
        if encoded is None:
            return None
        encoded["attributes"] = attributes = [identity]
        if self._body == "json":
            encoded["body"] = {"stringValue": record.decode()}
        elif shape.message is None:
            encoded["body"] = any_value(fields)
        else:
            message = fields[shape.message]
            if type(message) is not str or not message:
                return None
            encoded["body"] = {"stringValue": message}
            for name in shape.others:
                value = fields[name]
                if type(value) is str:
                    attributes.append({"key": name, "value": {"stringValue": value}})
                elif type(value) is int:
                    attributes.append({"key": name, "value": any_value(value)})
                else:
                    attributes.extend(flatten(name, value))
        return encoded

    def _said(self, fields: Object, shape: Shape) -> Object | None:
        """Time, severity and trace context; None when a value is not what the shape lets expect."""
        said: Object = {}
        if shape.time is not None:
            nanos = self._nanos(fields[shape.time])
            if nanos is None:
                return None
            said["timeUnixNano"] = nanos
        if shape.level is not None:
            level = fields[shape.level]
            known = self._severity(level) if type(level) is str or type(level) is int else None
            if known is None:
                return None
            said["severityNumber"], said["severityText"] = known
        for name, key, form in ((shape.trace, "traceId", TRACE_ID), (shape.span, "spanId", SPAN_ID)):
            if name is not None:
                found = fields[name]
                if type(found) is not str or not form.fullmatch(found):
                    return None
                said[key] = found
        if shape.nested and any(type(fields[name]) is dict for name in shape.nested):
            return None
        return said

    def _learn(self, names: tuple[str, ...]) -> Shape | None:
        """The shape of records with these fields; None for those that need a closer look."""
        shape = None
        if not ODD.intersection(names):
            known = (TIME_NAMES, LEVEL_NAMES, MESSAGE_NAMES, TRACE_NAMES, SPAN_NAMES)
            at = time_name, level, message, trace, span = [next((name for name in row if name in names), None) for row in known]
            nested = [name for name in NESTED if name in names]
            shape = Shape(time_name, level, message, trace, span, nested, [name for name in names if name not in at])
        if len(self._shapes) < MAX_REMEMBERED:
            self._shapes[names] = shape
        return shape

    def _nanos(self, value: object) -> str | None:
        """Nanoseconds since 1970, in digits. A date is read in parts, of which the first, to the minute, repeats."""
        if type(value) is str and (minute := self._minutes.get(value[:16]) or self._learn_minute(value)):
            second, below = value[16:19], value[19:].removesuffix("Z")
            if second in SECONDS:
                if not below:
                    return f"{minute + SECONDS[second]}000000000"
                if below[0] in ".," and len(below) <= 10 and below[1:].isdecimal() and below.isascii():
                    return f"{minute + SECONDS[second]}{below[1:]:0<9}"
        nanos = unix_nanos(value)
        return None if nanos is None else str(nanos)

    def _learn_minute(self, text: str) -> int | None:
        """The second since 1970 of the minute with which *text* begins, in UTC."""
        if not TO_THE_MINUTE.match(text) or (nanos := unix_nanos(text[:16])) is None or nanos < 10**9:
            return None
        if len(self._minutes) >= MAX_REMEMBERED:
            self._minutes.clear()
        self._minutes[text[:16]] = nanos // 10**9
        return nanos // 10**9

    def _severity(self, level: str | int) -> tuple[int, str] | None:
        """Severity number and text of a level; None when it is no known one."""
        known = self._levels.get(level)
        if known is None:
            number, text = severity(level)
            if not number:
                return None
            known = (number, level if isinstance(level, str) else text)
            if len(self._levels) < MAX_REMEMBERED:
                self._levels[level] = known
        return known

    def _encode_any(self, fields: Object, record: bytes, identity: Object) -> Object:
        """What *fields* say, at a closer look."""
        said = normal(fields)
        attributes = [identity]
        encoded: Object = {"attributes": attributes}
        consumed: set[str] = set()
        if said.time_unix_nano is not None:
            encoded["timeUnixNano"] = str(said.time_unix_nano)
            consumed |= {name for name in TIME_NAMES if unix_nanos(fields.get(name)) == said.time_unix_nano}
        if said.severity_number:
            encoded["severityNumber"], encoded["severityText"] = said.severity_number, said.severity_text
            consumed |= {name for name in LEVEL_NAMES if severity(fields.get(name))[0] == said.severity_number}
        for key, said_id, names in (("traceId", said.trace_id, TRACE_NAMES), ("spanId", said.span_id, SPAN_NAMES)):
            if said_id:
                encoded[key] = said_id
                consumed |= {name for name in names if str(fields.get(name)).lower() == said_id}
        if self._body == "json":
            encoded["body"] = {"stringValue": record.decode()}
        elif said.message:
            encoded["body"] = {"stringValue": said.message}
            consumed |= {next((name for name in MESSAGE_NAMES if fields.get(name) == said.message), "")}
            for name, value in fields.items():
                if name not in consumed:
                    attributes += flatten(name, value)
        else:
            encoded["body"] = any_value(fields)
        return encoded


def _encode_event(record: bytes, uid: str) -> Object:
    """An audit event under the names of the MCP conventions; its body is the event as it was sealed."""
    from sanitizer.audit_views import otel  # noqa: PLC0415 - only who sends audit events pays for it

    encoded = otel(orjson.loads(record), record)
    identity = {"key": "log.record.uid", "value": {"stringValue": uid}}
    return {**encoded, "observedTimeUnixNano": str(time.time_ns()), "attributes": [identity, *encoded["attributes"]]}


def flatten(name: str, value: Any) -> Iterator[Object]:
    """The attributes of a field: one for each member of an object, one for anything else but null."""
    members = ((f"{name}.{inner}", below) for inner, below in value.items()) if isinstance(value, dict) else ((name, value),)
    for key, below in members:
        if below is not None:
            yield {"key": key, "value": any_value(below)}


def any_value(value: Any) -> Object:
    """An OTLP `AnyValue` (`common/v1/common.proto`): 64-bit integers are text, null is an empty value."""
    kind = type(value)
    if kind is str:
        return {"stringValue": value}
    if kind is int:
        return {"intValue": str(value)} if MIN_INT64 <= value <= MAX_INT64 else {"stringValue": str(value)}
    if kind is bool:
        return {"boolValue": value}
    if kind is float:
        return {"doubleValue": value}
    if kind is list:
        return {"arrayValue": {"values": [any_value(each) for each in value]}}
    if kind is dict:
        return {"kvlistValue": {"values": [{"key": name, "value": any_value(each)} for name, each in value.items()]}}
    return {}


def export_request(resource: Mapping[str, str], scope: Mapping[str, Any], records: Sequence[Object]) -> Object:
    """An `ExportLogsServiceRequest` of *records*."""
    attributes = [{"key": name, "value": {"stringValue": value}} for name, value in resource.items()]
    logs = {"scope": scope, "logRecords": records}
    return {"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [logs]}]}
