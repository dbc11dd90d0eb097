"""Assembly and redaction as the pipeline sees them: one assembler a lane, one scrubber for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sanitizer.model import Batch, CleanBatch
from sanitizer.records.assemble import Assembled, Assembler
from sanitizer.records.tables import Tables
from sanitizer.records.wrappers import Wrapper, lane_fields
from sanitizer.redaction.scrub import Scrubber

Audit = Callable[[CleanBatch], Sequence[CleanBatch]]
"""Given each clean batch in order; gives the batches of audit events to deliver after it."""


def no_audit(_batch: CleanBatch) -> Sequence[CleanBatch]:
    return ()


@dataclass(slots=True)
class _Open:
    """What is known of a lane until it ends."""

    assembler: Assembler
    tables: Tables
    log: str


class Lanes:
    """Scrubs in this process, batch by batch. `scrubber` may be exchanged between two calls: a reload of the rules.

    `max_record_bytes` bounds a record: the rest of a longer one is digested, not kept.
    """

    def __init__(
        self,
        scrubber: Scrubber,
        *,
        wrapper: Wrapper = "auto",
        max_record_bytes: int = 1 << 20,
        max_record_lines: int = 500,
        audit: Audit = no_audit,
    ) -> None:
        self.scrubber = scrubber
        self.audit = audit
        self.wrapper: Wrapper = wrapper
        self.max_bytes = max_record_bytes
        self.max_lines = max_record_lines
        self._open: dict[str, _Open] = {}

    async def feed(self, batch: Batch) -> Sequence[CleanBatch]:
        """Redact the records that are complete now."""
        if batch.messages:
            return self.audited(self.scrubber.scrub_messages(batch.messages, batch.lane, batch.upto))
        return self.scrubbed(self.assembled(batch), batch.lane, batch.log)

    async def flush(self, lane: str, end: bool) -> Sequence[CleanBatch]:
        """Redact what *lane* holds; with *end*, its unterminated line too, and forget the lane."""
        log = self.log(lane)
        rest = self.rest(lane, end)
        return self.scrubbed(rest, lane, log) if rest else ()

    def assembled(self, batch: Batch) -> Assembled:
        """What *batch* completes."""
        lane = self._open.get(batch.lane)
        if lane is None:
            lane = self._open[batch.lane] = self._begin(batch)
        lane.assembler.told = not self.scrubber.raw  # raw output keeps the lines, and of records needs the joins alone
        assembled = lane.assembler.feed(batch.data)
        lane.tables.follow(assembled)
        return assembled

    def _begin(self, batch: Batch) -> _Open:
        digest = self.scrubber.keyring.running
        facts = lane_fields(batch.attributes.get("path", "") or batch.lane)
        assembler = Assembler(self.wrapper, self.max_lines, self.max_bytes, offset=batch.offset, fields=facts, digest=digest)
        return _Open(assembler, Tables(), batch.log)

    def log(self, name: str) -> str:
        """The log that a lane is of; empty where it is one itself, or not known."""
        lane = self._open.get(name)
        return lane.log if lane else ""

    def rest(self, name: str, end: bool) -> Assembled | None:
        """What a lane holds, if it is known; nothing more comes of it with *end*."""
        lane = self._open.get(name)
        if lane is None:
            return None
        assembled = lane.assembler.flush(end)
        lane.tables.follow(assembled)
        if end:
            del self._open[name]
        return assembled

    def use(self, scrubber: Scrubber) -> None:
        """Redact with *scrubber* from the next batch on."""
        self.scrubber = scrubber

    async def close(self) -> None:
        """Give back what was opened: here nothing."""

    def holding(self, lane: str) -> bool:
        known = self._open.get(lane)
        return known is not None and known.assembler.holding

    def scrubbed(self, assembled: Assembled, lane: str, log: str) -> Sequence[CleanBatch]:
        return self.audited(self.scrubber.scrub(assembled, lane), log) if assembled.lines else ()

    def audited(self, batch: CleanBatch, log: str = "") -> Sequence[CleanBatch]:
        batch.log = log
        return (batch, *self.audit(batch))
