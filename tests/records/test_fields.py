from __future__ import annotations

import time
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sanitizer.records.assemble import Assembler
from sanitizer.records.fields import normal, parse_text, rfc3339, severity, unix_nanos

CAPTURES = Path(__file__).parents[1] / "captures"

TIMES = [
    ("11/20/26 14:57:37", "2026-11-20T14:57:37Z"),
    ("2026-11-20 15:00:32,219", "2026-11-20T15:00:32.219Z"),
    ("2026-11-20T15:00:32.113Z", "2026-11-20T15:00:32.113Z"),
    ("2026-11-20T15:00:32.113+02:00", "2026-11-20T13:00:32.113Z"),
    ("2026-11-20T15:00:32-0530", "2026-11-20T20:30:32Z"),
    ("2025/03/14 09:26:53", "2025-03-14T09:26:53Z"),
    ("2025-03-14T09:26:53.589793123Z", "2025-03-14T09:26:53.589793123Z"),
    ("14/Mar/2025:09:26:53 +0100", "2025-03-14T08:26:53Z"),
    ("Fri, 14 Mar 2025 09:26:53 GMT"[5:], "2025-03-14T09:26:53Z"),
    ("Fri Mar 14 09:26:53 2025", "2025-03-14T09:26:53Z"),
    (1795186832, "2026-11-20T15:00:32Z"),
    (1795186832112, "2026-11-20T15:00:32.112Z"),
    (1795186832112345, "2026-11-20T15:00:32.112345Z"),
    (1795186832112345678, "2026-11-20T15:00:32.112345678Z"),
    (1761934317.96, "2025-10-31T18:11:57.960Z"),
    ("1795186832112", "2026-11-20T15:00:32.112Z"),
    ("2025-13-45 10:00:00", None),
    ("hello there", None),
    (12, None),
    (True, None),
    (float("nan"), None),
    (None, None),
]


@pytest.mark.parametrize(("value", "expected"), TIMES)
def test_a_time_in_any_usual_form_becomes_rfc_3339(value: object, expected: str | None) -> None:
    assert rfc3339(value) == expected


def test_a_time_without_a_zone_is_read_in_the_zone_that_is_said() -> None:
    assert rfc3339("2026-11-20 15:00:32", timezone(timedelta(hours=2))) == "2026-11-20T13:00:32Z"
    assert parse_text(b"2026-11-20 15:00:32 INFO x", timezone(timedelta(hours=2)))["timestamp"] == "2026-11-20T13:00:32Z"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10, (1, "TRACE")), (30, (9, "INFO")), (60, (21, "FATAL")), ("30", (9, "INFO")), (30.0, (9, "INFO")),
        (0, (21, "FATAL")), (3, (17, "ERROR")), (7, (5, "DEBUG")), (18, (18, "ERROR2")), ("ERROR2", (18, "ERROR2")),
        ("warn", (13, "WARN")), ("WARNING", (13, "WARN")), ("[warning  ]", (13, "WARN")), ("notice", (10, "INFO2")),
        ("critical", (18, "ERROR2")), ("alert", (19, "ERROR3")), ("emergency", (21, "FATAL")), ("debug", (5, "DEBUG")),
        ("jane.doe", (0, "")), (None, (0, "")), (True, (0, "")), (999, (0, "")), ("٣", (0, "")),
    ],
)  # fmt: skip
def test_a_level_by_name_or_number_becomes_an_opentelemetry_severity(value: object, expected: tuple[int, str]) -> None:
    assert severity(value) == expected


STAMP = 1795186832112000000
RECORDS = {
    "pino": {"level": 30, "time": 1795186832112, "msg": "m"},
    "winston": {"level": "info", "message": "m", "timestamp": "2026-11-20T15:00:32.112Z"},
    "structlog": {"event": "m", "level": "info", "timestamp": "2026-11-20T15:00:32.112Z"},
    "stdlib": {"levelname": "INFO", "message": "m", "asctime": "2026-11-20 15:00:32,112"},
    "zap": {"level": "info", "ts": 1795186832.112, "msg": "m"},
    "attio": {"message": "m", "metadata": {"level": "INFO", "timestamp": "2026-11-20T15:00:32.112Z"}},
    "otel": {"severityNumber": 9, "timeUnixNano": str(STAMP), "body": {"stringValue": "m"}},
    "gelf": {"level": 6, "short_message": "m", "timestamp": 1795186832.112},
    "ecs": {"log.level": "info", "message": "m", "@timestamp": "2026-11-20T15:00:32.112Z"},
    "ecs nested": {"log": {"level": "info"}, "message": "m", "@timestamp": "2026-11-20T15:00:32.112Z"},
    "journald": {"PRIORITY": "6", "MESSAGE": "m", "__REALTIME_TIMESTAMP": "1795186832112000"},
}


@pytest.mark.parametrize("logger", RECORDS)
def test_every_logger_s_names_are_known(logger: str) -> None:
    found = normal(RECORDS[logger])
    assert (found.time_unix_nano, found.severity_number, found.message) == (STAMP, 9, "m")


def test_trace_and_span_ids_are_taken_only_when_they_are_some() -> None:
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    for record in ({"trace_id": trace, "spanId": span}, {"trace": {"id": trace}, "span": {"id": span}, "span.id": span},
                   {"traceparent": f"00-{trace}-{span}-01"}):  # fmt: skip
        found = normal(record)
        assert (found.trace_id, found.span_id) == (trace, span)
    assert normal({"trace_id": "0" * 32, "span_id": "jane"}).trace_id is None


LINES: list[tuple[str, dict[str, object]]] = [
    ("2025-03-14 09:26:53,589 - crm - INFO - it works",
     {"timestamp": "2025-03-14T09:26:53.589Z", "timestamp_text": "2025-03-14 09:26:53,589", "level": "INFO", "logger": "crm"}),
    ("INFO:mcp.server.lowlevel.server:it works", {"level": "INFO", "logger": "mcp.server.lowlevel.server"}),
    ("INFO:     it works", {"level": "INFO"}),
    ("[11/20/26 14:57:37] INFO     it works            server.py:733",
     {"timestamp": "2026-11-20T14:57:37Z", "timestamp_text": "11/20/26 14:57:37", "level": "INFO", "path": "server.py:733"}),
    ("                    INFO     it works            server.py:733", {"level": "INFO", "path": "server.py:733"}),
    ("2026-11-20T15:00:32Z [warning  ] it works", {"timestamp": "2026-11-20T15:00:32Z", "level": "warning"}),
    ("2025-03-14T09:26:53Z [main] INFO  c.a.Tool - it works",
     {"timestamp": "2025-03-14T09:26:53Z", "level": "INFO", "logger": "c.a.Tool", "thread": "main"}),
    ("2025-03-14T09:26:53Z INFO  [main] c.a.Tool - it works",
     {"timestamp": "2025-03-14T09:26:53Z", "level": "INFO", "logger": "c.a.Tool", "thread": "main"}),
    ("2025-03-14T09:26:53Z  INFO 1234 --- [exec-1] c.a.Tool : it works",
     {"timestamp": "2025-03-14T09:26:53Z", "level": "INFO", "logger": "c.a.Tool", "thread": "exec-1", "pid": "1234"}),
    ("2025-03-14T09:26:53Z | INFO     | mod.sub:func:12 - it works",
     {"timestamp": "2025-03-14T09:26:53Z", "level": "INFO", "logger": "mod.sub:func:12"}),
    ("2025-03-14T09:26:53.589793Z  INFO mcp_server::tools: it works",
     {"timestamp": "2025-03-14T09:26:53.589793Z", "level": "INFO", "logger": "mcp_server::tools"}),
    ("2025-03-14T09:26:53Z info: it works", {"timestamp": "2025-03-14T09:26:53Z", "level": "info"}),
    ("2025-03-14T09:26:53Z [\x1b[32minfo\x1b[39m]: it works", {"timestamp": "2025-03-14T09:26:53Z", "level": "info"}),
    ("[09:26:53 INF] it works", {"timestamp_text": "09:26:53", "level": "INF"}),
    ("<165>1 2003-10-11T22:14:15.003Z host.example.com crm 12 ID47 [ex@32473 iut=\"3\"] it works",
     {"timestamp": "2003-10-11T22:14:15.003Z", "level": "notice", "host": "host.example.com", "logger": "crm", "pid": "12"}),
    ("2025-03-14T09:26:53Z [@scope/crm] [info] it works",
     {"timestamp": "2025-03-14T09:26:53Z", "level": "info", "logger": "@scope/crm"}),
    ("2025-03-14T09:26:53Z [error] [crm] it works", {"timestamp": "2025-03-14T09:26:53Z", "level": "error", "logger": "crm"}),
    ("[attio-mcp] it works", {"logger": "attio-mcp"}),
    ("[ERROR] it works", {"level": "ERROR"}),
    ("it works", {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line[:40] for line, _ in LINES])
def test_a_text_line_is_taken_apart(line: str, expected: dict[str, object]) -> None:
    assert parse_text(line.encode()) == {**expected, "message": "it works"}


@pytest.mark.parametrize(
    "line",
    ["Error: it failed", "error code 5 happened", "2 tools found", "warning signs: none", "127.0.0.1 connected", "a=b c=d"],
)
def test_words_that_only_look_like_a_head_stay_in_the_message(line: str) -> None:
    assert parse_text(line.encode())["message"] == line


@pytest.mark.parametrize("message", ["Error from it", "Server started and connected", "Message from x - y", "It  works"])
@pytest.mark.parametrize("head", ["2025-03-14T09:26:53Z", "[2025-03-14 09:26:53]"])
def test_a_server_and_a_level_in_brackets_come_before_any_message(head: str, message: str) -> None:
    said = parse_text(f"{head} [crm] [info] {message}".encode())
    assert (said["timestamp"], said["level"], said["logger"]) == ("2025-03-14T09:26:53Z", "info", "crm")
    assert said["message"] == message


@pytest.mark.parametrize("head", ["", "INFO ", "2026-11-20T15:00:33.836Z INFO ", "2026-11-20T15:00:33.836Z [crm] [info] ", "[crm] "])
@pytest.mark.parametrize("mask", ["[REDACTED:email]", "[uuid:b8cf513007d2]", "[withheld:flooderror]", "[email:@example.com]"])
def test_a_mask_at_the_start_of_a_message_is_no_tag(head: str, mask: str) -> None:
    assert parse_text(f"{head}{mask} logged in".encode())["message"] == f"{mask} logged in"


def test_syslog_and_klog_times_get_the_latest_year_that_fits() -> None:
    assert str(parse_text(b"Oct 11 22:14:15 host sshd[12]: x")["timestamp"]).endswith("-10-11T22:14:15Z")
    klog = parse_text(b"I0314 09:26:53.589793    1234 file.go:123] x")
    assert str(klog["timestamp"]).endswith("-03-14T09:26:53.589793Z")
    assert (klog["level"], klog["caller"], klog["message"]) == ("INFO", "file.go:123", "x")


def test_an_access_log_line_stays_whole_and_gives_its_time() -> None:
    line = b'127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326'
    assert parse_text(line) == {"timestamp": "2000-10-10T20:55:36Z", "message": line.decode()}


CLIENTS: list[tuple[str, dict[str, object]]] = [
    ('2025-04-07T07:49:40.581Z [crm] [info] Message from client: {"jsonrpc":"2.0","id":1,"method":"a"} { metadata: undefined }',
     {"direction": "client_to_server", "server": "crm"}),
    ('2025-04-07T07:49:40.581Z [info] [browsermcp] Message from server: {"jsonrpc":"2.0","id":1,"result":{}}',
     {"direction": "server_to_client", "server": "browsermcp"}),
    ('2025-04-07T07:49:40.581Z [crm] [info] Message from client: method="tools/call" id=3 params',
     {"direction": "client_to_server", "method": "tools/call", "rpc_id": "3", "rpc_part": "params", "server": "crm"}),
    ("2025-04-07T07:49:40.581Z [crm] [info] Message from server: id=3 result",
     {"direction": "server_to_client", "rpc_id": "3", "rpc_part": "result"}),
    ('2026-07-24 02:03:14.089 [debug] [editor -> server] {"jsonrpc":"2.0","method":"x"}',
     {"direction": "client_to_server", "level": "debug"}),
    ('2026-07-24 02:03:14.089 [debug] [server -> editor] {"jsonrpc":"2.0","id":1,"result":{}}',
     {"direction": "server_to_client"}),
    ("2025-02-25 01:21:18.277 [info] db10: Handling CallTool action for tool 'getLogs'",
     {"server": "db10", "tool_name": "getLogs"}),
    ('2025-04-07T07:49:40.581Z [ERROR] MCP server "x" Server stderr: WARNING: foo', {"server": "x", "level": "ERROR"}),
    ("Calling MCP tool: lookup_user", {"tool_name": "lookup_user"}),
    ("Tool 'lookup_user' completed successfully in 17ms", {"tool_name": "lookup_user"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), CLIENTS, ids=[line[25:70] for line, _ in CLIENTS])
def test_what_clients_say_of_servers_is_understood(line: str, expected: dict[str, object]) -> None:
    found = parse_text(line.encode())
    assert expected.items() <= found.items()


def test_every_line_of_the_real_loggers_has_a_level() -> None:
    for name in ("stdlib.log", "rich-uvicorn.log"):
        assembler = Assembler()
        parts = [assembler.feed((CAPTURES / name).read_bytes()), assembler.flush()]
        for part in parts:
            owned = {at for record in part.records for at in record.lines}
            assert all("level" in record.fields for record in part.records)
            assert all("level" in parse_text(line) for at, line in enumerate(part.lines) if at not in owned)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([line.encode() for line, _ in LINES]), st.integers(0, 80))
def test_any_bytes_have_fields_and_a_message(junk: bytes, line: bytes, cut: int) -> None:
    for text in (junk, line[:cut] + junk):
        assert isinstance(parse_text(text)["message"], str)


NAMES = st.sampled_from(["level", "time", "msg", "metadata", "trace", "traceparent", "log", "severityNumber", "PRIORITY"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["level", "time", "msg", "metadata", "id", "body"]), inner),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.dictionaries(NAMES, ANYTHING))
def test_any_record_is_normalised_without_an_exception(record: dict[str, object]) -> None:
    found = normal(record)
    assert 0 <= found.severity_number <= 24
    for value in record.values():
        assert rfc3339(value) is None or unix_nanos(value) is not None
        assert severity(value) is not None


HOSTILE = [b" ", b"a ", b"a.", b"a.py:1 ", b"[", b'{ "', b"2025-03-14T09:26:53Z ", b'msg="\\"', b"- x ", b"A", b"\t\t", b"tool "]


@pytest.mark.parametrize("seed", HOSTILE)
@pytest.mark.parametrize("head", [b"", b"2025-03-14 09:26:53 ", b"INFO ", b"msg=", b"<165>1 ", b"Message from client: "])
def test_a_long_hostile_line_takes_no_more_than_its_share(seed: bytes, head: bytes) -> None:
    line = head + seed * (400_000 // len(seed))
    began = time.process_time()
    parse_text(line)
    Assembler().feed(line + b"\n" + line + b"\n")
    assert time.process_time() - began < 1
