"""Clean records as OpenTelemetry log records in OTLP's JSON (opentelemetry-proto, `logs/v1/logs.proto`).

The message becomes the body, time, level and trace context their fields, and all else attributes: a nested object is flattened
by one level (`http.status`), what lies deeper stays structured. A record without a message becomes a structured body, one that
is no JSON object a text. `log.record.uid` is the record's id, the same on every replay.

A record is JSON already: the values of its fields are not decoded but moved, as text, to their new places.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import orjson

from sanitizer.fields import LEVEL_NAMES, MESSAGE_NAMES, NESTED, SPAN_NAMES, TIME_NAMES, TRACE_NAMES, normal, severity, unix_nanos
from sanitizer.model import CleanBatch

Body = Literal["message", "json"]

MAX_REMEMBERED = 4096
INT64 = range(-(1 << 63), 1 << 63)
UNUSUAL = frozenset(
    (*TRACE_NAMES, *SPAN_NAMES, *NESTED, "traceparent", "PRIORITY", "priority", "severityNumber", "severity_number"),
)
STRING, TRUE, FALSE, NULL = b'"tfn'
STRUCTURED = b"{["

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Shape(NamedTuple):
    """Which fields say what in records that have the same fields; `others` come with the beginning of their attribute."""

    time: str
    level: str
    message: str
    others: Sequence[tuple[str, bytes]]


class Encoder:
    """Encodes batch after batch; remembers the shapes, seconds and levels it has seen, a bounded number of each."""

    def __init__(self, body: Body = "message") -> None:
        self._body = body
        self._shapes: dict[tuple[str, ...], Shape | None] = {}
        self._seconds: dict[bytes, int] = {}
        self._levels: dict[bytes, bytes] = {}

    def encode(self, batch: CleanBatch) -> list[bytes]:
        """The JSON of a log record for each record of *batch*, in order."""
        begin = b'{"observedTimeUnixNano":"%d","attributes":[{"key":"log.record.uid","value":{"stringValue":' % time.time_ns()
        lane = orjson.dumps(batch.lane)[:-1]
        return [
            b'%b%b:%d"}}%b' % (begin, lane, offset, self._encode(record))
            for record, offset in zip(batch.records, batch.offsets, strict=True)
        ]

    def _encode(self, record: bytes) -> bytes:
        """The rest of a log record, from within its attributes to its end."""
        try:
            if not record.isascii():
                record.decode()  # what is moved as text must be text
            return self._encode_object(record)
        except ValueError:  # of UTF-8, msgspec and orjson alike: no JSON object
            return b'],"body":{"stringValue":%b}}' % orjson.dumps(record.decode(errors="replace"))

    def _encode_object(self, record: bytes) -> bytes:
        fields = _decode(record)
        names = tuple(fields)
        try:
            shape = self._shapes[names]
        except KeyError:
            shape = self._learn(names)
        if shape is None:
            return self._encode_unusual(record)
        message = bytes(fields[shape.message])
        nanos = self._nanos(bytes(fields[shape.time]))
        severity_fields = self._severity(bytes(fields[shape.level]))
        if nanos is None or severity_fields is None or message[0] != STRING:
            return self._encode_unusual(record)
        if self._body == "json":
            message, others = orjson.dumps(record.decode()), []
        else:
            others = [_attribute(name, begin, bytes(fields[name])) for name, begin in shape.others]
        return b'%b],"timeUnixNano":"%d",%b,"body":{"stringValue":%b}}' % (b"".join(others), nanos, severity_fields, message)

    def _learn(self, names: tuple[str, ...]) -> Shape | None:
        """The shape of records that have time, level and message, and nothing that needs a closer look; None for others."""
        shape = None
        present = set(names)
        if not present & UNUSUAL:
            at = [next((name for name in known if name in present), None) for known in (TIME_NAMES, LEVEL_NAMES, MESSAGE_NAMES)]
            if at[0] is not None and at[1] is not None and at[2] is not None:
                others = [(name, b',{"key":%b,"value":' % orjson.dumps(name)) for name in names if name not in at]
                shape = Shape(at[0], at[1], at[2], others)
        if len(self._shapes) < MAX_REMEMBERED:
            self._shapes[names] = shape
        return shape

    def _nanos(self, value: bytes) -> int | None:
        """Nanoseconds since 1970 of a time in JSON. RFC 3339 in UTC is read in two parts, of which the first repeats."""
        if value[0] == STRING and value[-2:] == b'Z"' and len(value) <= 32:
            fraction = value[21:-2]
            if not fraction or (value[20:21] == b"." and fraction.isdigit()):
                seconds = self._seconds.get(value[:20])
                if seconds is None:
                    nanos = unix_nanos(value[1:20].decode(errors="replace") + "Z")
                    if nanos is None:
                        return None
                    seconds = nanos // 10**9
                    if len(self._seconds) >= MAX_REMEMBERED:
                        self._seconds.clear()
                    self._seconds[value[:20]] = seconds
                return seconds * 10**9 + (int(fraction.ljust(9, b"0")) if fraction else 0)
        return unix_nanos(orjson.loads(value))

    def _severity(self, level: bytes) -> bytes | None:
        """Severity number and text of a level in JSON; None when it is no known level."""
        known = self._levels.get(level)
        if known is None:
            said = orjson.loads(level)
            number, text = severity(said)
            if not number:
                return None
            known = b'"severityNumber":%d,"severityText":%b' % (number, level if isinstance(said, str) else orjson.dumps(text))
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


def _attribute(name: str, begin: bytes, value: bytes) -> bytes:
    """The attributes of a field, each after a comma; *begin* is what comes before a value, *value* what it is in JSON."""
    first = value[0]
    if first == STRING:
        return b'%b{"stringValue":%b}}' % (begin, value)
    if first == NULL:
        return b""
    if first in (TRUE, FALSE):
        return b'%b{"boolValue":%b}}' % (begin, value)
    if first not in STRUCTURED and len(value) < 19 and value.lstrip(b"-").isdigit():
        return b'%b{"intValue":"%b"}}' % (begin, value)
    return b"".join(b"," + orjson.dumps(attribute) for attribute in flatten(name, orjson.loads(value)))


def flatten(name: str, value: Any) -> Iterator[dict[str, Any]]:
    """The attributes of a field: one for each member of an object, one for anything else but null."""
    members = ((f"{name}.{inner}", below) for inner, below in value.items()) if isinstance(value, dict) else ((name, value),)
    for key, below in members:
        if below is not None:
            yield {"key": key, "value": any_value(below)}


def any_value(value: Any) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind
    """An OTLP `AnyValue` (`common/v1/common.proto`): 64-bit integers are text, null is an empty value."""
    match value:
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)} if value in INT64 else {"stringValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [any_value(each) for each in value]}}
        case dict():
            return {"kvlistValue": {"values": [{"key": name, "value": any_value(each)} for name, each in value.items()]}}
        case _:
            return {}


def export_request(resource: Mapping[str, str], scope: Mapping[str, Any], records: Sequence[bytes]) -> bytes:
    """The JSON of an `ExportLogsServiceRequest` of *records*."""
    attributes = [{"key": name, "value": {"stringValue": value}} for name, value in resource.items()]
    head = b'{"resourceLogs":[{"resource":{"attributes":%b},"scopeLogs":[{"scope":%b,"logRecords":[' % (
        orjson.dumps(attributes),
        orjson.dumps(scope),
    )
    return b"".join((head, b",".join(records), b"]}]}]}"))
