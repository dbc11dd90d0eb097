"""OTLP's messages in protobuf, made from their JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

EVENT_NAMES = "event_name" in LogRecord.DESCRIPTOR.fields_by_name
"""Older versions of the package know no event names."""


def from_json(body: bytes) -> ExportLogsServiceRequest:
    """The message of a request in OTLP's JSON, as `otlp_json.export_request` writes it."""
    (resource_logs,) = orjson.loads(body)["resourceLogs"]
    (scope_logs,) = resource_logs["scopeLogs"]
    scope = scope_logs["scope"]
    logs = ScopeLogs(
        scope=InstrumentationScope(name=scope["name"], attributes=_key_values(scope["attributes"])),
        log_records=[_log_record(record) for record in scope_logs["logRecords"]],
    )
    resource = Resource(attributes=_key_values(resource_logs["resource"]["attributes"]))
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=resource, scope_logs=[logs])])


def rejected(answer: bytes) -> int:
    """How many records an encoded `ExportLogsServiceResponse` says were rejected; raises `ValueError` if it is none."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # noqa: PLC0415 - needed only here

    try:
        return ExportLogsServiceResponse.FromString(answer).partial_success.rejected_log_records  # type: ignore[no-any-return]
    except DecodeError:
        raise ValueError("no ExportLogsServiceResponse") from None


def _log_record(record: Mapping[str, Any]) -> LogRecord:
    event = {"event_name": record["eventName"]} if EVENT_NAMES and "eventName" in record else {}
    return LogRecord(
        **event,
        flags=record.get("flags", 0),
        time_unix_nano=int(record.get("timeUnixNano", 0)),
        observed_time_unix_nano=int(record["observedTimeUnixNano"]),
        severity_number=record.get("severityNumber", 0),
        severity_text=record.get("severityText", ""),
        body=_any_value(record["body"]),
        attributes=_key_values(record["attributes"]),
        trace_id=bytes.fromhex(record.get("traceId", "")),
        span_id=bytes.fromhex(record.get("spanId", "")),
    )


def _key_values(attributes: Sequence[Mapping[str, Any]]) -> list[KeyValue]:
    return [KeyValue(key=each["key"], value=_any_value(each["value"])) for each in attributes]


def _any_value(value: Mapping[str, Any]) -> AnyValue:
    for kind, held in value.items():
        match kind:
            case "stringValue":
                return AnyValue(string_value=held)
            case "intValue":
                return AnyValue(int_value=int(held))
            case "boolValue":
                return AnyValue(bool_value=held)
            case "doubleValue":
                return AnyValue(double_value=held)
            case "arrayValue":
                return AnyValue(array_value=ArrayValue(values=[_any_value(each) for each in held["values"]]))
            case "kvlistValue":
                return AnyValue(kvlist_value=KeyValueList(values=_key_values(held["values"])))
    return AnyValue()
