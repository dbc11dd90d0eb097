"""The one loop.

    read    source.batches ──▶ scrubbing.feed                 ┐ two bounded windows of running work:
    send    await the clean batches, in order ──▶ deliver     ├ each stage starts work in order, the next awaits it
    settle  await the deliveries, in order ──▶ source.commit  ┘ in order, so work overlaps and nothing overtakes

A full window stops the reader. What fails before it is settled is never committed: the source reads it again.

A source says that a lane has ended with a batch that holds nothing. Where it `resumes` (an attribute, taken for false where there
is none), a line without an end is left to be read again when the source is told to stop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from sanitizer.model import Batch, CleanBatch, Source
from sanitizer.pipeline.batching import weight
from sanitizer.pipeline.commits import Commits, Hook
from sanitizer.pipeline.window import Window
from sanitizer.process.tasks import discard, first_failure

Deliver = Callable[[CleanBatch], "Awaitable[None] | None"]
"""Takes a batch at once and in order; what it returns is done when the batch is safe (None: at once), or fails for good."""


class Scrubbing(Protocol):
    """Assembly, redaction and audit as the loop sees them; stateful per lane.

    `feed` and `flush` are called in the order of reading, and what they return is awaited in that same order, one at a
    time. So either may be an `async def` that does all its work when awaited, or may start work elsewhere (a worker
    process) and return an awaitable; whatever follows the last `await` in it (the audit chain) is ordered in both cases.

    The clean batches returned hold whole records only. Bytes of a record that is still open stay inside, and no
    `upto` reaches beyond its start. A change of rules happens inside, between two calls.
    """

    def feed(self, batch: Batch) -> Awaitable[Sequence[CleanBatch]]:
        """Redact what is complete now."""
        ...

    def flush(self, lane: str, end: bool) -> Awaitable[Sequence[CleanBatch]]:
        """Redact what *lane* still holds: nothing more of it came in time, or (*end*) ever will.

        Without *end* an unterminated line stays: half a line may be half a secret.
        """
        ...

    def holding(self, lane: str) -> bool:
        """Whether an open record is held back. Asked after each result of *lane* was awaited."""
        ...


class Transactional(Protocol):
    """Takes over delivery and commit where both are one transaction (Kafka to Kafka)."""

    async def deliver(self, batches: Sequence[CleanBatch], offsets: Mapping[str, int]) -> None:
        """Write *batches* and the resume position of each lane in *offsets*: all of it or nothing.

        Retries by itself; raises only when this process may not go on (it was fenced by another).
        """
        ...


class Observer(Protocol):
    """Who counts what passes."""

    def read(self, batch: Batch) -> None: ...
    def cleaned(self, batch: CleanBatch) -> None: ...
    def settled(self, latency_secs: float) -> None: ...


class Work(NamedTuple):
    """Redaction under way, of one batch or of what a lane held."""

    source: Source | None
    lane: str
    clean: Awaitable[Sequence[CleanBatch]]
    begun: float
    size: int


class Sent(NamedTuple):
    """Deliveries under way."""

    source: Source | None
    batches: Sequence[CleanBatch]
    deliveries: Sequence[Awaitable[None]]
    begun: float


@dataclass
class Pipeline:
    """One run over *sources*. It ends when all of them have ended and everything read is settled.

    `hold_secs` bounds how long a lane's open record waits for its continuation. Commits are gathered for `commit_secs`;
    before each round the `durable` hooks run (a file sink's fsync), after it the `committed` ones (the state's flush).
    `commit_audit` is told up to which sequence number audit events are delivered.
    `window_bytes` and `window_items` bound each of the two windows.
    """

    sources: Sequence[Source]
    scrubbing: Scrubbing
    deliver: Sequence[Deliver] = ()
    transactional: Transactional | None = None
    observer: Observer | None = None
    durable: Sequence[Hook] = ()
    committed: Sequence[Hook] = ()
    commit_audit: Callable[[int], Awaitable[None]] | None = None
    hold_secs: float = 0.2
    commit_secs: float = 0.2
    window_bytes: int = 4 << 20
    window_items: int = 256
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict, init=False)
    _lanes: dict[str, Source] = field(default_factory=dict, init=False)
    _open: dict[str, Source] = field(default_factory=dict, init=False)
    _last_lanes: dict[str, str] = field(default_factory=dict, init=False)
    _readers: list[asyncio.Task[None]] = field(default_factory=list, init=False)

    async def run(self) -> None:
        """Raise what the first failing part raised; everything settled by then is committed."""
        self._scrubbing: Window[Work] = Window(self.window_bytes, self.window_items)
        self._delivering: Window[Sent] = Window(self.window_bytes, self.window_items)
        self._commits = Commits(self.durable, self.committed, self.commit_audit, at_source=self.transactional is None)
        self._added = asyncio.Event()
        committer = asyncio.create_task(self._commit_forever())
        stages = [asyncio.create_task(stage) for stage in (self._read(), self._send(), self._settle())]
        try:
            await first_failure([*stages, committer], until=stages)
            committer.cancel()
            await asyncio.gather(committer, return_exceptions=True)
            await self._commits.commit_all()
        finally:
            for task in (*stages, *self._readers, committer):
                task.cancel()
            await asyncio.gather(*stages, *self._readers, committer, return_exceptions=True)
            self._abandon()
            await self._commits.commit()

    def stop_reading(self) -> None:
        """End reading now, whatever the sources still have; what was read is delivered and committed."""
        for reader in self._readers:
            reader.cancel()

    def inject(self, clean: Awaitable[Sequence[CleanBatch]]) -> None:
        """Deliver what *clean* gives after all that was read so far: audit events that no record brought about."""
        if not self._scrubbing.closed:
            self._scrubbing.put(Work(None, "", clean, time.monotonic(), 0), 0)
        else:
            discard(clean)

    def add(self, source: Source) -> None:
        """Read *source* too, from now on."""
        self._readers.append(asyncio.create_task(self._read_one(source)))
        self._added.set()

    async def _read(self) -> None:
        for source in self.sources:
            self.add(source)
        while reading := [reader for reader in self._readers if not reader.done()]:
            self._added.clear()
            added = asyncio.create_task(self._added.wait())
            await asyncio.wait((*reading, added), return_when=asyncio.FIRST_COMPLETED)
            added.cancel()
            for reader in self._readers:
                if reader.done() and not reader.cancelled():
                    reader.result()
            self._readers = [reader for reader in self._readers if not reader.done()]
        self._scrubbing.close()

    async def _read_one(self, source: Source) -> None:
        try:
            async for batch in source.batches():
                if self.observer:
                    self.observer.read(batch)
                await self._scrubbing.room()
                if batch.data or batch.messages:
                    size = weight(batch)
                    self._open[batch.lane] = source
                    self._go_on(batch, source)
                    self._scrubbing.put(Work(source, batch.lane, self.scrubbing.feed(batch), time.monotonic(), size), size)
                else:
                    self._open.pop(batch.lane, None)
                    if self._last_lanes.get(batch.log) == batch.lane:
                        del self._last_lanes[batch.log]
                    self._flush(batch.lane, source, end=True)
                await asyncio.sleep(0)  # a source that always has data would let no other stage run
        finally:
            for lane in [lane for lane, its_source in self._open.items() if its_source is source]:
                del self._open[lane]
                self._flush(lane, source, end=not getattr(source, "resumes", False))

    def _go_on(self, batch: Batch, source: Source) -> None:
        """Where a log goes on in another lane, what it was left with in the last one waits for no more."""
        if batch.log:
            if (last := self._last_lanes.get(batch.log, batch.lane)) != batch.lane:
                self._flush(last, source)
            self._last_lanes[batch.log] = batch.lane

    def _flush(self, lane: str, source: Source, end: bool = False) -> None:
        if timer := self._timers.pop(lane, None):
            timer.cancel()
        if self._scrubbing.closed:
            return
        self._scrubbing.put(Work(source, lane, self.scrubbing.flush(lane, end), time.monotonic(), 0), 0)

    async def _send(self) -> None:
        while work := await self._scrubbing.get():
            batches = await work.clean
            if work.source:
                self._watch(work.lane, work.source)
            await self._delivering.room()
            deliveries = [
                delivery
                for batch in batches
                for deliver in self.deliver
                if (batch.records or batch.envelopes) and (delivery := deliver(batch)) is not None
            ]
            if self.observer:
                for batch in batches:
                    self.observer.cleaned(batch)
            self._delivering.put(Sent(work.source, batches, deliveries, work.begun), work.size)
            await asyncio.sleep(0)  # redaction in place never waits: let what it delivers begin
        self._delivering.close()

    def _watch(self, lane: str, source: Source) -> None:
        """(Re)start the time that the lane's open record may be held, if there is one."""
        if timer := self._timers.pop(lane, None):
            timer.cancel()
        if self.scrubbing.holding(lane):
            self._timers[lane] = asyncio.get_running_loop().call_later(self.hold_secs, self._flush, lane, source)

    async def _settle(self) -> None:
        while sent := await self._delivering.get():
            together = [sent]
            if self.transactional:
                while more := self._delivering.get_nowait():
                    together.append(more)
                offsets = {batch.lane: batch.upto for each in together for batch in each.batches if batch.kind == "logs"}
                await self.transactional.deliver([batch for each in together for batch in each.batches], offsets)
            for each in together:
                for delivery in each.deliveries:
                    await delivery
                if self.observer:
                    self.observer.settled(time.monotonic() - each.begun)
                for batch in each.batches:
                    if batch.kind == "audit":
                        self._commits.settle_audit(batch.upto)
                    elif each.source:
                        self._commits.settle(each.source, batch.lane, batch.upto)

    async def deliver_last(self, batches: Sequence[CleanBatch]) -> None:
        """Deliver what is said when the run is over: the end of the audit trail."""
        if self.transactional:
            await self.transactional.deliver(batches, {})
        waiting = [delivery for batch in batches for deliver in self.deliver if (delivery := deliver(batch)) is not None]
        for delivery in waiting:
            await delivery
        self._commits.settle_audit(max((batch.upto for batch in batches), default=0))
        await self._commits.commit_all()

    async def _commit_forever(self) -> None:
        while True:
            await self._commits.due()
            if self.commit_secs:
                await asyncio.sleep(self.commit_secs)
            await self._commits.commit_all()

    def _abandon(self) -> None:
        """Close what was begun and will not be awaited."""
        for timer in self._timers.values():
            timer.cancel()
        while work := self._scrubbing.get_nowait():
            discard(work.clean)
        while sent := self._delivering.get_nowait():
            for delivery in sent.deliveries:
                discard(delivery)
