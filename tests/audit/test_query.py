from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sanitizer.audit.chain import Chain
from sanitizer.audit.event import AuditEvent, timestamp
from sanitizer.audit.query import Filter, grouped, moment, read, select

DAY = 86_400 * 10**9
NOW = 1_795_186_552 * 10**9
CHAIN = Chain()


def event(at: int = NOW, **facts: Any) -> bytes:
    return CHAIN.seal(AuditEvent(**{"type": "call", "time": timestamp(at), **facts}))


def found(lines: list[bytes], **wanted: str) -> list[dict[str, Any]]:
    return [item for _, item in select((("x", line) for line in lines), Filter(**wanted))]


def test_events_are_found_by_every_field_asked_for() -> None:
    lines = [
        event(tool="a", server="s1", outcome="ok", user="[user:1]"),
        event(tool="a", server="s2", outcome="denied", user="[user:2]"),
        event(tool="b", server="s1", outcome="ok", user="[user:2]"),
        event(type="credential_exposure", fingerprint="f", rule="r", tool="a", last_seen=timestamp(NOW + DAY)),
    ]
    assert len(found(lines)) == 4
    assert [item["seq"] for item in found(lines, tool="a", outcome="denied")] == [json.loads(lines[1])["seq"]]
    assert len(found(lines, user="[user:2]")) == 2
    assert len(found(lines, server="s1", tool="b")) == 1
    assert [item["type"] for item in found(lines, fingerprint="f")] == ["credential_exposure"]
    assert found(lines, tool="nothing") == []


def test_the_last_day_is_what_was_last_seen_in_it() -> None:
    now = datetime.fromtimestamp(NOW / 10**9, UTC)
    lines = [
        event(NOW - 2 * DAY, tool="old"),
        event(NOW - DAY // 2, tool="new"),
        event(NOW - 9 * DAY, type="credential_exposure", last_seen=timestamp(NOW - 5)),
    ]
    assert len(found(lines, since=moment("24h", now))) == 2
    assert [item["tool"] for item in found(lines, since=moment("3d", now), until=moment("1d", now))] == ["old"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", "2026-11-20T13:25:52.000000Z"),
        ("1w", "2026-11-13T14:55:52.000000Z"),
        ("2026-01-31", "2026-01-31T00:00:00.000000Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000000Z"),
    ],
)
def test_moments_are_spans_or_times(text: str, expected: str) -> None:
    assert moment(text, datetime.fromtimestamp(NOW / 10**9, UTC)) == expected


def test_what_came_twice_counts_once_and_noise_not_at_all() -> None:
    line = event(tool="a")
    assert len(found([line, line, b"noise", b"[]", b"{}", b'{"type":"x","hash":5}'])) == 2


def test_a_call_that_is_told_again_counts_once_and_another_of_the_same_place_does_not() -> None:
    facts = {"tool": "a", "outcome": "ok", "id": 7, "lane": "file:ab", "request_at": 0, "response_at": 120}
    lines = [event(**facts), event(**facts), event(**facts | {"tool": "b"}), event(NOW + 1_000, **facts)]
    assert [item["seq"] for item in found(lines)] == [json.loads(lines[number])["seq"] for number in (0, 2, 3)]
    on_the_wire = {"tool": "a", "outcome": "ok", "id": 7}
    assert len(found([event(**on_the_wire), event(**on_the_wire)])) == 2, "where no log says which is which, both are calls"


def test_calls_are_grouped_with_outcomes_and_percentiles() -> None:
    lines = [
        event(tool="a", outcome="ok" if number else "tool_error", latency_ms=number, request_bytes=10) for number in range(100)
    ]
    lines += [event(method="tools/list", outcome="ok"), event(type="checkpoint")]
    groups = grouped(json.loads(line) for line in lines)
    assert list(groups) == ["a", "tools/list"]
    assert groups["a"].summary() == {
        "calls": 100,
        "outcomes": {"ok": 99, "tool_error": 1},
        "latency_ms": {"p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 99.0},
        "request_bytes": 1000,
        "response_bytes": 0,
    }
    assert groups["tools/list"].summary()["latency_ms"]["p50"] is None
    assert set(grouped((json.loads(line) for line in lines), "outcome")) == {"ok", "tool_error"}


def test_files_are_read_with_their_older_parts_gzipped_or_as_one_array(tmp_path: Path) -> None:
    lines = [event(tool=f"t{number}") for number in range(4)]
    (tmp_path / "a.ndjson").write_bytes(lines[1] + b"\n")
    (tmp_path / "a.ndjson.000000000001").write_bytes(lines[0] + b"\n")
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(lines[2] + b"\n"))
    (tmp_path / "c.json").write_bytes(b"[\n" + b",\n".join(lines) + b"\n]\n")
    paths = [tmp_path / "a.ndjson", tmp_path / "b.ndjson.gz", Path("-")]
    found_lines = list(read(paths, io.BytesIO(lines[3])))
    assert [line for _, line in found_lines] == lines
    assert [where for where, _ in found_lines] == ["a.ndjson.000000000001:1", "a.ndjson:1", "b.ndjson.gz:1", "stdin:1"]
    ((_, array),) = read([tmp_path / "c.json"], io.BytesIO())
    assert len(json.loads(array)) == 4
    with pytest.raises(FileNotFoundError):
        list(read([tmp_path / "gone"], io.BytesIO()))
