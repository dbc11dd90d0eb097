"""Stand-ins at the seams: a source, checkpoints, a redaction that changes nothing, a sink that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from sanitizer.model import Batch, Clean, CleanBatch, Raw, Receipt, Rejection


def batch(*records: bytes, lane: str = "lane", first: int = 0, **facts: object) -> CleanBatch:
    """A clean batch of *records* at consecutive offsets."""
    offsets = list(range(first, first + len(records)))
    return CleanBatch(lane, [Clean(record) for record in records], offsets, first + len(records), **facts)  # type: ignore[arg-type]


class ListSource:
    """Yields what it was given, lane by lane, and remembers what was committed; with *stay*, waits to be told to stop."""

    def __init__(self, *pieces: tuple[str, bytes], stay: bool = False) -> None:
        self.pieces = list(pieces)
        self.committed: dict[str, int] = {}
        self.commits: list[tuple[str, int]] = []
        self.stop = asyncio.Event()
        self.given = 0
        self._stay = stay

    async def batches(self) -> AsyncIterator[Batch]:
        positions: dict[str, int] = {}
        for lane, data in self.pieces:
            offset = positions.get(lane, 0)
            positions[lane] = offset + len(data)
            self.given += 1
            yield Batch(lane, Raw(data), offset, offset + len(data))
        if self._stay:
            await self.stop.wait()

    async def commit(self, lane: str, upto: int) -> None:
        assert upto >= self.committed.get(lane, 0), "commits go forwards"
        self.committed[lane] = upto
        self.commits.append((lane, upto))


class Memory:
    """Checkpoints that outlive a source, as the state does."""

    intact = True

    def __init__(self) -> None:
        self.saved: dict[str, bytes] = {}

    def load(self, prefix: str) -> dict[str, bytes]:
        return {lane: position for lane, position in self.saved.items() if lane.startswith(prefix)}

    def save(self, lane: str, position: bytes) -> None:
        self.saved[lane] = position

    def forget(self, lane: str) -> None:
        self.saved.pop(lane, None)


class Lines:
    """A redaction that only cuts lines: a line is a record, one that ends in a backslash goes on with the next."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[int, bytes]] = {}
        self.fail_on = b""

    async def feed(self, batch: Batch) -> Sequence[CleanBatch]:
        start, held = self.held.pop(batch.lane, (batch.offset, b""))
        if self.fail_on and self.fail_on in batch.data:
            raise ValueError("cannot")
        text = held + batch.data
        end = text.rfind(b"\n") + 1
        while text[:end].endswith(b"\\\n"):
            end = text.rfind(b"\n", 0, end - 1) + 1
        if text[end:]:
            self.held[batch.lane] = (start + end, text[end:])
        return self._clean(batch.lane, start, text[:end])

    async def flush(self, lane: str, end: bool) -> Sequence[CleanBatch]:
        start, held = self.held.pop(lane, (0, b""))
        if not end and not held.endswith(b"\n"):
            self.held[lane] = (start, held)
            return ()
        return self._clean(lane, start, held)

    def holding(self, lane: str) -> bool:
        return self.held.get(lane, (0, b""))[1].endswith(b"\n")

    def _clean(self, lane: str, start: int, text: bytes) -> Sequence[CleanBatch]:
        if not text:
            return ()
        records, offsets, position = [], [], start
        for line in text.splitlines(keepends=True):
            records.append(Clean(line.rstrip(b"\n")))
            offsets.append(position)
            position += len(line)
        return (CleanBatch(lane, records, offsets, position, read=len(records)),)


Answer = Callable[[CleanBatch], Receipt] | BaseException | Receipt


class ScriptedSink:
    """Takes everything, after it has given the answers it was told to give; remembers each send and what was taken."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sends: list[CleanBatch] = []
        self.taken: list[tuple[str, bytes]] = []
        self.down = False
        self.gate: asyncio.Event | None = None
        self.at_a_time = self.most_at_a_time = 0

    async def send(self, batch: CleanBatch) -> Receipt:
        self.sends.append(batch)
        self.at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        try:
            if self.gate:
                await self.gate.wait()
            else:
                await asyncio.sleep(0)
            return self._answer(batch)
        finally:
            self.at_a_time -= 1

    def _answer(self, batch: CleanBatch) -> Receipt:
        if self.down:
            raise ConnectionRefusedError
        answer = self.answers.pop(0) if self.answers else Receipt()
        if isinstance(answer, BaseException):
            raise answer
        receipt = answer if isinstance(answer, Receipt) else answer(batch)
        left = {rejection.index for rejection in receipt.rejected} | set(receipt.pending)
        self.taken += [(batch.lane, record) for index, record in enumerate(batch.records) if index not in left]
        return receipt

    def records(self, lane: str | None = None) -> list[bytes]:
        return [record for its_lane, record in self.taken if lane in {None, its_lane}]


class Graves:
    """Dead letters in memory."""

    def __init__(self) -> None:
        self.buried: list[tuple[str, bytes, str]] = []
        self.full = False

    async def bury(self, sink: str, batch: CleanBatch, rejections: Iterable[Rejection]) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.buried += [(sink, batch.records[rejection.index], rejection.reason) for rejection in rejections]

    async def mark(self, sink: str, batch: CleanBatch, count: int) -> None:
        self.buried.append((sink, b"", f"{count} of {len(batch.records)}"))


async def until(met: Callable[[], bool], secs: float = 10.0) -> None:
    """Return once *met*."""
    async with asyncio.timeout(secs):
        while not met():  # noqa: ASYNC110 - what is waited for knows nothing of events
            await asyncio.sleep(0.005)
