"""The audit trail inside the pipeline: events are on disk before any sink has them, and stay there until every sink has.

A sink is given only what was made durable, and what was made durable is never numbered again: so a crash, wherever it comes, makes
at most duplicates that are the same to the byte.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from sanitizer.audit.chain import Head, Signer
from sanitizer.audit.ledger import Ledger
from sanitizer.audit.options import Audit
from sanitizer.audit.outbox import Outbox
from sanitizer.audit.retellings import Retellings
from sanitizer.audit.trailfile import Told, TrailFile
from sanitizer.model import CleanBatch
from sanitizer.protocol.mcp import Transport

_log = logging.getLogger(__name__)
_HEAD = "audit-head"
_DELIVERED = "audit-delivered"
_NOTHING = Head("", 0, "")
_PART_BYTES = 16 << 20
_TOLD_BYTES = 32 << 20
"""What calls that a source may read again take up, and some."""
_MAX_GIVEN_BYTES = 16 << 20
"""What sinks have in hand; the rest waits in the file."""


class Facts(Protocol):
    """Small values that survive a restart (`sanitizer.pipeline.state.State`)."""

    def fact(self, name: str) -> bytes | None: ...
    def keep(self, name: str, value: bytes) -> None: ...


class Trail:
    """Writes the events of clean batches to the audit file, or to one of its own in *folder*, and hands them on from there.

    Called with each batch, in order. *facts* are to be flushed after opening it, and after each `committed`. While nobody
    `is_read_by_sinks`, events count as delivered once they are on disk.
    """

    def __init__(self, options: Audit, signer: Signer | None, facts: Facts, folder: Path, transport: Transport = "log") -> None:
        self._facts = facts
        self._is_own = options.file is None
        if self._is_own:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = Path(options.file or folder / "trail.ndjson")
        part_bytes = _PART_BYTES if self._is_own else options.max_file_bytes
        ledger = Ledger(path, part_bytes, options.max_file_secs, sync_secs=None)
        # A file that was there before has been read by whoever reads it; one of our own holds what is to be delivered.
        delivered = _decode(facts.fact(_DELIVERED)) or (not self._is_own and ledger.head) or _NOTHING
        self._file = TrailFile(
            ledger,
            signer,
            options.server,
            transport,
            every_events=options.checkpoint_events,
            every_secs=options.checkpoint_secs,
            keep_secs=None if self._is_own else options.keep_secs,
            trouble=_tell,
            told=_told(ledger, _decode(facts.fact(_HEAD))),
        )
        self._outbox = Outbox(path, delivered)
        self._given: deque[tuple[Head, int]] = deque()
        self._given_bytes = 0
        self._syncing = asyncio.Lock()
        self.is_read_by_sinks = True
        facts.keep(_HEAD, msgspec.json.encode(self._file.auditor.head))
        self._deliver_upto(delivered)

    def __call__(self, batch: CleanBatch) -> Sequence[CleanBatch]:
        """Write the events that *batch* brings about; they are handed on by `tick`."""
        return self._file(batch)

    def dropped(self, reason: str, count: int) -> Sequence[CleanBatch]:
        """Write that *count* records were dropped."""
        return self._file.dropped(reason, count)

    async def tick(self) -> Sequence[CleanBatch]:
        """What time brings, and the events that sinks may have now. To be called, and its result delivered, about once a second."""
        self._file.tick(self._delivered.seq)
        return await self.due()

    def finish(self) -> None:
        """Write what is to be said at the end."""
        self._file.finish()

    async def due(self) -> Sequence[CleanBatch]:
        """The next events that are on disk, as many as may be under way at a time; none when there are no more."""
        if not await self.sync():
            return ()
        if not self.is_read_by_sinks:
            head = self._file.ledger.head or _NOTHING
            self._outbox.skip(head)
            self._deliver_upto(head)
            return ()
        given: list[CleanBatch] = []
        with Told(_tell):
            for batch in self._outbox.batches(_MAX_GIVEN_BYTES - self._given_bytes) if self._given_bytes < _MAX_GIVEN_BYTES else ():
                size = sum(map(len, batch.records))
                self._given.append((Head(batch.lane.partition(":")[2], batch.upto, ""), size))
                self._given_bytes += size
                given.append(batch)
        return given

    async def sync(self) -> bool:
        """Make what was written durable; whether it is. A source may be told to forget a batch after that only."""
        async with self._syncing:
            with Told(_tell):
                head = await asyncio.to_thread(self._file.ledger.sync)
                if head:
                    self._facts.keep(_HEAD, msgspec.json.encode(head))
                return True
        return False

    async def committed(self, upto: int) -> None:
        """Every sink has the events up to sequence number *upto* of those given last."""
        count = next((number for number, (head, _) in enumerate(self._given, 1) if head.seq == upto), 0)
        for _ in range(count):
            head, size = self._given.popleft()
            self._given_bytes -= size
            self._deliver_upto(head)

    def close(self) -> None:
        """Close the files."""
        self._outbox.close()
        with Told(_tell):
            self._file.ledger.close()

    def _deliver_upto(self, head: Head) -> None:
        self._delivered = head
        self._facts.keep(_DELIVERED, msgspec.json.encode(head))
        if self._is_own:
            with Told(_tell):
                self._file.ledger.forget(head.seq)


def _told(ledger: Ledger, known: Head | None) -> Retellings:
    """What the end of *ledger* tells of, if it is the trail that the positions of the sources were kept beside; lanes of any other
    may be other logs."""
    if known is None or ledger.head is None or known.chain != ledger.head.chain:
        return Retellings()
    try:
        return Retellings(ledger.tail(_TOLD_BYTES))
    except OSError as trouble:
        _tell(trouble)
        return Retellings()


def _tell(trouble: OSError) -> None:
    _log.error("the audit file cannot be written (%s); events wait in memory until it can", trouble.strerror)


def _decode(value: bytes | None) -> Head | None:
    try:
        return None if value is None else msgspec.json.decode(value, type=Head)
    except msgspec.MsgspecError:
        return None
