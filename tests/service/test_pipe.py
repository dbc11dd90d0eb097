"""The plain run when its output does not keep up, and with several processes."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sanitizer.hashing import Keyring
from sanitizer.redaction.lanes import Lanes
from sanitizer.redaction.scrub import Options, Scrubber
from sanitizer.rulesets.cache import compiled
from sanitizer.service.pipe import Counts, Keeping
from sanitizer.service.pipe import run as run_pipe

ROOT = Path(__file__).parents[2]


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program as a process, all its streams ours."""
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen([sys.executable, "-m", "sanitizer", *arguments], cwd=ROOT, **streams)
    yield process
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream and not stream.closed:
            stream.close()


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "sanitizer", *arguments], input=given, cwd=ROOT, check=False, capture_output=True)


def feed(pipe: subprocess.Popen[bytes], data: bytes) -> threading.Thread:
    """Write *data* and close, from a thread of its own."""

    def write() -> None:
        assert pipe.stdin
        pipe.stdin.write(data)
        pipe.stdin.close()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def numbered(count: int) -> bytes:
    """So many records of half a kilobyte in which there is nothing to find."""
    rng = random.Random(1)
    words = ["".join(rng.choice("bdfklmnprstv") + rng.choice("aeiou") for _ in range(rng.randint(2, 4))) for _ in range(5_000)]
    return b"".join(b"%07d %s\n" % (n, " ".join(rng.choices(words, k=75)).encode()) for n in range(count))


@pytest.mark.parametrize("policy", ["spool", "drop_oldest"])
def test_standard_input_is_read_though_nobody_reads_the_output(tmp_path: Path, policy: str) -> None:
    with started("run", "--format", "raw", "--when-full", policy, "--spool-dir", str(tmp_path / "spool")) as pipe:
        text = numbered(20_000)
        writing = feed(pipe, text)
        writing.join(60)
        assert not writing.is_alive(), "the writer was blocked"
        assert [folder.stat().st_mode & 0o777 for folder in (tmp_path / "spool").iterdir()] == [0o700]
        assert pipe.stdout
        assert pipe.stdout.read() == text
        assert pipe.wait(20) == 0
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_what_is_dropped_is_counted_said_and_audited(tmp_path: Path, policy: str) -> None:
    trail = tmp_path / "audit.ndjson"
    options = ("--when-full", policy, "--spool-dir", str(tmp_path / "spool"), "--spool-bytes", "300000", "--audit-file", str(trail))
    with started("run", "--format", "raw", "--json", *options) as pipe:
        writing = feed(pipe, numbered(20_000))
        writing.join(60)
        assert not writing.is_alive(), "the writer was blocked"
        assert pipe.stdout
        assert pipe.stderr
        out, errors = pipe.stdout.read(), pipe.stderr.read()
    found = [int(line[:7]) for line in out.splitlines()]
    told = json.loads(errors.splitlines()[-1])
    assert found == sorted(found)
    assert policy == "drop_newest" or 19_999 in found
    assert told["records"] == 20_000 == told["written"] + told["dropped"]
    assert told["written"] == len(found) < 20_000
    assert b"records were dropped" in errors
    events = [json.loads(line) for line in trail.read_bytes().splitlines()]
    assert sum(event["count"] for event in events if event["type"] == "records_dropped") == told["dropped"]
    assert run("audit", "verify", str(trail)).returncode == 0


@pytest.mark.parametrize("options", [("--when-full", "block"), ("--spool-bytes", "100000", "--spool-dir", "{folder}")])
def test_a_pipeline_may_be_made_to_wait_and_loses_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    with started("run", "--format", "raw", *[option.format(folder=tmp_path) for option in options]) as pipe:
        text = numbered(40_000)
        writing = feed(pipe, text)
        writing.join(4)
        assert writing.is_alive()
        assert pipe.stdout
        assert pipe.stdout.read() == text
        writing.join()
        assert pipe.wait(20) == 0


@pytest.fixture
def standard_input() -> Iterator[int]:
    """The other end of a pipe that is our standard input for a while."""
    saved, (reader, writer) = os.dup(0), os.pipe()
    os.dup2(reader, 0)
    os.close(reader)
    yield writer
    os.dup2(saved, 0)
    os.close(saved)
    os.close(writer)


def test_told_to_stop_with_a_reader_that_is_stuck_it_says_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standard_input: int
) -> None:
    monkeypatch.setattr("sanitizer.service.pipe.DRAIN_SECS", 0.2)
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    counts, lost = Counts(), Counter[str]()
    lanes = Lanes(Scrubber(compiled(), Keyring({"k": b"0" * 32}, "k"), Options(format="raw")))
    os.write(standard_input, numbered(100))  # more than the pipe that nobody reads holds, less than ours

    def wait_and_stop() -> None:
        while not counts.records:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    stopping = threading.Thread(target=wait_and_stop)
    stopping.start()
    code = run_pipe(lanes, [], writer, counts, Keeping(folder=tmp_path), lambda reason, number: lost.update({reason: number}))
    stopping.join()
    os.close(reader)
    os.close(writer)
    assert code == 128 + signal.SIGTERM
    assert counts.records == 100 == counts.written + counts.dropped
    assert lost.total() == counts.dropped > 0
    assert list(tmp_path.iterdir()) == []


def test_two_workers_write_what_one_process_writes(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"k" * 40)
    text = (b"INFO by jane.doe@example.com\nTraceback (most recent call last):\n  File \"a.py\", line 1, in x\nValueError: x\n") * 5000
    outputs = [run("run", "--workers", n, "--key-file", str(tmp_path / "key"), given=text) for n in ("1", "2")]
    assert [done.returncode for done in outputs] == [0, 0]
    assert outputs[0].stdout == outputs[1].stdout
    assert b"jane.doe" not in outputs[1].stdout
