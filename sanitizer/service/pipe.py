"""The plain run: standard input or files in, standard output or one file out. No configuration file, and no state that stays."""

from __future__ import annotations

import asyncio
import glob
import logging
import os
import signal
import stat
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sanitizer.model import Batch, CleanBatch, Source
from sanitizer.pipeline import spill
from sanitizer.pipeline.loop import Pipeline
from sanitizer.redaction.lanes import Lanes
from sanitizer.redaction.rotation import follow_keys
from sanitizer.service.console import Console
from sanitizer.sources.file.source import FileConfig
from sanitizer.sources.options import Reading
from sanitizer.sources.stdin import StdinConfig
from sinks.stdout import StdoutSink

_log = logging.getLogger(__name__)

DRAIN_SECS = 25.0
_TELL_SECS = 1.0

WhenFull = Literal["spool", "drop_oldest", "drop_newest", "block"]
"""What becomes of clean records that the output does not take: they wait in a spool of a bounded size, and when that is full
reading waits, or records are dropped; or (`block`) there is no spool, and reading waits at once."""

POLICIES: Mapping[WhenFull, spill.WhenFull] = {
    "spool": "block",
    "block": "block",
    "drop_oldest": "drop_oldest",
    "drop_newest": "drop_newest",
}

Deliver = Callable[[CleanBatch], "Awaitable[None] | None"]
Lost = Callable[[str, int], object]
"""(reason, records)"""


@dataclass
class Counts:
    """What passed: the observer of the loop, and the table at the end."""

    bytes_read: int = 0
    records: int = 0
    written: int = 0
    dropped: int = 0
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
            self.findings.update(batch.findings)
            self.withheld.update(batch.withheld)

    def settled(self, latency_secs: float) -> None:
        pass


@dataclass(frozen=True)
class Keeping:
    """Where clean records wait for an output that does not take them, how many bytes of them, and what happens beyond.

    By default nothing is dropped: either end of a pipe may be one that is meant to be waited for (a pager, an upload), and what is
    dropped is gone. A server that must never be blocked wants `drop_oldest`, or `sanitizer exec`.
    """

    when_full: WhenFull = "spool"
    folder: Path | None = None
    max_bytes: int = 1 << 30

    def place(self) -> Path:
        """A folder that is this process's own."""
        home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        return (self.folder or Path(home) / "mcp-log-sanitizer" / "run") / str(os.getpid())


def run(
    lanes: Lanes, files: Sequence[str], out: int | None, counts: Counts, keeping: Keeping | None = None, lost: Lost | None = None
) -> int:
    """Run to the end of the input and give the exit code: 0, or 128 and the signal that ended it.

    *files* are read one after another; none means standard input. *out* is the descriptor that is written (None: nothing is). What
    can be read again later (files, a redirected one too) is not read faster than it is written; else *keeping* says what happens,
    and *lost* is told what was dropped. Raises `OSError` when *out* takes no more.
    """
    return asyncio.run(_run(lanes, [os.path.abspath(name) for name in files], out, counts, keeping or Keeping(), lost))


async def _run(
    lanes: Lanes, paths: Sequence[str], out: int | None, counts: Counts, keeping: Keeping, lost: Lost | None
) -> int:
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
    async with AsyncExitStack() as stack:
        stack.push_async_callback(lanes.close)
        config: FileConfig | StdinConfig = FileConfig(paths=tuple(glob.escape(name) for name in paths)) if paths else StdinConfig()
        source: Source = await stack.enter_async_context(config.open(Reading(stop=stop, once=True)))
        pipeline = Pipeline([source], lanes, [], observer=counts, commit_secs=0.0)
        following = asyncio.create_task(follow_keys([lanes]))
        stack.callback(following.cancel)
        if out is None:
            await pipeline.run()
        elif paths or keeping.when_full == "block" or stat.S_ISREG(os.fstat(0).st_mode):
            sink = StdoutSink(out)
            stack.callback(sink.close)
            pipeline.deliver = [_writer(sink, counts)]
            await pipeline.run()
        else:
            await _run_spooled(pipeline, out, counts, keeping, lost, stop)
    return 128 + ended_by[0] if ended_by else 0


def _writer(sink: StdoutSink, counts: Counts) -> Deliver:
    async def write(batch: CleanBatch) -> None:
        if batch.kind == "logs":
            await sink.send(batch)
            counts.written += len(batch.records)

    return write


async def _run_spooled(
    pipeline: Pipeline, out: int, counts: Counts, keeping: Keeping, lost: Lost | None, stop: asyncio.Event
) -> None:
    drops: Counter[str] = Counter()

    def drop(number: int) -> None:
        counts.dropped += number
        drops["the output does not take them, and no more can be kept"] += number

    def write(number: int) -> None:
        counts.written += number

    def tell() -> None:
        for reason, number in drops.items():
            _log.error("%d records were dropped: %s", number, reason)
            if lost:
                lost(reason, number)
        drops.clear()

    async def tell_forever() -> None:
        while True:
            await asyncio.sleep(_TELL_SECS)
            tell()

    console = Console(out, keeping.place(), drop, keeping.max_bytes, when_full=POLICIES[keeping.when_full], written=write)
    pipeline.deliver = [lambda batch: console.deliver(batch) if batch.kind == "logs" else None]
    writing = asyncio.create_task(console.run())

    async def finish() -> None:
        await pipeline.run()
        console.close()
        await asyncio.wait((writing,))

    finishing, telling, stopping = [asyncio.create_task(part) for part in (finish(), tell_forever(), stop.wait())]
    try:
        await asyncio.wait((finishing, writing, stopping), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((finishing, writing), timeout=DRAIN_SECS, return_when=asyncio.FIRST_COMPLETED)
        if finishing.done():
            finishing.result()
    finally:
        for task in (finishing, telling, stopping, writing):
            task.cancel()
        await asyncio.gather(finishing, telling, stopping, writing, return_exceptions=True)
        console.give_up()
        tell()
    if console.failure:
        raise console.failure
