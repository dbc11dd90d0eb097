"""Told to stop, it reads the last lines, delivers or keeps them, and ends in time; told to reload, it loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from faults.harness import Daemon, arrived, in_order, lines, numbers, read, wait_for
from faults.siem import Siem, free_port


def write(folder: Path, text: str, name: str = "sanitizer.toml") -> Path:
    path = folder / name
    path.write_text(f'state_dir = "{folder}/state"\n{text}')
    return path


STDIN = '[[sources]]\ntype = "stdin"\n'


def out(folder: Path) -> str:
    return f'[[sinks]]\ntype = "file"\npath = "{folder}/out"\n'


def test_the_last_lines_of_a_dying_server_are_delivered(tmp_path: Path) -> None:
    with Daemon(write(tmp_path, STDIN + out(tmp_path)), stdin=subprocess.PIPE) as daemon:
        assert daemon.process.stdin
        daemon.process.stdin.write(lines(0, 100))
        daemon.process.stdin.flush()
        wait_for(arrived(tmp_path / "out", 100), daemon)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.stdin.write(lines(100, 200))
        daemon.process.stdin.close()
        assert daemon.process.wait(10) == 0, daemon.said()
    assert numbers(read(tmp_path / "out")) == list(range(200))


def test_what_cannot_be_delivered_in_time_is_kept_for_the_next_run(tmp_path: Path) -> None:
    port = free_port()
    sink = f'[[sinks]]\ntype = "http"\nurl = "http://127.0.0.1:{port}/"\n'
    path = write(tmp_path, "drain_secs = 3\n" + STDIN + sink)
    with Daemon(path, stdin=subprocess.PIPE) as daemon:
        assert daemon.process.stdin
        daemon.process.stdin.write(lines(0, 500))
        daemon.process.stdin.close()
        daemon.started()
        time.sleep(0.2)
        begun = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(10) == 0, daemon.said()
        assert time.monotonic() - begun < 6
    with Siem(port=port) as siem, Daemon(path) as daemon:
        wait_for(lambda: len(numbers(siem.records)) >= 500, daemon)
        assert in_order(numbers(siem.records))


def test_without_a_spool_it_says_that_something_was_not_delivered(tmp_path: Path) -> None:
    sink = f'[[sinks]]\ntype = "http"\nurl = "http://127.0.0.1:{free_port()}/"\n'
    path = write(tmp_path, "drain_secs = 1\n" + STDIN.replace('"stdin"\n', '"stdin"\nwhen_full = "block"\n') + sink)
    with Daemon(path, stdin=subprocess.PIPE) as daemon:
        assert daemon.process.stdin
        daemon.process.stdin.write(lines(0, 10))
        daemon.process.stdin.flush()
        daemon.started()
        time.sleep(0.3)
        assert daemon.stop() == 1
        assert "not delivered" in daemon.said()


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    sink = f'[[sinks]]\ntype = "http"\nurl = "http://127.0.0.1:{free_port()}/"\n'
    path = write(tmp_path, STDIN.replace('"stdin"\n', '"stdin"\nwhen_full = "block"\n') + sink)
    with Daemon(path, stdin=subprocess.PIPE) as daemon:
        assert daemon.process.stdin
        daemon.process.stdin.write(lines(0, 10))
        daemon.process.stdin.flush()
        daemon.started()
        time.sleep(0.5)
        daemon.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        begun = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(5) == 128 + signal.SIGTERM
        assert time.monotonic() - begun < 2


def test_a_reload_takes_up_new_rules_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    log = tmp_path / "a.log"
    base = f'[[sources]]\ntype = "file"\npaths = ["{log}"]\npoll_secs = 0.05\n' + out(tmp_path)
    path = write(tmp_path, base)
    log.write_bytes(b"one member-0001 here\n")
    with Daemon(path) as daemon:
        wait_for(lambda: len(read(tmp_path / "out")) == 1, daemon)
        path.write_text("sources = 'hunter2'")
        wait_for(lambda: "stays in force" in daemon.said(), daemon)
        assert "hunter2" not in daemon.said()
        append(log, b"two member-0002 here\n")
        wait_for(lambda: len(read(tmp_path / "out")) == 2, daemon)
        (tmp_path / "rules" / "own.toml").write_text("[[rule]]\nid = 'member'\npattern = '''\\bmember-[0-9]{4}'''\n")
        write(tmp_path, base + f'[rules]\ndirectories = ["{tmp_path}/rules"]\n')
        wait_for(lambda: "reloaded" in daemon.said(), daemon, 90)
        append(log, b"three member-0003 here\n")
        wait_for(lambda: len(read(tmp_path / "out")) == 3, daemon)
        assert daemon.stop() == 0
    first, second, third = read(tmp_path / "out")
    assert b"member-0001" in first
    assert b"member-0002" in second
    assert b"[REDACTED:member]" in third


def test_a_config_map_is_swapped_and_sinks_change_without_a_loss(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    source = f'[[sources]]\ntype = "file"\npaths = ["{log}"]\npoll_secs = 0.05\n'
    for name, sink in (("v1", "out"), ("v2", "other")):
        (tmp_path / name).mkdir()
        text = f'state_dir = "{tmp_path}/state"\n{source}[[sinks]]\ntype = "file"\npath = "{tmp_path}/{sink}"\n'
        (tmp_path / name / "sanitizer.toml").write_text(text)
    (tmp_path / "..data").symlink_to("v1")
    config = tmp_path / "sanitizer.toml"
    config.symlink_to("..data/sanitizer.toml")
    log.write_bytes(lines(0, 500))
    with Daemon(config) as daemon:
        wait_for(arrived(tmp_path / "out", 500), daemon)
        (tmp_path / "..new").symlink_to("v2")
        os.replace(tmp_path / "..new", tmp_path / "..data")
        for n in range(5, 25):
            append(log, lines(n * 100, n * 100 + 100))
            time.sleep(0.1)
        wait_for(lambda: len(numbers(read(tmp_path / "out") + read(tmp_path / "other"))) >= 2500, daemon)
        assert daemon.stop() == 0
    assert numbers(read(tmp_path / "out") + read(tmp_path / "other")) == list(range(2500))
    assert read(tmp_path / "other")


def test_sighup_reopens_files_that_were_moved(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    path = write(tmp_path, f'[[sources]]\ntype = "file"\npaths = ["{log}"]\npoll_secs = 0.05\n' + out(tmp_path))
    log.write_bytes(lines(0, 10))
    with Daemon(path) as daemon:
        wait_for(arrived(tmp_path / "out", 10), daemon)
        (tmp_path / "out").rename(tmp_path / "out.1")
        daemon.process.send_signal(signal.SIGHUP)
        wait_for((tmp_path / "out").exists, daemon)
        append(log, lines(10, 20))
        wait_for(lambda: len(read(tmp_path / "out")) == 10, daemon)
        assert daemon.stop() == 0
    assert numbers(read(tmp_path / "out.1") + read(tmp_path / "out")) == list(range(20))


def test_what_cannot_be_opened_is_named_and_the_exit_code_is_2(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    path = write(tmp_path, STDIN + f'[[sinks]]\ntype = "file"\npath = "{tmp_path}/plain/out"\n')
    with Daemon(path) as daemon:
        assert daemon.process.wait(20) == 2
        assert f"sink file: {tmp_path}/plain: cannot be opened: " in daemon.said()


def test_a_state_folder_is_used_by_one_daemon_at_a_time(tmp_path: Path) -> None:
    path = write(tmp_path, STDIN + out(tmp_path))
    with Daemon(path, stdin=subprocess.PIPE) as first:
        wait_for((tmp_path / "out").exists, first)
        with Daemon(path, stdin=subprocess.PIPE) as second:
            assert second.process.wait(20) == 2
            assert "another process uses this state folder" in second.said()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
