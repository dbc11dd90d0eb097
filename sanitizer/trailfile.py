"""The audit trail of a plain run: one file, no daemon."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sanitizer.audit import Auditor
from sanitizer.chain import Chain, Signer
from sanitizer.event import Transport
from sanitizer.ledger import Ledger
from sanitizer.mcp import Exposure, Frame
from sanitizer.model import Clean, CleanBatch


class TrailFile:
    """Appends the events of what passes to *path*, continuing its chain. Signed if `SANITIZER_AUDIT_KEY` is set.

    Raises `SigningKeyError`, `LedgerError` and `OSError` when it cannot begin.
    """

    def __init__(self, path: str, server: str = "", transport: Transport = "log") -> None:
        self.ledger = Ledger(path)
        self.auditor = Auditor(Chain(self.ledger.head, Signer.load()), server, transport)

    def observe(self, batch: CleanBatch) -> Sequence[CleanBatch]:
        """Write the events that *batch* brings about; nothing is to be delivered after it."""
        frames = [frame for frame in batch.frames if isinstance(frame, Frame | Exposure)]
        now_ns = time.time_ns()
        events = self.auditor.observe(frames, now_ns, batch.lane) if frames else []
        self.write([*events, *self.auditor.tick(now_ns)])
        return ()

    def write(self, events: list[Clean]) -> None:
        if events:
            self.ledger.append(events, self.auditor.head)

    def close(self) -> None:
        """Write what is left to say, and the closing checkpoint."""
        self.write(self.auditor.close(time.time_ns()))
        self.ledger.close()
