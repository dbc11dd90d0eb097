"""Nobody is shown what is in our memory or our environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEY = "planted-key-0123456789abcdef"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems show no process's environment to another")


AS_ANYBODY = """
import ctypes, os, sys
for capability in range(64):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Runs a command as the user we are, without what only root may do."""


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program, with a hash key in its environment, once it has read a line."""
    with subprocess.Popen(
        [sys.executable, "-c", AS_ANYBODY, sys.executable, "-m", "sanitizer", *command],
        cwd=ROOT,
        env={**os.environ, "SANITIZER_HASH_KEY": KEY},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        assert process.stdout.readline()
        yield process
        process.kill()


def family(pid: int) -> list[int]:
    """The process and those that it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def is_hidden(pid: int) -> bool:
    """Whether the kernel keeps a process's environment from its own user."""
    reader = [sys.executable, "-c", AS_ANYBODY, "cat", f"/proc/{pid}/environ"]
    read = subprocess.run(reader, capture_output=True, check=False)
    assert read.returncode == 0 or b"Permission denied" in read.stderr
    return read.returncode != 0


@pytest.mark.parametrize(
    ("command", "processes"), [(("run", "--workers", "2"), 3), (("exec", "--", "cat"), 3)], ids=["run with workers", "exec"]
)
def test_the_environment_of_ours_is_shown_to_nobody_and_that_of_a_server_as_without_us(
    command: tuple[str, ...], processes: int
) -> None:
    with started(*command) as process:
        pids = [pid for pid in family(process.pid) if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        servers = [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text() == "cat\n"]
        assert len(pids) == processes
        assert [is_hidden(pid) for pid in pids if pid not in servers] == [True] * (processes - len(servers))
        assert [is_hidden(pid) for pid in servers] == [False] * len(servers)
        assert [KEY in Path(f"/proc/{pid}/environ").read_text() for pid in servers] == [False] * len(servers)


def test_no_core_file_is_written_of_a_process_that_holds_keys() -> None:
    with started("run") as process:
        limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()[4] == "0"


def test_keys_are_on_no_command_line() -> None:
    with started("run", "--workers", "2") as process:
        shown = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in family(process.pid)]
    assert len(shown) > 2
    assert not [line for line in shown if KEY.encode() in line]
