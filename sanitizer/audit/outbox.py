"""Sealed events on their way to sinks: read from the ledger that holds them, so that nothing else has to keep them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from sanitizer.audit.chain import Head, sealed
from sanitizer.audit.ledger import last_head, parts
from sanitizer.model import Clean, CleanBatch

BATCH_EVENTS = 1_000
BATCH_BYTES = 1 << 20

_read_head = msgspec.json.Decoder(Head).decode


class Outbox:
    """The events after *delivered* in the ledger at *path*, in order, and what is appended to it meanwhile."""

    def __init__(self, path: Path, delivered: Head) -> None:
        self._path = path
        self._given = delivered
        self._file: BinaryIO | None = None

    def batches(self, max_bytes: int) -> Iterator[CleanBatch]:
        """The next events, at most about *max_bytes* of them; none once all were given. Raises `OSError`."""
        chain, size = "", 0
        records: list[Clean] = []
        offsets: list[int] = []
        for line in self._lines():
            if (event := sealed(line)) is None:
                continue  # not what was written there, so it stays there; whoever verifies the file is told
            head = _read_head(event)
            if _is_before(head, self._given):
                continue
            self._given = head
            if records and (head.chain != chain or len(records) >= BATCH_EVENTS or size >= BATCH_BYTES):
                yield _batch(chain, records, offsets)
                records, offsets, size = [], [], 0
            chain = head.chain
            records.append(event)
            offsets.append(head.seq)
            size += len(line)
            max_bytes -= len(line)
            if max_bytes <= 0:
                break
        if records:
            yield _batch(chain, records, offsets)

    def skip(self, upto: Head) -> None:
        """Give nothing up to *upto* any more."""
        if not _is_before(upto, self._given):
            self._given = upto

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _lines(self) -> Iterator[bytes]:
        while True:
            if self._file is None:
                self._file = self._next()
                if self._file is None:
                    return
            while line := self._file.readline():
                if not line.endswith(b"\n"):
                    self._file.seek(-len(line), os.SEEK_CUR)  # being written
                    return
                yield line[:-1]
            if self._is_current(self._file):
                return
            self.close()

    def _next(self) -> BinaryIO | None:
        """The part after the one that ends with what was given last; a part stays the same file when it is set aside."""
        following = None
        for path in reversed(parts(self._path)):
            if _is_before(last_head(path), self._given):
                break
            following = path
        return following.open("rb") if following else None

    def _is_current(self, file: BinaryIO) -> bool:
        """Whether *file* may still be appended to."""
        try:
            return os.fstat(file.fileno()).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False


def _is_before(head: Head | None, other: Head) -> bool:
    """Whether *head* is *other*, or stands before it in the same chain."""
    return head is not None and head.chain == other.chain and head.seq <= other.seq


def _batch(chain: str, records: list[Clean], offsets: list[int]) -> CleanBatch:
    return CleanBatch(lane=f"audit:{chain}", records=records, offsets=offsets, upto=offsets[-1], kind="audit")
