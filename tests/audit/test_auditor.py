from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sanitizer.audit.auditor import Auditor
from sanitizer.audit.chain import Chain
from sanitizer.audit.event import AuditEvent
from sanitizer.audit.pairing import Pairing
from sanitizer.audit.verify import verify
from sanitizer.hashing import Keyring, canonical
from sanitizer.model import Clean
from sanitizer.protocol.mcp import Direction, Exposure, Frame
from sanitizer.protocol.params import Params

KEYRING = Keyring({"k": b"a key of enough length"}, "k")
PARAMS = Params(KEYRING, lambda text: text.replace(b"jane.doe@example.com", b"[REDACTED:email]"))
SECOND = 1_000_000_000
NOW = 1_795_186_552 * SECOND


def frames(direction: Direction, **frame: Any) -> list[Frame]:
    found = PARAMS.rewrite(json.dumps({"jsonrpc": "2.0", **frame}).encode())[1]
    return [msgspec.structs.replace(each, direction=direction) for each in found]


def called(auditor: Auditor, request: dict[str, Any], response: dict[str, Any], lane: str = "lane") -> dict[str, Any]:
    assert auditor.observe(frames("c2s", **request), NOW, lane) == []
    (event,) = auditor.observe(frames("s2c", **response), NOW + SECOND // 2, lane)
    return dict(json.loads(event))


def expose(auditor: Auditor, fingerprint: str, now_ns: int) -> list[Clean]:
    return auditor.observe([Exposure("github-pat", f"hmac-sha256:k:{fingerprint}", tool="push")], now_ns, "lane")


def test_a_call_becomes_one_event_with_everything_but_its_contents() -> None:
    secret = "hunter2"
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "claude-ai", "version": "1.2"},
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    request = {"id": 7, "method": "tools/call", "params": {"name": "charge", "arguments": {"pin": secret}, "_meta": meta}}
    response = {
        "id": 7,
        "result": {"content": [{"type": "text", "text": secret}], "structuredContent": {"x": secret}, "isError": True},
    }
    event = called(Auditor(Chain(), "crm", "stdio"), request, response)
    expected = {
        "type": "call",
        "time": "2026-11-20T14:55:52.000000Z",
        "server": "crm",
        "transport": "stdio",
        "direction": "client_to_server",
        "method": "tools/call",
        "tool": "charge",
        "id": 7,
        "id_type": "integer",
        "params_hash": KEYRING.params_hash({"pin": secret}),
        "outcome": "tool_error",
        "latency_ms": 500,
        "client_name": "claude-ai",
        "client_version": "1.2",
        "client_self_reported": True,
        "protocol": "2026-07-28",
        "traceparent": meta["traceparent"],
        "actor_kind": "mcp",
        "request_bytes": len(json.dumps({"jsonrpc": "2.0", **request})),
        "response_bytes": len(json.dumps({"jsonrpc": "2.0", **response})),
    }
    assert {name: event[name] for name in event if name not in ("chain", "seq", "prev", "hash")} == expected
    assert secret not in json.dumps(event)


@pytest.mark.parametrize(
    ("method", "params", "field", "value"),
    [
        ("prompts/get", {"name": "greet"}, "prompt", "greet"),
        ("resources/read", {"uri": "mailto:jane.doe@example.com"}, "uri", "mailto:[REDACTED:email]"),
        ("completion/complete", {"name": "x"}, "tool", None),
    ],
)
def test_prompts_and_resources_are_named_and_clean(method: str, params: dict[str, Any], field: str, value: str | None) -> None:
    event = called(Auditor(Chain()), {"id": 1, "method": method, "params": params}, {"id": 1, "result": {}})
    assert event.get(field) == value


def test_texts_of_errors_are_never_in_an_event() -> None:
    event = called(
        Auditor(Chain()),
        {"id": 1, "method": "tools/call", "params": {"name": "t"}},
        {"id": 1, "error": {"code": -32000, "message": "hunter2", "data": {"pw": "hunter2"}}},
    )
    assert (event["outcome"], event["code"]) == ("rpc_error", -32000)
    assert "hunter2" not in json.dumps(event)


def test_what_initialize_told_holds_for_the_calls_of_its_connection() -> None:
    auditor = Auditor(Chain())
    hello = {
        "id": 0,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "clientInfo": {"name": "c", "version": "1"}},
    }
    welcome = {"id": 0, "result": {"protocolVersion": "2025-06-18", "serverInfo": {"name": "crm"}}}
    called(auditor, hello, welcome)
    request, response = {"id": 1, "method": "tools/list"}, {"id": 1, "result": {"tools": []}}
    event = called(auditor, request, response)
    assert (event["client_name"], event["protocol"], event["server"]) == ("c", "2025-06-18", "crm")
    assert "client_name" not in called(auditor, request, response, lane="another")


def test_a_discovery_takes_back_nothing_that_initialize_told() -> None:
    auditor = Auditor(Chain())
    hello = {"id": 0, "method": "initialize", "params": {"clientInfo": {"name": "c", "version": "1"}}}
    called(auditor, hello, {"id": 0, "result": {"protocolVersion": "2025-06-18"}})
    called(auditor, {"id": 1, "method": "server/discover"}, {"id": 1, "result": {"_meta": {}}})
    event = called(auditor, {"id": 2, "method": "tools/list"}, {"id": 2, "result": {"tools": []}})
    assert (event["client_name"], event["protocol"]) == ("c", "2025-06-18")
    called(auditor, {"id": 3, "method": "initialize", "params": {}}, {"id": 3, "result": {}})
    assert "client_name" not in called(auditor, {"id": 4, "method": "tools/list"}, {"id": 4, "result": {}})


def test_names_cannot_forge_lines_or_drive_a_terminal() -> None:
    name = 'x\n{"type":"call"}\x1b[2J\u202e'
    event = called(Auditor(Chain()), {"id": name, "method": "tools/call", "params": {"name": name}}, {"id": name, "result": {}})
    assert event["tool"] == 'x\ufffd{"type":"call"}\ufffd[2J\ufffd'
    assert event["id"].startswith("[id:")


def test_huge_and_odd_ids_and_names_stay_canonical_and_short() -> None:
    auditor = Auditor(Chain())
    for name in (2**60, 10**30, 1.5, "x" * 10_000, True, [1]):
        found = auditor.observe(frames("s2c", id=name, result={}), NOW, "lane")
        for line in found:
            event = json.loads(line)
            assert len(line) < 1_000
            stated = event.pop("hash")
            assert canonical(event) + b"" == line[: -len(f',"hash":"{stated}"}}')] + b"}"
    long = called(auditor, {"id": 1, "method": "tools/call", "params": {"name": "n" * 5_000}}, {"id": 1, "result": {}})
    assert len(long["tool"]) <= 513


def test_redactions_by_kind_add_up() -> None:
    auditor = Auditor(Chain())
    (request,) = frames("c2s", id=1, method="tools/call", params={"name": "t"})
    (response,) = frames("s2c", id=1, result={})
    auditor.observe([msgspec.structs.replace(request, redactions={"email": 1, "card": 1})], NOW, "lane")
    (event,) = auditor.observe([msgspec.structs.replace(response, redactions={"email": 2})], NOW, "lane")
    assert json.loads(event)["redactions"] == {"card": 1, "email": 3}


def test_an_exposed_credential_is_told_at_once_then_counted() -> None:
    auditor = Auditor(Chain(every_secs=1e6), "crm", repeat_secs=60)
    (first,) = expose(auditor, "ab", NOW)
    assert json.loads(first)["count"] == 1
    assert [event for second in range(1, 60) for event in expose(auditor, "ab", NOW + second * SECOND)] == []
    (again,) = expose(auditor, "ab", NOW + 60 * SECOND)
    event = json.loads(again)
    assert (event["type"], event["rule"], event["fingerprint"], event["server"], event["tool"]) == (
        "credential_exposure", "github-pat", "hmac-sha256:k:ab", "crm", "push",
    )  # fmt: skip
    assert (event["count"], event["first_seen"], event["last_seen"]) == (
        61,
        "2026-11-20T14:55:52.000000Z",
        "2026-11-20T14:56:52.000000Z",
    )
    (other,) = expose(auditor, "cd", NOW)
    assert json.loads(other)["count"] == 1
    expose(auditor, "cd", NOW + SECOND)
    untold, _ = auditor.close(NOW + 2 * SECOND)
    assert (json.loads(untold)["fingerprint"], json.loads(untold)["count"]) == ("hmac-sha256:k:cd", 2)


def test_exposures_come_among_frames_in_order() -> None:
    auditor = Auditor(Chain(), "crm")
    seen = [Exposure("aws-key", "f", 3), *frames("s2c", id=1, result={}), Exposure("aws-key", "f")]
    exposed, call = map(json.loads, auditor.observe(seen, NOW, "lane"))
    assert (exposed["type"], exposed["count"], exposed["server"], call["type"]) == ("credential_exposure", 3, "crm", "call")


def test_time_brings_given_up_calls_and_checkpoints() -> None:
    auditor = Auditor(Chain(every_secs=60), pairing=Pairing(max_age_secs=30))
    auditor.observe(frames("c2s", id=1, method="tools/call", params={"name": "t"}), NOW, "lane")
    assert auditor.tick(NOW + 29 * SECOND) == []
    (given_up,) = auditor.tick(NOW + 30 * SECOND)
    assert json.loads(given_up)["outcome"] == "no_response"
    (checkpoint,) = auditor.tick(NOW + 90 * SECOND)
    assert json.loads(checkpoint)["type"] == "checkpoint"


def test_a_call_that_is_given_up_is_of_its_own_connection_whoever_speaks_then() -> None:
    auditor = Auditor(Chain(), pairing=Pairing(max_pending=2, max_age_secs=30))
    for lane in ("one", "two"):
        hello = {"id": 0, "method": "initialize", "params": {"clientInfo": {"name": f"client-{lane}"}}}
        called(auditor, hello, {"id": 0, "result": {}}, lane)
    events: list[Clean] = []
    for lane, name in (("one", 1), ("one", 2), ("two", 3)):
        events += auditor.observe(frames("c2s", id=name, method="tools/call", params={"name": "t"}), NOW, lane)
    events += auditor.tick(NOW + 30 * SECOND)
    given_up = [event for event in map(json.loads, events) if event.get("outcome") == "no_response"]
    assert [(event["id"], event["client_name"]) for event in given_up] == [(1, "client-one"), (2, "client-one"), (3, "client-two")]


def test_a_call_says_where_in_its_log_it_was_asked_and_answered() -> None:
    auditor = Auditor(Chain())
    (request,) = frames("c2s", id=1, method="tools/call", params={"name": "t"})
    (response,) = frames("s2c", id=1, result={})
    auditor.observe([msgspec.structs.replace(request, offset=0)], NOW, "file:ab")
    (event,) = map(json.loads, auditor.observe([msgspec.structs.replace(response, offset=90)], NOW, "file:ab"))
    assert (event["lane"], event["request_at"], event["response_at"]) == ("file:ab", 0, 90)
    assert "lane" not in called(auditor, {"id": 2, "method": "ping"}, {"id": 2, "result": {}}), "the wire is read once"


def test_a_call_may_end_in_another_file_of_its_log_and_says_so() -> None:
    auditor = Auditor(Chain())
    hello, request, other = (
        *frames("c2s", id=0, method="initialize", params={"clientInfo": {"name": "desk", "version": "1"}}),
        *frames("c2s", id=1, method="tools/call", params={"name": "t"}),
        *frames("c2s", id=2, method="tools/call", params={"name": "u"}),
    )
    welcome, response, late = frames("s2c", id=0, result={}) + frames("s2c", id=1, result={}) + frames("s2c", id=2, result={})
    for at, frame in enumerate((hello, request, welcome, other, response, late)):
        frame.offset = at
    auditor.observe([hello, welcome, request], NOW, "file:old", "file:old")
    first, second = map(json.loads, auditor.observe([response, other, late], NOW, "file:new", "file:old"))
    assert (first["lane"], first["request_at"], first["response_lane"], first["response_at"]) == ("file:old", 1, "file:new", 4)
    assert (second["lane"], second["request_at"], second["response_at"]) == ("file:new", 3, 5)
    assert "response_lane" not in second
    assert [event["client_name"] for event in (first, second)] == ["desk", "desk"], "what was told before rotation still holds"


def test_the_whole_trail_is_one_chain_and_ends_with_a_closing_checkpoint() -> None:
    auditor = Auditor(Chain(every_events=3))
    sealed = auditor.drop("spool full", 3, NOW)
    for name in range(10):
        sealed += auditor.observe(frames("c2s", id=name, method="tools/call", params={"name": "t"}), NOW, "lane")
        if name % 2:
            sealed += auditor.observe(frames("s2c", id=name, result={}), NOW, "lane")
    sealed += auditor.record(AuditEvent(type="trail_recovered", time="2026-11-20T14:55:52.000000Z", count=12))
    sealed += auditor.close(NOW)
    (verdict,) = verify((str(number), line) for number, line in enumerate(sealed))
    assert verdict.is_intact
    assert verdict.last == auditor.head.seq == len(sealed)
    assert json.loads(sealed[-1])["closing"] is True


def test_a_batch_of_events_has_ids_that_no_other_chain_uses() -> None:
    auditor = Auditor(Chain())
    auditor.drop("x", 1, NOW)
    batch = auditor.batch(auditor.drop("x", 1, NOW) + auditor.drop("x", 1, NOW))
    assert batch.kind == "audit"
    assert [batch.record_id(index) for index in (0, 1)] == [f"audit:{auditor.head.chain}:2", f"audit:{auditor.head.chain}:3"]
    assert batch.upto == 3


def test_a_flood_of_credentials_is_counted_by_rule() -> None:
    auditor = Auditor(Chain(every_events=10**6, every_secs=1e6), repeat_secs=60, max_exposures=3)
    told = [json.loads(event) for number in range(100) for event in expose(auditor, f"{number}", NOW)]
    assert [event.get("fingerprint", "") for event in told] == [*(f"hmac-sha256:k:{number}" for number in range(3)), ""]
    assert expose(auditor, "100", NOW + 59 * SECOND) == []
    (event,) = expose(auditor, "101", NOW + 60 * SECOND)
    assert json.loads(event)["fingerprint"] == "hmac-sha256:k:101", "there is room again for what is seen first"
    last = [json.loads(event) for event in auditor.close(NOW + 61 * SECOND)]
    assert [(event["count"], event.get("fingerprint")) for event in last if event["type"] == "credential_exposure"] == [(98, None)]


def test_memory_stays_flat_over_many_calls() -> None:
    auditor = Auditor(Chain(), pairing=Pairing(max_pending=500))
    params_hash = "hmac-sha256:k:" + "0" * 64

    def work(start: int) -> None:
        for number in range(start, start + 20_000):
            request = Frame("request", 100, "c2s", "tools/call", f"tool_{number % 7}", number, params_hash, session=f"s{number}")
            auditor.observe([request], NOW + number, f"lane{number % 3}")
            if number % 10:
                auditor.observe([Frame("response", 100, "s2c", id=number, session=f"s{number}")], NOW + number, f"lane{number % 3}")
            expose(auditor, f"{number}", NOW + number)

    work(0)
    tracemalloc.start()
    work(20_000)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 12_000_000  # what is pending and known, exchanged for its like; 20,000 calls kept would be several times that


CAPTURES = Path(__file__).parents[1] / "captures" / "wire"
PLANTED = ("jane.doe@example.com", "4111 1111 1111 1111", "hunter2", "sk_test_4eC39Hq", "+44 20 7946", "s3cr3tPW", "Jane Doe")


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_nothing_planted_in_real_traffic_is_in_its_trail(capture: Path) -> None:
    auditor = Auditor(Chain(), capture.stem, "stdio")
    sealed: list[bytes] = []
    for line in capture.read_bytes().splitlines():
        entry = json.loads(line)
        if entry["dir"] in ("c2s", "s2c"):
            for frame in PARAMS.rewrite(entry["line"].encode())[1]:
                sealed += auditor.observe([msgspec.structs.replace(frame, direction=entry["dir"])], int(entry["ts"] * SECOND), "x")
    sealed += auditor.close(NOW)
    calls = [json.loads(event) for event in sealed if b'"method":"tools/call"' in event]
    assert calls
    assert all(call["tool"] and call["params_hash"] and call["client_name"] == "capture-client" for call in calls)
    trail = b"\n".join(sealed).decode()
    assert not [secret for secret in PLANTED if secret in trail]


def test_what_happens_while_nobody_takes_events_is_counted_and_leaves_no_gap() -> None:
    auditor = Auditor(Chain())
    expose(auditor, "ab", NOW)
    auditor.is_full = True
    assert expose(auditor, "cd", NOW) == []
    assert auditor.tick(NOW + 3_600 * SECOND) == []
    auditor.is_full = False
    assert auditor.missed == 1
    (event,) = expose(auditor, "ef", NOW)
    assert json.loads(event)["seq"] == 2
