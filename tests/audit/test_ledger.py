from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sanitizer.audit.chain import Chain, HeadFile
from sanitizer.audit.event import AuditEvent, timestamp
from sanitizer.audit.ledger import Ledger, LedgerError, lines, parts
from sanitizer.audit.verify import Verdict, verify

NOW = 1_795_186_552_123_456_789


def write(ledger: Ledger, chain: Chain, count: int = 1) -> None:
    for _ in range(count):
        ledger.append([chain.seal(AuditEvent(type="call", time=timestamp(NOW), tool="t" * 50))], chain.head)
        ledger.tick()


def judged(path: Path) -> Verdict:
    head = HeadFile(path.with_name(f"{path.name}.head")).load_head()
    (verdict,) = verify(
        ((f"{file.name}:{number}", line) for file, number, line in lines(parts(path))), heads=[head] if head else []
    )
    return verdict


def test_events_are_lines_that_only_their_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path), Chain()
    write(ledger, chain, 3)
    ledger.close()
    assert [json.loads(line)["seq"] for line in path.read_bytes().splitlines()] == [1, 2, 3]
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == dict.fromkeys(
        ("audit.ndjson", "audit.ndjson.head", "audit.ndjson.lock"), "0o600"
    )
    assert judged(path).is_intact


def test_the_chain_continues_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    for _ in range(3):
        ledger = Ledger(path)
        write(ledger, Chain(ledger.head), 2)
        ledger.close()
    verdict = judged(path)
    assert verdict.is_intact
    assert verdict.last == 6


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_torn_last_line_is_cut_off_and_the_chain_goes_on(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path), Chain()
    write(ledger, chain, 2)
    ledger.close()
    torn = chain.seal(AuditEvent(type="call", time=timestamp(NOW)))[:cut]
    with path.open("ab") as file:
        file.write(torn)
    ledger = Ledger(path)
    assert ledger.found.torn_bytes == len(torn)
    write(ledger, Chain(ledger.head))
    ledger.close()
    assert judged(path).is_intact
    assert judged(path).last == 3


def test_a_head_that_was_not_stored_in_time_is_found_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path, sync_secs=3600), Chain()
    write(ledger, chain, 5)
    os.close(ledger._lock)
    stored = HeadFile(tmp_path / "audit.ndjson.head").load_head()
    assert stored is not None
    assert stored.seq == 1
    assert Ledger(path).head == chain.head


def test_a_file_cut_behind_the_writers_back_shows_when_it_is_verified(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path), Chain()
    write(ledger, chain, 5)
    ledger.close()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert [(fault.kind, fault.detail) for fault in judged(path).faults] == [("cut off", "4 to 5")]
    ledger = Ledger(path)
    write(ledger, Chain(ledger.head))
    ledger.close()
    assert [(fault.kind, fault.detail) for fault in judged(path).faults] == [("missing", "4 to 5")]


def test_full_parts_are_set_aside_and_the_chain_runs_through_them(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path, max_bytes=2_000), Chain()
    write(ledger, chain, 30)
    ledger.close()
    files = parts(path)
    assert len(files) > 3
    assert files[-1] == path
    assert all(file.stat().st_size <= 2_000 and file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert judged(path).is_intact
    assert judged(path).last == 30
    ledger = Ledger(path, max_bytes=2_000)
    assert ledger.head == chain.head
    ledger.close()


def test_old_parts_are_set_aside_by_age(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path, max_age_secs=0), Chain()
    write(ledger, chain, 3)
    ledger.close()
    assert [part.stat().st_size > 0 for part in parts(path)] == [True, True, True, False]


def test_a_part_is_outdated_so_long_after_its_last_event(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path, max_bytes=2_000), Chain()
    write(ledger, chain, 30)
    assert ledger.outdated(3600) == []
    old = parts(path)[:2]
    for part in old:
        os.utime(part, (time.time() - 4000, time.time() - 4000))
    found = ledger.outdated(3600)
    assert [part.path for part in found] == old
    assert found[0].first == 1
    assert found[1].first == found[0].last + 1
    ledger.close()


def test_the_tail_is_whole_lines_over_the_parts(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path, max_bytes=2_000), Chain()
    write(ledger, chain, 30)
    everything = [line for part in parts(path) for line in part.read_bytes().splitlines(keepends=True)]
    assert len(parts(path)) > 2
    for count in range(len(everything) + 1):
        size = sum(map(len, everything[len(everything) - count :]))
        assert list(ledger.tail(size)) == everything[len(everything) - count :]
        assert list(ledger.tail(size + 1)) == everything[len(everything) - count :] or count == len(everything)
    ledger.close()


def test_a_file_that_only_hands_events_on_forgets_what_arrived(tmp_path: Path) -> None:
    path = tmp_path / "trail.ndjson"
    ledger, chain = Ledger(path, max_bytes=2_000), Chain()
    write(ledger, chain, 30)
    before = ledger.outdated(0)
    ledger.forget(before[2].last - 1)
    assert ledger.outdated(0) == before[2:]
    ledger.forget(1_000)
    assert parts(path) == [before[-1].path, path], "the last part says what was told lately"
    ledger.close()


def test_garbage_at_the_end_does_not_hide_where_the_chain_stands(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path), Chain()
    write(ledger, chain, 3)
    ledger.close()
    with path.open("ab") as file:
        file.write(b"not an event\n" + b"\0" * 100)
    ledger = Ledger(path)
    assert ledger.head == chain.head
    assert ledger.found.torn_bytes == 100
    ledger.close()


def test_a_part_that_is_there_already_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    (tmp_path / "audit.ndjson.000000000001").write_bytes(b"of another chain\n")
    ledger, chain = Ledger(path, max_age_secs=0), Chain()
    write(ledger, chain, 1)
    ledger.close()
    assert (tmp_path / "audit.ndjson.000000000001").read_bytes() == b"of another chain\n"
    assert (tmp_path / "audit.ndjson.000000000002").read_bytes().count(b"\n") == 1


def test_two_processes_cannot_write_one_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "audit.ndjson")
    with pytest.raises(LedgerError, match="another process writes to this audit file"):
        Ledger(tmp_path / "audit.ndjson")
    ledger.close()
    Ledger(tmp_path / "audit.ndjson").close()


@pytest.mark.parametrize("foreign", [b'{"a":1}\nhalf a line', b"2026-11-21 INFO a log\n", b"x" * 200_000])
def test_a_file_that_is_no_trail_is_refused_and_left_as_it_is(tmp_path: Path, foreign: bytes) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(foreign)
    path.chmod(0o640)
    with pytest.raises(LedgerError, match=r"server.log: is no audit file; name another"):
        Ledger(path)
    assert path.read_bytes() == foreign
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("left", [b"", b'{"ch', b"\0" * 100, b'{"chain":"ab', b"\0" * 100_000 + b'x","chain":"ab"}\n'])
def test_what_a_crash_leaves_of_a_trail_is_written_on(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "audit.ndjson").write_bytes(left)
    Ledger(tmp_path / "audit.ndjson").close()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"gone/audit.ndjson: the audit file cannot be opened: No such file"):
        Ledger(tmp_path / "gone" / "audit.ndjson")


def test_a_full_disk_loses_no_event_and_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.ndjson"
    ledger, chain = Ledger(path), Chain()
    write(ledger, chain, 2)
    real = os.write
    room = [100]

    def full(descriptor: int, data: bytes) -> int:
        if room:
            return real(descriptor, data[: room.pop()])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match=r"No space left.*audit.ndjson"):
        write(ledger, chain)
    monkeypatch.setattr(os, "write", real)
    assert path.read_bytes().count(b"\n") == 2
    assert path.read_bytes().endswith(b"\n")
    write(ledger, chain)
    ledger.close()
    verdict = judged(path)
    assert verdict.is_intact
    assert verdict.last == 4


WRITER = """
import sys
from sanitizer.audit.chain import Chain
from sanitizer.audit.event import AuditEvent, timestamp
from sanitizer.audit.ledger import Ledger
ledger = Ledger(sys.argv[1], max_bytes=20_000, sync_secs=0.01)
chain = Chain(ledger.head)
while True:
    ledger.append([chain.seal(AuditEvent(type="call", time=timestamp(1), tool="t")) for _ in range(7)], chain.head)
    print(chain.head.seq, flush=True)
"""


def test_killing_the_writer_leaves_an_intact_trail_each_time(tmp_path: Path) -> None:
    path = tmp_path / "audit.ndjson"
    told = 0
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        ) as writer:
            assert writer.stdout is not None
            for _ in range(60):
                told = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            told = max([told, *map(int, writer.stdout.read().split())])
        verdict = judged(path)
        assert [fault for fault in verdict.faults if fault.kind not in ("unreadable",)] == []
        assert verdict.last >= told
    Ledger(path).close()
    assert judged(path).is_intact
