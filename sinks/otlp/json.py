"""What OTLP's JSON is made of (opentelemetry-proto, `common/v1` and `collector/logs/v1`): values, attributes, the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

INT64 = range(-(1 << 63), 1 << 63)


def flatten(name: str, value: Any) -> Iterator[dict[str, Any]]:
    """The attributes of a field: one for each member of an object, one for anything else but null."""
    members = ((f"{name}.{inner}", below) for inner, below in value.items()) if isinstance(value, dict) else ((name, value),)
    for key, below in members:
        if below is not None:
            yield {"key": key, "value": any_value(below)}


def any_value(value: Any) -> dict[str, Any]:
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
