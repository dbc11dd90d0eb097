from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from sanitizer.audit.chain import Chain
from sanitizer.audit.event import AuditEvent, timestamp
from sanitizer.audit.verify import verify
from sanitizer.dialects.views import VIEWS, render

NOW = 1_795_186_552_123_456_789
MILLIS = NOW // 1_000_000
HASH = "hmac-sha256:k:" + "ab" * 32
CALL: dict[str, Any] = {
    "type": "call",
    "method": "tools/call",
    "tool": "charge|customer=x",
    "id": 7,
    "outcome": "ok",
    "latency_ms": 12.345,
    "params_hash": HASH,
    "server": "crm",
    "session": "[session:0123456789ab]",
    "client_name": "claude-ai",
    "client_version": "1.0",
    "client_ip": "203.0.113.7",
    "user": "[user:0123456789ab]",
    "project": "[project:0123456789ab]",
    "protocol": "2026-07-28",
    "transport": "stdio",
    "direction": "client_to_server",
    "request_bytes": 300,
    "response_bytes": 120,
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "redactions": {"email": 2},
}
EXPOSURE = {"type": "credential_exposure", "rule": "github-pat", "fingerprint": HASH, "count": 3}
EXPOSURE |= {"first_seen": timestamp(NOW), "last_seen": timestamp(NOW)}
OTHERS: list[dict[str, Any]] = [
    {"type": "call", "method": "resources/read", "uri": "file:///a", "outcome": "rpc_error", "code": -32602},
    {"type": "call", "method": "prompts/get", "prompt": "p", "outcome": "tool_error"},
    {"type": "call", "outcome": "no_response"},
    {"type": "call", "outcome": "denied", "code": 401, "method": "tools/call", "tool": "t"},
    {"type": "call", "outcome": "input_required", "method": "tools/call", "tool": "t", "id": "a\\b"},
    EXPOSURE,
    {"type": "records_dropped", "reason": "spool full", "count": 10},
    {"type": "records_retired", "reason": "kept as long as configured", "first_seq": 1, "last_seq": 9, "count": 2},
    {"type": "trail_recovered", "reason": "the writer was killed", "last_seq": 9},
    {"type": "checkpoint", "closing": True},
]


def sealed(**facts: Any) -> bytes:
    return Chain().seal(AuditEvent(time=timestamp(NOW), **facts))


def shown(view: str, **facts: Any) -> Any:
    return json.loads(render(view, sealed(**facts)))


def attributes(record: dict[str, Any]) -> dict[str, Any]:
    return {item["key"]: next(iter(item["value"].values())) for item in record["attributes"]}


OCSF = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.5.0"))
"""The published schema, without profiles: what is required, of which type, in which combination, and that nothing else is there."""


def ocsf_class(uid: int) -> Draft202012Validator:
    return Draft202012Validator(OCSF.get_class_schema(OCSF.lookup_class_name_from_uid(uid)))


@pytest.mark.parametrize("facts", [CALL, *OTHERS], ids=lambda facts: f"{facts['type']}-{facts.get('outcome', '')}")
def test_every_event_is_valid_ocsf(facts: dict[str, Any]) -> None:
    event = shown("ocsf", **facts)
    ocsf_class(event["class_uid"]).validate(event)
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["class_uid"] == {"call": 6003, "credential_exposure": 2004}.get(facts["type"], 0)
    assert event["time"] == MILLIS


def test_the_schema_would_notice_what_is_missing_or_does_not_belong() -> None:
    event = shown("ocsf", **CALL)
    schema = ocsf_class(6003)
    for name in ("actor", "api", "src_endpoint", "metadata", "time", "severity_id", "type_uid"):
        assert not schema.is_valid({key: value for key, value in event.items() if key != name}), name
    assert not schema.is_valid(event | {"tool": "charge"})
    assert not schema.is_valid(event | {"src_endpoint": {}})
    assert not schema.is_valid(event | {"time": "now"})


def test_a_call_in_ocsf_says_who_did_what_and_how_it_ended() -> None:
    event = shown("ocsf", **CALL)
    assert event["api"]["operation"] == "tools/call"
    assert event["api"]["request"] == {"uid": "7"}
    assert event["actor"]["user"] == {"uid": CALL["user"]}
    assert event["resources"] == [{"name": CALL["tool"], "type": "tools"}]
    assert (event["status_id"], event["duration"], event["src_endpoint"]) == (1, 12, {"ip": "203.0.113.7"})
    failed = shown("ocsf", **CALL | {"outcome": "rpc_error", "code": -32603})
    assert (failed["status_id"], failed["status_code"], failed["api"]["response"]["code"]) == (2, "-32603", -32603)


def test_a_call_in_opentelemetry_uses_the_conventions_names() -> None:
    record = shown("otel", **CALL)
    told = attributes(record)
    assert {name: told[name] for name in told if not name.startswith("mcp.audit.")} == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2026-07-28",
        "mcp.session.id": CALL["session"],
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": CALL["tool"],
        "jsonrpc.request.id": "7",
        "network.transport": "pipe",
        "client.address": "203.0.113.7",
        "user.id": CALL["user"],
        "service.name": "crm",
    }
    assert told["mcp.audit.params_hash"] == HASH
    assert record["traceId"] == "0af7651916cd43dd8448eb211c80319c"
    assert (record["spanId"], record["flags"]) == ("b7ad6b7169203331", 1)
    assert int(record["timeUnixNano"]) == NOW // 1000 * 1000
    assert (record["severityNumber"], record["eventName"]) == (9, "mcp.audit.call")


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"outcome": "tool_error"}, "tool_error"),
        ({"outcome": "rpc_error", "code": -32603}, "-32603"),
        ({"outcome": "rpc_error", "code": -32602}, None),
        ({"outcome": "rpc_error", "code": -32602, "direction": "server_to_client"}, "-32602"),
        ({"outcome": "denied", "code": 403}, "403"),
        ({"outcome": "no_response"}, "timeout"),
        ({"outcome": "ok"}, None),
    ],
)
def test_what_counts_as_an_error_is_as_the_conventions_say(facts: dict[str, Any], error: str | None) -> None:
    record = shown("otel", **{**CALL, **facts})
    told = attributes(record)
    assert told.get("error.type") == error
    assert told.get("rpc.response.status_code") == (str(facts["code"]) if "code" in facts else None)


def test_a_call_in_ecs_has_its_categories_and_its_integrity() -> None:
    line = sealed(**CALL)
    document = json.loads(render("ecs", line))
    assert document["event"]["original"] == line.decode()
    assert document["event"]["hash"] == json.loads(line)["hash"]
    assert (document["event"]["category"], document["event"]["type"], document["event"]["outcome"]) == (
        ["api"],
        ["access"],
        "success",
    )
    assert document["event"]["duration"] == 12_345_000
    assert shown("ecs", **CALL | {"outcome": "denied"})["event"]["type"] == ["denied"]
    assert shown("ecs", **EXPOSURE)["event"]["kind"] == "alert"


def test_cef_escapes_what_would_break_its_line() -> None:
    line = render("cef", sealed(**CALL)).decode()
    assert line.startswith(r"CEF:0|mcp-log-sanitizer|sanitizer|1|tools/call|tools/call charge\|customer=x|2|rt=")
    assert r"cs1=charge|customer\=x cs1Label=tool" in line
    assert "\n" not in line
    assert r"externalId=" in line
    assert "cn1=12 cn1Label=latencyMs" in line


def test_the_field_sets_of_others_are_complete() -> None:
    assert shown("mcpatlas", **CALL) == {
        "timestamp": timestamp(NOW),
        "session_id": CALL["session"],
        "client_ip": "203.0.113.7",
        "method": "tools/call",
        "tool_name": CALL["tool"],
        "params_hash": HASH,
        "response_code": 0,
        "latency_ms": 12.345,
    }
    row = shown("atoms", **CALL)
    assert (row["tool_name"], row["params"], row["status"], row["duration_ms"]) == (CALL["tool"], HASH, "success", 12.345)
    assert (row["user_id"], row["project_id"], row["client_name"]) == (CALL["user"], CALL["project"], "claude-ai")


def test_a_hash_without_a_key_is_the_one_that_mcpatlas_writes() -> None:
    assert shown("mcpatlas", **{**CALL, "params_hash": "sha256:" + "ab" * 32})["params_hash"] == "ab" * 32


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("facts", [CALL, *OTHERS], ids=lambda facts: f"{facts['type']}-{facts.get('outcome', '')}")
def test_every_view_shows_every_event_on_one_line(view: str, facts: dict[str, Any]) -> None:
    assert render(view, sealed(**facts)).count(b"\n") == 0


@pytest.mark.parametrize("view", ["native", "otel", "ocsf", "ecs"])
def test_what_a_store_gives_back_can_be_verified(view: str) -> None:
    chain = Chain()
    lines = [chain.seal(AuditEvent(time=timestamp(NOW), **CALL)) for _ in range(4)]
    lines.append(chain.checkpoint(NOW, closing=True))
    (verdict,) = verify(("export", render(view, line)) for line in reversed(lines))
    assert verdict.is_intact
    assert verdict.last == 5
