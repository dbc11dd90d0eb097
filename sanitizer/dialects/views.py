"""Audit events in the words of others: OpenTelemetry, and the field sets of MCPAtlas and ATOMS; `VIEWS` names all there are.

Each view is a pure function of a sealed event. Those that have a place for it carry the event as it was sealed, so that what a
store gives back can still be verified. Source: OpenTelemetry semantic conventions for GenAI and MCP (development).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from sanitizer.dialects.siem import FAILED, Event, cef, ecs, nanos, ocsf, told, trace
from sanitizer.model import Clean

View = Callable[[Event, bytes], Any]

_NAMED = frozenset(
    ["method", "protocol", "session", "uri", "tool", "prompt", "id", "code", "client_ip", "user", "server", "time", "traceparent"]
)
# A server that says so did what it was asked to: these are the caller's mistakes (OpenTelemetry, MCP server spans).
_NOT_THE_SERVERS_ERRORS = frozenset((-32700, -32600, -32601, -32602, -32002))


def render(view: str, line: bytes) -> Clean:
    """The sealed event *line* in *view*, one line without its end. Raises `KeyError` for an unknown view."""
    shown = VIEWS[view](orjson.loads(line), line)
    return Clean(shown if isinstance(shown, bytes) else orjson.dumps(shown))


def native(_: Event, line: bytes) -> bytes:
    """The event as it was sealed."""
    return line


def otel(event: Event, line: bytes) -> dict[str, Any]:
    """An OTLP/JSON `LogRecord` in the MCP conventions; what they have no name for is under `mcp.audit.`."""
    outcome, code = event.get("outcome", ""), event.get("code")
    is_call = event["type"] == "call"
    error = ""
    if outcome == "tool_error":
        error = "tool_error"
    elif outcome in ("rpc_error", "denied") and not _is_the_callers_mistake(event):
        error = str(code) if code is not None else str(outcome)
    elif outcome == "no_response":
        error = "timeout"
    attributes = {
        "mcp.method.name": event.get("method"),
        "mcp.protocol.version": event.get("protocol"),
        "mcp.session.id": event.get("session"),
        "mcp.resource.uri": event.get("uri"),
        "gen_ai.operation.name": "execute_tool" if event.get("method") == "tools/call" else None,
        "gen_ai.tool.name": event.get("tool"),
        "gen_ai.prompt.name": event.get("prompt"),
        "jsonrpc.request.id": None if event.get("id") is None else str(event["id"]),
        "rpc.response.status_code": None if code is None else str(code),
        "error.type": error or None,
        "network.transport": {"stdio": "pipe", "http": "tcp"}.get(event.get("transport", "")),
        "client.address": event.get("client_ip"),
        "user.id": event.get("user"),
        "service.name": event.get("server"),
    }
    own = {f"mcp.audit.{name}": value for name, value in event.items() if name not in _NAMED}
    number, text = (9, "INFO") if outcome not in FAILED else (13, "WARN")
    if event["type"] in ("credential_exposure", "records_dropped"):
        number, text = 17, "ERROR"
    record = {
        "timeUnixNano": str(nanos(event["time"])),
        "severityNumber": number,
        "severityText": text,
        "eventName": "mcp.audit.call" if is_call else f"mcp.audit.{event['type']}",
        "body": {"stringValue": line.decode()},
        "attributes": [{"key": name, "value": _any_value(value)} for name, value in told(attributes | own).items()],
    }
    if (traced := trace(event)) is not None:
        record |= {"traceId": traced[0], "spanId": traced[1], "flags": traced[2]}
    return record


def mcpatlas(event: Event, _: bytes) -> dict[str, Any]:
    """The fields that MCPAtlas promises of an audit record, every one present; a hash without a key is bare hex there."""
    return {
        "timestamp": event["time"],
        "session_id": event.get("session"),
        "client_ip": event.get("client_ip"),
        "method": event.get("method", event["type"]),
        "tool_name": event.get("tool"),
        "params_hash": params_hash.removeprefix("sha256:") if (params_hash := event.get("params_hash")) else None,
        "response_code": event.get("code", 0 if event.get("outcome") == "ok" else None),
        "latency_ms": event.get("latency_ms"),
    }


def atoms(event: Event, _: bytes) -> dict[str, Any]:
    """The columns of ATOMS's `mcp_audit_log`; params are their hash."""
    return {
        "tool_name": event.get("tool") or event.get("method", event["type"]),
        "params": event.get("params_hash"),
        "status": ("success" if event.get("outcome") == "ok" else "error") if event["type"] == "call" else None,
        "duration_ms": event.get("latency_ms"),
        "user_id": event.get("user"),
        "project_id": event.get("project"),
        "session_id": event.get("session"),
        "client_name": event.get("client_name", "unknown"),
        "created_at": event["time"],
    }


VIEWS: Mapping[str, View] = {
    "native": native,
    "otel": otel,
    "ocsf": ocsf,
    "ecs": ecs,
    "cef": cef,
    "mcpatlas": mcpatlas,
    "atoms": atoms,
}


def _is_the_callers_mistake(event: Event) -> bool:
    return event.get("direction") != "server_to_client" and event.get("code") in _NOT_THE_SERVERS_ERRORS


def _any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": _any_value(item)} for key, item in value.items()]}}
    return {"stringValue": str(value)}
