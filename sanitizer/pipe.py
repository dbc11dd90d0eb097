"""The plain run: standard input or files in, standard output or one file out. No configuration file, no state, no spool."""

from __future__ import annotations

import asyncio
import glob
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from sanitizer.lanes import Lanes
from sanitizer.model import Batch, CleanBatch
from sanitizer.pipeline import Pipeline
from sanitizer.rotation import follow_keys
from sanitizer.sources.file import FileConfig
from sanitizer.sources.options import Reading
from sanitizer.sources.stdin import StdinConfig
from sinks.stdout import StdoutSink


@dataclass
class Counts:
    """What passed: the observer of the loop, and the table at the end."""

    bytes_read: int = 0
    records: int = 0
    written: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    begun: float = field(default_factory=time.monotonic)
    progress: Callable[[int], object] | None = None

    def read(self, batch: Batch) -> None:
        self.bytes_read += len(batch.data)
        if self.progress:
            self.progress(len(batch.data))

    def cleaned(self, batch: CleanBatch) -> None:
        if batch.kind == "logs":
            self.records += batch.read
            self.written += len(batch.records)
            self.findings.update(batch.findings)
            self.withheld.update(batch.withheld)

    def settled(self, latency_secs: float) -> None:
        pass


Deliver = Callable[[CleanBatch], "Awaitable[None] | None"]


def run(lanes: Lanes, files: Sequence[str], out: int | None, counts: Counts) -> int:
    """Run to the end of the input and give the exit code: 0, or 128 and the signal that ended it.

    *files* are read one after another; none means standard input. *out* is the descriptor that is written (None: nothing is).
    Raises `OSError` when *out* takes no more.
    """
    return asyncio.run(_run(lanes, [os.path.abspath(name) for name in files], out, counts))


async def _run(lanes: Lanes, paths: Sequence[str], out: int | None, counts: Counts) -> int:
    stop = asyncio.Event()
    ended_by: list[int] = []

    def end(number: int) -> None:
        if ended_by:
            os._exit(128 + number)
        ended_by.append(number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
    delivers: list[Deliver] = []
    async with AsyncExitStack() as stack:
        if out is not None:
            sink = StdoutSink(out)
            stack.callback(sink.close)

            async def write(batch: CleanBatch) -> None:
                if batch.kind == "logs":
                    await sink.send(batch)

            delivers.append(write)
        reading = Reading(stop=stop, once=True)
        config = FileConfig(paths=tuple(glob.escape(name) for name in paths)) if paths else StdinConfig()
        following = asyncio.create_task(follow_keys([lanes]))
        stack.callback(following.cancel)
        async with config.open(reading) as source:
            await Pipeline([source], lanes, delivers, observer=counts, commit_secs=0.0).run()
    return 128 + ended_by[0] if ended_by else 0
