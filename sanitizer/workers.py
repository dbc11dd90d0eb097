"""Several processes share the scan. Records are put together here, in order; redaction happens there; what comes back is awaited
in order again, so that lanes keep theirs, and so does the audit trail.

A worker that dies takes nothing with it: its batch is done again by another. A batch that kills worker after worker is withheld,
record by record.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from sanitizer.database import Compiled
from sanitizer.hashing import Keyring
from sanitizer.lanes import Audit, Lanes, no_audit
from sanitizer.model import Batch, CleanBatch, Envelope, Message
from sanitizer.record import Assembled
from sanitizer.scrub import Options, Scrubber
from sanitizer.wrappers import Wrapper

_log = logging.getLogger(__name__)

_REASON = "workerdied"

_DEATHS = 3
"""How many workers may die of one batch."""

_scrubber: Scrubber | None = None
"""A worker's own."""


class WorkerLanes(Lanes):
    """`Lanes` whose redaction happens in *workers* processes. `close` ends them."""

    def __init__(
        self,
        scrubber: Scrubber,
        workers: int,
        *,
        wrapper: Wrapper = "auto",
        max_record_bytes: int = 1 << 20,
        audit: Audit = no_audit,
    ) -> None:
        super().__init__(scrubber, wrapper=wrapper, max_record_bytes=max_record_bytes, audit=audit)
        self._workers = workers
        self._pool = self._start()

    def use(self, scrubber: Scrubber) -> None:
        """Redact with *scrubber* from the next batch on; what is under way ends under the old rules."""
        self.scrubber = scrubber
        old, self._pool = self._pool, self._start()
        old.shutdown(wait=False)

    def close(self) -> None:
        """End the workers."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def feed(self, batch: Batch) -> Coroutine[Any, Any, Sequence[CleanBatch]]:
        """Begin to redact the records that are complete now."""
        if batch.messages:
            return self._finish(_scrub_messages, batch.messages, batch.lane, batch.upto)
        return self._scrub(self.assembler(batch.lane, batch.offset).feed(batch.data), batch.lane)

    def flush(self, lane: str, end: bool) -> Coroutine[Any, Any, Sequence[CleanBatch]]:
        """Begin to redact what *lane* holds."""
        assembler = self.assemblers.get(lane)
        if end:
            self.assemblers.pop(lane, None)
        return self._scrub(assembler.flush(end), lane) if assembler else _nothing()

    def _scrub(self, assembled: Assembled, lane: str) -> Coroutine[Any, Any, Sequence[CleanBatch]]:
        return self._finish(_scrub, assembled, lane) if assembled.lines else _nothing()

    def _finish(self, work: Callable[..., CleanBatch], *arguments: Any) -> Coroutine[Any, Any, Sequence[CleanBatch]]:
        return self._await(self._submit(work, arguments), work, arguments)

    async def _await(
        self, first: Future[CleanBatch] | None, work: Callable[..., CleanBatch], arguments: tuple[Any, ...]
    ) -> Sequence[CleanBatch]:
        running, deaths = first, 0
        while deaths < _DEATHS:
            pool = self._pool
            try:
                running = running or self._submit(work, arguments)
                if running:
                    return self.audited(await asyncio.wrap_future(running))
            except BrokenProcessPool:
                pass
            running = None
            # One batch kills the pool for all that are under way, so only one at a time is blamed: each is tried alone in turn.
            deaths += 1
            self._replace(pool)
        _log.error("a batch ended %d workers; its records are withheld", _DEATHS)
        return self.audited(self._withhold(*arguments))

    def _submit(self, work: Callable[..., CleanBatch], arguments: tuple[Any, ...]) -> Future[CleanBatch] | None:
        try:
            return self._pool.submit(work, *arguments)
        except BrokenProcessPool:
            return None

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        if self._pool is broken:
            _log.warning("a worker died; its batch is done again")
            broken.shutdown(wait=False)
            self._pool = self._start()

    def _withhold(self, records: Assembled | Sequence[Message], lane: str, upto: int = 0) -> CleanBatch:
        if isinstance(records, Assembled):
            texts, offsets, upto = records.lines, records.offsets(), records.upto
            envelopes = []
        else:
            texts, offsets = [bytes(message.value or b"") for message in records], [message.offset for message in records]
            envelopes = [Envelope(tombstone=message.value is None) for message in records]
        return CleanBatch(
            lane,
            [self.scrubber.marker(_REASON, text) for text in texts],
            offsets,
            upto,
            rules=self.scrubber.digest,
            read=len(texts),
            withheld={_REASON: len(texts)},
            envelopes=envelopes,
        )

    def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        arguments = (self.scrubber.compiled, self.scrubber.keyring, self.scrubber.options)
        return ProcessPoolExecutor(self._workers, context, _prepare, arguments)


def _prepare(compiled: Compiled, keyring: Keyring, options: Options) -> None:
    """A worker's start: signals are its parent's business, and it ends with it."""
    global _scrubber  # noqa: PLW0603 - a process of its own
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _scrubber = Scrubber(compiled, keyring, options)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(0)


def _scrub(assembled: Assembled, lane: str) -> CleanBatch:
    if _scrubber is None:
        raise RuntimeError("a worker without rules")
    return _scrubber.scrub(assembled, lane)


def _scrub_messages(messages: Sequence[Message], lane: str, upto: int) -> CleanBatch:
    if _scrubber is None:
        raise RuntimeError("a worker without rules")
    return _scrubber.scrub_messages(messages, lane, upto)


async def _nothing() -> Sequence[CleanBatch]:
    return ()
