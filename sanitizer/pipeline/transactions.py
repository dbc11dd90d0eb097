"""Exactly once from Kafka to Kafka: the records of a lane, its audit events and its offset in one transaction.

Each partition that is read has a producer with a transactional id of its own, so a lane's transactions follow one another
whoever runs them. To take a lane over is to start its producer: the broker then ends what an earlier one left open, and fences
that for good. Only after this is the committed offset read, stable (see `offsets` of the source). From then on the lane moves by
transactions that begin exactly where the last one ended, and a producer that was fenced meanwhile can commit nothing. When the
outcome of a commit is unknown, taking the lane over again tells it: the offset has moved, or it has not.

With the offset goes the head of the lane's audit chain, as the commit's metadata (see `lane_trails`).

Hence nothing is written twice and nothing left out, for readers with `isolation.level=read_committed`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, Self

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from sanitizer.audit.lane_trails import LaneEvents
from sanitizer.model import CleanBatch, Rejection
from sanitizer.pipeline.batching import pick, split
from sanitizer.pipeline.delivery import Count, DeadLetters
from sanitizer.sources.kafka.group import Group
from sanitizer.sources.kafka.offsets import stable_offsets
from sinks.kafka.messages import Encoder
from sinks.kafka.producer import Refused, abandon, produce, start_producer

log = logging.getLogger(__name__)

MAX_DELAY_SECS = 5.0


@dataclass(frozen=True, slots=True)
class Target:
    """A sink topic: how it is written, and what of a batch it receives (None: nothing)."""

    name: str
    encoder: Encoder
    receive: Callable[[CleanBatch], CleanBatch | None]


class Standing(NamedTuple):
    """What is committed of a lane: everything before `position` (None: nothing ever was), and where its audit chain ends."""

    position: int | None = None
    head: str = ""


NOWHERE = Standing()


class Heads(Protocol):
    """Who seals the audit events of each lane (see `lane_trails`)."""

    def resume(self, lane: str, head: str) -> int:
        """The lane goes on after *head*; returns the term of what is sealed from here on."""
        ...


@dataclass(slots=True)
class _Ledger:
    """A lane that this process took over, and what is committed of it; events sealed in another `term` are out of place.

    `lost` when another process has moved it since: until it is taken over again, what is under way of it is that process's.
    """

    lane: str
    tp: TopicPartition
    producer: AIOKafkaProducer | None = None
    state: Standing = NOWHERE
    term: int = 0
    lost: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


Piece = tuple[Target, CleanBatch]


class Transactions:
    """Delivers and commits in the pipeline's stead, and tells the source where partitions resume.

    Opened before the source, told of its group by `attach` before that joins, and closed after it.
    """

    def __init__(
        self,
        *,
        group_id: str,
        targets: Sequence[Target],
        producer_arguments: Mapping[str, Any],
        dead_letters: DeadLetters,
        heads: Heads | None = None,
        count: Count = lambda _metric, _sink, _increment: None,
        timeout_secs: float = 30.0,
    ) -> None:
        self._heads = heads
        self._group_id = group_id
        self._targets = targets
        self._producer_arguments = producer_arguments
        self._dead_letters = dead_letters
        self._count = count
        self._timeout_secs = timeout_secs
        self._ledgers: dict[str, _Ledger] = {}

    def attach(self, group: Group) -> None:
        """Serve the source that is a member of *group*."""
        self._group = group
        group.positions = self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the producers. A transaction that is open is ended by whoever takes the lane over, or times out."""
        for ledger in self._ledgers.values():
            await self._drop_producer(ledger)

    async def resume(self, lane: str, tp: TopicPartition) -> int | None:
        """Take *lane* over, however long it takes; from here on no other process can commit on it without our knowing."""
        ledger = self._ledgers.setdefault(lane, _Ledger(lane, tp))
        async with ledger.turn:
            attempt = 0
            while not await self._take_over(ledger):
                attempt += 1
                await _pause(attempt)
            ledger.lost = False
            if self._heads:
                ledger.term = self._heads.resume(lane, ledger.state.head)
            return ledger.state.position

    async def advance(self, lane: str, upto: int) -> None:
        """Commit *upto*, to which there is nothing to write."""
        ledger = self._ledgers.get(lane)
        if ledger and not ledger.lost and ledger.state.position != upto:
            await self._deliver(ledger, [], upto)

    async def deliver(self, batches: Sequence[CleanBatch], offsets: Mapping[str, int]) -> None:
        """Write *batches* and the offsets of their lanes, one transaction a lane; audit events go with the batch before them,
        unless they say which lane they are of.

        What belongs to a lane that another process has moved meanwhile is left to that process.
        """
        shares: dict[str, list[CleanBatch]] = {}
        ours = (lane for lane, ledger in self._ledgers.items() if not ledger.lost)
        lane = next((batch.lane for batch in batches if batch.kind == "logs"), None) or next(ours, "")
        for batch in batches:
            lane = batch.lane if batch.kind == "logs" else lane
            shares.setdefault(batch.of if isinstance(batch, LaneEvents) else lane, []).append(batch)
        if lost := shares.pop("", ()):  # there never was a lane: a run that read nothing
            self._count("dropped", "kafka", sum(len(batch.records) for batch in lost))
        await asyncio.gather(*[self._deliver(self._ledgers[name], share, offsets.get(name)) for name, share in shares.items()])

    async def _deliver(self, ledger: _Ledger, batches: Sequence[CleanBatch], upto: int | None) -> None:
        async with ledger.turn:
            await self._deliver_in_turn(ledger, batches, upto)
        if ledger.lost:
            self._group.lose(ledger.lane)
        if upto is not None:
            await self._group.settle(ledger.lane, upto)

    async def _deliver_in_turn(self, ledger: _Ledger, batches: Sequence[CleanBatch], upto: int | None) -> None:
        stale = [batch for batch in batches if isinstance(batch, LaneEvents) and batch.term != ledger.term]
        due = [batch for batch in batches if batch not in stale] if stale else batches
        head = next((batch.head for batch in reversed(due) if isinstance(batch, LaneEvents)), ledger.state.head)
        pieces = [(target, piece) for batch in due for target in self._targets if (piece := target.receive(batch)) is not None]
        before, after = ledger.state, Standing(ledger.state.position if upto is None else upto, head)
        attempt = 0
        while not ledger.lost:
            try:
                async with asyncio.timeout(self._timeout_secs):
                    await self._write(ledger, pieces, after if after != before else None)
            except Oversize as oversize:
                await self._bury(oversize)
                pieces = oversize.remedy(pieces)
            except (KafkaError, OSError) as failure:
                log.warning("kafka: a transaction on %s failed (%s) and is looked into", ledger.lane, type(failure).__name__)
                self._count("retries", "kafka", 1)
                attempt += 1
                await _pause(attempt)
            else:
                break
            await self._find_out(ledger)
            if ledger.state == after != before:
                break  # it was committed after all
            ledger.lost = ledger.lost or ledger.state != before
        for target, piece in pieces:
            self._count("fenced" if ledger.lost else "delivered", target.name, len(piece.records))
        if stale:
            self._count("fenced", "kafka", sum(len(batch.records) for batch in stale))
        if not ledger.lost:
            ledger.state = after

    async def _write(self, ledger: _Ledger, pieces: Sequence[Piece], after: Standing | None) -> None:
        """One transaction, to which *after* is the lane's standing. Raises `Oversize` for what the broker finds too large, and
        `KafkaError`."""
        producer = ledger.producer
        if producer is None:
            raise ConnectionError("not connected")
        await producer.begin_transaction()
        for at, (target, piece) in enumerate(pieces):
            try:
                rejected = await produce(producer, target.encoder, piece)
            except Refused as refused:
                raise Oversize(at, target, piece, refused.rejections, refused.pending) from None
            if rejected:
                raise Oversize(at, target, piece, rejected, ())
        if after is not None and after.position is not None:
            await producer.send_offsets_to_transaction({ledger.tp: OffsetAndMetadata(*after)}, self._group_id)
        await producer.commit_transaction()

    async def _find_out(self, ledger: _Ledger) -> None:
        """After a failure: take the lane over again, unless it is not ours any more."""
        await self._drop_producer(ledger)
        attempt = 0
        while self._group.owns(ledger.lane):
            if await self._take_over(ledger):
                return
            attempt += 1
            await _pause(attempt)
        ledger.lost = True

    async def _take_over(self, ledger: _Ledger) -> bool:
        """Fence every other producer of the lane, then read where it stands; False when that failed and may succeed later."""
        await self._drop_producer(ledger)
        transactional_id = f"mcp-log-sanitizer/{self._group_id}/{ledger.tp.topic}/{ledger.tp.partition}"
        try:
            async with asyncio.timeout(self._timeout_secs):
                ledger.producer = await start_producer(dict(self._producer_arguments, transactional_id=transactional_id))
                offsets = await stable_offsets(ledger.producer.client, self._group_id, [ledger.tp])
                ledger.state = Standing(*offsets[ledger.tp]) if ledger.tp in offsets else NOWHERE
        except (KafkaError, OSError) as failure:
            log.warning("kafka: %s could not be taken over yet (%s)", ledger.lane, type(failure).__name__)
            return False
        return True

    async def _drop_producer(self, ledger: _Ledger) -> None:
        producer, ledger.producer = ledger.producer, None
        if producer is not None:
            await abandon(producer)

    async def _bury(self, oversize: Oversize) -> None:
        if oversize.rejections:
            await self._dead_letters.bury(oversize.target.name, oversize.piece, oversize.rejections)
            self._count("dead_lettered", oversize.target.name, len(oversize.rejections))


class Oversize(Exception):
    """Raised where a piece holds records too large for its topic, or too many for one request."""

    def __init__(
        self, at: int, target: Target, piece: CleanBatch, rejections: Sequence[Rejection], pending: Sequence[int]
    ) -> None:
        super().__init__("too large for the topic")
        self.target = target
        self.piece = piece
        self.rejections = rejections
        self._at = at
        self._crowded = bool(pending)

    def remedy(self, pieces: Sequence[Piece]) -> list[Piece]:
        """*pieces* without the rejected records, and in halves what did not fit into a request."""
        rejected = {rejection.index for rejection in self.rejections}
        rest = pick(self.piece, [index for index in range(len(self.piece.records)) if index not in rejected])
        halves = split(rest, (len(rest.records) + 1) // 2) if self._crowded and rest.records else [rest]
        return [*pieces[: self._at], *((self.target, half) for half in halves), *pieces[self._at + 1 :]]


async def _pause(attempt: int) -> None:
    """Full jitter below a bound that doubles."""
    await asyncio.sleep(random.uniform(0, min(MAX_DELAY_SECS, 0.05 * 2 ** min(attempt, 10))))  # noqa: S311 - spreads load only
