"""Audit events for a SIEM: OCSF, Elastic Common Schema, CEF.

Sources: OCSF 1.5 (API Activity 6003, Detection Finding 2004, Base Event 0), ECS 8.17, ArcSight Common Event Format revision 25.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

Event = Mapping[str, Any]

PRODUCT = "mcp-log-sanitizer"
FAILED = frozenset(("tool_error", "rpc_error", "denied", "cancelled", "no_response"))
_READS = ("tools/list", "prompts/", "resources/", "roots/list", "completion/", "ping", "server/discover", "tasks/get", "tasks/list")
_ECS_OWN = (
    "tool prompt uri params_hash session protocol client_name client_version project subject_type subject_id actor_kind "
    "request_bytes response_bytes attempts fingerprint count"
)
_CEF_OWN = {
    "cs1": ("tool", "tool"),
    "cs2": ("paramsHash", "params_hash"),
    "cs3": ("session", "session"),
    "cs4": ("client", "client_name"),
    "cs5": ("project", "project"),
    "cs6": ("hash", "hash"),
    "cn1": ("latencyMs", "latency_ms"),
}


def ocsf(event: Event, line: bytes) -> dict[str, Any]:
    """API Activity for a call, a Detection Finding for an exposed credential, a Base Event for the rest."""
    shown: dict[str, Any] = {
        "time": nanos(event["time"]) // 1_000_000,
        "metadata": {
            "version": "1.5.0",
            "product": {"name": PRODUCT, "vendor_name": PRODUCT},
            "uid": uid(event),
            "sequence": event["seq"],
            "log_name": "audit",
            "event_code": event["type"],
        },
        "raw_data": line.decode(),
    }
    if event["type"] == "call":
        return shown | _api_activity(event)
    if event["type"] == "credential_exposure":
        finding = {
            "uid": event.get("fingerprint", event["rule"]),
            "title": f"A credential is in the log: {event['rule']}",
            "first_seen_time": nanos(event["first_seen"]) // 1_000_000,
            "last_seen_time": nanos(event["last_seen"]) // 1_000_000,
            "analytic": {"type_id": 1, "type": "Rule", "name": event["rule"]},
        }
        return shown | _class(2, 2004, 1 if event["count"] == 1 else 2, 4) | {"finding_info": finding, "count": event["count"]}
    severity = 4 if event["type"] == "records_dropped" else 1
    return shown | _class(0, 0, 99, severity) | {"activity_name": event["type"]}


def _api_activity(event: Event) -> dict[str, Any]:
    method, outcome = event.get("method", ""), event["outcome"]
    user = {"user": {"uid": event["user"]}} if event.get("user") else {}
    session = {"session": {"uid": event["session"]}} if event.get("session") else {}
    response = told({"code": event.get("code"), "error": outcome if outcome in FAILED else None})
    request_id = uid(event) if event.get("id") is None else str(event["id"])
    resource = event.get("tool") or event.get("prompt") or event.get("uri")
    status = 1 if outcome == "ok" else 2 if outcome in FAILED else 99
    return _class(6, 6003, 2 if method.startswith(_READS) else 99, 1 if status == 1 else 2) | told(
        {
            "status_id": status,
            "status": {1: "Success", 2: "Failure"}.get(status, "Other"),
            "status_code": None if event.get("code") is None else str(event["code"]),
            "status_detail": outcome,
            "duration": None if event.get("latency_ms") is None else round(event["latency_ms"]),
            "actor": {"app_name": event.get("client_name") or "unknown", **user, **session},
            "api": told(
                {
                    "operation": method or "unknown",
                    "request": {"uid": request_id},
                    "response": response or None,
                    "service": {"name": event["server"]} if event.get("server") else None,
                    "version": event.get("protocol"),
                }
            ),
            "src_endpoint": {"ip": event["client_ip"]}
            if event.get("client_ip")
            else {"name": event.get("client_name") or "unknown"},
            "resources": [{"name": resource, "type": method.partition("/")[0]}] if resource else None,
            "unmapped": told(
                {name: event.get(name) for name in ["params_hash", "project", "subject_type", "subject_id", "actor_kind"]}
            ),
        }
    )


def ecs(event: Event, line: bytes) -> dict[str, Any]:
    """An ECS document; what ECS has no field for is under `mcp`."""
    outcome = event.get("outcome", "")
    traced = trace(event)
    is_call = event["type"] == "call"
    return told(
        {
            "@timestamp": event["time"],
            "ecs": {"version": "8.17.0"},
            "event": told(
                {
                    "kind": "event" if event["type"] != "credential_exposure" else "alert",
                    "category": ["api"] if is_call else None,
                    "type": ["denied" if outcome == "denied" else "error" if outcome in FAILED else "access"]
                    if is_call
                    else ["info"],
                    "action": event.get("method") or event["type"],
                    "outcome": {"ok": "success"}.get(outcome, "failure" if outcome in FAILED else "unknown"),
                    "reason": outcome or event.get("reason"),
                    "code": None if event.get("code") is None else str(event["code"]),
                    "duration": None if event.get("latency_ms") is None else round(event["latency_ms"] * 1_000_000),
                    "id": uid(event),
                    "sequence": event["seq"],
                    "hash": event["hash"],
                    "original": line.decode(),
                    "module": PRODUCT,
                    "dataset": "mcp.audit",
                }
            ),
            "service": {"name": event["server"]} if event.get("server") else None,
            "client": {"ip": event["client_ip"]} if event.get("client_ip") else None,
            "user": {"id": event["user"]} if event.get("user") else None,
            "rule": {"id": event["rule"]} if event.get("rule") else None,
            "trace": {"id": traced[0]} if traced else None,
            "span": {"id": traced[1]} if traced else None,
            "mcp": told({name: event.get(name) for name in _ECS_OWN.split()}),
        }
    )


def cef(event: Event, _: bytes) -> bytes:
    """A CEF:0 line."""
    outcome = event.get("outcome", "")
    severity = 6 if outcome == "denied" else 4 if outcome in FAILED else 2
    severity = {"credential_exposure": 9, "records_dropped": 7}.get(event["type"], severity)
    what = event.get("method") or event["type"]
    target = event.get("tool") or event.get("prompt") or event.get("rule")
    head = (PRODUCT, "sanitizer", "1", what, f"{what} {target}" if target else what, str(severity))
    extension = {
        "rt": nanos(event["time"]) // 1_000_000,
        "externalId": uid(event),
        "outcome": outcome or None,
        "reason": event.get("code", event.get("reason")),
        "src": event.get("client_ip"),
        "suser": event.get("user"),
        "dvchost": event.get("server"),
        "request": event.get("uri"),
        "in": event.get("request_bytes"),
        "out": event.get("response_bytes"),
        "cnt": event.get("count"),
    }
    for field, (label, source) in _CEF_OWN.items():
        value = event.get(source)
        if value not in (None, ""):
            extension |= {field: round(value) if field == "cn1" else value, f"{field}Label": label}
    pairs = " ".join(f"{key}={_escaped(str(value), '=')}" for key, value in told(extension).items())
    return "|".join(["CEF:0", *(_escaped(part, "|") for part in head), pairs]).encode()


def uid(event: Event) -> str:
    return f"{event['chain']}:{event['seq']}"


def told(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", {})}


@lru_cache(256)
def nanos(time: str) -> int:
    seconds = int(datetime.fromisoformat(time[:19] + "+00:00").timestamp())
    return seconds * 1_000_000_000 + int(time[20:26]) * 1_000


def trace(event: Event) -> tuple[str, str, int] | None:
    """Trace id, span id and flags of a W3C `traceparent`."""
    parts = str(event.get("traceparent", "")).split("-")
    if len(parts) < 4 or [len(part) for part in parts[:4]] != [2, 32, 16, 2]:
        return None
    try:
        int(parts[1], 16), int(parts[2], 16)
        return parts[1], parts[2], int(parts[3], 16)
    except ValueError:
        return None


def _class(category: int, uid: int, activity: int, severity: int) -> dict[str, int]:
    ids = {"category_uid": category, "class_uid": uid, "activity_id": activity, "type_uid": uid * 100 + activity}
    return {**ids, "severity_id": severity}


def _escaped(text: str, separator: str) -> str:
    return text.replace("\\", "\\\\").replace(separator, f"\\{separator}").replace("\n", "\\n").replace("\r", "\\r")
