"""Killed at random moments, nothing acknowledged is lost, and nothing unredacted is left on the disk."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from pathlib import Path

import pytest
from faults.harness import ROUNDS, Daemon, arrived, in_order, lines, numbers, read, secrets_in, unpacked_secrets_in, wait_for
from faults.siem import Siem, free_port

from sanitizer.spool import Spool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path


def config(folder: Path, sink: str, source: str, more: str = "") -> Path:
    path = folder / "sanitizer.toml"
    path.write_text(f'state_dir = "{folder}/state"\ncommit_secs = 0.05\n{more}\n[[sources]]\n{source}\n[[sinks]]\n{sink}\n')
    return path


def files(folder: Path) -> str:
    return f'type = "file"\npaths = ["{folder}/in/*.log"]\npoll_secs = 0.05'


def out(folder: Path) -> str:
    return f'type = "file"\npath = "{folder}/out.ndjson"'


def test_files_killed_while_they_grow_and_rotate(folder: Path) -> None:
    path, log, sunk = config(folder, out(folder), files(folder)), folder / "in" / "a.log", folder / "out.ndjson"
    rng = random.Random(5)
    done = threading.Event()
    written = 40
    log.write_bytes(lines(0, written))
    with Daemon(path) as daemon:  # a file that was rotated away before the first run ever saw it is none that was asked for
        wait_for(arrived(sunk, written), daemon)
        daemon.kill()

    def write() -> None:
        nonlocal written
        rotations = 0
        while not done.is_set():
            with log.open("ab") as file:
                file.write(lines(written, written + 40))
            written += 40
            if rng.random() < 0.05:
                rotations += 1
                log.rename(log.with_name(f"a.log.{rotations}"))
            time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(ROUNDS):
            with Daemon(path) as daemon:
                time.sleep(rng.uniform(0.4, 1.4))
                daemon.kill()
    finally:
        done.set()
        writer.join()
    with Daemon(path) as daemon:
        wait_for(arrived(sunk, written), daemon)
        assert daemon.stop() == 0
    assert set(numbers(read(sunk))) == set(range(written))
    assert secrets_in(folder / "state", sunk) == []


def test_many_files_each_keep_their_order(folder: Path) -> None:
    path, sunk = config(folder, out(folder), files(folder)), folder / "out.ndjson"
    for n in range(20):
        (folder / "in" / f"{n}.log").write_bytes(lines(n * 1000, n * 1000 + 500, f"lane{n}"))
    rng = random.Random(6)
    for _ in range(ROUNDS):
        with Daemon(path) as daemon:
            time.sleep(rng.uniform(0.3, 0.8))
            daemon.kill()
    with Daemon(path, "--once") as daemon:
        assert daemon.process.wait(40) == 0, daemon.said()
    records = read(sunk)
    for n in range(20):
        found = [number for number in numbers(records) if n * 1000 <= number < n * 1000 + 1000]
        assert set(found) == set(range(n * 1000, n * 1000 + 500))
        assert in_order(found)


def test_stdin_with_a_spool_keeps_what_it_took_while_the_sink_was_down(folder: Path) -> None:
    port = free_port()
    sink = f'type = "http"\nurl = "http://127.0.0.1:{port}/"'
    path = config(folder, sink, 'type = "stdin"')
    with Daemon(path, stdin=subprocess.PIPE) as daemon:
        assert daemon.process.stdin
        for n in range(20):
            daemon.process.stdin.write(lines(n * 200, n * 200 + 200))
            daemon.process.stdin.flush()
        wait_for(lambda: spooled(folder) == 4000, daemon)
        daemon.kill()
    assert secrets_in(folder / "state") == []
    assert not unpacked_secrets_in(folder / "state")
    with Siem(port=port) as siem, Daemon(path) as daemon:
        wait_for(lambda: len(set(numbers(siem.records))) == 4000, daemon)
        assert in_order(numbers(siem.records))


def spooled(folder: Path) -> int:
    """Records in the spool, as a reader of a copy sees them."""
    found = 0
    for segment in (folder / "state" / "spool").rglob("*.segment"):
        copy = folder / "copy"
        copy.mkdir(exist_ok=True)
        (copy / segment.name).write_bytes(segment.read_bytes())
        spool = Spool(copy, 1 << 30)
        while batch := spool.first():
            found += len(batch.records)
            spool.forget_first()
        for left in copy.iterdir():
            left.unlink()
    return found


@pytest.mark.parametrize("damage", ["state", "spool", "cursor"])
def test_damaged_files_cost_what_they_held_and_stop_nothing(folder: Path, damage: str) -> None:
    port = free_port()
    sink = f'type = "http"\nurl = "http://127.0.0.1:{port}/"\nwhen_down = "spill"\nmax_batch_records = 50'
    path = config(folder, sink, files(folder))
    (folder / "in" / "a.log").write_bytes(lines(0, 1000))
    with Daemon(path) as daemon:
        wait_for(lambda: spooled(folder) == 1000, daemon)
        daemon.kill()
    rng = random.Random(3)
    if damage == "state":
        (folder / "state" / "state.db").write_bytes(rng.randbytes(20_000))
    elif damage == "cursor":
        for cursor in (folder / "state").rglob("cursor"):
            cursor.write_bytes(b"?")
    else:
        for segment in (folder / "state" / "spool").rglob("*.segment"):
            content = bytearray(segment.read_bytes())
            content[200:260] = rng.randbytes(60)
            segment.write_bytes(content)
    with (folder / "in" / "a.log").open("ab") as log:
        log.write(lines(1000, 1200))
    with Siem(port=port) as siem, Daemon(path) as daemon:
        wait_for(lambda: set(range(1000, 1200)) <= set(numbers(siem.records)), daemon)
        assert daemon.stop() == 0, daemon.said()
        lost = set(range(1200)) - set(numbers(siem.records))
    assert len(lost) <= (100 if damage == "spool" else 0)
