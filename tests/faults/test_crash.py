"""Killed at random moments, nothing acknowledged is lost, and nothing unredacted is left on the disk."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from faults.harness import (
    PROGRAM,
    ROUNDS,
    Daemon,
    adds_up,
    arrived,
    ended,
    in_order,
    lines,
    numbers,
    read,
    secrets_in,
    tell,
    unpacked_secrets_in,
    wait_for,
)
from faults.siem import Siem, free_port

from sanitizer.pipeline.spool import Spool


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


def rotate_by_name(log: Path, number: int) -> None:
    """As logrotate does by default."""
    log.rename(log.with_name(f"a.log.{number}"))


def rotate_by_copy(log: Path, number: int) -> None:
    """As logrotate does with `copytruncate`."""
    shutil.copyfile(log, log.with_name(f"a.log.{number}"))
    os.truncate(log, 0)


def rotate_and_compress(log: Path, number: int) -> None:
    """As logrotate does with `compress`: at once."""
    aside = log.with_name(f"a.log.{number}")
    log.rename(aside)
    packed = log.with_name(f".{number}.part")
    packed.write_bytes(gzip.compress(aside.read_bytes(), 1))
    packed.rename(log.with_name(f"a.log.{number}.gz"))
    aside.unlink()


@pytest.mark.parametrize("rotate", [rotate_by_name, rotate_by_copy, rotate_and_compress])
def test_files_killed_while_they_grow_and_rotate(folder: Path, rotate: Callable[[Path, int], None]) -> None:
    path, log, sunk = config(folder, out(folder), files(folder)), folder / "in" / "a.log", folder / "out.ndjson"
    rng = random.Random(5)
    done = threading.Event()
    written = 40
    log.write_bytes(lines(0, written))
    with Daemon(path) as daemon:  # a file that was rotated away before the first run ever saw it is none that was asked for
        wait_for(arrived(sunk, written), daemon)
        daemon.kill()
    rotations = 0

    def write() -> None:
        nonlocal written, rotations
        while not done.is_set():
            with log.open("ab") as file:
                file.write(lines(written, written + 20))
            written += 20
            if rng.random() < 0.05:
                rotations += 1
                rotate(log, rotations)
            time.sleep(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(ROUNDS):
            with Daemon(path) as daemon:
                if rng.random() < 0.8:
                    daemon.started()
                time.sleep(rng.uniform(0.0, 1.0))
                daemon.kill()
    finally:
        done.set()
        writer.join()
    with Daemon(path) as daemon:
        wait_for(arrived(sunk, written), daemon, 100)
        assert daemon.stop() == 0
        assert adds_up(ended(daemon))
    found = numbers(read(sunk))
    assert set(found) == set(range(written))
    assert secrets_in(folder / "state", sunk) == []
    name = {rotate_by_name: "renamed", rotate_by_copy: "copied and truncated", rotate_and_compress: "renamed and compressed"}[rotate]
    tell(f"killed while a file grows and is {name}", kills=ROUNDS + 1, rotations=rotations, records=written, again=len(found) - written)


def test_many_files_each_keep_their_order(folder: Path) -> None:
    path, sunk = config(folder, out(folder), files(folder)), folder / "out.ndjson"
    for n in range(20):
        (folder / "in" / f"{n}.log").write_bytes(lines(n * 1000, n * 1000 + 500, f"lane{n}"))
    rng = random.Random(6)
    for _ in range(ROUNDS):
        with Daemon(path) as daemon:
            daemon.started()
            time.sleep(rng.uniform(0.0, 0.3))
            daemon.kill()
    with Daemon(path, "--once") as daemon:
        assert daemon.process.wait(40) == 0, daemon.said()
    records = read(sunk)
    for n in range(20):
        found = [number for number in numbers(records) if n * 1000 <= number < n * 1000 + 1000]
        assert set(found) == set(range(n * 1000, n * 1000 + 500))
        assert in_order(found)
    tell("killed while 20 files are read", kills=ROUNDS, records=10_000, again=len(numbers(records)) - 10_000)


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


def test_workers_killed_while_they_work_cost_nothing(folder: Path) -> None:
    """Twice a run: what three workers died of would be withheld."""
    path, sunk = config(folder, out(folder), files(folder), "workers = 2\n"), folder / "out.ndjson"
    for n in range(4):
        (folder / "in" / f"{n}.log").write_bytes(lines(n * 10_000, n * 10_000 + 2_500, f"lane{n}"))
    rng = random.Random(9)
    kills = 0
    for _ in range(ROUNDS):
        shutil.rmtree(folder / "state", ignore_errors=True)
        sunk.unlink(missing_ok=True)
        with Daemon(path, "--once") as daemon:
            daemon.started()
            for _ in range(2):
                time.sleep(rng.uniform(0.0, 0.5))
                if daemon.process.poll() is None and (workers := workers_of(daemon.process.pid)):
                    with suppress(ProcessLookupError):
                        os.kill(rng.choice(workers), signal.SIGKILL)
                        kills += 1
            assert daemon.process.wait(100) == 0, daemon.said()
            assert ended(daemon) == {"read": 10_000, "delivered": 10_000, "withheld": 0, "dead_lettered": 0, "dropped": 0, "left": 0}
        found = numbers(read(sunk))
        for n in range(4):
            assert [number for number in found if n * 10_000 <= number < (n + 1) * 10_000] == list(range(n * 10_000, n * 10_000 + 2_500))
    assert secrets_in(folder / "state", sunk) == []
    tell("one of two workers killed while files are read", kills=kills, records=10_000 * ROUNDS, lost=0, again=0)


def workers_of(pid: int) -> list[int]:
    """The children of a process that redact for it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_standard_input_killed_at_any_moment_leaves_no_gap(folder: Path) -> None:
    """What was in memory is gone with the process; all before it is on disk or delivered."""
    rng = random.Random(8)
    kills = total = again = lost = 0
    with Siem(lambda rng: rng.choice(["ok", "ok", "503", "slow", "reset", "late_reset"])) as siem:
        retry = "retry = { first_delay_secs = 0.01, max_delay_secs = 0.2 }"
        sink = f'type = "http"\nurl = "http://127.0.0.1:{siem.port}/"\nmax_batch_records = 200\n{retry}'
        path = config(folder, sink, 'type = "stdin"')
        for number in range(ROUNDS):
            first = number * 100_000
            with Daemon(path, stdin=subprocess.PIPE) as daemon:
                daemon.started()
                upto = feed_for(daemon, first, rng.uniform(0.3, 1.5))
                siem.down = rng.random() < 0.5  # what waits in the spool of one run is delivered by the next
                upto = feed_for(daemon, upto, rng.uniform(0.0, 1.0))
                daemon.kill()
                kills += 1
            assert secrets_in(folder / "state") == []
            assert not unpacked_secrets_in(folder / "state")
            total += upto - first
            waiting = spooled_numbers(folder)
            siem.down = False
            with Daemon(path) as daemon:
                assert daemon.process.wait(60) == 0, daemon.said()  # its input has ended, and the spool is empty
                assert set(waiting) <= set(numbers(siem.records))
            found = [n for n in numbers(siem.records) if n >= first]
            assert in_order(found)
            assert sorted(set(found)) == list(range(first, first + len(set(found))))
            lost += upto - first - len(set(found))
            again += len(found) - len(set(found))
    tell("killed while standard input is read, the sink down half of the time", kills=kills, records=total, again=again, in_memory=lost)


def feed_for(daemon: Daemon, first: int, secs: float) -> int:
    """Write lines for so long; the number of the next."""
    assert daemon.process.stdin
    deadline = time.monotonic() + secs
    while time.monotonic() < deadline:
        daemon.process.stdin.write(lines(first, first + 50))
        daemon.process.stdin.flush()
        first += 50
        time.sleep(0.01)
    return first


def spooled_numbers(folder: Path) -> list[int]:
    """The records in the spool, as a reader of a copy sees them."""
    found: list[int] = []
    copy = folder / "copy"
    for each in (folder / "state" / "spool").glob("*"):
        shutil.copytree(each, copy)
        spool = Spool(copy, 1 << 30)
        while batch := spool.first():
            found += numbers(batch.records)
            spool.forget_first()
        spool.close()
        shutil.rmtree(copy)
    return found


def spooled(folder: Path) -> int:
    """How many records are in the spool."""
    return len(spooled_numbers(folder))


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
    tell(f"the {damage} was damaged while 1000 records waited in the spool", kills=1, records=1200, lost=len(lost))


def test_a_damaged_configuration_is_told_and_costs_nothing(folder: Path) -> None:
    path, sunk = config(folder, out(folder), files(folder)), folder / "out.ndjson"
    (folder / "in" / "a.log").write_bytes(lines(0, 500))
    with Daemon(path) as daemon:
        wait_for(arrived(sunk, 500), daemon)
        daemon.kill()
    whole = path.read_bytes()
    rng = random.Random(4)
    for damaged in (whole[:60], b"", whole.replace(b"sinks", b"sicks"), rng.randbytes(300)):
        path.write_bytes(damaged)
        with Daemon(path) as daemon:
            assert daemon.process.wait(30) == 2
            assert str(path) in daemon.said()
    path.write_bytes(whole)
    with (folder / "in" / "a.log").open("ab") as log:
        log.write(lines(500, 600))
    with Daemon(path) as daemon:
        wait_for(arrived(sunk, 600), daemon)
        assert daemon.stop() == 0
    assert in_order(numbers(read(sunk)))
    tell("the configuration was damaged between two runs", kills=1, damages=4, records=600, lost=0)


JUMPS = """
import itertools, random, time
rng, real, real_ns, begun = random.Random(2), time.time, time.time_ns, time.monotonic()
offsets = [rng.uniform(-1e6, 1e6) for _ in range(10_000)]
jumped = lambda: offsets[int((time.monotonic() - begun) * 5) % 10_000]
time.time = lambda: real() + jumped()
time.time_ns = lambda: real_ns() + int(jumped() * 1e9)
"""


def test_a_clock_that_jumps_changes_nothing(folder: Path) -> None:
    """By days, back and forth, five times a second."""
    sunk, log = folder / "out.ndjson", folder / "in" / "a.log"
    sink = out(folder) + "\nmax_file_secs = 3600"
    path = config(folder, sink, files(folder), f'[audit]\nfile = "{folder}/audit"\n')
    written = rotations = 0
    with Daemon(path, program=JUMPS + PROGRAM) as daemon:
        for n in range(60):
            with log.open("ab") as file:
                file.write(lines(written, written + 50))
            written += 50
            if n % 10 == 9:
                rotations += 1
                rotate_by_name(log, rotations)
            time.sleep(0.05)
        wait_for(lambda: len(set(numbers(all_parts(sunk)))) >= written, daemon)
        assert daemon.stop() == 0, daemon.said()
        assert adds_up(ended(daemon))
    assert sorted(numbers(all_parts(sunk))) == list(range(written))
    assert secrets_in(folder / "state", folder / "audit") == []
    tell("the clock jumped by days, five times a second", records=written, rotations=rotations, lost=0)


def all_parts(path: Path) -> list[bytes]:
    """The lines of *path* and of what was rotated away from it."""
    return [line for part in path.parent.glob(f"{path.stem}*{path.suffix}") for line in read(part)]
