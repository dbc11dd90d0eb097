"""Records as OTLP log records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.model import Clean, CleanBatch
from sanitizer.records.fields import unix_nanos
from sinks.otlp.encode import Encoder
from sinks.otlp.json import export_request
from sinks.otlp.protobuf import from_json


def encode(*records: bytes, body: Any = "message") -> list[dict[str, Any]]:
    batch = CleanBatch("a/b", [Clean(record) for record in records], range(len(records)), len(records))
    return [orjson.loads(record) for record in Encoder(body).encode(batch)]


def attributes(record: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in record["attributes"]}


@pytest.mark.parametrize(
    ("level", "number"),
    [("debug", 5), ("INFO", 9), ("notice", 10), ("Warning", 13), ("error", 17), ("critical", 18), ("fatal", 21)],
)
def test_levels_become_severities_and_keep_their_text(level: str, number: int) -> None:
    for record in ({"timestamp": "2026-01-02T03:04:05Z", "level": level, "message": "m"}, {"level": level, "message": "m"}):
        (encoded,) = encode(orjson.dumps(record))
        assert (encoded["severityNumber"], encoded["severityText"]) == (number, level)


@pytest.mark.parametrize(
    ("written", "nanos"),
    [
        ("2026-01-02T03:04:05Z", "1767323045000000000"),
        ("2026-01-02T03:04:05.006Z", "1767323045006000000"),
        ("2026-01-02T03:04:05.123456789Z", "1767323045123456789"),
        ("2026-01-02T04:04:05.006+01:00", "1767323045006000000"),
        (1767323045006, "1767323045006000000"),
        (1767323045, "1767323045000000000"),
    ],
)
def test_times_are_read_in_any_form(written: object, nanos: str) -> None:
    (encoded,) = encode(orjson.dumps({"timestamp": written, "level": "info", "message": "m"}))
    assert encoded["timeUnixNano"] == nanos
    assert set(attributes(encoded)) == {"log.record.uid"}


def test_a_time_that_is_none_stays_an_attribute() -> None:
    (encoded,) = encode(b'{"timestamp":"2026-99-99T03:04:05Z","level":"info","message":"m"}')
    assert "timeUnixNano" not in encoded
    assert attributes(encoded)["timestamp"] == {"stringValue": "2026-99-99T03:04:05Z"}


@pytest.mark.parametrize("head", [{"timestamp": "2026-01-02T03:04:05Z", "level": "info", "message": "m"}, {"message": "m"}])
def test_what_is_left_becomes_attributes_and_objects_are_flattened_by_one_level(head: dict[str, object]) -> None:
    scalars = {"s": 'q"\n', "i": -3, "big": 2**63, "f": 0.5, "t": True, "n": None}
    rest = scalars | {"e": {}, "o": {"a": 1, "b": {"c": [2]}, "n": None}, "l": [1, "x"]}
    (encoded,) = encode(orjson.dumps(head | rest))
    assert encoded["body"] == {"stringValue": "m"}
    assert attributes(encoded) == {
        "log.record.uid": {"stringValue": "a/b:0"},
        "s": {"stringValue": 'q"\n'},
        "i": {"intValue": "-3"},
        "big": {"stringValue": str(2**63)},
        "f": {"doubleValue": 0.5},
        "t": {"boolValue": True},
        "o.a": {"intValue": "1"},
        "o.b": {"kvlistValue": {"values": [{"key": "c", "value": {"arrayValue": {"values": [{"intValue": "2"}]}}}]}},
        "l": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}},
    }


def test_a_record_without_a_message_is_a_structured_body() -> None:
    (encoded,) = encode(b'{"jsonrpc":"2.0","id":1}')
    values = [{"key": "jsonrpc", "value": {"stringValue": "2.0"}}, {"key": "id", "value": {"intValue": "1"}}]
    assert encoded["body"] == {"kvlistValue": {"values": values}}


def test_the_whole_record_may_be_the_body() -> None:
    for record in (b'{"timestamp":"2026-01-02T03:04:05Z","level":"info","message":"m","a":"\\n"}', b'{"a":1}'):
        (encoded,) = encode(record, body="json")
        assert encoded["body"] == {"stringValue": record.decode()}
        assert set(attributes(encoded)) == {"log.record.uid"}


@pytest.mark.parametrize("record", [b"text", b'{"message":"\xff"}', b'{"message":1e999}', b"[1]", b'{"message":"cut', b"\xff", b""])
def test_what_is_no_json_object_is_a_text(record: bytes) -> None:
    (encoded,) = encode(record)
    assert encoded["body"] == {"stringValue": record.decode(errors="replace")}


def test_trace_context_is_read_and_not_repeated() -> None:
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    for record in ({"trace_id": trace, "span_id": span}, {"traceparent": f"00-{trace}-{span}-01"}):
        (encoded,) = encode(orjson.dumps({"message": "m"} | record))
        assert (encoded["traceId"], encoded["spanId"]) == (trace, span)


def test_an_audit_event_speaks_the_mcp_conventions_and_carries_itself() -> None:
    event = {"type": "call", "time": "2026-01-02T03:04:05.006000Z", "method": "tools/call", "tool": "search", "outcome": "ok"}
    line = orjson.dumps(event | {"id": 1, "params_hash": "hmac-sha256:k:00"})
    batch = CleanBatch("audit:c", [Clean(line)], [7], 8, kind="audit")
    (encoded,) = [orjson.loads(record) for record in Encoder().encode(batch)]
    found = attributes(encoded)
    assert (encoded["eventName"], encoded["timeUnixNano"]) == ("mcp.audit.call", "1767323045006000000")
    assert encoded["body"] == {"stringValue": line.decode()}
    assert found["log.record.uid"] == {"stringValue": "audit:c:7"}
    assert found["gen_ai.tool.name"] == {"stringValue": "search"}
    assert found["mcp.audit.params_hash"] == {"stringValue": "hmac-sha256:k:00"}
    message = from_json(export_request({}, {"name": "n", "attributes": []}, Encoder().encode(batch)))
    (record,) = message.resource_logs[0].scope_logs[0].log_records
    assert record.event_name == "mcp.audit.call"


def test_an_audit_event_of_another_form_is_a_record_like_any_other() -> None:
    batch = CleanBatch("audit:c", [Clean(b'{"message":"m"}')], [0], 1, kind="audit")
    (encoded,) = [orjson.loads(record) for record in Encoder().encode(batch)]
    assert encoded["body"] == {"stringValue": "m"}


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["message", "level", "timestamp", "msg", "severity", "trace_id", "log", "x"]) | st.text()


usual = st.fixed_dictionaries(
    {},
    optional={
        "message": st.text(),
        "event": st.sampled_from(["said", None, {"a": 1}]),
        "level": st.sampled_from(["info", "WARNING", 30, 6, "loud", None, 17.0]),
        "timestamp": st.sampled_from(["2026-01-02T03:04:05.5Z", 1767323045006, "yesterday", None, "2026-01-02 03:04:05"]),
        "trace_id": st.sampled_from(["0af7651916cd43dd8448eb211c80319c", "0" * 32, "0AF7651916CD43DD8448EB211C80319C", "x", 5]),
        "span_id": st.sampled_from(["b7ad6b7169203331", "B7AD6B7169203331", ""]),
        "metadata": st.sampled_from([1, "s", {"level": "error"}, {"x": [1]}]),
        "n": json,
        "request": json,
    },
)


@given(usual.map(orjson.dumps))
def test_a_usual_record_means_what_a_closer_look_at_it_says(record: bytes) -> None:
    encoder = Encoder()
    quick = encoder._encode_usual(record)
    close = orjson.loads(b'{"attributes":[0' + encoder._encode_unusual(record))
    assert quick is None or orjson.loads(b'{"attributes":[0' + quick) == close


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S,123", "%Y-%m-%dT%H:%M:%S.123456789Z", "%Y-%m-%dT%H:%M:%S+02:00"])
def test_times_in_one_minute_are_told_apart(form: str) -> None:
    encoder = Encoder()
    for second in (0, 1, 59, 7, 61, 3600):
        written = datetime.fromtimestamp(1_800_000_000 + second, UTC).strftime(form)
        record = orjson.dumps({"timestamp": written, "level": "info", "message": "m"})
        found = orjson.loads(b'{"attributes":[0' + encoder._encode(record))
        assert found["timeUnixNano"] == str(unix_nanos(written))


@given(st.lists(st.dictionaries(names, json, max_size=6).map(orjson.dumps) | st.binary(max_size=40), max_size=5))
def test_anything_becomes_otlp_that_protobuf_takes(records: list[bytes]) -> None:
    batch = CleanBatch("lane \"x\"", [Clean(record) for record in records], range(len(records)), len(records))
    message = from_json(export_request({"service.name": "s"}, {"name": "n", "attributes": []}, Encoder().encode(batch)))
    found = message.resource_logs[0].scope_logs[0].log_records
    assert [record.attributes[0].value.string_value for record in found] == [f'lane "x":{index}' for index in range(len(records))]
