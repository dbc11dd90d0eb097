"""An audit trail in files of its own: written as calls end, and able to say after a crash what it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from sanitizer.audit.auditor import OBSERVED, Auditor
from sanitizer.audit.chain import Chain, Signer, replace_file
from sanitizer.audit.event import AuditEvent, timestamp
from sanitizer.audit.ledger import Found, Ledger, Part
from sanitizer.audit.retellings import Retellings
from sanitizer.model import Clean, CleanBatch
from sanitizer.protocol.mcp import Transport

MAX_UNWRITTEN_BYTES = 16 << 20
_LOOK_SECS = 60.0
_REMEMBER_SECS = 10.0


class TrailFile:
    """Appends the events of what passes to *ledger*, continuing its chain; parts are deleted after *keep_secs* (None: never).

    What is among *told* is not told again. *trouble* is told when the disk does not take them; without it that is raised. Events
    then wait in memory up to a bound, and what comes after that is counted, so that the chain has no gap and says once there is
    room how many are missing.
    """

    def __init__(
        self,
        ledger: Ledger,
        signer: Signer | None = None,
        server: str = "",
        transport: Transport = "log",
        *,
        every_events: int = 1_000,
        every_secs: float = 60.0,
        keep_secs: float | None = None,
        trouble: Callable[[OSError], object] | None = None,
        told: Retellings | None = None,
    ) -> None:
        self.ledger = ledger
        self.auditor = Auditor(Chain(ledger.head, signer, every_events, every_secs), server, transport, told=told)
        self._keep_secs = keep_secs
        self._trouble = trouble
        self._retired_at = float("-inf")
        self._remembered_at = float("-inf")  # the first are kept at once
        self._credentials = ledger.path.with_name(f"{ledger.path.name}.credentials")
        if ledger.head is not None:
            with suppress(OSError):  # where there is none, everything is seen first
                self.auditor.exposures.load(self._credentials.read_bytes())
        self._write([event for found in recovered(ledger.found) for event in self.auditor.record(found)])

    def __call__(self, batch: CleanBatch) -> Sequence[CleanBatch]:
        """Write the events that *batch* brings about; nothing is to be delivered after it."""
        now_ns = time.time_ns()
        frames = [frame for frame in batch.frames if isinstance(frame, OBSERVED)]
        events = self.auditor.observe(frames, now_ns, batch.lane, batch.log) if frames else []
        self._write([*events, *self.auditor.tick(now_ns)])
        if time.monotonic() - self._remembered_at >= _REMEMBER_SECS:
            self._remember()
        return ()

    def dropped(self, reason: str, count: int) -> Sequence[CleanBatch]:
        """Write that *count* records are missing, and why."""
        self._write(self.auditor.drop(reason, count, time.time_ns()))
        return ()

    def tick(self, upto: int | None = None) -> None:
        """What time brings: calls given up, checkpoints, rotation, and the deletion of parts that hold nothing after *upto*. To be
        called about once a second."""
        self._write(self.auditor.tick(time.time_ns()))
        with Told(self._trouble):
            self.ledger.tick()
        self._retire(upto)
        if time.monotonic() - self._remembered_at >= _REMEMBER_SECS:
            self._remember()

    def _remember(self) -> None:
        """Keep what is known of credentials beside the trail, so that the next run goes on from there."""
        self._remembered_at = time.monotonic()
        if self.auditor.exposures.changed:
            with Told(self._trouble):
                replace_file(self._credentials, self.auditor.exposures.dump())

    def _retire(self, upto: int | None) -> None:
        """Delete the parts that were kept long enough; the trail says so before it is done."""
        if self._keep_secs is None or time.monotonic() - self._retired_at < _LOOK_SECS:
            return
        self._retired_at = time.monotonic()
        with Told(self._trouble):
            old = [part for part in self.ledger.outdated(self._keep_secs) if upto is None or part.last <= upto]
            if old:
                self._write(self.auditor.record(_retired(old)))
                self.ledger.sync()
            for part in old if not self.ledger.unwritten_bytes else ():
                part.path.unlink()

    def finish(self) -> None:
        """Write what is left to say, and the closing checkpoint."""
        self._write(self.auditor.close(time.time_ns()))
        self._remember()

    def close(self) -> None:
        """`finish`, and let go of the files."""
        self.finish()
        with Told(self._trouble):
            self.ledger.close()

    def _write(self, events: list[Clean]) -> None:
        with Told(self._trouble):
            try:
                self.ledger.append(events, self.auditor.head)
            finally:
                self.auditor.is_full = self.ledger.unwritten_bytes > MAX_UNWRITTEN_BYTES
            if missed := self.auditor.missed:
                self.auditor.missed = 0
                self._write(self.auditor.drop("the audit file could not be written", missed, time.time_ns()))


def recovered(found: Found) -> list[AuditEvent]:
    """What a trail has to say of the end of the one before it, if that was not as it should be."""
    events, now = [], timestamp(time.time_ns())
    if found.torn_bytes:
        events.append(
            AuditEvent(type="trail_recovered", time=now, reason="a line was half written and is cut off", count=found.torn_bytes)
        )
    if found.is_cut_off and found.stored:
        first = found.written.seq + 1 if found.written else 1
        reason = "the file ended before the stored head"
        events.append(AuditEvent(type="trail_recovered", time=now, reason=reason, first_seq=first, last_seq=found.stored.seq))
    elif not found.is_closed:
        last = found.written.seq if found.written else 0
        events.append(AuditEvent(type="trail_recovered", time=now, reason="the writer was killed", last_seq=last))
    return events


def _retired(old: Sequence[Part]) -> AuditEvent:
    return AuditEvent(
        type="records_retired",
        time=timestamp(time.time_ns()),
        reason="kept as long as configured",
        first_seq=old[0].first,
        last_seq=old[-1].last,
        count=len(old),
    )


class Told:
    """Tells *trouble* of an `OSError` instead of raising it, where there is somebody to tell."""

    def __init__(self, trouble: Callable[[OSError], object] | None) -> None:
        self._trouble = trouble

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, failure: BaseException | None, _trace: object) -> bool:
        if self._trouble is None or not isinstance(failure, OSError):
            return False
        self._trouble(failure)
        return True
