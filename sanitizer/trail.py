"""The audit trail inside the pipeline: events are on disk before any sink has them, and stay there until every sink has."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from sanitizer.audit import Auditor
from sanitizer.chain import Chain, Head, Signer
from sanitizer.event import Transport
from sanitizer.ledger import Ledger
from sanitizer.mcp import Exposure, Frame
from sanitizer.model import Clean, CleanBatch
from sanitizer.settings import Audit
from sanitizer.spool import Spool, SpoolFullError

_log = logging.getLogger(__name__)
_HEAD = "audit-head"
_OUTBOX_BYTES = 256 << 20


class Facts(Protocol):
    """Where the chain's head is kept (`sanitizer.state.State`)."""

    def fact(self, name: str) -> bytes | None: ...
    def keep(self, name: str, value: bytes) -> None: ...


class Trail:
    """Turns what a clean batch tells of calls into a batch of sealed events; called with each batch, in order.

    Events wait in *outbox* until `committed`, so that after a crash the same events are sent again, and none is sealed twice
    with one number. A disk that does not take them costs that promise, not the events.
    """

    def __init__(
        self, options: Audit, signer: Signer | None, facts: Facts, outbox: Spool | None, transport: Transport = "log"
    ) -> None:
        self._facts = facts
        self._outbox = outbox
        self.backlog = list(_drain(outbox)) if outbox else []
        if outbox:
            outbox.rewind()
        self._ledger = None
        if options.file:
            self._ledger = Ledger(options.file, options.max_file_bytes, options.max_file_secs, options.keep_secs)
        heads = [self._ledger.head if self._ledger else None, _decode(facts.fact(_HEAD)), *map(_last_head, self.backlog)]
        head = max(filter(None, heads), key=lambda head: head.seq, default=None)
        chain = Chain(head, signer, options.checkpoint_events, options.checkpoint_secs)
        self._auditor = Auditor(chain, options.server, transport)

    def __call__(self, batch: CleanBatch) -> Sequence[CleanBatch]:
        """The batch of events that *batch* brings about, if any."""
        frames = [frame for frame in batch.frames if isinstance(frame, Frame | Exposure)]
        return self._seal(self._auditor.observe(frames, time.time_ns(), batch.lane)) if frames else ()

    async def tick(self) -> Sequence[CleanBatch]:
        """What time brings: calls without an answer, checkpoints that are due. To be delivered about once a second."""
        return self._seal(self._auditor.tick(time.time_ns()))

    def dropped(self, reason: str, count: int) -> Sequence[CleanBatch]:
        """The event that *count* records were dropped."""
        return self._seal(self._auditor.drop(reason, count, time.time_ns()))

    async def last_words(self) -> Sequence[CleanBatch]:
        """What is to be said at the end."""
        return self._seal(self._auditor.close(time.time_ns()))

    async def committed(self, upto: int) -> None:
        """Every sink has the events up to sequence number *upto*."""
        while self._outbox and (batch := self._outbox.first()) and batch.upto <= upto:
            self._outbox.forget_first()

    def close(self) -> None:
        """Close the files."""
        if self._ledger:
            self._ledger.close()
        if self._outbox:
            self._outbox.close()

    def _seal(self, events: list[Clean]) -> Sequence[CleanBatch]:
        if not events:
            return ()
        head = self._auditor.head
        batch = self._auditor.batch(events)
        try:
            if self._ledger:
                self._ledger.append(events, head)
            if self._outbox:
                self._outbox.append(batch)
        except (OSError, SpoolFullError) as trouble:
            _log.error("audit events could not be kept on disk (%s) and are sent all the same", type(trouble).__name__)
        self._facts.keep(_HEAD, msgspec.json.encode(head))
        return (batch,)


def _drain(outbox: Spool) -> Sequence[CleanBatch]:
    batches = []
    while batch := outbox.first():
        batches.append(batch)
        outbox.skip_first()
    return batches


def _last_head(batch: CleanBatch) -> Head | None:
    return _decode(batch.records[-1]) if batch.records else None


def _decode(value: bytes | None) -> Head | None:
    try:
        return None if value is None else msgspec.json.decode(value, type=Head)
    except msgspec.MsgspecError:
        return None
