"""Clean records as OpenTelemetry log records in OTLP's JSON (opentelemetry-proto, `logs/v1/logs.proto`).

The message becomes the body, time, level and trace context their fields, and all else attributes: a nested object is flattened
by one level (`http.status`), what lies deeper stays structured. A record without a message becomes a structured body, one that
is no JSON object a text. `log.record.uid` is the record's id, the same on every replay.

A record is JSON already: the values of its fields are not decoded but moved, as text, to their new places.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

import msgspec
import orjson

from sanitizer.model import CleanBatch
from sanitizer.records.fields import (
    LEVEL_NAMES,
    MESSAGE_NAMES,
    NESTED,
    SPAN_NAMES,
    TIME_NAMES,
    TRACE_NAMES,
    normal,
    severity,
    unix_nanos,
)
from sinks.otlp.json import any_value, flatten

Body = Literal["message", "json"]

MAX_REMEMBERED = 4096
ODD = frozenset(("traceparent", "PRIORITY", "priority", "severityNumber", "severity_number"))
"""Fields that say what others say, in a way of their own."""

STRING, OBJECT, ARRAY, TRUE, FALSE, NULL = b'"{[tfn'
TRACE_ID = re.compile(rb'"(?!0+")[0-9a-f]{32}"')
SPAN_ID = re.compile(rb'"(?!0+")[0-9a-f]{16}"')
TO_THE_MINUTE = re.compile(rb'"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d')
SECONDS = {b":%02d" % second: second for second in range(60)}

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Begin(NamedTuple):
    """The name of a field, and how its attribute begins in JSON: of a text, of an integer, of anything."""

    name: str
    text: bytes
    integer: bytes
    any: bytes


class Shape(NamedTuple):
    """Which fields say what in records that have the same fields; all `others` are attributes."""

    time: str | None
    level: str | None
    message: str | None
    trace: str | None
    span: str | None
    nested: Sequence[str]
    others: Sequence[Begin]
    all: Sequence[Begin]


class Encoder:
    """Encodes batch after batch; remembers the shapes, minutes and levels it has seen, a bounded number of each."""

    def __init__(self, body: Body = "message") -> None:
        self._body = body
        self._shapes: dict[tuple[str, ...], Shape | None] = {}
        self._minutes: dict[bytes, int] = {}
        self._levels: dict[bytes, bytes] = {}

    def encode(self, batch: CleanBatch) -> list[bytes]:
        """The JSON of a log record for each record of *batch*, in order."""
        if batch.kind == "audit":
            with suppress(KeyError, ValueError, TypeError):  # an event of a later version: like any record, then
                return [_encode_event(record, batch.record_id(index)) for index, record in enumerate(batch.records)]
        begin = b'{"observedTimeUnixNano":"%d","attributes":[{"key":"log.record.uid","value":{"stringValue":' % time.time_ns()
        begin, encode = begin + orjson.dumps(batch.lane)[:-1] + b":", self._encode
        return [b'%b%d"}}%b' % (begin, at, encode(record)) for record, at in zip(batch.records, batch.offsets, strict=True)]

    def _encode(self, record: bytes) -> bytes:
        """The rest of a log record, from within its attributes to its end."""
        try:
            if not record.isascii():
                record.decode()  # what is moved as text must be text
            return self._encode_usual(record) or self._encode_unusual(record)
        except ValueError:  # of UTF-8, msgspec and orjson alike: no JSON object
            return b'],"body":{"stringValue":%b}}' % orjson.dumps(record.decode(errors="replace"))

    def _encode_usual(self, record: bytes) -> bytes | None:
        """Move what the fields say, where their names tell which says what; None where it takes a closer look."""
        fields = _decode(record)
        names = tuple(fields)
        try:
            shape = self._shapes[names]
        except KeyError:
            shape = self._learn(names)
        said = self._said(fields, shape) if shape else None
        if said is None or shape is None:
            return None
        if self._body == "json":
            return b'],%b"body":{"stringValue":%b}}' % (said, orjson.dumps(record.decode()))
        if shape.message is None:
            members = b",".join([b"%b%b}" % (begin.any[1:], _any_value(bytes(fields[begin.name]))) for begin in shape.all])
            return b'],%b"body":{"kvlistValue":{"values":[%b]}}}' % (said, members)
        message = bytes(fields[shape.message])
        if message[0] != STRING or message == b'""':
            return None
        pieces: list[bytes] = []
        for name, text, integer, anything in shape.others:
            value = bytes(fields[name])
            if value[0] == STRING:
                pieces += (text, value, b"}}")
            elif value.isdigit() and len(value) < 19:
                pieces += (integer, value, b'"}}')
            else:
                pieces.append(_attribute(name, anything, value))
        pieces += (b"],", said, b'"body":{"stringValue":', message, b"}}")
        return b"".join(pieces)

    def _said(self, fields: Mapping[str, msgspec.Raw], shape: Shape) -> bytes | None:
        """Time, severity and trace context; None when a value is not what the shape lets expect."""
        said = b""
        if shape.time is not None:
            nanos = self._nanos(bytes(fields[shape.time]))
            if nanos is None:
                return None
            said = b'"timeUnixNano":"%b",' % nanos
        if shape.level is not None:
            name = bytes(fields[shape.level])
            level = self._levels.get(name) or self._severity(name)
            if level is None:
                return None
            said += level
        for field, key, form in ((shape.trace, b"traceId", TRACE_ID), (shape.span, b"spanId", SPAN_ID)):
            if field is not None:
                found = bytes(fields[field])
                if not form.fullmatch(found):
                    return None
                said += b'"%b":%b,' % (key, found)
        if shape.nested and any(bytes(fields[field])[0] == OBJECT for field in shape.nested):
            return None
        return said

    def _learn(self, names: tuple[str, ...]) -> Shape | None:
        """The shape of records with these fields; None for those that need a closer look."""
        shape = None
        if not ODD.intersection(names):
            known = (TIME_NAMES, LEVEL_NAMES, MESSAGE_NAMES, TRACE_NAMES, SPAN_NAMES)
            at = time_name, level, message, trace, span = [next((name for name in row if name in names), None) for row in known]
            begins = [_begin(name) for name in names]
            nested = [name for name in NESTED if name in names]
            shape = Shape(time_name, level, message, trace, span, nested, [each for each in begins if each.name not in at], begins)
        if len(self._shapes) < MAX_REMEMBERED:
            self._shapes[names] = shape
        return shape

    def _nanos(self, value: bytes) -> bytes | None:
        """Nanoseconds since 1970, in digits, of a time in JSON. Dates are read in parts: the first, to the minute, repeats."""
        minute = self._minutes.get(value[:17])
        if minute is not None and (second := SECONDS.get(value[17:20])) is not None:
            below = value[20:-1].removesuffix(b"Z")
            if not below:
                return b"%d000000000" % (minute + second)
            if below[0] in b".," and len(below) <= 10 and below[1:].isdigit():
                return b"%d%b" % (minute + second, below[1:].ljust(9, b"0"))
        elif len(value) == 13 and value.isdigit() and value[:1] == b"1":  # milliseconds of the years 2001 to 2033
            return value + b"000000"
        nanos = unix_nanos(orjson.loads(value))
        if nanos is None:
            return None
        if nanos >= 10**9 and TO_THE_MINUTE.match(value):
            self._learn_minute(value[:17])
        return b"%d" % nanos

    def _learn_minute(self, value: bytes) -> None:
        start = unix_nanos(value[1:].decode())
        if start is not None:
            if len(self._minutes) >= MAX_REMEMBERED:
                self._minutes.clear()
            self._minutes[value] = start // 10**9

    def _severity(self, level: bytes) -> bytes | None:
        """Severity number and text of a level in JSON; None when it is no known level."""
        said = orjson.loads(level)
        number, text = severity(said)
        if not number:
            return None
        known = b'"severityNumber":%d,"severityText":%b,' % (number, level if isinstance(said, str) else orjson.dumps(text))
        if len(self._levels) < MAX_REMEMBERED:
            self._levels[level] = known
        return known

    def _encode_unusual(self, record: bytes) -> bytes:
        """Encode a record that must be looked at by itself."""
        fields = orjson.loads(record)
        said = normal(fields)
        encoded: dict[str, Any] = {}
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
        attributes: list[Any] = []
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
        rest = b"".join(b"," + orjson.dumps(attribute) for attribute in attributes)
        return b"%b],%b" % (rest, orjson.dumps(encoded)[1:])


def _encode_event(record: bytes, uid: str) -> bytes:
    """An audit event under the names of the MCP conventions; its body is the event as it was sealed."""
    from sanitizer.dialects.views import otel  # noqa: PLC0415 - only who sends audit events pays for it

    encoded = otel(orjson.loads(record), record)
    identity = {"key": "log.record.uid", "value": {"stringValue": uid}}
    return orjson.dumps(
        encoded | {"observedTimeUnixNano": str(time.time_ns()), "attributes": [identity, *encoded["attributes"]]}
    )


def _begin(name: str) -> Begin:
    begin = b',{"key":%b,"value":' % orjson.dumps(name)
    return Begin(name, begin + b'{"stringValue":', begin + b'{"intValue":"', begin)


def _attribute(name: str, begin: bytes, value: bytes) -> bytes:
    """The attributes of a field, each after a comma; *begin* is what comes before a value, *value* what it is in JSON."""
    first = value[0]
    if first == STRING:
        return b'%b{"stringValue":%b}}' % (begin, value)
    if first == NULL:
        return b""
    if first == OBJECT:
        return b"".join([b"," + orjson.dumps(attribute) for attribute in flatten(name, orjson.loads(value))])
    return b"%b%b}" % (begin, _any_value(value))


def _any_value(value: bytes) -> bytes:
    """An `AnyValue` of *value* in JSON."""
    first = value[0]
    if first == STRING:
        return b'{"stringValue":%b}' % value
    if first in (TRUE, FALSE):
        return b'{"boolValue":%b}' % value
    if first not in (OBJECT, ARRAY, NULL) and len(value) < 19 and value.lstrip(b"-").isdigit():
        return b'{"intValue":"%b"}' % value
    return orjson.dumps(any_value(orjson.loads(value)))
