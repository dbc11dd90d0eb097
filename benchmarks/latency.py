"""Measure how long a line is under way: `python -m benchmarks.latency`.

A writer appends lines at a steady rate, a hundred times a second, to a file that the program follows (or to its standard input); a
reader notes when each comes out of the file sink, of a webhook's request or of standard output. Printed are percentiles over all
lines of a run, from the moment a line was wholly written. Where the machine cannot keep up, the table says so: latency then is the
length of the queue, and no property of the program.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from benchmarks.corpus import generate

DAEMON = [sys.executable, "-c", "import sys; from sanitizer.service.daemon import run; sys.exit(run(sys.argv[1]))"]
PIPE = [sys.executable, "-m", "sanitizer", "run"]
NUMBER = re.compile(rb"line-(\d+)-enil")
TICKS = 100
WARM_SECS = 2.0
LOOK_SECS = 0.001


@dataclass
class Clock:
    """When each line was written and when it came out."""

    sent: list[float] = field(default_factory=list)
    came: dict[int, float] = field(default_factory=dict)

    def take(self, data: bytes) -> None:
        now = time.perf_counter()
        for number in NUMBER.findall(data):
            self.came.setdefault(int(number), now)


@dataclass
class Row:
    """One run's outcome, in milliseconds."""

    name: str
    rate: int
    latencies: list[float]
    lost: int
    busy: float

    def __str__(self) -> str:
        found = sorted(self.latencies) or [float("nan")]
        p50, p90, p99, worst = [found[min(len(found) - 1, int(len(found) * part))] for part in (0.5, 0.9, 0.99, 1.0)]
        note = f"  {self.lost} lines had not come" if self.lost else ""
        return f"{self.name:28} {self.rate:8} {p50:8.1f} {p90:8.1f} {p99:8.1f} {worst:8.1f} {self.busy:8.0%}{note}"


def numbered(corpus: str) -> Iterator[bytes]:
    """Lines of the corpus for ever, each with a number of its own: JSON lines alone, which are records by themselves."""
    lines = [line for line in b"".join(generate(corpus, 4_000_000)).splitlines() if line.startswith(b"{") and line.endswith(b"}")]
    for number, line in enumerate(itertools.cycle(lines)):
        yield b'{"mark":"line-%d-enil",%b\n' % (number, line[1:])


async def write(put: Callable[[bytes], object], lines: Iterator[bytes], rate: int, secs: float, clock: Clock) -> None:
    """Put lines at *rate* for *secs*."""
    begun = time.perf_counter()
    number = len(clock.sent)
    first = number
    for tick in range(int(secs * TICKS)):
        due = begun + (tick + 1) / TICKS
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        upto = first + int(rate * (tick + 1) / TICKS)
        if upto > number:
            put(b"".join(itertools.islice(lines, upto - number)))
            clock.sent += [time.perf_counter()] * (upto - number)
            number = upto


async def tail(path: Path, clock: Clock) -> None:
    """Note the lines of *path* as they come."""
    while not path.exists():  # noqa: ASYNC110, ASYNC240 - another process makes it, and a look costs nothing
        await asyncio.sleep(LOOK_SECS)
    rest = b""
    with path.open("rb", buffering=0) as file:
        while True:
            data = file.read(1 << 20)
            if data:
                whole, newline, rest = (rest + data).rpartition(b"\n")
                clock.take(whole + newline)
            await asyncio.sleep(LOOK_SECS)


@asynccontextmanager
async def webhook(clock: Clock) -> AsyncIterator[str]:
    """The address of a receiver that notes what comes."""

    async def take(request: web.Request) -> web.Response:
        clock.take(await request.read())
        return web.Response()

    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(command: list[str], **streams: int) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(*command, **streams)  # type: ignore[arg-type] # descriptors by name
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def cpu_secs(pid: int) -> float:
    """CPU time that the process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(name: str, put: Callable[[bytes], object], pid: int, clock: Clock, rate: int, secs: float, corpus: str) -> Row:
    lines = numbered(corpus)
    put(next(lines))
    clock.sent.append(time.perf_counter())
    while 0 not in clock.came:  # noqa: ASYNC110 - until it has started
        await asyncio.sleep(0.01)
    await write(put, lines, rate, WARM_SECS, clock)
    first, cpu, begun = len(clock.sent), cpu_secs(pid), time.perf_counter()
    await write(put, lines, rate, secs, clock)
    busy = (cpu_secs(pid) - cpu) / (time.perf_counter() - begun)
    await asyncio.sleep(1.0)
    numbers = range(first, len(clock.sent))
    found = [(clock.came[n] - clock.sent[n]) * 1e3 for n in numbers if n in clock.came]
    return Row(name, rate, found, len(numbers) - len(found), busy)


async def from_file(sink: str, rate: int, secs: float, corpus: str) -> Row:
    """Through the daemon, from a file that is followed."""
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        async with webhook(clock) as url:
            target = {"type": "file", "path": str(folder / "out")} if sink == "file" else {"type": "http", "url": url}
            source = {"type": "file", "paths": [str(folder / "log")]}
            config = folder / "config.yaml"
            config.write_text(json.dumps({"state_dir": str(folder / "state"), "sources": [source], "sinks": [target]}))
            (folder / "log").touch()
            async with running([*DAEMON, str(config)], stderr=asyncio.subprocess.DEVNULL) as process:
                tailing = asyncio.create_task(tail(folder / "out", clock))
                with (folder / "log").open("ab", buffering=0) as log:
                    row = await measure(f"file to {sink}", log.write, process.pid, clock, rate, secs, corpus)
                tailing.cancel()
    return row


async def from_stdin(rate: int, secs: float, corpus: str) -> Row:
    """Through the plain pipe."""
    clock = Clock()
    async with running(PIPE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout

        async def read(stdout: asyncio.StreamReader) -> None:
            rest = b""
            while data := await stdout.read(1 << 20):
                whole, newline, rest = (rest + data).rpartition(b"\n")
                clock.take(whole + newline)

        reading = asyncio.create_task(read(process.stdout))
        row = await measure("stdin to stdout", process.stdin.write, process.pid, clock, rate, secs, corpus)
        process.stdin.close()
        await process.wait()
        await reading
    return row


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="*", default=[10, 1000, 10_000], help="lines a second (default 10 1000 10000)")
    parser.add_argument("--secs", type=float, default=10, help="how long each is measured (default 10)")
    parser.add_argument("--corpus", default="mixed", help="what the lines are: mixed (default), hits, clean")
    parser.add_argument("--only", default="", help="measure the ways whose name holds this")
    arguments = parser.parse_args()
    print(f"{'ms under way':28} {'lines/s':>8} {'p50':>8} {'p90':>8} {'p99':>8} {'max':>8} {'CPU':>8}")
    for rate in arguments.rates:
        for name, run in (
            ("file to file", lambda *given: from_file("file", *given)),
            ("file to http", lambda *given: from_file("http", *given)),
            ("stdin to stdout", from_stdin),
        ):
            if arguments.only in name:
                print(await run(rate, arguments.secs, arguments.corpus), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
