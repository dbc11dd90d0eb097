"""The audit trail of exactly once: a chain for each lane, which goes where the lane goes.

A lane's events are written in the transaction that writes its records, and so is the head of its chain, with the lane's offset.
Whoever takes the lane over begins with both. So a chain has no number twice and none missing, wherever a process ends.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from sanitizer.audit.auditor import OBSERVED, Auditor
from sanitizer.audit.chain import Chain, Head, Signer
from sanitizer.audit.options import Audit
from sanitizer.model import Clean, CleanBatch
from sanitizer.protocol.mcp import Transport


@dataclass(slots=True)
class LaneEvents(CleanBatch):
    """Audit events of the lane *of*, sealed in its *term* here; with them the chain ends at *head*."""

    of: str = ""
    term: int = 0
    head: str = ""


@dataclass(slots=True)
class _LaneTrail:
    auditor: Auditor
    begun: Head
    term: int


class LaneTrails:
    """Turns what clean batches tell of calls into batches of sealed events. A term of a lane begins with each `resume`."""

    is_read_by_sinks = True

    def __init__(self, options: Audit, signer: Signer | None, transport: Transport = "log") -> None:
        self._options = options
        self._signer = signer
        self._transport: Transport = transport
        self._lanes: dict[str, _LaneTrail] = {}
        self._terms = 0
        self._last: list[CleanBatch] = []

    def resume(self, lane: str, head: str) -> int:
        """Go on after *head*, as it was committed with the lane's offset; the term of what is sealed from here on.

        Where the chain ends there already, calls without an answer are still waited for.
        """
        known, kept = self._lanes.get(lane), _decode(head)
        if known is None or kept != known.auditor.head:
            options = self._options
            chain = Chain(kept, self._signer, options.checkpoint_events, options.checkpoint_secs)
            known = _LaneTrail(Auditor(chain, options.server, self._transport), chain.head, 0)
        self._terms += 1
        self._lanes[lane] = _LaneTrail(known.auditor, known.begun, self._terms)
        return self._terms

    def __call__(self, batch: CleanBatch) -> Sequence[CleanBatch]:
        """The batch of events that *batch* brings about, if any."""
        frames = [frame for frame in batch.frames if isinstance(frame, OBSERVED)]
        trail = self._lanes.get(batch.lane)
        if not frames or trail is None:
            return ()
        return self._seal(batch.lane, trail, trail.auditor.observe(frames, time.time_ns(), batch.lane, batch.log))

    async def tick(self) -> Sequence[CleanBatch]:
        """What time brings on each lane: calls without an answer, checkpoints that are due."""
        now_ns = time.time_ns()
        return [batch for lane, trail in self._lanes.items() for batch in self._seal(lane, trail, trail.auditor.tick(now_ns))]

    def dropped(self, reason: str, count: int) -> Sequence[CleanBatch]:
        """The event that *count* records were dropped, on any lane."""
        lane = next(iter(self._lanes), "")
        trail = self._lanes.get(lane)
        return self._seal(lane, trail, trail.auditor.drop(reason, count, time.time_ns())) if trail else ()

    def finish(self) -> None:
        """Seal what is to be said at the end, on each lane where anything is."""
        for lane, trail in self._lanes.items():
            silent = trail.auditor.head == trail.begun
            events = trail.auditor.close(time.time_ns())
            if not silent or len(events) > 1:  # more than the checkpoint that closes
                self._last += self._seal(lane, trail, events)

    async def due(self) -> Sequence[CleanBatch]:
        """What `finish` sealed, once."""
        last, self._last = self._last, []
        return last

    async def sync(self) -> bool:
        """Nothing: what counts is what was committed."""
        return True

    async def committed(self, upto: int) -> None:
        """Nothing waits here: what is not committed is sealed anew by whoever goes on."""

    def close(self) -> None:
        """Nothing is open."""

    def _seal(self, lane: str, trail: _LaneTrail, events: list[Clean]) -> Sequence[CleanBatch]:
        if not events:
            return ()
        batch = trail.auditor.batch(events)
        head = msgspec.json.encode(trail.auditor.head).decode()
        return (
            LaneEvents(batch.lane, batch.records, batch.offsets, batch.upto, "audit", of=lane, term=trail.term, head=head),
        )


def _decode(head: str) -> Head | None:
    try:
        return msgspec.json.decode(head, type=Head) if head else None
    except msgspec.MsgspecError:
        return None
