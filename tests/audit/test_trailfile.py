from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sanitizer.audit import trailfile
from sanitizer.audit.ledger import Ledger, parts
from sanitizer.audit.trailfile import TrailFile
from sanitizer.cli.audit import audit
from sanitizer.model import CleanBatch
from sanitizer.protocol.mcp import Exposure, Frame


def calls(count: int = 1, lane: str = "lane") -> CleanBatch:
    """A batch that tells of *count* calls which are over."""
    return CleanBatch(lane, (), (), 0, frames=[Frame("call", 10, name=f"tool-{n}", result_type="complete") for n in range(count)])


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for part in parts(path) for line in part.read_bytes().splitlines()]


def verified(path: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(audit, ["verify", str(path), *options])
    return done.exit_code, done.output


def test_a_trail_that_was_closed_is_continued_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    for _ in range(3):
        trail = TrailFile(Ledger(path))
        trail(calls(2))
        trail.close()
    assert [event["type"] for event in events(path)] == ["call", "call", "checkpoint"] * 3
    assert verified(path)[0] == 0


WRITER = """
import sys
from sanitizer.audit.ledger import Ledger
from sanitizer.protocol.mcp import Exposure, Frame
from sanitizer.model import CleanBatch
from sanitizer.audit.trailfile import TrailFile
trail = TrailFile(Ledger(sys.argv[1], max_bytes=30_000, sync_secs=0.01))
while True:
    trail(CleanBatch("lane", (), (), 0, frames=[Frame("call", 10, name="t", result_type="complete") for _ in range(7)]))
    print(trail.ledger.head.seq, flush=True)
"""


def test_each_kill_is_told_and_the_chain_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    rounds = 5
    for number in range(rounds):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        ) as writer:
            assert writer.stdout
            for _ in range(20 + 7 * number):
                told = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            told = max([told, *map(int, writer.stdout.read().split())])
        assert max(event["seq"] for event in whole(path)) >= told
    TrailFile(Ledger(path)).close()
    recovered = [event for event in events(path) if event["type"] == "trail_recovered"]
    assert [event["reason"] for event in recovered if "half" not in event["reason"]] == ["the writer was killed"] * rounds
    assert all(event["seq"] in (event["last_seq"] + 1, event["last_seq"] + 2) for event in recovered if "last_seq" in event)
    code, said = verified(path)
    assert code == 0, said


def whole(path: Path) -> list[dict[str, Any]]:
    lines = [line for part in parts(path) for line in part.read_bytes().splitlines(keepends=True)]
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def test_a_half_written_line_and_a_file_cut_short_are_told(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    trail = TrailFile(Ledger(path))
    trail(calls(5))
    trail.close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    TrailFile(Ledger(path)).close()
    torn, cut = [event for event in events(path) if event["type"] == "trail_recovered"]
    assert (torn["reason"], torn["count"]) == ("a line was half written and is cut off", 40)
    assert (cut["reason"], cut["first_seq"], cut["last_seq"]) == ("the file ended before the stored head", 4, 6)
    code, said = verified(path)
    assert code == 1
    assert "missing: 4 to 6" in said


def test_parts_are_deleted_when_their_time_has_come_and_the_rest_verifies(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    trail = TrailFile(Ledger(path, max_bytes=2_000), keep_secs=3_600)
    for _ in range(20):
        trail(calls(1))
    old = parts(path)[:3]
    for part in old:
        os.utime(part, (time.time() - 4_000, time.time() - 4_000))
    trail.tick()
    trail.close()
    assert not any(part.exists() for part in old)
    (retired,) = [event for event in events(path) if event["type"] == "records_retired"]
    first = events(path)[0]["seq"]
    assert (retired["first_seq"], retired["last_seq"], retired["count"]) == (1, first - 1, 3)
    code, said = verified(path)
    assert code == 0, said
    assert f"1 to {first - 1} were deleted when their time had come" in said
    parts(path)[0].unlink()
    assert verified(path)[0] == 1, "what nobody said was deleted is missing"


def test_parts_with_events_that_a_sink_still_needs_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    trail = TrailFile(Ledger(path, max_bytes=2_000), keep_secs=0)
    for _ in range(20):
        trail(calls(1))
    kept = parts(path)
    trail.tick(upto=0)
    assert parts(path)[: len(kept)] == kept
    trail.close()


class Disk:
    """What `os.write` writes to: while it is full, nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        self.write = os.write
        monkeypatch.setattr(os, "write", self)

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.write(descriptor, data)


def test_a_full_disk_costs_memory_up_to_a_bound_then_events_and_never_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, disk, told = tmp_path / "audit.ndjson", Disk(monkeypatch), []
    monkeypatch.setattr(trailfile, "MAX_UNWRITTEN_BYTES", 20_000)
    trail = TrailFile(Ledger(path), trouble=told.append)
    trail(calls(3))
    disk.is_full = True
    for _ in range(200):
        trail(calls(1))
    assert told
    assert trail.ledger.unwritten_bytes < 21_000
    disk.is_full = False
    trail(calls(1))
    trail.close()
    (dropped,) = [event for event in events(path) if event["type"] == "records_dropped"]
    made = [event for event in events(path) if event["type"] == "call"]
    assert dropped["reason"] == "the audit file could not be written"
    assert len(made) + dropped["count"] == 204
    assert verified(path)[0] == 0


def test_without_anybody_to_tell_a_full_disk_is_an_error_that_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    trail = TrailFile(Ledger(tmp_path / "audit.ndjson"))
    disk.is_full = True
    with pytest.raises(OSError, match=r"No space left on device: '.*audit.ndjson'"):
        trail(calls(1))


def exposed(trail: TrailFile, count: int = 1) -> None:
    trail(CleanBatch("lane", (), (), 0, frames=[Exposure("github-pat", "hmac-sha256:k:ab", server="crm", tool="push")] * count))


def test_how_often_a_credential_was_seen_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    for _ in range(3):
        trail = TrailFile(Ledger(path))
        exposed(trail, 2)
        trail.close()
    found = [event for event in events(path) if event["type"] == "credential_exposure"]
    assert [event["count"] for event in found] == [1, 2, 4, 6]
    assert len({event["first_seen"] for event in found}) == 1
    assert verified(path)[0] == 0
    assert (tmp_path / "audit.ndjson.credentials").stat().st_mode & 0o777 == 0o600


def test_how_often_a_credential_was_seen_outlives_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.ndjson"
    monkeypatch.setattr(trailfile, "_REMEMBER_SECS", 0.0)
    killed = TrailFile(Ledger(path))
    exposed(killed, 5)
    os.close(killed.ledger._lock)  # as the system does for a process that is killed
    trail = TrailFile(Ledger(path))
    exposed(trail)
    trail.close()
    assert [event["count"] for event in events(path) if event["type"] == "credential_exposure"] == [1, 6]


def test_a_trail_that_is_begun_anew_knows_no_credentials(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    path.with_name("audit.ndjson.credentials").write_bytes(b'[[["github-pat","hmac-sha256:k:ab","crm","push"],[1,1,1,9,9]]]')
    trail = TrailFile(Ledger(path))
    exposed(trail)
    trail.close()
    assert [event["count"] for event in events(path) if event["type"] == "credential_exposure"] == [1]
