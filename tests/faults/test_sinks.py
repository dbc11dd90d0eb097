"""Sinks that are down, slow, resetting or full hold up nothing that could be kept, and counts add up."""

from __future__ import annotations

import random
import resource
import subprocess
import threading
import time
from pathlib import Path

import orjson
from faults.harness import Daemon, adds_up, arrived, ended, in_order, lines, numbers, read, secrets_in, tell, wait_for
from faults.siem import Siem, free_port

from sanitizer.pipeline.state import State


def write(folder: Path, text: str) -> Path:
    path = folder / "sanitizer.toml"
    path.write_text(f'state_dir = "{folder}/state"\n{text}')
    return path


def source(folder: Path) -> str:
    (folder / "in").mkdir(exist_ok=True)
    return f'[[sources]]\ntype = "file"\npaths = ["{folder}/in/*.log"]\npoll_secs = 0.05\n'


def http(port: int, more: str = "") -> str:
    retry = "retry = { first_delay_secs = 0.01, max_delay_secs = 0.05 }"
    return f'[[sinks]]\ntype = "http"\nurl = "http://127.0.0.1:{port}/"\n{retry}\n{more}\n'


def test_a_siem_that_fails_in_every_way_gets_everything_in_order(tmp_path: Path) -> None:
    def moody(rng: random.Random) -> str:
        return rng.choice(["ok", "503", "429", "reset", "late_reset"])

    with Siem(moody) as siem:
        path = write(tmp_path, source(tmp_path) + http(siem.port, "max_batch_records = 100"))
        (tmp_path / "in" / "a.log").write_bytes(lines(0, 5000))
        with Daemon(path, "--once") as daemon:
            assert daemon.process.wait(60) == 0, daemon.said()
            figures = ended(daemon)
    assert set(numbers(siem.records)) == set(range(5000))
    assert in_order(numbers(siem.records))
    assert figures == {"read": 5000, "delivered": 5000, "withheld": 0, "dead_lettered": 0, "dropped": 0, "left": 0}
    tell("a sink answered 503, 429, reset connections and took what it then denied", records=5000, lost=0)


def test_what_a_siem_refuses_for_good_is_a_dead_letter_and_the_rest_goes_on(tmp_path: Path) -> None:
    with Siem(lambda rng: rng.choice(["ok", "400"])) as siem:
        path = write(tmp_path, source(tmp_path) + http(siem.port, "max_batch_records = 100"))
        (tmp_path / "in" / "a.log").write_bytes(lines(0, 2000))
        with Daemon(path, "--once") as daemon:
            assert daemon.process.wait(60) == 0, daemon.said()
            figures = ended(daemon)
    assert figures["delivered"] == len(siem.records)
    assert figures["delivered"] + figures["dead_lettered"] == figures["read"] == 2000
    assert figures["dead_lettered"] > 0
    assert secrets_in(tmp_path / "state") == []


def test_a_slow_sink_gets_everything_in_order(tmp_path: Path) -> None:
    with Siem(lambda _: "slow") as siem:
        path = write(tmp_path, source(tmp_path) + http(siem.port, "max_batch_records = 200\nwhen_down = 'spill'"))
        (tmp_path / "in" / "a.log").write_bytes(lines(0, 4000))
        with Daemon(path, "--once") as daemon:
            assert daemon.process.wait(60) == 0, daemon.said()
            assert adds_up(ended(daemon))
    assert numbers(siem.records) == list(range(4000))


def test_a_collector_that_takes_a_part_and_does_not_say_which_leaves_counts_that_add_up(tmp_path: Path) -> None:
    with Siem(lambda rng: rng.choice(["ok", "partial", "503", "429"])) as siem:
        sink = f'[[sinks]]\ntype = "otlp"\nendpoint = "http://127.0.0.1:{siem.port}"\ncompression = "none"\nmax_batch_records = 100\n'
        path = write(tmp_path, source(tmp_path) + sink + "retry = { first_delay_secs = 0.01, max_delay_secs = 0.05 }\n")
        (tmp_path / "in" / "a.log").write_bytes(lines(0, 2000))
        with Daemon(path, "--once") as daemon:
            assert daemon.process.wait(60) == 0, daemon.said()
            figures = ended(daemon)
    assert len(numbers(siem.records)) == figures["delivered"]
    assert figures["dead_lettered"] > 0
    assert adds_up(figures)
    state = State(tmp_path / "state", exclusive=False)
    letters = list(state.dead_letters())
    state.close()
    assert sum(int(letter.reason.split()[0]) for letter in letters) == figures["dead_lettered"]
    tell("a collector took parts of batches and did not say which", records=2000, rejected=figures["dead_lettered"], lost=0)


def test_one_dead_sink_with_a_spool_holds_no_other_back(tmp_path: Path) -> None:
    sinks = http(free_port(), 'when_down = "spill"') + f'[[sinks]]\ntype = "file"\npath = "{tmp_path}/out"\n'
    path = write(tmp_path, source(tmp_path) + sinks)
    (tmp_path / "in" / "a.log").write_bytes(lines(0, 3000))
    with Daemon(path) as daemon:
        wait_for(arrived(tmp_path / "out", 3000), daemon)
        assert daemon.stop() == 0, daemon.said()
    assert secrets_in(tmp_path / "state") == []


def test_a_full_disk_holds_the_file_sink_and_it_recovers_by_itself(tmp_path: Path) -> None:
    path = write(
        tmp_path, source(tmp_path) + f'[[sinks]]\ntype = "file"\npath = "{tmp_path}/out"\nretry = {{ max_delay_secs = 0.1 }}\n'
    )
    (tmp_path / "in" / "a.log").write_bytes(lines(0, 3000))
    with Daemon(path, limit_bytes=100_000) as daemon:
        wait_for((tmp_path / "state" / "state.db").exists, daemon)
        with (tmp_path / "in" / "a.log").open("ab") as log:
            log.write(lines(3000, 3100))
        time.sleep(0.5)  # with a disk that is full all the while
        assert daemon.process.poll() is None
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_for(arrived(tmp_path / "out", 3100), daemon)
        assert daemon.stop() == 0, daemon.said()
    found = numbers(read(tmp_path / "out"))
    assert found == list(range(3100))
    assert all(orjson.loads(record) for record in read(tmp_path / "out"))


def test_stdin_is_read_whatever_the_sink_does_and_drops_are_counted_exactly(tmp_path: Path) -> None:
    port = free_port()
    text = '[[sources]]\ntype = "stdin"\nwhen_full = "drop_oldest"\n' + http(port) + "[spool]\nmax_bytes = 60000\n"
    text += f'[audit]\nfile = "{tmp_path}/audit"\n'
    path = write(tmp_path, text)
    with Daemon(path, stdin=subprocess.PIPE) as daemon:
        assert daemon.process.stdin
        writing = threading.Thread(target=feed, args=(daemon.process.stdin, 40_000))
        writing.start()
        writing.join(30)
        assert not writing.is_alive(), "the writer was blocked"
        with Siem(port=port) as siem:
            assert daemon.process.wait(40) == 0, daemon.said()
            figures = ended(daemon)
    found = numbers(siem.records)
    assert figures["read"] == 40_000
    assert figures["dropped"] > 0
    assert in_order(found)
    assert figures["read"] == figures["delivered"] + figures["dropped"]
    events = [orjson.loads(line) for line in read(tmp_path / "audit")]
    assert sum(event["count"] for event in events if event["type"] == "records_dropped") == figures["dropped"]


def feed(pipe: object, count: int) -> None:
    for first in range(0, count, 1000):
        pipe.write(lines(first, first + 1000))  # type: ignore[attr-defined]
    pipe.close()  # type: ignore[attr-defined]
