"""The daemon as a process, inputs with planted secrets, and what must hold after whatever was done to it."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("SANITIZER_FAULT_ROUNDS", "3"))
"""How often what is random is done; a longer run sets it."""
REPORT = os.environ.get("SANITIZER_FAULT_REPORT")
"""Where figures are written for `benchmarks.faults`, a JSON object a line."""

PROGRAM = "import sys; from sanitizer.service import daemon; sys.exit(daemon.run(sys.argv[1], once='--once' in sys.argv))"
MAILBOX = re.compile(rb"planted\.[0-9a-f]+@example\.com")
TOKEN = re.compile(rb"ghp_[0-9a-zA-Z]{36}")
NUMBER = re.compile(rb"record (\d{7})")


def lines(first: int, last: int, lane: str = "a") -> bytes:
    """Numbered lines, each with a mailbox and a token in it."""
    rng = random.Random(first)
    return b"".join(
        b"2026-11-21T10:00:00Z INFO %s record %07d by planted.%08x@example.com with ghp_%036x\n"
        % (lane.encode(), n, rng.getrandbits(32), rng.getrandbits(140))
        for n in range(first, last)
    )


class Daemon:
    """`run --config` as a process. Leaving the block kills what is left of it."""

    def __init__(
        self,
        config: Path,
        *options: str,
        stdin: int | IO[Any] = subprocess.DEVNULL,
        limit_bytes: int | None = None,
        program: str = PROGRAM,
    ) -> None:
        self.log = config.with_suffix(f".{time.monotonic_ns()}.log")
        self._limit_bytes = limit_bytes
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, str(config), *options],
                cwd=ROOT,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                preexec_fn=self._limit if limit_bytes is not None else None,  # noqa: PLW1509 - no thread holds a lock it takes
            )

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self, secs: float = 30.0) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(secs)

    def fill_disk(self) -> None:
        """From now on no file of it grows: every write fails, as on a full disk."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))

    def free_disk(self) -> None:
        """There is room again."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def started(self) -> None:
        """Return once it listens to signals, and has begun to read."""
        wait_for(lambda: "started: " in self.said(), self)

    def said(self) -> str:
        """What it wrote on stderr so far."""
        return self.log.read_text()

    def _limit(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._limit_bytes or 0, resource.RLIM_INFINITY))


def metric(port: int, name: str) -> int:
    """The sum of a counter, as the admin page on *port* shows it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        found = re.findall(rf"^sanitizer_{name}_total\S* (\d+)$", page.read().decode(), re.MULTILINE)
    return sum(map(int, found))


def tell(what: str, **figures: int) -> None:
    """Put down what was done, where somebody asked for figures."""
    if REPORT:
        with open(REPORT, "ab") as file:
            file.write(orjson.dumps({"what": what, **figures}) + b"\n")


def adds_up(figures: dict[str, int]) -> bool:
    """Whether every record that was read is accounted for: a withheld one is delivered as a marker."""
    return figures["read"] == figures["delivered"] + figures["dead_lettered"] + figures["dropped"] + figures["left"]


def wait_for(met: Callable[[], bool], daemon: Daemon | None = None, secs: float = 40.0) -> None:
    """Return once *met*; fail when the daemon ends before, or after *secs*."""
    deadline = time.monotonic() + secs
    while not met():
        if daemon and daemon.process.poll() is not None and not met():
            raise AssertionError(f"ended with {daemon.process.returncode}: {daemon.said()}")
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {secs} s: {daemon.said() if daemon else ''}")
        time.sleep(0.02)


def numbers(records: Sequence[bytes]) -> list[int]:
    """The numbers of the records that have one."""
    return [int(found[1]) for record in records if (found := NUMBER.search(record))]


def read(path: Path) -> list[bytes]:
    """The whole lines of *path* so far."""
    return path.read_bytes().splitlines() if path.exists() else []


def arrived(path: Path, last: int) -> Callable[[], bool]:
    """Whether every record before *last* is in *path*."""
    return lambda: len(set(numbers(read(path)))) >= last


def in_order(found: Sequence[int]) -> bool:
    """Whether the records came in order, but for what was sent again."""
    seen: set[int] = set()
    new = [n for n in found if not (n in seen or seen.add(n))]  # type: ignore[func-returns-value]
    return new == sorted(new)


def secrets_in(*paths: Path) -> list[str]:
    """The files under *paths* that hold a planted secret."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return [str(file) for file in files if MAILBOX.search(data := file.read_bytes()) or TOKEN.search(data)]


def unpacked_secrets_in(spool: Path) -> bool:
    """Whether a spool holds a planted secret behind its compression."""
    import zstandard

    from sanitizer.pipeline.spool import HEADER, MAGIC

    for segment in spool.rglob("*.segment"):
        data = segment.read_bytes()
        at = data.find(MAGIC)
        while at >= 0:
            length = HEADER.unpack(data[at : at + HEADER.size])[1]
            text = zstandard.ZstdDecompressor().decompress(data[at + HEADER.size : at + HEADER.size + length])
            if MAILBOX.search(text) or TOKEN.search(text):
                return True
            at = data.find(MAGIC, at + HEADER.size + length)
    return False


def ended(daemon: Daemon) -> dict[str, int]:
    """The figures of the last line: read, delivered, withheld, dead-lettered, dropped, left to other members of a group."""
    found = re.search(
        r"ended: (\d+) records read, (\d+) delivered, (\d+) withheld, (\d+) dead-lettered, (\d+) dropped(?:, (\d+) left)?",
        daemon.said(),
    )
    assert found, daemon.said()
    names = ("read", "delivered", "withheld", "dead_lettered", "dropped", "left")
    return dict(zip(names, (int(figure or 0) for figure in found.groups()), strict=True))
