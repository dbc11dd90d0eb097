"""Killed at random moments, a trail is one chain wherever it arrives: no gap, and no number that two events share."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from faults.harness import ROUNDS, Daemon, read, wait_for
from faults.siem import Siem

from sanitizer.audit.chain import Head, HeadFile
from sanitizer.audit.ledger import lines, parts
from sanitizer.audit.verify import verify


def calls(first: int, last: int) -> bytes:
    """Requests and their responses, as a client logs them."""
    said = []
    for n in range(first, last):
        call = {"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {"name": "search", "arguments": {"q": n}}}
        said += [("client", call), ("server", {"jsonrpc": "2.0", "id": n, "result": {"content": []}})]
    return b"".join(f"2026-11-21T10:00:00Z [crm] [info] Message from {who}: {json.dumps(what)}\n".encode() for who, what in said)


def assert_one_chain(events: Iterable[bytes], head: Head) -> None:
    """*events*, in any order and with duplicates, are all there are up to *head*."""
    by_number: dict[int, set[bytes]] = {}
    for event in events:
        by_number.setdefault(json.loads(event)["seq"], set()).add(event)
    assert {number for number, same in by_number.items() if len(same) > 1} == set()
    (verdict,) = verify((("", event) for same in by_number.values() for event in same), heads=[head])
    assert verdict.faults == []
    assert verdict.first == 1


def stand(ledger: Path) -> int:
    """The number of the last event in *ledger*."""
    numbers = [json.loads(line)["seq"] for _, _, line in lines(parts(ledger)) if line.endswith(b"}")]
    return max(numbers, default=0)


@pytest.mark.parametrize("own_file", [True, False])
def test_a_killed_daemon_gives_every_output_the_same_chain(tmp_path: Path, own_file: bool) -> None:
    log, sunk, trail = tmp_path / "a.log", tmp_path / "audit-out.ndjson", tmp_path / "audit.ndjson"
    ledger = trail if own_file else tmp_path / "state/audit/trail.ndjson"
    rng = random.Random(9)
    written = 0
    with Siem(lambda rng: rng.choice(["ok", "ok", "503", "late_reset"])) as siem:
        path = tmp_path / "sanitizer.toml"
        path.write_text(f"""
state_dir = "{tmp_path}/state"
commit_secs = 0.05
[audit]
checkpoint_events = 50
{f'file = "{trail}"' if own_file else ""}
max_file_bytes = 40000
[[sources]]
type = "file"
paths = ["{log}"]
poll_secs = 0.05
[[sinks]]
type = "file"
path = "{sunk}"
receives = ["audit"]
[[sinks]]
type = "http"
url = "http://127.0.0.1:{siem.port}/"
receives = ["audit"]
[[sinks]]
type = "stdout"
""")
        log.write_bytes(b"")
        for _ in range(ROUNDS):
            with Daemon(path) as daemon:
                with log.open("ab") as file:
                    file.write(calls(written, written + 400))
                written += 400
                before = stand(ledger)
                wait_for(lambda before=before: stand(ledger) > before, daemon)  # type: ignore[misc]
                time.sleep(rng.uniform(0, 1.0))
                daemon.kill()
        siem.mood = lambda _: "ok"
        with Daemon(path, "--once") as daemon:
            assert daemon.process.wait(60) == 0, daemon.said()
    head = HeadFile(ledger.with_name(f"{ledger.name}.head")).load_head()
    assert head
    assert_one_chain(read(sunk), head)
    assert_one_chain(siem.records, head)
    if own_file:
        assert_one_chain((line for _, _, line in lines(parts(trail))), head)
    events = [json.loads(line) for line in read(sunk)]
    told = {(event["seq"], event["id"], event["response_at"]) for event in events if event.get("outcome") == "ok"}
    assert len({number for _, number, _ in told}) >= written * 0.9
    assert len(told) == len({(number, at) for _, number, at in told}), "a log that is read again gives no call twice"
    assert len([event for event in events if event["type"] == "trail_recovered"]) >= ROUNDS - 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_call_asked_before_rotation_and_answered_after_it_is_one_call(tmp_path: Path, workers: int) -> None:
    log, trail = tmp_path / "a.log", tmp_path / "audit.ndjson"
    path = tmp_path / "sanitizer.toml"
    path.write_text(f"""
state_dir = "{tmp_path}/state"
workers = {workers}
[audit]
file = "{trail}"
[[sources]]
type = "file"
paths = ["{log}"]
poll_secs = 0.05
[[sinks]]
type = "stdout"
""")
    request, response = calls(7, 8).splitlines(keepends=True)
    log.write_bytes(calls(1, 2) + request)
    with Daemon(path) as daemon:
        wait_for(lambda: len(read(trail)) > 0, daemon)
        log.rename(tmp_path / "a.log.1")
        log.write_bytes(response + calls(8, 9))
        wait_for(lambda: len(read(trail)) > 2, daemon)
    told = [json.loads(line) for line in read(trail)]
    assert [(event["id"], event["outcome"]) for event in told] == [(1, "ok"), (7, "ok"), (8, "ok")]
    assert told[0]["lane"] == told[1]["lane"] != told[1]["response_lane"] == told[2]["lane"]


def test_a_sink_that_was_down_gets_what_the_file_kept(tmp_path: Path) -> None:
    log, trail = tmp_path / "a.log", tmp_path / "audit.ndjson"
    with Siem(lambda _: "503") as siem:
        path = tmp_path / "sanitizer.toml"
        path.write_text(f"""
state_dir = "{tmp_path}/state"
[audit]
file = "{trail}"
[[sources]]
type = "file"
paths = ["{log}"]
[[sinks]]
type = "http"
url = "http://127.0.0.1:{siem.port}/"
receives = ["audit"]
when_down = "wait"
""")
        log.write_bytes(calls(0, 200))
        with Daemon(path) as daemon:
            wait_for(lambda: len(read(trail)) >= 200, daemon)
            daemon.kill()
        assert siem.records == []
        siem.mood = lambda _: "ok"
        with Daemon(path, "--once") as daemon:
            assert daemon.process.wait(60) == 0, daemon.said()
    head = HeadFile(tmp_path / "audit.ndjson.head").load_head()
    assert head
    assert_one_chain(siem.records, head)
