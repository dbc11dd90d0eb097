"""The process beside a wrapped server that looks at copies: redacts its standard error, and keeps the audit trail of its calls.

It may be slow, stuck or killed; the server does not notice. It ends when it has been handed everything.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import msgspec

from sanitizer.audit.tap import Tap
from sanitizer.model import Batch, CleanBatch, Raw
from sanitizer.protocol.mcp import Direction, Exposure, Frame
from sanitizer.protocol.params import Params
from sanitizer.proxy.copies import CLIENT, COUNT, DONE, GAP, SEEN, SERVER, STDERR, Messages
from sanitizer.proxy.resumption import Resumption
from sanitizer.redaction.lanes import Lanes

_log = logging.getLogger(__name__)

_CHUNK = 1 << 20
_GATHER_SECS = 0.005
"""Waiting for company costs less time of a processor that the server may want; copies carry their own time."""
_NAMES = {STDERR: "stderr", CLIENT: "client", SERVER: "server"}
_DIRECTIONS: dict[int, Direction] = {CLIENT: "c2s", SERVER: "s2c"}
CALLS = "stdio"
"""The lane of both directions: requests meet their responses there."""


class Trail(Protocol):
    """Where calls and losses are written down (`sanitizer.audit.trail.Trail`, `sanitizer.audit.trailfile.TrailFile`)."""

    def __call__(self, batch: CleanBatch) -> Sequence[CleanBatch]: ...
    def dropped(self, reason: str, count: int) -> Sequence[CleanBatch]: ...


class CopiesSource:
    """Reads the channel of copies as batches: lane `stderr:RUN`, `client` or `server`. A batch with the attribute `lost` says how
    many lines of its lane are missing before what follows. *ended* is called when there is no more."""

    def __init__(self, fd: int, ended: Callable[[], object] = lambda: None) -> None:
        self._fd = fd
        self._ended = ended
        self._names = {**_NAMES, STDERR: f"stderr:{time.time_ns():x}"}  # offsets begin anew with each run
        os.set_blocking(fd, False)

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what comes until the other end has closed."""
        messages, offsets = Messages(), dict.fromkeys(_NAMES, 0)
        while data := await self._read():
            for kind, time_ns, body in _merged(messages.feed(data)):
                lane = kind & ~GAP
                size = 0 if kind & GAP else len(body)
                facts = {"lost": str(COUNT.unpack(body)[0])} if kind & GAP else {"time_ns": str(time_ns)}
                yield Batch(self._names[lane], Raw(body), offsets[lane], offsets[lane] + size, attributes=facts)
                offsets[lane] += size
        self._ended()

    async def commit(self, lane: str, upto: int) -> None:
        """Nothing: what was read is gone."""

    async def _read(self) -> bytes:
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(self._fd, _CHUNK)
            except BlockingIOError:
                readable = loop.create_future()
                loop.add_reader(self._fd, _resolve, readable)
                try:
                    await readable
                finally:
                    loop.remove_reader(self._fd)
                await asyncio.sleep(_GATHER_SECS)


class Hearing:
    """Assembly, redaction and audit of copies, as the pipeline's `Scrubbing`.

    Text of standard error is redacted by *shown* and handed to *show*; by *kept*, where there are sinks, for these. Frames become
    events of *trail* and nothing else.
    """

    def __init__(
        self, shown: Lanes, show: Callable[[CleanBatch], None], kept: Lanes | None, params: Params, trail: Trail | None
    ) -> None:
        self._shown = shown
        self._show = show
        self._kept = kept
        self._trail = trail
        self._params = params
        self._taps = {_NAMES[way]: Tap(params, direction) for way, direction in _DIRECTIONS.items()}
        self._after_gap: dict[str, Resumption] = {}
        (kept or shown).audit = self._expose

    def use(self, params: Params) -> None:
        """Hash with the keys of *params* from the next frame on."""
        self._params = params
        for tap in self._taps.values():
            tap.params = params

    async def feed(self, batch: Batch) -> Sequence[CleanBatch]:
        """What *batch* completes."""
        if "lost" in batch.attributes:
            return await self._lose(batch.lane, int(batch.attributes["lost"]))
        data = bytes(batch.data)
        if batch.lane in self._after_gap:
            data = self._after_gap[batch.lane].feed(data)
            if self._after_gap[batch.lane].done:
                del self._after_gap[batch.lane]
        if batch.lane in self._taps:
            frames = self._taps[batch.lane].feed(data)
            return self._audited(frames, int(batch.attributes["time_ns"]), batch.upto)
        if not data:
            return ()
        batch = Batch(batch.lane, Raw(data), batch.offset, batch.upto)
        for clean in await self._shown.feed(batch):
            self._show(clean)
        return await self._kept.feed(batch) if self._kept else ()

    async def flush(self, lane: str, end: bool) -> Sequence[CleanBatch]:
        """What *lane* still holds."""
        if lane in self._taps:
            return self._audited(self._taps[lane].end(), time.time_ns(), 0) if end else ()
        for clean in await self._shown.flush(lane, end):
            self._show(clean)
        return await self._kept.flush(lane, end) if self._kept else ()

    def holding(self, lane: str) -> bool:
        """Whether a record of *lane* is open."""
        return self._shown.holding(lane) or (self._kept is not None and self._kept.holding(lane))

    def _audited(self, frames: Sequence[Frame], time_ns: int, upto: int) -> Sequence[CleanBatch]:
        if not frames or self._trail is None:
            return ()
        timed = [msgspec.structs.replace(frame, time_ns=time_ns) for frame in frames]
        return self._trail(CleanBatch(CALLS, (), (), upto, frames=timed))

    def _expose(self, batch: CleanBatch) -> Sequence[CleanBatch]:
        """Credentials in the log are events; calls it speaks of are not: they have passed as frames."""
        exposures = [fact for fact in batch.frames if isinstance(fact, Exposure)]
        return self._trail(replace(batch, frames=exposures)) if self._trail and exposures else ()

    async def _lose(self, lane: str, count: int) -> Sequence[CleanBatch]:
        """*count* lines are missing: what is open ends here, and nothing that might be the rest of a lost secret passes."""
        stream = lane.partition(":")[0]
        _log.error("%d lines of the %s stream were dropped: they came faster than they could be looked at", count, stream)
        clean: list[CleanBatch] = []
        if lane in self._taps:
            self._taps[lane] = Tap(self._params, next(way for kind, way in _DIRECTIONS.items() if _NAMES[kind] == lane))
        else:
            clean += await self.flush(lane, end=True)
        self._after_gap[lane] = Resumption(is_text=lane not in self._taps)
        if self._trail:
            clean += self._trail.dropped(f"{stream} came faster than it could be looked at", count)
        return clean


async def guard(life: int, killed: Callable[[], object]) -> None:
    """Kill the server if the process that passes its bytes on is *killed*: it tells the server's pid, and when all is well."""
    loop = asyncio.get_running_loop()
    os.set_blocking(life, False)
    said, server = b"", None
    while True:
        readable = loop.create_future()
        loop.add_reader(life, _resolve, readable)
        try:
            await readable
        finally:
            loop.remove_reader(life)
        data = os.read(life, 64)
        said += data
        if DONE in data:
            return
        if SEEN in data:
            while signal.sigtimedwait(signal.pthread_sigmask(signal.SIG_BLOCK, ()), 0):
                pass
        if server is None and b"\n" in said:
            with suppress(OSError, AttributeError, ValueError):
                server = os.pidfd_open(int(said.partition(b"\n")[0]))  # a pid may be another's by the time it is used
        if not data:
            if server is not None:
                with suppress(OSError):
                    signal.pidfd_send_signal(server, signal.SIGKILL)
            killed()
            return


def _merged(messages: Sequence[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """*messages* with neighbours of standard error joined."""
    merged: list[tuple[int, int, bytes]] = []
    pieces: list[bytes] = []
    for message in messages:
        if message[0] == STDERR:
            pieces.append(message[2])
            continue
        if pieces:
            merged.append((STDERR, 0, b"".join(pieces)))
            pieces = []
        merged.append(message)
    if pieces:
        merged.append((STDERR, 0, b"".join(pieces)))
    return merged


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
