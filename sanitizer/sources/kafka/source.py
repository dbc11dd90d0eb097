"""Fetch the messages of the partitions that the group gives us; a lane is one partition, named `topic/partition`."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, IllegalStateError, KafkaError
from cramjam import DecompressionError

from sanitizer.model import Batch, Message, Raw
from sanitizer.sources.kafka.config import KafkaConfig
from sanitizer.sources.kafka.ends import Ends
from sanitizer.sources.kafka.group import RETRY_SECS, Group
from sanitizer.sources.kafka.lane import Lane
from sanitizer.sources.kafka.retention import Retention
from sanitizer.sources.options import Reading

log = logging.getLogger(__name__)

POLL_MS = 500
MAX_RECORDS = 10_000
"""How many messages are taken apart at a time; others wait as they came, mostly compressed."""

CORRUPT_READS = 3
"""How often an unreadable record batch is read before it is passed over: the fault may lie on the way."""

UNREADABLE = (CorruptRecordException, DecompressionError, zlib.error, UnicodeDecodeError)
"""What the client raises for what it cannot take apart: a wrong checksum, a broken compression, a header's name that is no text."""

CORRUPT = b'{"withheld":"corrupt"}'
"""Stands for messages of an unreadable record batch. There is nothing to redact in what cannot be read."""


class Fetched(NamedTuple):
    """Records of a lane in its *epoch*, and where it stood after them: past the marks that transactions left, too."""

    lane: Lane
    epoch: int
    records: Sequence[ConsumerRecord]
    upto: int


Result = TypeVar("Result")


class KafkaSource:
    """Yields what is fetched of each assigned partition, in order; offsets are committed for what was delivered, nothing else."""

    def __init__(self, config: KafkaConfig, reading: Reading) -> None:
        self.group = Group(config, reading.count)
        self._config = config
        self._reading = reading
        self._leaving: asyncio.Task[None] | None = None
        self._closed = False

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield until told to stop; with `once`, until what was there is read (see `ends`)."""
        group = self.group
        stopping = asyncio.create_task(self._reading.stop.wait())
        try:
            consumer = await _unless(stopping, group.join())
            ends, retention = Ends(self._config, group), Retention(self._config, group, self._reading.count)
            while consumer is not None and not self._reading.stop.is_set():
                fetched = await _unless(stopping, self._fetch(consumer)) or []
                await retention.look(consumer, _gaps(fetched))
                for each in fetched:
                    for batch in self._cut(each):
                        if each.lane.epoch != each.epoch:
                            break  # it was taken away since: what was fetched of it belongs to the next owner
                        each.lane.handed_out = batch.upto
                        yield batch
                await group.advance()
                if self._reading.once and await ends.reached(consumer):
                    return
        finally:
            stopping.cancel()
            if not self._closed:
                self._leaving = asyncio.create_task(self._leave())

    async def commit(self, lane: str, upto: int) -> None:
        """Everything of *lane* before *upto* is delivered: the broker is told soon, at the latest when the lane is revoked."""
        await self.group.commit(lane, upto)

    async def close(self) -> None:
        """Commit what is delivered and leave the group."""
        self._closed = True
        if self._leaving:
            self._leaving.cancel()
            await asyncio.gather(self._leaving, return_exceptions=True)
        await self.group.leave()

    async def _leave(self) -> None:
        """Read to its end, leave the partitions to the others as soon as all is delivered, however long this process goes on: a
        changed configuration may have put another source in this one's place. (In transactions, more may be said of lanes.)"""
        await self.group.settled()
        if self.group.positions is None:
            await self.group.leave()

    def lag(self) -> Mapping[str, int]:
        """Messages of each lane of ours that are not delivered yet, as of the last fetch."""
        lags = {}
        for lane in self.group.lanes.values():
            if lane.ready and self.group.consumer is not None:
                with suppress(IllegalStateError):  # not ours any more since a moment ago
                    end = self.group.consumer.highwater(lane.tp)
                    if end is not None and lane.settled >= 0:
                        lags[lane.name] = max(0, end - lane.settled)
        return lags

    async def _fetch(self, consumer: AIOKafkaConsumer) -> list[Fetched]:
        try:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
        except UNREADABLE:
            return await self._fetch_singly(consumer)
        except KafkaError as failure:
            if not failure.retriable:
                raise
            log.warning("kafka: a fetch failed (%s) and is tried again", type(failure).__name__)
            await asyncio.sleep(RETRY_SECS)
            return []
        return [self._fetched(self.group.lanes[tp], records) for tp, records in fetched.items() if self.group.lanes[tp].ready]

    def _fetched(self, lane: Lane, records: Sequence[ConsumerRecord]) -> Fetched:
        return Fetched(lane, lane.epoch, records, self.group.position(lane) or records[-1].offset + 1)

    async def _fetch_singly(self, consumer: AIOKafkaConsumer) -> list[Fetched]:
        """Read each partition up to the first unreadable record batch, and pass over one that stays so."""
        fetched: list[Fetched] = []
        for lane in [lane for lane in self.group.lanes.values() if lane.owned and lane.ready]:
            records: list[ConsumerRecord] = []
            epoch = lane.epoch
            try:
                while got := await consumer.getmany(lane.tp, timeout_ms=POLL_MS, max_records=1):
                    records += got[lane.tp]
            except UNREADABLE:
                lane.corrupt_reads += 1
                if not records and lane.corrupt_reads >= CORRUPT_READS:
                    records = await self._pass_over(consumer, lane)
            if records:
                fetched.append(Fetched(lane, epoch, records, records[-1].offset + 1))
                lane.corrupt_reads = 0
        return fetched

    async def _pass_over(self, consumer: AIOKafkaConsumer, lane: Lane) -> list[ConsumerRecord]:
        """Seek, offset by offset, until the lane can be read again; returns the marker that stands for what was passed over."""
        begin = offset = await consumer.position(lane.tp)
        readable: list[ConsumerRecord] = []
        while not readable:
            offset += 1
            consumer.seek(lane.tp, offset)
            try:
                readable = (await consumer.getmany(lane.tp, timeout_ms=POLL_MS, max_records=1)).get(lane.tp, [])
            except UNREADABLE:
                continue
            if offset >= (consumer.highwater(lane.tp) or 0):
                break
        lost = (readable[0].offset if readable else offset) - begin
        log.error("kafka: %d message(s) of %s from offset %d are corrupt and were passed over", lost, lane.name, begin)
        self._reading.count("kafka_messages_corrupt", lost)
        marker = ConsumerRecord(lane.tp.topic, lane.tp.partition, begin, 0, 0, None, CORRUPT, None, -1, len(CORRUPT), ())
        return [marker, *readable]

    def _cut(self, fetched: Fetched) -> Iterator[Batch]:
        """Batches of at most `max_batch_bytes`, or of one message."""
        lane = fetched.lane
        attributes = {"topic": lane.tp.topic, "partition": str(lane.tp.partition)}
        messages: list[Message] = []
        room = most = self._config.max_batch_bytes

        def cut(upto: int) -> Batch:
            begin = lane.handed_out if lane.handed_out >= 0 else messages[0].offset
            return Batch(lane.name, Raw(b""), begin, upto, messages, attributes)

        for record in fetched.records:
            value, key = record.value, record.key
            weight = (len(value) if value else 0) + (len(key) if key else 0)
            if weight > room and messages:
                yield cut(record.offset)
                messages, room = [], most
            room -= weight
            headers = [(name, Raw(held or b"")) for name, held in record.headers] if record.headers else ()
            messages.append(Message(record.offset, value, key, headers, record.timestamp))
        if messages:
            yield cut(fetched.upto)


def _gaps(fetched: Sequence[Fetched]) -> dict[TopicPartition, int]:
    """The offsets at which something was expected that did not come."""
    return {each.lane.tp: each.lane.handed_out for each in fetched if 0 <= each.lane.handed_out < each.records[0].offset}


async def _unless(stopping: asyncio.Task[bool], work: Coroutine[Any, Any, Result]) -> Result | None:
    """What *work* returns; None when *stopping* is done first."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
