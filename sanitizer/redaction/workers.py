"""Several processes share the scan. Records are put together here, in order: what assembly has in hand must not die with a worker.
Redaction happens there; what comes back is awaited in order again, so that lanes keep theirs, and so does the audit trail.

A worker that dies takes nothing with it: its batch is done again by another. A batch that kills worker after worker is withheld,
record by record.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from sanitizer.hashing import Keyring
from sanitizer.model import Batch, CleanBatch, Envelope
from sanitizer.process.garbage import look_seldom
from sanitizer.records.wrappers import Wrapper
from sanitizer.redaction.crew import Crew, DeadlyError
from sanitizer.redaction.handover import Task, pack, pack_result, unpack, unpack_result
from sanitizer.redaction.lanes import Audit, Lanes, no_audit
from sanitizer.redaction.scrub import Options, Scrubber
from sanitizer.rulesets.database import Compiled

_log = logging.getLogger(__name__)

_REASON = "workerdied"


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
        self._crew = self._start()
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return self._crew.pids

    def use(self, scrubber: Scrubber) -> None:
        """Redact with *scrubber* from the next batch on; what is under way ends under the old rules."""
        self.scrubber = scrubber
        retiring = asyncio.create_task(self._crew.retire())
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        self._crew = self._start()

    async def close(self) -> None:
        """End the workers."""
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await self._crew.close()

    def feed(self, batch: Batch) -> Coroutine[Any, Any, Sequence[CleanBatch]]:
        """Begin to redact the records that are complete now."""
        if batch.messages:
            return self._scrub(Task(batch.lane, batch.upto, messages=tuple(batch.messages)))
        assembled = self.assembled(batch)
        return self._scrub(Task(batch.lane, assembled.upto, assembled), batch.log) if assembled.lines else _nothing()

    def flush(self, lane: str, end: bool) -> Coroutine[Any, Any, Sequence[CleanBatch]]:
        """Begin to redact what *lane* holds."""
        log = self.log(lane)
        rest = self.rest(lane, end)
        return self._scrub(Task(lane, rest.upto, rest), log) if rest and rest.lines else _nothing()

    def _scrub(self, task: Task, log: str = "") -> Coroutine[Any, Any, Sequence[CleanBatch]]:
        return self._await(self._crew.submit(pack(task)), task, log)

    async def _await(self, result: asyncio.Future[bytes], task: Task, log: str) -> Sequence[CleanBatch]:
        try:
            batch = unpack_result(await result)
        except DeadlyError:
            _log.error("a batch ended worker after worker; its records are withheld")
            batch = self._withhold(task)
        return self.audited(batch, log)

    def _withhold(self, task: Task) -> CleanBatch:
        if task.assembled:
            texts, offsets = task.assembled.lines, task.assembled.offsets()
        else:
            texts = [bytes(message.value or b"") for message in task.messages]
            offsets = [message.offset for message in task.messages]
        return CleanBatch(
            task.lane,
            [self.scrubber.marker(_REASON, text) for text in texts],
            offsets,
            task.upto,
            rules=self.scrubber.digest,
            read=len(texts),
            withheld={_REASON: len(texts)},
            envelopes=[Envelope(tombstone=message.value is None) for message in task.messages],
        )

    def _start(self) -> Crew:
        return Crew(self._workers, _Prepare(self.scrubber.compiled, self.scrubber.keyring, self.scrubber.options))


@dataclass(frozen=True)
class _Prepare:
    """A worker's start: its own scrubber."""

    compiled: Compiled
    keyring: Keyring
    options: Options

    def __call__(self) -> Callable[[bytes], bytes]:
        look_seldom()
        scrubber = Scrubber(self.compiled, self.keyring, self.options)
        return lambda body: pack_result(_do(scrubber, unpack(body)))


def _do(scrubber: Scrubber, task: Task) -> CleanBatch:
    if task.assembled:
        return scrubber.scrub(task.assembled, task.lane)
    return scrubber.scrub_messages(task.messages, task.lane, task.upto)


async def _nothing() -> Sequence[CleanBatch]:
    return ()
