"""A full disk degrades by policy and recovers by itself, whatever was being written; nothing is lost that need not be."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from faults.harness import Daemon, adds_up, arrived, ended, in_order, lines, metric, numbers, read, secrets_in, tell, wait_for
from faults.siem import Siem, free_port

from sanitizer.pipeline.state import State

QUICK = "retry = { first_delay_secs = 0.01, max_delay_secs = 0.1 }"


def write(folder: Path, text: str) -> Path:
    path = folder / "sanitizer.toml"
    path.write_text(f'state_dir = "{folder}/state"\ncommit_secs = 0.05\n{text}')
    return path


def files(folder: Path) -> str:
    (folder / "in").mkdir(exist_ok=True)
    return f'[[sources]]\ntype = "file"\npaths = ["{folder}/in/*.log"]\npoll_secs = 0.05\n'


def append(folder: Path, first: int, last: int) -> None:
    with (folder / "in" / "a.log").open("ab") as log:
        log.write(lines(first, last))


def call(n: int) -> bytes:
    """A logged call, which the audit trail has an event of."""
    return b'{"record":"record %07d","jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"t","arguments":{}}}\n' % (n, n)


def test_output_positions_and_audit_trail_wait_for_room(tmp_path: Path) -> None:
    sink = f'[[sinks]]\ntype = "file"\npath = "{tmp_path}/out"\n{QUICK}\n'
    path = write(tmp_path, files(tmp_path) + sink + f'[audit]\nfile = "{tmp_path}/audit"\n')
    append(tmp_path, 0, 200)
    with Daemon(path) as daemon:
        wait_for(arrived(tmp_path / "out", 200), daemon)
        for n in range(3):
            daemon.fill_disk()
            append(tmp_path, 200 + n * 200, 400 + n * 200)
            with (tmp_path / "in" / "calls.log").open("ab") as log:
                log.writelines(call(10_000 + n * 10 + i) for i in range(10))
            time.sleep(0.4)
            assert daemon.process.poll() is None, daemon.said()
            assert len(numbers(read(tmp_path / "out"))) <= 200 + n * 210
            daemon.free_disk()
            wait_for(arrived(tmp_path / "out", 400 + n * 200 + (n + 1) * 10), daemon)
        assert daemon.stop() == 0, daemon.said()
        figures = ended(daemon)
    found = numbers(read(tmp_path / "out"))
    assert sorted(found) == [*range(800), *range(10_000, 10_030)]
    assert [n for n in found if n < 10_000] == list(range(800))
    assert adds_up(figures)
    verified = subprocess.run([sys.executable, "-m", "sanitizer", "audit", "verify", str(tmp_path / "audit")], capture_output=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert secrets_in(tmp_path / "state", tmp_path / "out", tmp_path / "audit") == []
    tell("the disk was full while a file, positions and the audit trail were written", rounds=3, records=830, lost=0)


def test_a_spool_that_cannot_be_written_makes_a_file_wait(tmp_path: Path) -> None:
    port = free_port()
    path = write(tmp_path, files(tmp_path) + f'[[sinks]]\ntype = "http"\nurl = "http://127.0.0.1:{port}/"\nwhen_down = "spill"\n{QUICK}\n')
    (tmp_path / "in" / "a.log").touch()
    with Daemon(path) as daemon:
        daemon.started()
        daemon.fill_disk()
        append(tmp_path, 0, 2000)
        time.sleep(1)
        assert daemon.process.poll() is None, daemon.said()
        daemon.free_disk()
        append(tmp_path, 2000, 2500)
        with Siem(port=port) as siem:
            wait_for(lambda: len(set(numbers(siem.records))) == 2500, daemon)
            assert daemon.stop() == 0, daemon.said()
            assert adds_up(ended(daemon))
    assert in_order(numbers(siem.records))
    assert secrets_in(tmp_path / "state") == []
    tell("the disk was full while a spool was written, from a file", rounds=1, records=2500, lost=0)


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_standard_input_is_read_though_neither_sink_nor_disk_take_anything(tmp_path: Path, policy: str) -> None:
    port, admin = free_port(), free_port()
    source = f'[admin]\nport = {admin}\n[[sources]]\ntype = "stdin"\nwhen_full = "{policy}"\n'
    sink = f'[[sinks]]\ntype = "http"\nurl = "http://127.0.0.1:{port}/"\n{QUICK}\n'
    path = write(tmp_path, source + sink + f'[audit]\nfile = "{tmp_path}/audit"\n')
    with Daemon(path, stdin=subprocess.PIPE) as daemon:
        daemon.started()
        daemon.fill_disk()
        assert daemon.process.stdin
        writing = threading.Thread(target=lambda: [feed(daemon, n, n + 500) for n in range(0, 10_000, 500)])
        writing.start()
        writing.join(60)
        assert not writing.is_alive(), "the writer was blocked"
        wait_for(lambda: metric(admin, "dropped") > 0, daemon)  # what it says goes to a file, which does not grow either
        daemon.free_disk()
        with Siem(port=port) as siem:
            feed(daemon, 10_000, 11_000)
            daemon.process.stdin.close()
            assert daemon.process.wait(60) == 0, daemon.said()
            figures = ended(daemon)
    found = numbers(siem.records)
    assert figures["read"] == 11_000
    assert adds_up(figures)
    assert 0 < figures["dropped"] < 11_000
    assert in_order(found)
    assert set(range(10_000, 11_000)) <= set(found)
    assert secrets_in(tmp_path / "state", tmp_path / "audit") == []
    tell(f"the disk was full while a spool was written, from standard input ({policy})", rounds=1, records=11_000, dropped=figures["dropped"])


def feed(daemon: Daemon, first: int, last: int) -> None:
    assert daemon.process.stdin
    daemon.process.stdin.write(lines(first, last))
    daemon.process.stdin.flush()


def test_dead_letters_wait_for_room(tmp_path: Path) -> None:
    with Siem(lambda _: "400") as siem:
        path = write(tmp_path, files(tmp_path) + f'[[sinks]]\ntype = "http"\nurl = "http://127.0.0.1:{siem.port}/"\n{QUICK}\n')
        (tmp_path / "in" / "a.log").touch()
        with Daemon(path) as daemon:
            daemon.started()
            daemon.fill_disk()
            append(tmp_path, 0, 300)
            time.sleep(1)
            assert daemon.process.poll() is None, daemon.said()
            daemon.free_disk()
            wait_for(lambda: letters(tmp_path) >= 300, daemon)
            assert daemon.stop() == 0, daemon.said()
            figures = ended(daemon)
    assert figures["dead_lettered"] == 300
    assert adds_up(figures)
    assert secrets_in(tmp_path / "state") == []
    tell("the disk was full while dead letters were written", rounds=1, records=300, lost=0)


def letters(folder: Path) -> int:
    state = State(folder / "state", exclusive=False)
    try:
        return len(list(state.dead_letters()))
    finally:
        state.close()
