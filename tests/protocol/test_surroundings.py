from __future__ import annotations

import json
from typing import Any

import pytest

from sanitizer.audit.auditor import Auditor
from sanitizer.audit.chain import Chain
from sanitizer.hashing import Keyring
from sanitizer.protocol.mcp import Frame
from sanitizer.protocol.params import Params
from sanitizer.protocol.surroundings import FactPaths

KEYRING = Keyring({"k": b"a key of enough length"}, "k")
CALL = (
    '{"jsonrpc":"2.0","id":3,"method":"tools/call",'
    '"params":{"name":"charge","arguments":{"user":"jane","n":1},"_meta":{"org":"acme"}}}'
)
ANSWER = '{"jsonrpc":"2.0","id":3,"result":{"content":[]}}'


def frames(record: str, **options: Any) -> tuple[Frame, ...]:
    params = Params(KEYRING, lambda text: text.replace(b"jane@example.com", b"[REDACTED:email]"), **options)
    return params.rewrite(record.encode())[1]


def events(*records: str) -> list[dict[str, Any]]:
    """The audit events of a log."""
    auditor = Auditor(Chain())
    sealed = [event for record in records for event in auditor.observe(frames(record), 10**18, "log")]
    return [json.loads(event) for event in sealed]


@pytest.mark.parametrize(
    ("request_line", "answer_line", "server", "latency"),
    [
        (
            f"2026-04-07T07:49:40.581Z [crm] [info] Message from client: {CALL} {{ metadata: undefined }}",
            f"2026-04-07T07:49:40.831Z [crm] [info] Message from server: {ANSWER} {{ metadata: undefined }}",
            "crm",
            250,
        ),
        (
            f"2026-07-24 02:03:14.089 [debug] [editor -> server] {CALL}",
            f"2026-07-24 02:03:15.089 [debug] [server -> editor] {ANSWER}",
            None,
            1000,
        ),
        (
            json.dumps({"ts": 1795186552.2, "dir": "c2s", "line": CALL, "server": "crm"}),
            json.dumps({"ts": 1795186552.7, "dir": "s2c", "line": ANSWER, "server": "crm"}),
            "crm",
            500,
        ),
    ],
)
def test_a_logged_call_has_its_own_time_direction_and_server(
    request_line: str, answer_line: str, server: str | None, latency: int
) -> None:
    (event,) = events(request_line, answer_line)
    assert (event["tool"], event["outcome"], event["direction"], event["latency_ms"]) == (
        "charge",
        "ok",
        "client_to_server",
        latency,
    )
    assert event.get("server") == server
    assert event["time"].startswith("2026-")


def test_client_logs_without_bodies_still_tell_method_latency_and_outcome() -> None:
    first, second = events(
        '2026-07-07T07:49:40.000Z [crm] [info] Message from client: method="tools/call" id=3 params',
        '2026-07-07T07:49:40.100Z [crm] [info] Message from client: method="tools/call" id="3" params',
        "2026-07-07T07:49:40.200Z [crm] [info] Message from server: id=3 error",
        '2026-07-07T07:49:40.300Z [crm] [info] Message from server: id="3" result',
    )
    assert (first["method"], first["id"], first["outcome"], first["latency_ms"]) == ("tools/call", 3, "rpc_error", 200)
    assert (second["method"], second["id"], second["outcome"], second["latency_ms"]) == ("tools/call", "3", "ok", 200)


@pytest.mark.parametrize(
    ("record", "outcome", "latency"),
    [
        ('{"debug":"Tool \'charge\' completed successfully in 17ms","timestamp":"2026-01-01T00:00:00Z"}', "ok", 17),
        ('{"error":"Tool \'charge\' failed after 3s: boom","timestamp":"2026-01-01T00:00:00Z"}', "tool_error", 3000),
        ("2025-02-25 01:21:18.277 [info] db10: Successfully called tool 'charge'", "ok", None),
    ],
)
def test_a_line_that_says_how_a_call_ended_is_a_call(record: str, outcome: str, latency: float | None) -> None:
    (event,) = events(record)
    assert (event["tool"], event["outcome"], event.get("latency_ms")) == ("charge", outcome, latency)


@pytest.mark.parametrize(
    ("said", "outcome", "latency"),
    [
        ({"status": "ok", "latency_ms": 12}, "ok", 12),
        ({"outcome": "FAILED", "durationMs": 1.5}, "tool_error", 1.5),
        ({"success": True}, "ok", None),
        ({"success": False}, "tool_error", None),
        ({"isError": True}, "tool_error", None),
        ({"isError": False, "latency_ms": True}, "ok", None),
        ({"outcome": "denied"}, "denied", None),
        ({"status": ["ok"], "latency_ms": -1}, "no_response", None),
        ({}, "no_response", None),
    ],
)
def test_a_record_that_is_a_call_tells_all_of_it(said: dict[str, Any], outcome: str, latency: float | None) -> None:
    record = {"timestamp": "2026-01-01T00:00:00Z", "server": "crm", "session": "s-1", "tool": "charge", "arguments": {"a": 1}}
    (event,) = events(json.dumps(record | said))
    assert (event["tool"], event["outcome"], event.get("latency_ms")) == ("charge", outcome, latency)
    assert (event["time"], event["server"]) == ("2026-01-01T00:00:00.000000Z", "crm")
    assert event["session"].startswith("[session:")


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "403 Forbidden", "404 Not Found"])
def test_who_was_turned_away_at_the_door_was_denied(status: str) -> None:
    found = events(f'INFO:     203.0.113.7:0 - "POST /mcp HTTP/1.1" {status}')
    if status[0:3] in ("401", "403"):
        assert (found[0]["outcome"], found[0]["code"], found[0]["client_ip"]) == ("denied", int(status[:3]), "203.0.113.7")
    else:
        assert found == []


def test_a_session_id_is_only_ever_hashed() -> None:
    (frame,) = frames(json.dumps({"sessionId": "5465c25cdff94492ac90", "msg": CALL}))
    assert frame.session.startswith("[session:")
    assert "5465c25cdff94492ac90" not in repr(frame)


def test_configured_facts_are_pseudonyms_unless_kept() -> None:
    record = json.dumps({"auth": {"sub": "u-1"}, "tenant": 42, "kind": "human", "rpc": json.loads(CALL)})
    paths = FactPaths(
        user=("record.auth.sub",), project=("meta.org",), subject_id=("arguments.user",), subject_type=("record.tenant",),
        actor_kind=("record.gone", "record.kind"),
    )  # fmt: skip
    (frame,) = frames(record, facts=paths)
    hashed = {name: f"[{name}:{KEYRING.pseudonym(name.encode(), value).decode()}]" for name, value in {
        "user": b"u-1", "project": b"acme", "subject_id": b"jane",
    }.items()}  # fmt: skip
    assert frame.facts == {**hashed, "subject_type": "42", "actor_kind": "human"}


def test_kept_facts_are_redacted_all_the_same() -> None:
    record = json.dumps({"server": "jane@example.com", "rpc": json.loads(CALL)})
    assert frames(record)[0].facts == {"server": "[REDACTED:email]"}


@pytest.mark.parametrize(
    "record", ["Message from client: ", "Message from client: method=", '{"debug":5}', '{"debug":"Tool \'', "x HTTP/ y"]
)
def test_half_a_sentence_tells_nothing(record: str) -> None:
    assert frames(record) == ()
